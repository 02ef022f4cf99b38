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
@click.option("--heldout-generations", type=click.Path(path_type=Path), help="Their generations JSONL, to vote on.")
@click.option(
    "--mode",
    type=click.Choice(["generate", "options"]),
    default="generate",
    show_default=True,
    help="How the held-out questions are asked.",
)
@click.option("--style", type=click.Choice(["explain", "direct"]), default="explain", show_default=True)
@click.option("--chat-template", is_flag=True, help="Wrap prompts in the model's chat template.")
def command(
    pairs: Path,
    output: Path,
    model: str,
    settings: tuple[str, ...],
    heldout: Path | None,
    heldout_generations: Path | None,
    mode: str,
    style: str,
    chat_template: bool,
) -> None:
    """Train a LoRA adapter on PAIRS (JSONL) with TRL's DPO, in one process or in those of an accelerate config.

    With --heldout and --heldout-generations, training is watched on these questions without gold: it warns when it is
    collapsing, stops when it is clearly worse, and keeps no checkpoint that is.
    """
    import yaml
    from pydantic import ValidationError

    from calm_ext.jsonl import read_jsonl, read_numbered
    from calm_ext.prompts import Style
    from calm_ext.records import Generation, Pair
    from calm_ext.training.job import TrainingJob, TrainingOptions
    from calm_ext.training.launch import launch
    from calm_ext.voting.elect import votes_of_others
    from calm_ext.voting.options import VotingOptions
    from calm_ext.voting.table import VoteTable

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
    asked: Style = "cloze" if mode == "options" else ("direct" if style == "direct" else "explain")
    votes: dict[str, dict[str, int]] = {}
    if heldout_generations:
        table = VoteTable.read(read_numbered(heldout_generations, Generation), style=asked)
        votes = votes_of_others(table, VotingOptions())
    launch(
        TrainingJob(
            model=model,
            pairs=pairs,
            output=output,
            options=options,
            mode="options" if mode == "options" else "generate",
            style=asked,
            chat_template=chat_template,
            heldout=heldout,
            heldout_votes={k: v for k, v in votes.items() if v},
        )
    )
    click.echo(f"adapter: {output / 'adapter'}", err=True)
