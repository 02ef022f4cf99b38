"""A study run: what is left of its cells, then its results, its table and its page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from calm_ext.files.secrets import clean
from calm_ext.files.writing import atomic_write
from calm_ext.study.cell import is_finished
from calm_ext.study.grid import Cell, Grid, make_grid, planned_grid
from calm_ext.study.plan import Plan, make_plan
from calm_ext.study.read import StudyFile
from calm_ext.study.results import study_results
from calm_ext.study.sharing import locked
from calm_ext.study.workers import Event, run_cells


class Outcome(NamedTuple):
    """A study that ran.

    Attributes:
        results: as study.json has them.
        failed: name of a cell -> its error in one line.
    """

    results: dict[str, Any]
    failed: dict[str, str]


class Watcher(Protocol):
    """What is told of a study while it runs; the command line has one that writes to stderr."""

    def begins(self, plan: Plan, cells: list[Cell], jobs: int) -> None:
        """The cells that are left, and the plan of all."""

    def hears(self, event: Event) -> None:
        """A cell starts, says something, or ends."""


class _Deaf:
    """A watcher that drops all messages."""

    def begins(self, plan: Plan, cells: list[Cell], jobs: int) -> None:
        """Show nothing."""

    def hears(self, event: Event) -> None:
        """Show nothing."""


def plan_study(study: StudyFile, folder: Path) -> Plan:
    """What a run of the study would do; loads questions where there are folds, but no model, and writes nothing.

    Raises:
        CalmError: the recipe of a cell has a mistake, or the questions do not make the folds.
    """
    with planned_grid(study, folder) as grid:
        return make_plan(grid.cells, folder)


def run_study(study: StudyFile, folder: Path, *, jobs: int = 1, watcher: Watcher | None = None) -> Outcome:
    """Run the cells that are not finished, and write study.json, study.md and index.html.

    Raises:
        CalmError: the recipe of a cell has a mistake, or another process runs the study. A cell that fails raises
            nothing.
    """
    watcher = watcher or _Deaf()
    with locked(folder):
        grid = make_grid(study, folder)
        left = [c for c in grid.cells if not is_finished(c, folder)]
        failed: dict[str, str] = {}
        if left:
            atomic_write(folder / "study.yaml", clean(study.text))
            watcher.begins(make_plan(grid.cells, folder), left, jobs)
            failed = run_cells(left, folder, jobs=jobs, report=watcher.hears)
        finished = [c.name for c in grid.cells if c not in left or c.name not in failed]
        return Outcome(write_results(study, grid, folder, finished=finished, failed=failed), failed)


def results_so_far(study: StudyFile, folder: Path) -> dict[str, Any]:
    """Write the results of the cells that are finished, and run none; also while another process runs the study.

    Raises:
        CalmError: the recipe of a cell has a mistake.
    """
    grid = make_grid(study, folder)
    finished = [c.name for c in grid.cells if is_finished(c, folder)]
    return write_results(study, grid, folder, finished=finished, failed={})


def write_results(
    study: StudyFile, grid: Grid, folder: Path, *, finished: list[str], failed: dict[str, str]
) -> dict[str, Any]:
    """Pool, test, and write study.json, study.md and index.html; returns what study.json has."""
    from calm_ext.study.page import write_page
    from calm_ext.study.tables import markdown

    results = study_results(study.options, grid, folder, finished=finished, failed=failed)
    results["command"] = study.command(folder)
    atomic_write(folder / "study.json", json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    atomic_write(folder / "study.md", markdown(results))
    write_page(results, folder, clean(study.text))
    return results
