"""The intervals of all metrics of a table of questions, and of the differences of two tables.

A metric that is no mean over questions has the bootstrap's interval as well. Where the mean that it is made of needs
the score interval (:mod:`calm_ext.metrics.intervals`), the distances of that from the mean to its bounds are carried
over: of kappa those of ``consistency``, over 1 - P_e; of ``acc_worst`` those of the language that has it; of
``overlap_right`` those of the mean over questions of |pairs of languages both right| / |pairs either right|.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from calm_ext.metrics.intervals import (
    SCORE,
    SHARE,
    Bounds,
    Interval,
    difference_interval,
    mean_interval,
    score_interval,
)
from calm_ext.metrics.names import SET_LEVEL, family_of
from calm_ext.metrics.stats import interval
from calm_ext.metrics.tables import Table

if TYPE_CHECKING:
    import numpy as np


def bounds_of(metric: str, *, differences: int = 0) -> Bounds:
    """The least and largest value that a question can have.

    Args:
        differences: 1 for the metric's difference, 2 for the difference of two differences.

    >>> bounds_of("acc"), bounds_of("acc_gap"), bounds_of("acc", differences=2)
    ((0.0, 1.0), (-1.0, 1.0), (-2.0, 2.0))
    """
    low, high = (-1.0, 1.0) if metric == "acc_gap" else SHARE
    width = differences * (high - low)
    return (-width, width) if differences else (low, high)


def interval_of(
    values: Table, metric: str, value: float, drawn: np.ndarray, clusters: np.ndarray | None = None
) -> Interval:
    """The 95 % interval of a metric.

    Args:
        values: has the metric, or what it is made of.
        value: the metric over all questions. drawn: it in each resample, shape (resamples,).
        clusters: number of each question's cluster, shape (questions,).
    """
    import numpy as np

    if metric not in SET_LEVEL:
        return mean_interval(values.column(metric), drawn, bounds=bounds_of(metric), clusters=clusters)
    source = _source(values, metric)
    found = source and score_interval(source.values, clusters=clusters)
    return _carried(value, drawn, source and (float(np.nanmean(source.values)), source.scale), found)


def difference_of(
    before: Table, after: Table, metric: str, value: float, drawn: np.ndarray, clusters: np.ndarray | None = None
) -> Interval:
    """The 95 % interval of a metric's difference, after less before, on the same questions; see :func:`interval_of`."""
    import numpy as np

    if metric not in SET_LEVEL:
        own = before.column(metric), after.column(metric)
        return difference_interval(*own, drawn, bounds=bounds_of(metric), clusters=clusters)
    new = _source(after, metric)
    old = _source(before, metric, language=new.language if new else None)
    if new is None or old is None:
        return Interval(*interval(drawn))
    found = difference_interval(old.values, new.values, drawn, clusters=clusters)
    mean = float(np.nanmean(new.values) - np.nanmean(old.values))
    return _carried(value, drawn, (mean, (old.scale + new.scale) / 2), found if found.method == SCORE else None)


def method_words(methods: Mapping[str, str], *, of: str = "") -> list[str]:
    """The note that says which intervals are not the bootstrap's; empty where all are.

    Args:
        methods: metric -> method of its interval.
        of: what the intervals are of, as ``differences in ``.

    >>> method_words({"acc": "score", "kappa": "bootstrap"})[0][:60]
    'the intervals of acc are score intervals (Wilson, Newcombe),'
    """
    named = [m for m, method in methods.items() if method == SCORE and m != "answered"]  # as a rule all are read
    if not named:
        return []
    most = ", ".join(named[:6]) + (f" and {len(named) - 6} more" if len(named) > 6 else "")
    return [
        f"the intervals of {of}{most} are score intervals (Wilson, Newcombe), because too few questions differ from "
        f"the others for the bootstrap"
    ]


class _Source(NamedTuple):
    """The mean that a metric is made of: its values, how much the metric changes with it, and whose accuracy it is."""

    values: np.ndarray
    scale: float = 1.0
    language: str | None = None


def _source(values: Table, metric: str, *, language: str | None = None) -> _Source | None:
    """None where there is no value of it."""
    import numpy as np

    if metric == "kappa":
        by_chance = sum(values.column(n).mean() ** 2 for n in values.names if n.startswith("#"))
        return _Source(values.column("consistency"), 1 / (1 - by_chance)) if by_chance < 1 - 1e-12 else None
    right = [n for n in values.names if family_of(n)[0] == "acc"]
    if metric == "acc_worst":
        worst = language or min(right, key=lambda n: float(np.nanmean(values.column(n))))
        return _Source(values.column(worst), language=worst)
    k = np.sum([values.column(n) for n in right], axis=0)  # languages that are right, of all
    both, either = k * (k - 1) / 2, k * (k - 1) / 2 + k * (len(right) - k)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = both / either
    return None if np.isnan(shares).all() else _Source(shares)


def _carried(value: float, drawn: np.ndarray, own: Sequence[float] | None, found: Interval | None) -> Interval:
    """The distances of a mean to its score interval, at the metric that is made of it; ``own``: mean and scale."""
    if found is None or own is None or value != value:
        return Interval(*interval(drawn))
    mean, scale = own
    return Interval(value + scale * (found.low - mean), value + scale * (found.high - mean), SCORE)
