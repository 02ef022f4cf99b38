"""What a study found, as ``study.json`` has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from calm_ext.files.decode import read_table
from calm_ext.jsonl import finite
from calm_ext.metrics.names import metric_order
from calm_ext.signature import versions
from calm_ext.study.claims import Measured, Tested, agrees, terms_of, try_claim
from calm_ext.study.effects import Effect, effects, value_of
from calm_ext.study.folds import Folds, groups_of
from calm_ext.study.grid import Cell, Grid
from calm_ext.study.options import Claim, StudyOptions, label, number_of
from calm_ext.study.outcomes import is_asked, n_asked, paired, pooled, read_outcomes, read_values

#: Metrics that every table has.
_ALWAYS = ("acc", "consistency")


def study_results(
    options: StudyOptions, grid: Grid, folder: Path, *, finished: Sequence[str], failed: Mapping[str, str]
) -> dict[str, Any]:
    """Read the finished cells, pool them and test the claims; NaN is None.

    Args:
        finished: names of the cells that are; failed: name of a cell -> its error.

    Raises:
        DataError: a file of a cell cannot be read.
    """
    done = [c for c in grid.cells if c.name in finished]
    summaries = [_summary(folder, c) for c in done]
    metrics = metric_order(dict.fromkeys([*_ALWAYS, *(c.metric for c in options.claims)]))
    measured = _measured(options, grid.cells, done, folder, metrics)
    tasks = list(dict.fromkeys(t for c in grid.cells for t in c.recipe.evaluation.tasks))
    tasks += [t for m in measured for t in m.tasks if t not in tasks]  # of groups
    measured_tasks = [t for t in tasks if any(t in m.tasks for m in measured)]
    asked = {t: is_asked(t, summaries) for t in measured_tasks}
    default = next((t for t in measured_tasks if not asked[t]), None)
    tests = [try_claim(c, options, measured, c.task or default) for c in options.claims]
    found: dict[str, Any] = finite({
        "study": options.name,
        "cells": [_cell(c, folder, finished, failed) for c in sorted(grid.cells, key=lambda c: _place(c, options))],
        "claims": [_claim(t, options, measured) for t in tests],
        "effects": _effects(options, measured, asked, metrics),
        "asked": {t: n_asked(t, summaries) for t in measured_tasks},
        "folds": [_folds(f) for f in grid.folds],
        "versions": versions(),
    })  # fmt: skip
    return found


def _summary(folder: Path, cell: Cell) -> dict[str, Any]:
    return read_table(folder / "cells" / cell.name / "summary.json")


def _place(cell: Cell, options: StudyOptions) -> tuple[Any, ...]:
    """Where a cell stands in the lists: in the order of the study file."""
    values = [[label(x.value) for x in options.levels(k)].index(label(cell.vary[k])) for k in options.vary]
    return (*values, options.seed_values().index(cell.seed), cell.fold or 0)


def _cell(cell: Cell, folder: Path, finished: Sequence[str], failed: Mapping[str, str]) -> dict[str, Any]:
    status = "finished" if cell.name in finished else "failed" if cell.name in failed else "missing"
    values = read_values(folder / "cells" / cell.name) if status == "finished" else {}
    return {
        "run": f"cells/{cell.name}", "vary": cell.vary, "seed": cell.seed, "fold": cell.fold, "status": status,
        **({"error": failed[cell.name]} if status == "failed" else {}),
        "before": values.get("before"), "after": values.get("after"),
    }  # fmt: skip


def _measured(
    options: StudyOptions, cells: Sequence[Cell], done: Sequence[Cell], folder: Path, metrics: Sequence[str]
) -> list[Measured]:
    """The combinations and seeds of which every fold is finished."""
    seeds = options.seed_values()
    groups: dict[tuple[Any, ...], list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[_place(cell._replace(fold=None), options)].append(cell)
    found = []
    for _, own in sorted(groups.items(), key=lambda item: item[0]):
        if not all(c in done for c in own):
            continue
        folds = [
            read_outcomes(folder / "cells" / c.name, metrics, groups_of(c.recipe.evaluation.metadata, folder))
            for c in own
        ]
        tasks = {}
        for task in folds[0]:
            if all(task in f for f in folds):
                before, after = (pooled([f[task][w] for f in folds]) for w in ("before", "after"))
                tasks[task] = paired(before, after)
        found.append(Measured(own[0].vary, seeds.index(own[0].seed), tasks))
    return found


def _claim(tested: Tested, options: StudyOptions, measured: Sequence[Measured]) -> dict[str, Any]:
    effect = tested.effect
    return {
        "claim": tested.claim.model_dump(exclude_defaults=True),
        "task": tested.task or None,
        "estimate": effect.value if effect else None,
        "ci95": list(effect.ci95) if effect else None,
        "p": effect.p if effect else None,
        "verdict": tested.verdict,
        "test": tested.test,
        "notes": tested.notes,
        "by_seed": effect.by_seed if effect else [],
        "levels": _levels(tested.claim, options, measured, tested.task) if effect else [],
    }


def claimed_key(claim: Claim, options: StudyOptions) -> str | None:
    """The varied key along which a claim is shown; None where nothing is varied."""
    return claim.over or next(iter(claim.better or {}), None) or next(iter(options.vary), None)


def _levels(claim: Claim, options: StudyOptions, measured: Sequence[Measured], task: str) -> list[dict[str, Any]]:
    """What the claim is about at each value of the key, over the seeds that have it."""
    key = claimed_key(claim, options)
    rows = []
    for level in options.levels(key) if key else [None]:
        wanted = {**claim.where, **({key: level.value} if key and level else {})}
        chosen = [
            m for m in measured if task in m.tasks and agrees(m.vary, wanted) and m.tasks[task][1].has(claim.metric)
        ]
        found = _effect(chosen, task, [claim.metric], of=claim.of)
        if found:
            value = level.value if level else None
            own = found[claim.metric]
            rows.append({
                "level": label(value) if level else "", "number": number_of(value), "value": own.value,
                "ci95": list(own.ci95), "by_seed": own.by_seed,
            })  # fmt: skip
    return rows


def _effect(chosen: Sequence[Measured], task: str, metrics: Sequence[str], *, of: str = "effect") -> dict[str, Effect]:
    """The mean effect of some combinations over their seeds; empty where there is none."""
    by_seed: dict[int, list[Measured]] = defaultdict(list)
    for m in chosen:
        by_seed[m.seed].append(m)
    seeds = [[t for m in own for t in terms_of(m, task, of=of, weight=1 / len(own))] for own in by_seed.values()]
    return effects(seeds, metrics) if seeds else {}


def _effects(
    options: StudyOptions, measured: Sequence[Measured], asked: Mapping[str, bool], metrics: Sequence[str]
) -> list[dict[str, Any]]:
    """Of each combination and task the metrics before and after, and the differences, over all seeds that are there."""
    rows = []
    for levels in options.combinations():
        vary = {key: level.value for key, level in levels.items()}
        for task, of_asked in asked.items():
            chosen = [m for m in measured if m.vary == vary and task in m.tasks]
            if not chosen:
                continue
            there = [x for x in metrics if all(side.has(x) for m in chosen for side in m.tasks[task])]
            found = _effect(chosen, task, there)
            sides = {
                when: {x: sum(value_of(m.tasks[task][i], x) for m in chosen) / len(chosen) for x in there}
                for i, when in enumerate(("before", "after"))
            }
            rows.append({
                "vary": vary, "task": task, "asked": of_asked, "n_seeds": len(chosen),
                "n_questions": max(e.n_questions for e in found.values()), **sides,
                "difference": {
                    x: {"value": e.value, "low": e.ci95[0], "high": e.ci95[1], "p": e.p, "by_seed": e.by_seed}
                    for x, e in found.items()
                },
            })  # fmt: skip
    return rows


def _folds(folds: Folds) -> dict[str, Any]:
    return {
        "n_questions": len(folds.questions), "sizes": [len(p) for p in folds.parts], "n_groups": len(folds.groups),
        "largest_group": max(map(len, folds.groups)),
    }  # fmt: skip
