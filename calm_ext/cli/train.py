"""``calm-ext train``."""

from __future__ import annotations

from pathlib import Path

import click

from calm_ext.errors import RecipeError


@click.command("train")
@click.argument("pairs", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Directory for adapter/ and logs.")
@click.option("--model", required=True, help="Hugging Face folder or hub name.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A training option, as learning_rate=3e-5.")
@click.option("--heldout", type=click.Path(path_type=Path), help="Questions JSONL, kept out of the pairs, to watch by.")
@click.option("--heldout-ballots", type=click.Path(path_type=Path), help="Their ballots JSONL.")
@click.option("--mode", type=click.Choice(["generate", "options"]), default="generate", show_default=True,
              help="How the held-out questions are asked.")
@click.option("--style", type=click.Choice(["explain", "direct"]), default="explain", show_default=True)
@click.option("--chat-template", is_flag=True)
def command(
    pairs: Path,
    output: Path,
    model: str,
    settings: tuple[str, ...],
    heldout: Path | None,
    heldout_ballots: Path | None,
    mode: str,
    style: str,
    chat_template: bool,
) -> None:
    """Train a LoRA adapter on PAIRS (JSONL) with TRL's DPO, started by `accelerate launch`.

    With --heldout and --heldout-ballots, training is watched on these questions without gold: it warns when it is
    collapsing, stops when it gets no better, and keeps the best checkpoint.
    """
    import yaml
    from pydantic import ValidationError

    from calm_ext.records import Ballot, Pair, read_jsonl
    from calm_ext.training.job import TrainingJob, TrainingOptions
    from calm_ext.training.launch import launch

    values = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise click.BadParameter(f"{setting}: KEY=VALUE was expected", param_hint="--set")
        values[key] = yaml.safe_load(text)
    try:
        options = TrainingOptions.model_validate(values)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise RecipeError("--set", problems) from None
    next(read_jsonl(pairs, Pair))  # a wrong file is told before a model loads
    votes = {}
    if heldout_ballots:
        votes = {b.id: b.winner for b in read_jsonl(heldout_ballots, Ballot) if b.winner is not None}
    launch(
        TrainingJob(
            model=model,
            pairs=pairs,
            output=output,
            options=options,
            mode="options" if mode == "options" else "generate",
            style="cloze" if mode == "options" else ("direct" if style == "direct" else "explain"),
            chat_template=chat_template,
            heldout=heldout,
            heldout_votes=votes,
        )
    )
    click.echo(f"adapter: {output / 'adapter'}", err=True)
