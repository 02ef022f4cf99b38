"""``calm-ext explain``."""

from __future__ import annotations

from pathlib import Path

import click

from calm_ext.cli.common import json_option, print_json
from calm_ext.cli.terminal import console, echo
from calm_ext.errors import CalmError


@click.command("explain")
@click.argument("runs", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="RUN...")
@click.option("--task", help="Explain this task only.  [default: all, the held-out one first]")
@click.option(
    "--questions", type=click.IntRange(0), default=50, show_default=True, help="How many telling questions to pick."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for explain.html.  [default: RUN/report; needed with several]",
)
@click.option("--id", "identity", help="Explain this question alone: answers, votes, pairs, and whom it followed.")
@json_option
def command(
    runs: tuple[Path, ...], task: str | None, questions: int, output: Path | None, identity: str | None, as_json: bool
) -> None:
    """Explain what the alignment of RUN (a run directory) changed, and why.

    Compares the answers before and after, question by question: which became right and which wrong; towards which
    answers they changed; by which factors (category, language, script, what the source language knew, how many
    languages agreed, the vote's margin, how often languages share the answer's name); pairs of languages; wrong but
    consistent answers. Writes all of it with the most telling questions to explain.html. Held-out and asked questions
    are kept apart.

    Several runs, as the folds of a study, are read as one set of questions:

    \b
      calm-ext explain runs/crossval-klar/cells/s0_f* -o explained
      calm-ext explain runs/demo --id babel-s0-test-00064
    """
    from calm_ext.report.explain.explain import explain, why_not
    from calm_ext.report.explain.page import write_explanation
    from calm_ext.report.explain.terminal import render
    from calm_ext.report.explain.words import title
    from calm_ext.report.links import question_links
    from calm_ext.report.rundata import read_run

    for run in runs:
        if not (run / "manifest.json").is_file():
            raise CalmError(f"{run}: {_no_run(run)}")
    if identity is not None:
        _print_one(runs, identity, task, as_json)
        return
    if len(runs) > 1 and output is None:
        raise CalmError("several runs have no folder of their own: name one for explain.html with -o")
    data = [read_run(run) for run in runs]
    explained = explain(*data, task=task, questions=questions)
    if not explained:
        raise why_not(data[0], task)
    name = data[0].name if len(data) == 1 else f"{data[0].name} and {len(data) - 1} more, pooled"
    folder = output or runs[0] / "report"
    links = question_links(data[0].path, folder) if len(data) == 1 else None
    page = write_explanation(name, explained, folder, links)
    if as_json:
        print_json({"run": name, "page": str(page), "parts": [e.values for e in explained]})
        return
    out = console()
    for part in render(explained[0].values):
        out.print(part, soft_wrap=True)
    for other in explained[1:]:
        out.print(f"also in the page: {title(other.values)}", soft_wrap=True)
    echo(f"page: {page}")


def _print_one(runs: tuple[Path, ...], identity: str, task: str | None, as_json: bool) -> None:
    from calm_ext.report.explain.one import one_question, render_one, values_of
    from calm_ext.report.rundata import read_run

    if len(runs) > 1:
        raise CalmError("--id explains a question of one run; name that run alone")
    one = one_question(read_run(runs[0]), identity, task=task)
    if as_json:
        print_json(values_of(one))
        return
    out = console()
    for part in render_one(one):
        out.print(part, soft_wrap=True)


def _no_run(folder: Path) -> str:
    if (folder / "cells").is_dir():
        return f"is a study; name the cells to read as one, such as {folder / 'cells'}/s0_f*"
    return "is no run directory (no manifest.json); `calm-ext align` makes one"
