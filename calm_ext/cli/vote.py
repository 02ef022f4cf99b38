"""``calm-ext vote``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from calm_ext.cli.common import console, json_option, print_json, refuse_inputs
from calm_ext.errors import CalmError

RULES = ("correlated", "source", "dawid_skene", "leave_one_out", "self_consistency", "majority", "zscore")


def _weights(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    result = {}
    for value in values:
        language, _, number = value.partition("=")
        try:
            result[language] = float(number)
        except ValueError:
            raise click.BadParameter(f"{value}: LANGUAGE=NUMBER was expected, as en=2") from None
        if not 0 <= result[language] < float("inf"):
            raise click.BadParameter(f"{value}: a weight is a number, 0 or more")
    return result


@click.command("vote")
@click.argument("generations", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Ballots JSONL to write.")
@click.option(
    "--rule",
    type=click.Choice(RULES),
    default="correlated",
    show_default=True,
    help="What a vote counts; see above.",
)
@click.option(
    "--ties",
    type=click.Choice(["drop", "pivot", "first"]),
    default="drop",
    show_default=True,
    help="Drop a tied question, let the pivot language decide, or take the first option named (the paper's code).",
)
@click.option("--pivot", help="The language that decides ties, and the source language where none is recorded.")
@click.option(
    "--weight",
    "weights",
    multiple=True,
    callback=_weights,
    metavar="LANGUAGE=NUMBER",
    help="Multiplies the votes of a language.  [default: 1]",
)
@click.option(
    "--min-margin", type=click.FloatRange(0), default=0.0, show_default=True, help="Drop winners with a smaller lead."
)
@click.option(
    "--min-probability",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Drop winners that are less probably right, by estimate.",
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
    rule: str,
    ties: str,
    pivot: str | None,
    weights: dict[str, float],
    min_margin: float,
    min_probability: float,
    min_languages: int,
    keep_share: float,
    style: str,
    as_json: bool,
) -> None:
    """Elect an answer for each question from GENERATIONS (JSONL), without gold labels.

    Each winner gets an estimated probability of being right. Where the generations carry gold labels, the accuracy and
    the calibration of the estimate are measured; an undecided question counts as wrong.

    \b
    Rules, the strongest on the paper's generations first (docs/RESULTS.md):
      correlated        Dawid-Skene where samples of a language, and translations
                        of a source, repeat each other
      source            the source language counts as much as its translations
      dawid_skene       Dawid-Skene with guessing, every sample a witness
      leave_one_out     a language counts by how far it agrees with the others
      self_consistency  a language counts by how far its samples agree
      majority          all samples count the same (the paper)
      zscore            z-scores of option scores, where options were scored
    """
    from calm_ext.jsonl import read_numbered, write_jsonl
    from calm_ext.records import Generation
    from calm_ext.voting.elect import VoteOptions, elect
    from calm_ext.voting.quality import vote_summary
    from calm_ext.voting.table import VoteTable

    refuse_inputs(output, generations)
    if ties == "pivot" and not pivot:
        raise CalmError("--ties pivot needs --pivot LANGUAGE")
    options = VoteOptions(
        rule, ties, pivot, weights, min_margin, min_probability, min_languages, keep_share  # type: ignore[arg-type]
    )  # fmt: skip
    table = VoteTable.read(read_numbered(generations, Generation), style=style)  # type: ignore[arg-type]
    election = elect(table, options)
    if output:
        write_jsonl(output, election.ballots)
    told = vote_summary(election.ballots, table.gold)
    notes = [*election.notes, *_equal_options(table.equal_options)]
    if as_json:
        print_json({"rule": rule, "signature": options.signature(), "sources": list(election.sources), **told})
    else:
        _print(told)
        click.echo(options.signature(), err=True)
    for note in notes:
        click.echo(f"note: {note}", err=True)


def _equal_options(places: dict[str, list[str]]) -> list[str]:
    if not places:
        return []
    by_language = ", ".join(f"{x} {len(p)}" for x, p in places.items())
    first = next(iter(places.values()))[0]
    return [f"{first} has two options of one text, which only a letter tells apart; such questions: {by_language}"]


def _percent(value: Any) -> str:
    return "–" if value is None else f"{value:.3f}"


def _print(told: dict[str, Any]) -> None:
    from rich.table import Table

    n, known = told["n_questions"], told["accuracy"] is not None
    click.echo(f"{told['n_decided']} of {n} questions decided, {told['n_ties']} ties")
    click.echo(f"right by estimate: {_percent(told['estimated_accuracy'])} of all")
    if known:
        click.echo(
            f"right by gold: {_percent(told['accuracy'])} of all, {_percent(told['accuracy_kept'])} of the decided; "
            f"expected calibration error {_percent(told['ece'])}"
        )
    curve = Table(box=None, pad_edge=False, header_style="bold")
    curve.add_column("questions kept")
    estimated = told["estimated_precision_at_coverage"]
    for share in estimated:
        curve.add_column(f"{float(share):.0%}", justify="right")
    curve.add_row("right by estimate", *(_percent(x) for x in estimated.values()))
    if known:
        curve.add_row("right by gold", *(_percent(x) for x in told["precision_at_coverage"].values()))
    console().print(curve)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("language")
    columns = ("read", "agrees with the vote", "weight", *(("right",) if known else ()))
    for name in columns:
        table.add_column(name, justify="right")
    for language, row in told["languages"].items():
        cells = [told["answered"][language], row["agreement"], row["weight"], *([row["accuracy"]] if known else [])]
        table.add_row(language, *(_percent(x) for x in cells))
    console().print(table)
