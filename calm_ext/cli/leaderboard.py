"""``calm-ext leaderboard``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("leaderboard")
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--by", type=click.Choice(["acc", "consistency", "rankc"]), default="acc", show_default=True)
@click.option("--markdown", is_flag=True, help="Print Markdown instead of a terminal table.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Also write one static HTML page.")
def command(results: tuple[Path, ...], by: str, markdown: bool, output: Path | None) -> None:
    """Rank the models whose lm-eval result folders lie below RESULTS….

    Results that differ in task version, languages, limit or few-shot count are listed apart, never ranked together.
    """
    from rich.console import Console

    from calm_ext.jsonl import atomic_write
    from calm_ext.report.leaderboard import rank, read_entries, render_terminal, to_html, to_markdown

    groups = rank(read_entries(results), by=by)
    if markdown:
        click.echo(to_markdown(groups))
    else:
        for item in render_terminal(groups):
            Console().print(item)
    if output:
        atomic_write(output, to_html(groups))
        click.echo(f"wrote {output}", err=True)
