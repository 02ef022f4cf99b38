"""What the cells of a study measured, question by question; the folds of one combination and seed pooled."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from calm_ext.metrics.names import family_of
from calm_ext.report.rundata import WHEN
from calm_ext.results.aggregates import read_aggregates
from calm_ext.results.folders import newest_results, samples_beside
from calm_ext.results.samples import read_samples
from calm_ext.study.options import OF_LANGUAGES

if TYPE_CHECKING:
    import numpy as np

#: A question: its id, and a hash of the document that was asked. Another world has other questions of the same ids.
Key = tuple[str, str]


#: Stands in the key of a group for the hash that a question has.
GROUP = "group"


class Outcome(NamedTuple):
    """One evaluation of one task.

    Attributes:
        questions: of each the metrics that it has.
        units: what a question belongs to that is drawn as one in a resample; nothing where it stands for itself.
    """

    questions: dict[Key, dict[str, float]]
    units: Mapping[Key, Key] = MappingProxyType({})

    def has(self, metric: str) -> bool:
        """Whether some question has the metric, or what it is made of."""
        names = {m for values in self.questions.values() for m in values}
        return metric in names or (metric in OF_LANGUAGES and any(family_of(m)[0] == "acc" for m in names))

    def columns(self, metric: str) -> tuple[list[str], np.ndarray]:
        """The values that a metric is made of, shape (questions, columns), and their names; NaN where there is none.

        That is the metric itself, or for ``acc_worst`` and ``overlap_right`` the accuracies of the languages.
        """
        import numpy as np

        names = [metric]
        if metric in OF_LANGUAGES:
            first = next(iter(self.questions.values()))
            names = [m for m in first if family_of(m)[0] == "acc"]
        rows = [[values.get(m, math.nan) for m in names] for values in self.questions.values()]
        return names, np.array(rows, dtype=float)


def pooled(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcomes of several folds as one: of a question that several measured, the mean of each metric."""
    found: dict[Key, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for outcome in outcomes:
        for key, values in outcome.questions.items():
            for metric, value in values.items():
                found[key][metric].append(value)
    units = {key: unit for outcome in outcomes for key, unit in outcome.units.items()}
    return Outcome({key: {m: sum(v) / len(v) for m, v in own.items()} for key, own in found.items()}, units)


def paired(before: Outcome, after: Outcome) -> tuple[Outcome, Outcome]:
    """Both on the questions that both have, in one order."""
    keys = [key for key in before.questions if key in after.questions]
    return (
        before._replace(questions={k: before.questions[k] for k in keys}),
        after._replace(questions={k: after.questions[k] for k in keys}),
    )


def read_outcomes(
    cell: Path, metrics: Sequence[str], groups: Mapping[str, str] = MappingProxyType({})
) -> dict[str, dict[str, Outcome]]:
    """task -> ``before`` and ``after`` -> its outcome, of the tasks of ours that a cell measured.

    Args:
        metrics: what is kept of each question, with what they are made of.
        groups: question id -> what it belongs to (:func:`calm_ext.study.folds.groups_of`).

    Raises:
        DataError: an evaluation cannot be read.
    """
    found: dict[str, dict[str, Outcome]] = defaultdict(dict)
    for when in WHEN:
        path = newest_results(cell / "eval" / when)
        if path is None:
            continue
        results = read_aggregates(path)
        for task in results.tasks:
            samples = samples_beside(path, task) if results.signature(task) else None
            if samples is not None:
                rows = {(s.id, s.doc_hash or ""): _kept(s.numbers, metrics) for s in read_samples(samples)}
                units = {key: (groups[key[0]], GROUP) for key in rows if key[0] in groups}
                found[task][when] = Outcome(rows, units)
    return {task: own for task, own in found.items() if len(own) == len(WHEN)}


def _kept(values: Mapping[str, float], metrics: Sequence[str]) -> dict[str, float]:
    of_languages = any(m in OF_LANGUAGES for m in metrics)
    return {m: v for m, v in values.items() if m in metrics or (of_languages and family_of(m)[0] == "acc")}


def read_values(cell: Path) -> dict[str, dict[str, dict[str, float]]]:
    """``before`` and ``after`` -> task -> metric -> its value, as lm-eval aggregated it.

    Raises:
        DataError: an evaluation cannot be read.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for when in WHEN:
        path = newest_results(cell / "eval" / when)
        if path is not None:
            results = read_aggregates(path)
            found[when] = {task: results.values(task) for task in results.tasks}
    return found


def n_asked(task: str, summaries: Sequence[Mapping[str, Any]]) -> int:
    """How many of a task's questions the alignment asked, in the cell where it was most, as the reports count them."""
    return max((int((s.get(task) or {}).get("asked") or 0) for s in summaries), default=0)


def is_asked(task: str, summaries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a task asks the questions that the alignment asked: by its name, or because at least half of them are.

    >>> is_asked("calm_asked_xl_mc", []), is_asked("calm_babel_xl_asked", []), is_asked("calm_babel_xl", [])
    (True, True, False)
    >>> [is_asked("t", [{"t": {"asked": n, "n_questions": 12}}]) for n in (12, 1)]
    [True, False]
    """
    if task.startswith("calm_asked_") or task.endswith("_asked"):
        return True
    n = max((int((s.get(task) or {}).get("n_questions") or 0) for s in summaries), default=0)
    return 0 < n <= 2 * n_asked(task, summaries)
