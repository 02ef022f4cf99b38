"""A study explained: what changed, and why, in each combination of its values, with its folds and seeds pooled.

The answers of all cells of a combination are one table, a row for each question and model. A question that was held out
is measured by the model of each seed that did not train on it. What is drawn in a resample are questions, those that
the folds keep together as one, and seeds (:mod:`calm_ext.metrics.design`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.report.explain.explain import Explained, explain_parts, why_not
from calm_ext.report.explain.one import One, one_of_runs
from calm_ext.report.explain.page import write_explanation
from calm_ext.report.explain.parts import Part, parts_of_run
from calm_ext.report.explain.telling import N_TELLING
from calm_ext.report.rundata import read_run
from calm_ext.study.combinations import EXPLAINED, Combination
from calm_ext.study.folds import groups_of
from calm_ext.study.page import write_page


class OfCell(NamedTuple):
    """What a cell has of a question; ``name`` says which seed and fold it is."""

    cell: dict[str, Any]
    name: str
    one: One


def explain_combination(
    folder: Path, one: Combination, *, task: str | None = None, questions: int = N_TELLING
) -> list[Explained]:
    """Every part of a combination's tasks, as :func:`~calm_ext.report.explain.explain.explain` has those of a run.

    Raises:
        RunError: a cell has no answers to compare, or two of them other questions of one id.
        DataError: a file cannot be read.
    """
    parts, last = list[Part](), None
    for cell in one.cells:
        data = last = read_run(folder / cell["run"])
        metadata = (data.recipe.get("evaluation") or {}).get("metadata") or {}
        groups, seed = groups_of(metadata, folder), one.seeds.index(cell["seed"])
        for part in parts_of_run(data, task):
            rows = [r._replace(seed=seed, fold=cell["fold"], group=groups.get(r.id)) for r in part.rows]
            parts.append(part._replace(rows=rows, seeds=one.seed_names()))
    if not parts and last is not None:
        raise why_not(last, task)
    return explain_parts(parts, questions=questions)


def write_combination(
    results: Mapping[str, Any], folder: Path, one: Combination, explained: list[Explained], output: Path | None = None
) -> Path:
    """Write the page of a combination, into ``explained/`` of the study or another folder; returns its path."""
    place = output or folder / EXPLAINED
    name = results["study"] + (f", {one.words}" if one.words else "")
    link = Path(os.path.relpath(folder / "index.html", place)).as_posix()
    return write_explanation(name, explained, place, file=one.page, study=link)


def link_pages(results: Mapping[str, Any], folder: Path) -> None:
    """Write the study's own page anew, so that it leads to the pages that explain it."""
    text = folder / "study.yaml"
    write_page(results, folder, text.read_text(encoding="utf-8") if text.is_file() else "")


def one_of_cells(folder: Path, one: Combination, identity: str, *, task: str | None = None) -> Iterator[OfCell]:
    """A question in each cell of a combination that asked or measured it.

    Raises:
        RunError: no cell has it.
    """
    runs = (read_run(folder / cell["run"]) for cell in one.cells)
    for cell, found in zip(one.cells, one_of_runs(runs, identity, where=folder, task=task), strict=True):
        if found is not None:
            names = one.seed_names()
            seed = [names[one.seeds.index(cell["seed"])]] if names else []
            fold = [] if cell["fold"] is None else [f"fold {cell['fold']}"]
            yield OfCell(cell, ", ".join([*seed, *fold]), found)
