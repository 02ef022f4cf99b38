"""What a report says of a task's questions as a whole: metrics that are no means, and how many are right where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from calm_ext.metrics.intervals import Interval
from calm_ext.metrics.names import SET_LEVEL, family_of
from calm_ext.metrics.sets import right_counts
from calm_ext.metrics.table_intervals import difference_of, interval_of
from calm_ext.metrics.tables import Table, means_of, resampled_metrics
from calm_ext.report.words import percent
from calm_ext.results.evaluation import TaskResult

if TYPE_CHECKING:
    import numpy as np


class Resampled(NamedTuple):
    """A metric, its 95 % interval, and its value in each resample, shape (resamples,)."""

    value: float
    interval: Interval
    drawn: np.ndarray


def whole_metrics(columns: Mapping[tuple[str, str], np.ndarray], resamples: int) -> dict[tuple[str, str], Resampled]:
    """(before, after or difference; metric) -> the metrics that accuracies make: ``acc_worst`` and ``overlap_right``.

    Args:
        columns: (before or after; metric) -> the value of each question, shape (questions,).
    """
    import numpy as np

    result: dict[tuple[str, str], Resampled] = {}
    tables: dict[str, Table] = {}
    for when in ("before", "after"):
        own = {m: c for (w, m), c in columns.items() if w == when and family_of(m)[0] == "acc"}
        if len(own) > 1:
            values = tables[when] = Table(list(own), np.column_stack(list(own.values())))
            means, drawn = means_of(values), resampled_metrics(values, resamples=resamples)
            for metric in (m for m in SET_LEVEL if m in drawn):
                found = interval_of(values, metric, means[metric], drawn[metric])
                result[when, metric] = Resampled(means[metric], found, drawn[metric])
    for metric in [m for w, m in result if w == "before" and ("after", m) in result]:
        before, after = result["before", metric], result["after", metric]
        moved, drawn_moved = after.value - before.value, (after.drawn - before.drawn).round(12)
        found = difference_of(tables["before"], tables["after"], metric, moved, drawn_moved)
        result["difference", metric] = Resampled(moved, found, drawn_moved)
    return result


def right_summary(found: Mapping[str, TaskResult], ids: Sequence[str]) -> dict[str, list[int]]:
    """before or after -> how many questions are right in 0, 1, …, |L| languages; empty without their samples.

    Args:
        found: before or after -> the task as that evaluation found it.
        ids: the questions to count.
    """
    result = {}
    for when, task in found.items():
        names = [f"acc_{x}" for x in task.languages]
        rows = [task.questions[i] for i in ids if i in task.questions]
        if len(names) > 1 and rows and all(name in row for row in rows for name in names):
            result[when] = right_counts(({name: row[name] for name in names} for row in rows), len(names))
    return result


def right_words(n_right: Mapping[str, Sequence[int]] | None) -> str:
    """The same in a sentence; empty where there is nothing to say.

    >>> right_words({"before": [3, 1, 0], "after": [2, 0, 2]})
    'Questions right in 0, 1, … 2 languages: before 3, 1, 0; after 2, 0, 2.'
    """
    if not n_right:
        return ""
    counts_by_time = "; ".join(f"{when} {', '.join(map(str, counts))}" for when, counts in n_right.items())
    return f"Questions right in 0, 1, … {len(next(iter(n_right.values()))) - 1} languages: {counts_by_time}."


def kept_summary(found: Mapping[str, TaskResult], ids: Sequence[str]) -> dict[str, list[int]]:
    """language -> how many of its answers were right before, and how many of these are right after; empty without both.

    Args:
        found: before and after -> the task as that evaluation found it.
        ids: the questions to count, of those that both have.
    """
    ids = [i for i in ids if all(i in side.questions for side in found.values())]
    if len(found) < 2 or not ids:
        return {}
    result = {}
    for language in found["after"].languages:
        name = f"acc_{language}"
        sides = [[found[when].questions[i].get(name) for i in ids] for when in ("before", "after")]
        right = [after == 1 for before, after in zip(*sides, strict=True) if before == 1]
        if right:
            result[language] = [len(right), sum(right)]
    return result


def kept_words(kept: Mapping[str, Sequence[int]] | None) -> str:
    """The same in a sentence; empty where there is nothing to say.

    >>> kept_words({"en": [40, 40], "zh": [20, 17]})
    'Of 60 right answers before, 57 (95.0 %) are right after: en 40 of 40, zh 17 of 20.'
    """
    if not kept:
        return ""
    n, still = (sum(counts[i] for counts in kept.values()) for i in (0, 1))
    by_language = ", ".join(f"{x} {after} of {before}" for x, (before, after) in kept.items())
    return f"Of {n} right answers before, {still} ({percent(still / n)}) are right after: {by_language}."
