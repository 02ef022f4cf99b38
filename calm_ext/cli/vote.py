"""``calm-ext vote``."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calm_ext.cli.common import json_option, marks_option, print_json, refuse_inputs
from calm_ext.cli.options import flags
from calm_ext.cli.terminal import console, echo
from calm_ext.errors import CalmError
from calm_ext.files.shown import fixed
from calm_ext.models.options import SamplingOptions
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.rules import RULES

if TYPE_CHECKING:
    from calm_ext.voting.table import EqualOptions


def _list_of_rules() -> str:
    """Each rule and its description, for the end of the help text."""
    width = max(map(len, RULES))
    lines = ["\b", "Rules (docs/RESULTS.md compares them):"]
    for name, rule in RULES.items():
        lines += textwrap.wrap(
            rule.description, 76, initial_indent=f"  {name:<{width}}  ", subsequent_indent=" " * (width + 4)
        )
    return "\n".join(lines)


@click.command("vote", epilog=_list_of_rules())
@click.argument("generations", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Ballots JSONL to write.")
@flags(VotingOptions, into="options")
@click.option(
    "--style",
    type=click.Choice(["explain", "direct", "open"]),
    help="How the questions were asked, and so the responses are read.  [default: as the prompts say, else explain]",
)
@marks_option
@flags(SamplingOptions, into="sampling", only=["normalize"])
@json_option
def command(
    generations: Path,
    output: Path | None,
    options: VotingOptions,
    sampling: SamplingOptions,
    style: Any,
    thoughts: tuple[tuple[str, str], ...],
    as_json: bool,
) -> None:
    """Elect an answer for each question from GENERATIONS (JSONL), without gold labels (but for the rule gold).

    GENERATIONS are a file, a folder of files, or a pattern in quotes, as 'generations-*.jsonl'. Memory does not grow
    with them: of more than 65,536 questions times languages, so many show how reliable a language is and how often a
    winner is right.

    Each winner gets an estimated probability of being right. Where the generations carry gold labels, the accuracy and
    the calibration of the estimate are measured; an undecided question counts as wrong.
    """
    from calm_ext.answers.thoughts import marks_signature
    from calm_ext.disk.lock import replacing
    from calm_ext.disk.shards import Shards, shards_of
    from calm_ext.jsonl import write_jsonl
    from calm_ext.models.endings import Endings
    from calm_ext.records import Generation
    from calm_ext.voting.asked import style_asked
    from calm_ext.voting.elect import elect
    from calm_ext.voting.quality import vote_summary
    from calm_ext.voting.stored import StoredTable

    refuse_inputs(output, *shards_of(generations))
    if options.ties == "pivot" and not options.pivot:
        raise CalmError("--ties pivot needs --pivot LANGUAGE")
    endings = Endings()
    with replacing(output, "vote"):
        style = style_asked((g for _, g in Shards(generations, Generation)), style, where=str(generations))
        table = StoredTable.read(
            Shards(generations, Generation),
            style=style,
            thoughts=thoughts,
            normalize=sampling.normalize,
            endings=endings,
        )
        election = elect(table, options)
        if output:
            write_jsonl(output, election.ballots)
    signed = options.signature() + marks_signature(thoughts)
    summary = vote_summary(election.ballots, table.gold, election.estimate)
    if as_json:
        extra: dict[str, Any] = {"rule": options.rule, "signature": signed, "sources": list(election.sources)}
        ended = endings.summary()
        if "missing" in ended or "cut" in ended:
            extra["sampling"] = ended
        extra |= {name: value for name, value in table.scoring().items() if value}
        if election.learned_from:
            extra["learned_from"] = election.learned_from
        print_json({**extra, **summary})
    else:
        _print(summary)
        echo(signed, err=True)
    ended_so = endings.notes(retry="`calm-ext sample --retry`")
    for note in (*ended_so, *election.notes, *_equal_options(table.equal_options)):
        echo(f"note: {note}", err=True)


def _equal_options(places: Mapping[str, EqualOptions]) -> list[str]:
    if not places:
        return []
    by_language = ", ".join(f"{x} {own.n}" for x, own in places.items())
    first = next(iter(places.values())).first
    return [f"{first} has two options of one text, which only a letter tells apart; such questions: {by_language}"]


def _percent(value: Any) -> str:
    return "–" if value is None else fixed(value)


def _print(summary: dict[str, Any]) -> None:
    from rich.table import Table

    n, known = summary["n_questions"], summary["accuracy"] is not None
    echo(f"{summary['n_decided']} of {n} questions decided, {summary['n_ties']} ties")
    bounds = summary.get("estimated_accuracy_range")
    between = f", between {_percent(bounds[0])} and {_percent(bounds[1])}" if bounds else ""
    doubt = f" (not calibrated here: {summary['calibration_doubt']})" if summary.get("calibration_doubt") else ""
    echo(f"right by estimate: {_percent(summary['estimated_accuracy'])} of all{between}{doubt}")
    if known:
        echo(
            f"right by gold: {_percent(summary['accuracy'])} of all, "
            f"{_percent(summary['accuracy_kept'])} of the decided; "
            f"expected calibration error {_percent(summary['ece'])}"
        )
    curve = Table(box=None, pad_edge=False, header_style="bold")
    curve.add_column("questions kept")
    estimated = summary["estimated_precision_at_coverage"]
    for share in estimated:
        curve.add_column(f"{float(share):.0%}", justify="right")
    curve.add_row("right by estimate", *(_percent(x) for x in estimated.values()))
    if known:
        curve.add_row("right by gold", *(_percent(x) for x in summary["precision_at_coverage"].values()))
    console().print(curve)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("language")
    columns = ("read", "agrees with the vote", "weight", *(("right",) if known else ()))
    for name in columns:
        table.add_column(name, justify="right")
    for language, row in summary["languages"].items():
        cells = [summary["answered"][language], row["agreement"], row["weight"], *([row["accuracy"]] if known else [])]
        table.add_row(language, *(_percent(x) for x in cells))
    console().print(table)
