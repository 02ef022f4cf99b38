"""``calm-ext vote``."""

from __future__ import annotations

from pathlib import Path

import click

from calm_ext.cli.common import json_option, print_json
from calm_ext.errors import CalmError


def _weights(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    result = {}
    for value in values:
        language, _, number = value.partition("=")
        try:
            result[language] = float(number)
        except ValueError:
            raise click.BadParameter(f"{value}: LANGUAGE=NUMBER was expected, as en=2") from None
    return result


@click.command("vote")
@click.argument("generations", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Ballots JSONL to write.")
@click.option(
    "--rule",
    type=click.Choice(["majority", "zscore"]),
    help="majority of all samples (the paper), or z-scores of option scores.  [default: by what there is]",
)
@click.option(
    "--ties",
    type=click.Choice(["drop", "pivot", "first"]),
    default="drop",
    show_default=True,
    help="Drop a tied question, let the pivot language decide, or take the first option named (the paper's code).",
)
@click.option("--pivot", help="The language that decides ties.")
@click.option(
    "--weight",
    "weights",
    multiple=True,
    callback=_weights,
    metavar="LANGUAGE=NUMBER",
    help="Weight of a language in the vote.  [default: 1]",
)
@click.option(
    "--min-margin", type=click.FloatRange(0), default=0.0, show_default=True, help="Drop winners with a smaller lead."
)
@click.option(
    "--min-languages",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Drop winners that fewer languages put first.",
)
@click.option(
    "--keep-share",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Keep this share of the decided questions, those with the largest margins.",
)
@click.option(
    "--style",
    type=click.Choice(["explain", "direct"]),
    default="explain",
    show_default=True,
    help="How the responses are read.",
)
@json_option
def command(
    generations: Path,
    output: Path | None,
    rule: str | None,
    ties: str,
    pivot: str | None,
    weights: dict[str, float],
    min_margin: float,
    min_languages: int,
    keep_share: float,
    style: str,
    as_json: bool,
) -> None:
    """Elect an answer for each question from GENERATIONS (JSONL), without gold labels.

    Where the generations carry gold labels, the vote's accuracy is printed; an undecided question counts as wrong.
    """
    from calm_ext.records import Generation, read_jsonl, write_jsonl
    from calm_ext.voting import VoteOptions, group_by_question, vote, vote_summary

    groups = group_by_question(read_jsonl(generations, Generation), where=str(generations))
    scored = groups[0][0].option_logprobs is not None
    if ties == "pivot" and not pivot:
        raise CalmError("--ties pivot needs --pivot LANGUAGE")
    chosen = rule or ("zscore" if scored else "majority")
    options = VoteOptions(chosen, ties, pivot, weights, min_margin, min_languages, keep_share)  # type: ignore[arg-type]
    ballots = vote(groups, options, style="cloze" if scored else style)  # type: ignore[arg-type]
    if output:
        write_jsonl(output, ballots)
    told = vote_summary(ballots, {g[0].id: g[0].answer for g in groups})
    if as_json:
        print_json({"rule": chosen, "signature": options.signature(), **told})
        return
    click.echo(f"{told['n_decided']} of {told['n_questions']} questions decided, {told['n_ties']} ties")
    if told["accuracy"] is not None:
        kept = "–" if told["accuracy_kept"] is None else f"{told['accuracy_kept']:.3f}"
        click.echo(f"right on {told['accuracy']:.3f} of all, on {kept} of the decided")
    click.echo(options.signature(), err=True)
