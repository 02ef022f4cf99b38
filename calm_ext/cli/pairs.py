"""``calm-ext pairs``."""

from __future__ import annotations

from pathlib import Path

import click

from calm_ext.cli.common import json_option, print_json


@click.command("pairs")
@click.argument("ballots", type=click.Path(path_type=Path))
@click.argument("generations", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Pairs JSONL to write; TRL reads it as it is.")
@click.option(
    "--fallback",
    type=click.Choice(["skip", "answer_only"]),
    default="answer_only",
    show_default=True,
    help="What to choose in a language none of whose responses gives the winner.",
)
@click.option("--reject-unparsed", is_flag=True, help="Responses that could not be read may be rejected.")
@click.option("--max-per-question", type=click.IntRange(1), default=2, show_default=True, help="And language.")
@click.option("--max-per-language", type=click.IntRange(1), help="Draw so many pairs of a language at random.")
@click.option("--style", type=click.Choice(["explain", "direct"]), default="explain", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@json_option
def command(
    ballots: Path,
    generations: Path,
    output: Path | None,
    fallback: str,
    reject_unparsed: bool,
    max_per_question: int,
    max_per_language: int | None,
    style: str,
    seed: int,
    as_json: bool,
) -> None:
    """Build preference pairs: chosen says what the vote says, rejected says otherwise."""
    from rich.console import Console
    from rich.table import Table

    from calm_ext.pairs import PairOptions, build_pairs, pair_summary
    from calm_ext.records import Ballot, Generation, read_jsonl, write_jsonl
    from calm_ext.voting import group_by_question

    groups = group_by_question(read_jsonl(generations, Generation), where=str(generations))
    options = PairOptions(fallback, reject_unparsed, max_per_question, max_per_language, seed)  # type: ignore[arg-type]
    scored = groups[0][0].option_logprobs is not None
    pairs = build_pairs(
        read_jsonl(ballots, Ballot),
        groups,
        options,
        style="cloze" if scored else style,  # type: ignore[arg-type]
    )
    if output:
        write_jsonl(output, pairs)
    told = pair_summary(pairs, {g[0].id: g[0].answer for g in groups})
    if as_json:
        print_json(told)
        return
    table = Table(box=None)
    table.add_column("language")
    table.add_column("pairs", justify="right")
    by_language = told["by_language"]
    assert isinstance(by_language, dict)
    for language, count in by_language.items():
        table.add_row(language, str(count))
    table.add_row("all", str(told["n_pairs"]))
    Console().print(table)
    if told["precision"] is not None:
        click.echo(f"chosen answer is gold in {told['precision']:.3f} of the pairs")
