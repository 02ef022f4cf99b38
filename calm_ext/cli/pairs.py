"""``calm-ext pairs``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calm_ext.cli.common import json_option, marks_option, print_json, refuse_inputs
from calm_ext.cli.options import flags
from calm_ext.cli.screen import on_screen
from calm_ext.cli.terminal import console, echo
from calm_ext.files.shown import fixed
from calm_ext.pairing.options import PairingOptions

if TYPE_CHECKING:
    from calm_ext.answers.thoughts import Marks
    from calm_ext.pairing.build import Generations, PairReport
    from calm_ext.prompts import Style
    from calm_ext.records import Ballot


@click.command("pairs")
@click.argument("ballots", type=click.Path(path_type=Path))
@click.argument("generations", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "trl", "llamafactory"]),
    default="jsonl",
    show_default=True,
    help="jsonl: records, which TRL reads too; trl: its three keys only; llamafactory: JSON and dataset_info.json.",
)
@flags(PairingOptions, into="options", leave_out=["drop_contradictions"])
@click.option(
    "--contradictions",
    type=click.Choice(["drop", "keep"]),
    default="drop",
    show_default=True,
    help="Chosen responses whose explanation speaks for another option.",
)
@click.option("--device", help="Of the translator: cuda, cpu, …  [default: the first there is]")
@click.option(
    "--style",
    type=click.Choice(["explain", "direct", "open"]),
    help="How the questions were asked.  [default: as the prompts say, else explain]",
)
@marks_option
@json_option
def command(
    ballots: Path,
    generations: Path,
    output: Path | None,
    form: str,
    options: PairingOptions,
    contradictions: str,
    device: str | None,
    style: Any,
    thoughts: tuple[tuple[str, str], ...],
    as_json: bool,
) -> None:
    """Build preference pairs: chosen gives the elected answer, rejected a different one.

    BALLOTS are what `calm-ext vote` wrote for GENERATIONS: a file, a folder of files, or a pattern in quotes, as
    'generations-*.jsonl'. Memory does not grow with them, but for the limits that need all pairs: --balance,
    --max-per-language, --max-ratio, --anchor-ratio; and for translations.
    """
    from calm_ext.disk.lock import replacing, writing
    from calm_ext.disk.shards import Shards, shards_of
    from calm_ext.errors import CalmError
    from calm_ext.jsonl import read_numbered
    from calm_ext.pairing.build import PairReport, build_pairs
    from calm_ext.pairing.export import write_pairs
    from calm_ext.records import Ballot, Generation
    from calm_ext.voting.asked import style_asked

    refuse_inputs(output, ballots, *shards_of(generations))
    next(iter(read_numbered(ballots, Ballot)), None)  # what is named first is refused first
    style = style_asked((g for _, g in Shards(generations, Generation)), style, where=str(generations))
    problems = options.problems(style)
    if problems:
        raise CalmError("\n".join(f"--{problem}" for problem in problems))
    if (options.fallback == "translate") != (options.translator is not None):
        raise CalmError("--fallback translate and --translator FOLDER go together")
    options = options.replace(drop_contradictions=contradictions == "drop")

    def stream() -> Any:
        return Shards(generations, Generation)

    first = next((g for _, g in stream() if g.option_logprobs is not None or g.given), None)
    if first is not None and first.option_logprobs is not None:
        style = "cloze" if first.shown is None else "letters"
    report = PairReport()
    restated = None
    cache = (output or generations).with_suffix(".translations.jsonl") if options.translator is not None else None
    with writing(cache, "pairs") if cache else replacing(output, "pairs"):
        if cache:
            cast = {b.id: b for _, b in read_numbered(ballots, Ballot)}
            restated = _restate(cast, stream, device, style, thoughts, options, cache, report)
        pairs = build_pairs(
            read_numbered(ballots, Ballot),
            stream,
            options,
            style=style,
            restated=restated,
            report=report,
            thoughts=thoughts,
        )
        if output:
            write_pairs(output, pairs, format=form)  # type: ignore[arg-type]
        else:
            for _ in pairs:
                pass
    summary = report.summary()
    if as_json:
        print_json(summary)
    else:
        _print(report, summary)


def _restate(
    ballots: dict[str, Ballot],
    stream: Generations,
    device: str | None,
    style: Style,
    thoughts: Marks,
    options: PairingOptions,
    cache: Path,
    report: PairReport,
) -> dict[tuple[str, str], str]:
    from calm_ext.pairing.translate import load_restater, restate_missing

    with on_screen() as say:
        bars: list[Any] = []

        def progress(done: int, total: int) -> None:
            if not bars:
                bars.append(say.progress("translate", total))
            bars[0](done)

        translator = str(options.translator)
        model = load_restater(translator, device=device)
        restated, refused = restate_missing(
            ballots,
            stream,
            model,
            style=style,
            options=options,
            cache=cache,
            by=translator,
            thoughts=thoughts,
            progress=progress,
        )
    for reason, n in refused.items():
        report.left_out[f"translations: {reason}"] = n
    return restated


def _print(report: PairReport, summary: dict[str, Any]) -> None:
    from rich.table import Table

    origins = sorted(summary["by_origin"])
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("language")
    for name in ("pairs", *origins, "chosen", "rejected", "chosen longer"):
        table.add_column(name, justify="right")
    for language, own in report.by_language.items():
        size = summary["lengths"].get(language)
        lengths = (f"{size['chosen']:.0f}", f"{size['rejected']:.0f}", f"{size['chosen_longer']:.0%}") if size else ()
        table.add_row(language, str(own.total()), *(str(own[x]) for x in origins), *lengths)
    table.add_row("all", str(summary["n_pairs"]), *(str(summary["by_origin"][x]) for x in origins), style="bold")
    console().print(table)
    echo("lengths: mean number of characters")
    for reason, n in summary["left_out"].items():
        echo(f"left out: {n} {reason}")
    if summary["precision"] is not None:
        without = summary["precision_without_anchors"]
        more = f", {fixed(without)} without anchors" if summary["anchors"] and without is not None else ""
        echo(f"chosen answer is gold in {fixed(summary['precision'])} of the pairs{more}")
    if summary["anchors"]:
        echo("anchor: the language agrees already")
