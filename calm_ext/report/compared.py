"""Two evaluations of a task, before and after: means, intervals and paired differences over the same questions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from calm_ext.metrics.compare import Paired, paired_tests
from calm_ext.metrics.design import Design
from calm_ext.metrics.intervals import BOOTSTRAP, Bounds
from calm_ext.metrics.names import PARTIAL, metric_name
from calm_ext.metrics.table_intervals import bounds_of
from calm_ext.report.whole import Resampled, whole_metrics
from calm_ext.results.columns import Columns as QuestionColumns
from calm_ext.results.evaluation import TaskResult

if TYPE_CHECKING:
    import numpy as np

    #: (before, after or difference; metric) -> the value of each question, shape (questions,).
    Columns = dict[tuple[str, str], np.ndarray]
    #: metric -> the value of each question, shape (questions,).
    Values = dict[str, np.ndarray]

#: Pairs of models that are resampled at once, so that memory stays small.
_PAIRS = 20


class Compared(NamedTuple):
    """A task before and after.

    Attributes:
        means: before or after -> metric -> mean over the questions.
        ci95: the same -> metric -> the bounds of its 95 % interval.
        differences: metric -> ``value``, ``low``, ``high`` and ``p`` of after - before; of the accuracy of a language
            also ``p_holm``.
        methods: before, after or difference -> metric -> ``score`` where its interval is not the bootstrap's.
    """

    means: dict[str, dict[str, float]]
    ci95: dict[str, dict[str, list[float]]]
    differences: dict[str, dict[str, float]]
    methods: dict[str, dict[str, str]]


def compared(
    columns: Columns, languages: Sequence[str], resamples: int, *, when: Sequence[str] = ("before", "after")
) -> Compared:
    """The comparison of columns of :func:`question_columns`."""
    drawn = resampled(columns, limits_of(columns), resamples) | whole_metrics(columns, resamples)
    paired = {
        m: Paired(columns.get(("before", m)), columns.get(("after", m)), own.drawn, own.interval)
        for (kind, m), own in drawn.items()
        if kind == "difference"
    }
    tests = paired_tests(paired, languages)
    per_language = {f"acc_{x}" for x in languages}
    found = Compared({w: {} for w in when}, {w: {} for w in when}, {}, {})
    for (kind, metric), (value, (low, high, method), _) in drawn.items():
        if method != BOOTSTRAP:
            found.methods.setdefault(kind, {})[metric] = method
        if kind == "difference":
            test = tests[metric]
            found.differences[metric] = {"value": value, "low": low, "high": high, "p": test.p}
            found.differences[metric] |= {"p_holm": test.p_holm} if metric in per_language else {}
        else:
            found.means[kind][metric], found.ci95[kind][metric] = value, [low, high]
    return found


def differences(
    pairs: Sequence[tuple[Values, Values]],
    languages: Sequence[str],
    resamples: int,
    *,
    seed: int = 0,
    clusters: np.ndarray | None = None,
) -> list[dict[str, dict[str, float]]]:
    """The differences of pairs of models that were asked the same questions, as :func:`compared` has them.

    Args:
        pairs: before and after: metric -> the value of each question, shape (questions,).
        seed: of the bootstrap.
        clusters: number of each question's cluster, shape (questions,); intervals and tests are then over clusters.
    """
    found: list[dict[str, dict[str, float]]] = []
    for own in (pairs[i : i + _PAIRS] for i in range(0, len(pairs), _PAIRS)):
        moved = {(i, m): after[m] - x for i, (before, after) in enumerate(own) for m, x in before.items() if m in after}
        limits = {(i, m): bounds_of(m, differences=1) for i, m in moved}
        design = None if clusters is None else Design(range(len(clusters)), clusters.tolist())
        drawn = resampled(moved, limits, resamples, design, seed=seed)
        for i, (before, after) in enumerate(own):
            metrics = [m for k, m in moved if k == i]
            tests = paired_tests(
                {m: Paired(before[m], after[m], drawn[i, m].drawn, drawn[i, m].interval, clusters) for m in metrics},
                languages,
            )
            found.append(
                {
                    m: {
                        "value": drawn[i, m].value, "low": drawn[i, m].interval.low, "high": drawn[i, m].interval.high,
                        "p": tests[m].p, "p_holm": tests[m].p_holm,
                    }
                    for m in metrics
                }
            )  # fmt: skip
    return found


def in_one_order(columns: Sequence[QuestionColumns | None], metrics: Sequence[str]) -> list[Values]:
    """Of several models the metrics by question, with the questions in the order of the first that has any.

    Args:
        columns: of each model; None for one without samples.
        metrics: those to take, where a model has them.

    Returns:
        Of each model metric -> the value of each question, shape (questions,); empty where it has no samples, or was
        asked other questions.
    """
    first = next((c for c in columns if c), None)
    found: list[Values] = []
    for own in columns:
        place = {i: k for k, i in enumerate(own.ids)} if own else {}
        order = [place[i] for i in first.ids if i in place] if first else []
        if own is None or first is None or not len(order) == len(first.ids) == len(own.ids):
            found.append({})
        else:
            found.append({m: own.values[order, own.names.index(m)] for m in metrics if m in own.names})
    return found


def method_words(methods: Mapping[str, Mapping[str, str]] | None) -> str:
    """Which intervals are not the bootstrap's, in a sentence; empty where all are.

    >>> method_words({"before": {"acc": "score"}, "difference": {"acc_en": "score"}})[-53:]
    'before: accuracy; difference: accuracy, English (en).'
    """
    said = []
    for when, own in (methods or {}).items():
        names = [metric_name(m) for m in own if m != "answered"]  # as a rule all are read
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        said += [f"{when}: {', '.join(names[:6])}{more}"] if names else []
    if not said:
        return ""
    return (
        f"Score intervals (Wilson, Newcombe) in place of the bootstrap's, because too few questions differ from the "
        f"others: {'; '.join(said)}."
    )


def question_columns(
    found: Mapping[str, TaskResult], ids: Sequence[str], metrics: Sequence[str] | None = None
) -> Columns:
    """The metrics of each question; of all metrics where none are named.

    Metrics that only some questions have get no difference: pairing would drop questions that have it on one side only.
    """
    import numpy as np

    columns: Columns = {}
    for when, result in found.items():
        if result.questions:
            for metric in metrics or dict.fromkeys(m for i in ids for m in result.questions[i]):
                columns[when, metric] = np.array([result.questions[i].get(metric, math.nan) for i in ids])
    for metric in [m for when, m in columns if when == "before" and ("after", m) in columns and m not in PARTIAL]:
        columns["difference", metric] = columns["after", metric] - columns["before", metric]
    return {key: c for key, c in columns.items() if not np.isnan(c).all()}


def limits_of(columns: Columns) -> dict[tuple[str, str], Bounds]:
    """The least and largest that a value of each column can be."""
    return {(kind, m): bounds_of(m, differences=int(kind == "difference")) for kind, m in columns}


def resampled(
    columns: Mapping[Any, np.ndarray],
    limits: Mapping[Any, Bounds],
    resamples: int,
    design: Design | None = None,
    *,
    seed: int = 0,
) -> dict[Any, Resampled]:
    """Of each column its mean, its 95 % interval, and its mean in each resample.

    All are resampled together, with one set of draws: a metric at a time, a thousand questions took half a minute.

    Args:
        limits: the least and largest that a value of each column can be.
        design: where rows are not each a question of its own.
        seed: of the bootstrap.
    """
    import numpy as np

    if not columns:
        return {}
    values = np.column_stack(list(columns.values()))
    design = design or Design(range(len(values)))
    drawn = design.resampled(values, resamples=resamples, seed=seed)
    return {
        key: Resampled(
            design.mean(values[:, i]), design.interval(values[:, i], drawn[:, i], bounds=limits[key]), drawn[:, i]
        )
        for i, key in enumerate(columns)
    }
