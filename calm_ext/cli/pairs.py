"""``calm-ext pairs``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calm_ext.cli.common import ConsoleReporter, console, json_option, print_json, refuse_inputs

if TYPE_CHECKING:
    from calm_ext.pairing.build import Generations, PairOptions
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
@click.option(
    "--fallback",
    type=click.Choice(["skip", "answer_only", "translate"]),
    default="answer_only",
    show_default=True,
    help="What to choose in a language none of whose responses gives the winner.",
)
@click.option(
    "--translator",
    type=click.Path(path_type=Path),
    help="Folder of the model that translates: a seq2seq model, or a causal one that is asked to. Never the network.",
)
@click.option("--device", help="Of the translator: cuda, cpu, …  [default: the first there is]")
@click.option("--reject-unparsed", is_flag=True, help="Responses that could not be read may be rejected.")
@click.option(
    "--contradictions",
    type=click.Choice(["drop", "keep"]),
    default="drop",
    show_default=True,
    help="Chosen responses whose explanation speaks for another option.",
)
@click.option(
    "--max-per-question",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="Most pairs of one question in one language.",
)
@click.option("--max-per-language", type=click.IntRange(1), help="Draw so many pairs of a language at random.")
@click.option(
    "--max-ratio", type=click.FloatRange(1), help="Balance: most pairs of a language, as a multiple of the smallest."
)
@click.option(
    "--max-length-ratio",
    type=click.FloatRange(1),
    help="Match lengths: leave out pairs where one side is longer than the other by more than this factor.",
)
@click.option(
    "--style",
    type=click.Choice(["explain", "direct"]),
    default="explain",
    show_default=True,
    help="How the questions were asked.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draws.")
@json_option
def command(
    ballots: Path,
    generations: Path,
    output: Path | None,
    form: str,
    fallback: str,
    translator: Path | None,
    device: str | None,
    reject_unparsed: bool,
    contradictions: str,
    max_per_question: int,
    max_per_language: int | None,
    max_ratio: float | None,
    max_length_ratio: float | None,
    style: str,
    seed: int,
    as_json: bool,
) -> None:
    """Build preference pairs: chosen says what the vote says, rejected says otherwise.

    BALLOTS are what `calm-ext vote` wrote for GENERATIONS. Both are streamed.
    """
    from calm_ext.errors import CalmError
    from calm_ext.jsonl import read_numbered
    from calm_ext.pairing.build import PairOptions, PairReport, build_pairs
    from calm_ext.pairing.export import write_pairs
    from calm_ext.records import Ballot, Generation

    refuse_inputs(output, ballots, generations)
    if fallback == "translate" and style != "explain":
        raise CalmError("--fallback translate needs explanations to translate (--style explain)")
    if (fallback == "translate") != (translator is not None):
        raise CalmError("--fallback translate and --translator FOLDER go together")
    options = PairOptions(
        fallback,  # type: ignore[arg-type]
        reject_unparsed,
        contradictions == "drop",
        max_per_question,
        max_per_language,
        max_ratio,
        max_length_ratio,
        seed,
    )
    cast = list(read_numbered(ballots, Ballot))

    def stream() -> Any:
        return read_numbered(generations, Generation)

    _, first = next(iter(stream()))
    asked: Style = "cloze" if first.option_logprobs is not None else style  # type: ignore[assignment]
    report = PairReport()
    restated = None
    if translator is not None:
        cache = (output or generations).with_suffix(".translations.jsonl")
        restated = _restate({b.id: b for _, b in cast}, stream, translator, device, asked, options, cache, report)
    pairs = build_pairs(cast, stream, options, style=asked, restated=restated, report=report)
    if output:
        write_pairs(output, pairs, format=form)  # type: ignore[arg-type]
    else:
        for _ in pairs:
            pass
    told = report.summary()
    if as_json:
        print_json(told)
    else:
        _print(report, told)


def _restate(
    ballots: dict[str, Ballot],
    stream: Generations,
    translator: Path,
    device: str | None,
    style: Style,
    options: PairOptions,
    cache: Path,
    report: Any,
) -> dict[tuple[str, str], str]:
    from calm_ext.pairing.translate import load_restater, restate_missing

    with ConsoleReporter() as say:
        bars: list[Any] = []

        def progress(done: int, total: int) -> None:
            if not bars:
                bars.append(say.progress("translate", total))
            bars[0](done)

        model = load_restater(str(translator), device=device)
        restated, refused = restate_missing(
            ballots, stream, model, style=style, options=options, cache=cache, by=str(translator), progress=progress
        )
    for reason, n in refused.items():
        report.left_out[f"translations: {reason}"] = n
    return restated


def _print(report: Any, told: dict[str, Any]) -> None:
    from rich.table import Table

    origins = sorted(told["by_origin"])
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("language")
    for name in ("pairs", *origins, "chosen", "rejected", "chosen longer"):
        table.add_column(name, justify="right")
    for language, own in report.by_language.items():
        size = told["lengths"].get(language)
        lengths = (f"{size['chosen']:.0f}", f"{size['rejected']:.0f}", f"{size['chosen_longer']:.0%}") if size else ()
        table.add_row(language, str(own.total()), *(str(own[x]) for x in origins), *lengths)
    table.add_row("all", str(told["n_pairs"]), *(str(told["by_origin"][x]) for x in origins), style="bold")
    console().print(table)
    click.echo("lengths: mean number of characters")
    for reason, n in told["left_out"].items():
        click.echo(f"left out: {n} {reason}")
    if told["precision"] is not None:
        click.echo(f"chosen answer is gold in {told['precision']:.3f} of the pairs")
