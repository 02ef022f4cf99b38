"""A run explained: for each part of its tasks what changed, towards what, by which factors, the questions to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from calm_ext.errors import RunError
from calm_ext.metrics.design import Design
from calm_ext.metrics.stats import RESAMPLES
from calm_ext.report.explain.alike import alike, changes
from calm_ext.report.explain.cells import Cells, outcome_counts
from calm_ext.report.explain.depends import PERMUTATIONS
from calm_ext.report.explain.effects import factor_effects, pair_effects
from calm_ext.report.explain.factors import Factor, factors_of
from calm_ext.report.explain.parts import Part, parts_of_run, place_of, pooled
from calm_ext.report.explain.telling import N_TELLING, Telling, telling
from calm_ext.report.explain.towards import link, towards
from calm_ext.report.explain.words import paragraph
from calm_ext.report.rundata import WHEN, RunData


class Explained(NamedTuple):
    """A part with what was found.

    Attributes:
        values: plain values, as ``calm-ext explain --json`` prints them.
        telling: the questions to read.
        category: question id -> category; empty where the data name none.
    """

    part: Part
    values: dict[str, Any]
    telling: list[Telling]
    category: dict[str, str]


def explain(
    *data: RunData,
    task: str | None = None,
    questions: int = N_TELLING,
    resamples: int = RESAMPLES,
    permutations: int = PERMUTATIONS,
) -> list[Explained]:
    """Every part of a run's tasks, the one to read first in front: held-out questions before asked ones.

    Args:
        data: one run; or several, as folds are, whose questions are then read as one set.
        task: that task alone.
        questions: how many to pick for reading, in each part.

    Returns:
        Nothing where no task has answers on both sides (:func:`why_not` says why).
    """
    parts = [p for run in data for p in parts_of_run(run, task)]
    return explain_parts(parts, questions=questions, resamples=resamples, permutations=permutations)


def explain_parts(
    parts: Sequence[Part],
    *,
    questions: int = N_TELLING,
    resamples: int = RESAMPLES,
    permutations: int = PERMUTATIONS,
) -> list[Explained]:
    """The same of the parts of several runs, those of one task and kind pooled."""
    found = sorted(pooled(parts), key=lambda p: ("held out", "unknown", "asked").index(p.kind))
    return [explain_part(p, questions=questions, resamples=resamples, permutations=permutations) for p in found]


def explain_part(
    part: Part, *, questions: int = N_TELLING, resamples: int = RESAMPLES, permutations: int = PERMUTATIONS
) -> Explained:
    """One part, explained."""
    cells = Cells(part)
    factors = factors_of(cells)
    category = _categories(part, factors)
    chosen = telling(part, questions, category)
    several = len(part.languages) > 1
    values: dict[str, Any] = {
        "task": part.task,
        "kind": part.kind,
        "n_questions": cells.design.n_questions,
        "n_answers": cells.before.size,
        **({"repeated": repeated(part, cells.design)} if not cells.design.plain else {}),
        "languages": part.languages,
        "pivots": sorted({r.pivot for r in part.rows if r.pivot}),
        "gold": part.has_gold,
        "signature": part.signature,
        **changes(cells, ("acc", "consistency", "consistency_wrong", "answered"), resamples=resamples),
        "outcomes": outcome_counts(part),
        "towards": towards(cells, resamples=resamples) if several else None,
        "link": link(cells, resamples=resamples),
        "factors": factor_effects(cells, factors, resamples=resamples, permutations=permutations),
        "pairs": pair_effects(cells, resamples=resamples) if several else None,
        "alike": alike(cells),
        "telling": [
            {
                "id": t.row.id, "kind": t.kind, "score": t.score, "category": category.get(t.row.id),
                "answer": t.row.gold, "before": t.row.before, "after": t.row.after, **place_of(part, t.row),
            }
            for t in chosen
        ],
    }  # fmt: skip
    values["words"] = paragraph(values)
    return Explained(part, values, chosen, category)


def repeated(part: Part, design: Design) -> dict[str, Any]:
    """How a part has several rows of a question: ``seeds``, names of them; ``n_folds``; ``n_rows``, how
    often a question was answered in all; ``n_clusters``, how many groups of questions that belong together (single
    questions among them) are drawn, None where each question stands for itself.
    """
    return {
        "seeds": list(part.seeds),
        "n_folds": len({r.fold for r in part.rows} - {None}),
        "n_rows": len(part.rows),
        "n_clusters": design.n_units if design.clustered else None,
    }


def _categories(part: Part, factors: Sequence[Factor]) -> dict[str, str]:
    """question id -> category, of the factor that has them."""
    found = next((f for f in factors if f.key == "category"), None)
    return {r.id: found.levels[int(at[0])] for r, at in zip(part.rows, found.at, strict=True)} if found else {}


def why_not(data: RunData, task: str | None = None) -> RunError:
    """Why a run, or a task of it, cannot be explained, and what to do."""
    if task is not None and task not in data.tasks:
        return RunError(f"{data.path}: has no task {task!r}; its tasks: {', '.join(data.tasks) or 'none'}")
    lacking = [w for w in WHEN if w not in data.evaluations]
    if lacking:
        return RunError(
            f"{data.path}: the evaluation {' and '.join(lacking)} alignment is missing (eval/{lacking[0]}); `calm-ext "
            f"align` with its recipe makes it"
        )
    names = ", ".join([task] if task is not None else data.tasks)
    return RunError(
        f"{data.path}: {names}: no answers to compare question by question; that takes the samples of a task of "
        f"calm-ext, before and after alignment (eval/before, eval/after)"
    )
