"""``calm-ext explain``."""

from __future__ import annotations

from pathlib import Path

import click

from calm_ext.cli.common import json_option, print_json
from calm_ext.cli.terminal import console, echo
from calm_ext.errors import CalmError


@click.command("explain")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--task", help="Explain this task only.  [default: all, the held-out one first]")
@click.option(
    "--questions", type=click.IntRange(0), default=50, show_default=True, help="How many telling questions to pick."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for explain.html.  [default: RUN/report]")
@json_option
def command(run: Path, task: str | None, questions: int, output: Path | None, as_json: bool) -> None:
    """Explain what the alignment of RUN (a run directory) moved, and why.

    Compares the answers before and after, question by question: what was won and lost; towards which answers changed
    ones moved; by which factors (category, language, script, what the source language knew, how many languages agreed,
    the vote's margin, how often languages share the answer's name); pairs of languages; wrong but consistent answers.
    Writes all of it with the most telling questions to explain.html. Held-out and asked questions are kept apart.
    """
    from calm_ext.report.explain.explain import explain, why_not
    from calm_ext.report.explain.page import write_explanation
    from calm_ext.report.explain.terminal import render
    from calm_ext.report.explain.words import title
    from calm_ext.report.rundata import read_run

    if not (run / "manifest.json").is_file():
        raise CalmError(f"{run}: is no run directory (it has no manifest.json)")
    data = read_run(run)
    explained = explain(data, task=task, questions=questions)
    if not explained:
        raise why_not(data, task)
    page = write_explanation(data, explained, output or run / "report")
    if as_json:
        print_json({"run": data.name, "page": str(page), "parts": [e.values for e in explained]})
        return
    out = console()
    for part in render(explained[0].values):
        out.print(part, soft_wrap=True)
    for other in explained[1:]:
        out.print(f"also in the page: {title(other.values)}", soft_wrap=True)
    echo(f"page: {page}")
