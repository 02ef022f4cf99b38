"""``calm-ext data``."""

from __future__ import annotations

from pathlib import Path

import click


@click.group("data")
def command() -> None:
    """List data sources and write their questions."""


@command.command("ls")
def ls() -> None:
    """List the data sources."""
    from calm_ext.data import SOURCES

    for name, source in SOURCES.items():
        click.echo(f"{name:10} {source.title} (splits: {', '.join(source.splits)})")


@command.command("prepare")
@click.argument("name")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Questions JSONL to write.")
@click.option("--languages", help="Codes, separated by commas.  [default: the source's own]")
@click.option("--split")
@click.option("--limit", type=click.IntRange(1))
@click.option("--data-dir", help="Directory or base URL of the source's files.  [default: $CALM_DATA_DIR]")
@click.option("--path", help="The file of source local.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of Babel's world.")
def prepare(
    name: str,
    output: Path,
    languages: str | None,
    split: str | None,
    limit: int | None,
    data_dir: str | None,
    path: str | None,
    seed: int,
) -> None:
    """Write the questions of source NAME as a questions JSONL."""
    from typing import Any

    from calm_ext.data import load_questions
    from calm_ext.records import write_jsonl

    taken: dict[str, dict[str, Any]] = {
        "xcsqa": {"data_dir": data_dir},
        "babel": {"seed": seed},
        "local": {"path": path},
    }
    options = taken.get(name, {})
    codes = [x.strip() for x in languages.split(",")] if languages else None
    questions = load_questions(name, split=split, languages=codes, limit=limit, **options)
    write_jsonl(output, questions)
    click.echo(f"{len(questions)} questions in {', '.join(questions[0].versions)}: {output}", err=True)
