"""``calm-ext explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calm_ext.cli.common import json_option, print_json
from calm_ext.cli.terminal import console, echo
from calm_ext.errors import CalmError

if TYPE_CHECKING:
    from calm_ext.report.explain.explain import Explained
    from calm_ext.study.combinations import Combination


@click.command("explain")
@click.argument("runs", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="RUN...")
@click.option("--task", help="Explain this task only.  [default: all, the held-out one first]")
@click.option(
    "--where", multiple=True, metavar="KEY=VALUE",
    help="Of a study: explain the cells with this value of a varied key, or of a seed; may be repeated.  "
    "[default: each combination in turn, all seeds]",
)  # fmt: skip
@click.option(
    "--questions", type=click.IntRange(0), default=50, show_default=True, help="How many telling questions to pick."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for the page.  [default: RUN/report, or STUDY/explained; needed with several runs]",
)
@click.option("--id", "identity", help="Explain this question alone: answers, votes, pairs, and whom it followed.")
@json_option
def command(
    runs: tuple[Path, ...],
    task: str | None,
    where: tuple[str, ...],
    questions: int,
    output: Path | None,
    identity: str | None,
    as_json: bool,
) -> None:
    """Explain what the alignment of RUN (a run directory, or that of a study) changed, and why.

    Compares the answers before and after, question by question: which became right and which wrong; towards which
    answers they changed; by which factors (category, language, script, what the source language knew, how many
    languages agreed, the vote's margin, how often languages share the answer's name); pairs of languages; wrong but
    consistent answers. Writes all of it with the most telling questions to explain.html. Held-out and asked questions
    are kept apart.

    Of a study the folds and seeds of each combination of its values are read as one set of questions. So are several
    runs that are named.

    \b
      calm-ext explain runs/demo --id babel-s0-test-00064
      calm-ext explain runs/methods-babel --where method=dpo
    """
    from calm_ext.study.combinations import is_study

    studies = [run for run in runs if is_study(run)]
    if studies and len(runs) > 1:
        raise CalmError(f"{studies[0]}: is a study, and is explained by itself; name it alone, or runs alone")
    if studies:
        _study(studies[0], where, task, questions, output, identity, as_json)
        return
    if where:
        raise CalmError(f"{runs[0]}: is no study; --where chooses cells of one")
    _runs(runs, task, questions, output, identity, as_json)


def _runs(
    runs: tuple[Path, ...], task: str | None, questions: int, output: Path | None, identity: str | None, as_json: bool
) -> None:
    from calm_ext.report.explain.explain import explain, why_not
    from calm_ext.report.explain.page import write_explanation
    from calm_ext.report.links import question_links
    from calm_ext.report.rundata import read_run

    for run in runs:
        if not (run / "manifest.json").is_file():
            raise CalmError(f"{run}: is no run directory (no manifest.json); `calm-ext align` makes one")
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
    _print(explained)
    echo(f"page: {page}")


def _print(explained: list[Explained], *, tables: bool = True) -> None:
    from calm_ext.report.explain.terminal import paragraphs, render
    from calm_ext.report.explain.words import title

    out = console()
    for part in (render if tables else paragraphs)(explained[0].values):
        out.print(part, soft_wrap=True)
    for other in explained[1:]:
        out.print(f"also in the page: {title(other.values)}", soft_wrap=True)


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


def _study(
    folder: Path,
    where: tuple[str, ...],
    task: str | None,
    questions: int,
    output: Path | None,
    identity: str | None,
    as_json: bool,
) -> None:
    """Each chosen combination that is finished; an error at the end for those that are not."""
    from calm_ext.study.combinations import combinations, read_results, refusal
    from calm_ext.study.explained import explain_combination, link_pages, write_combination

    results = read_results(folder)
    chosen = combinations(results, where)
    refused = [x for one in chosen if (x := refusal(results, one, folder)) is not None]
    finished = [one for one in chosen if not one.unfinished()]
    if not finished:
        raise refused[0]
    if identity is not None:
        _print_one_of_study(folder, results["study"], finished, identity, task, as_json)
    else:
        found = []
        for one in finished:
            explained = explain_combination(folder, one, task=task, questions=questions)
            page = write_combination(results, folder, one, explained, output)
            found.append(
                {
                    "where": one.vary, "seeds": one.seeds, "cells": [c["run"] for c in one.cells], "page": str(page),
                    "parts": [e.values for e in explained],
                }
            )  # fmt: skip
            if not as_json:
                _print_combination(one, explained, page, alone=len(finished) == 1)
        if output is None:
            link_pages(results, folder)
        if as_json:
            print_json({"study": results["study"], "explanations": found})
    if refused:
        raise CalmError("\n".join(str(x) for x in refused))


def _print_combination(one: Combination, explained: list[Explained], page: Path, *, alone: bool) -> None:
    from rich.text import Text

    if one.words:
        console().print(Text(one.words, "bold underline"))
    _print(explained, tables=alone)
    echo(f"page: {page}" + ("" if alone else "\n"))


def _print_one_of_study(
    folder: Path, study: str, chosen: list[Combination], identity: str, task: str | None, as_json: bool
) -> None:
    from rich.text import Text

    from calm_ext.report.explain.one import render_models, values_of
    from calm_ext.study.explained import one_of_cells

    cells: list[dict[str, Any]] = []
    for one in chosen:
        found = list(one_of_cells(folder, one, identity, task=task))
        cells += [
            {
                "cell": x.cell["run"], "vary": x.cell["vary"], "seed": x.cell["seed"], "fold": x.cell["fold"],
                **{key: value for key, value in values_of(x.one).items() if key != "id"},
            }
            for x in found
        ]  # fmt: skip
        if as_json:
            continue
        out = console()
        if one.words:
            out.print(Text(one.words, "bold underline"))
        for part in render_models([(x.name or "the run", x.one) for x in found]):
            out.print(part, soft_wrap=True)
        out.print()
    if as_json:
        print_json({"study": study, "id": identity, "cells": cells})
