"""Intervals, and ranks that claim no more than paired tests support.

**Intervals** are those of :mod:`calm_ext.metrics.intervals`, from the same resamples that ``calm-ext metrics`` draws,
the languages of a question kept together. Where every question has 0 or 1 (accuracy in one language, all right) the
resampled mean is Binomial(n, p)/n, and its quantiles are taken exactly instead of by drawing.

**Tests.** Every pair of models of a table is tested on the same questions, as :mod:`calm_ext.metrics.compare` does:
exact McNemar where every question has 0 or 1, else the paired bootstrap. All these p-values are corrected for one
another by Holm's method, so that for one metric at most one table in twenty separates any two models that are equal,
whichever of them happens to come out best. (Correcting over the comparisons with the best alone is not enough, because
the same data chose the best: of 20 simulated tables of 200 equal models and 100 questions, 14 separated the best from
another model; corrected over all pairs, 1 of 15 did.)

**Ranks.** Models are ordered by the metric. The best of those without a rank opens one, its place in this order; the
models below share it, down to the first that differs significantly from this best (corrected p < 0.05), which opens the
next rank. So a rank is one more than the number of models with better ones, as in sports: 1, 1, 3.

- Ranks only go down the table. A model below one that differs significantly from the best may itself not do so (it
  differs from the best on more questions, in both directions); it then carries both ranks, ``1–3``: the first rank from
  whose best it does not differ significantly, and its own.
- No significant difference does not mean equal. More models cost mainly power: 200 models make 19,900 pairs.
  Two models of interest are better compared alone, with ``calm-ext compare``.
- A bootstrap of 10,000 resamples cannot resolve small p-values: where fewer than 20 resamples are on the other side of
  zero, p is the tail of Student's t (questions − 1 degrees of freedom) at the difference over its bootstrap standard
  error.
- The bootstrap is generous where few questions differ: of k that do, all in favour of one model, it makes about
  2·exp(−k). So no p-value is below 2^(1−k), the least that an exact test of signs can give.
- Where questions have clusters, the bootstrap draws clusters, for every metric, and counts them in place of questions.
- Metrics and tables are not corrected for one another.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from calm_ext.metrics.answered import numbered
from calm_ext.metrics.compare import ALPHA, is_binary
from calm_ext.metrics.intervals import Interval, binomial_bounds, score_interval
from calm_ext.metrics.names import LOWER_IS_BETTER, SET_LEVEL, family_of
from calm_ext.metrics.stats import RESAMPLES, cluster_sums, draws, holm, mcnemar_p
from calm_ext.metrics.table_intervals import interval_of
from calm_ext.metrics.tables import Table, from_means, with_pairs
from calm_ext.results.columns import Columns

if TYPE_CHECKING:
    import numpy as np

_TAIL = 20  # with fewer resamples than this their number is too rough
_AT_ONCE = 4_000_000  # resampled values at once, so that memory stays small whatever the number of models
_EQUAL = 1e-9  # means that differ by rounding only


class Standing(NamedTuple):
    """Where a model stands by one metric.

    Attributes:
        rank: its rank, one more than the number of models with better ones; None where it could not be tested.
        first: the first rank from whose best it does not differ significantly; as a rule its own.
        shared: whether another model has the same rank.
        p_first: p-value against the best of all, corrected over all pairs; NaN for the best itself.
    """

    rank: int | None = None
    first: int | None = None
    shared: bool = False
    p_first: float = math.nan

    def __str__(self) -> str:
        """``3``, ``3=`` where it is shared, ``2–3`` where it does not differ from the best of rank 2 either."""
        if self.rank is None:
            return "–"
        if self.first is not None and self.first < self.rank:
            return f"{self.first}–{self.rank}"
        return f"{self.rank}=" if self.shared else f"{self.rank}"


class Judged(NamedTuple):
    """One metric of several models: value, 95 % interval and standing of each, in the order given."""

    values: list[float]
    ci95: list[Interval]
    standings: list[Standing]


def judge(models: Sequence[Columns], metric: str, *, seed: int = 0) -> Judged:
    """Rank models that were asked the same questions by a metric.

    Args:
        models: each has the metric (or what it is made of); their questions may be in different orders.
    """
    parts = [_parts(m, metric) for m in models]
    names = max((names for names, _ in parts), key=len)  # fewer options named: shares of 0
    data, clusters = _stacked(models, [values for _, values in parts])
    values = from_means(names, _means(data))[metric]
    if clusters is None and metric not in SET_LEVEL and is_binary(data):
        return Judged(values.tolist(), _binomial(data[:, :, 0]), _standings(values, metric, _mcnemar(data[:, :, 0])))
    drawn = _resampled(data, names, metric, seed=seed, clusters=clusters)
    found = _intervals(data, names, metric, values, drawn, clusters)
    return Judged(values.tolist(), found, _standings(values, metric, _bootstrap(data, values, drawn, clusters)))


def _stacked(models: Sequence[Columns], values: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
    """Values of the same questions, shape (models, questions, columns), and the number of each question's cluster."""
    import numpy as np

    order = {identity: i for i, identity in enumerate(models[0].ids)}
    data = np.zeros((len(models), len(order), max(v.shape[1] for v in values)))
    for place, (model, own) in enumerate(zip(models, values, strict=True)):
        data[place, [order[i] for i in model.ids], : own.shape[1]] = own
    return data, numbered(models[0].clusters) if models[0].clusters else None


def _intervals(
    data: np.ndarray, names: list[str], metric: str, values: np.ndarray, drawn: np.ndarray, clusters: np.ndarray | None
) -> list[Interval]:
    return [
        interval_of(Table(names, own), metric, float(value), row, clusters)
        for own, value, row in zip(data, values, drawn, strict=True)
    ]


def intervals(models: Sequence[Columns], metric: str) -> list[Interval]:
    """Intervals of a metric that is 0 or 1 for each question; NaN for a model that has other values of it.

    Args:
        models: of the same questions.
    """
    import numpy as np

    there = [m.values[:, m.names.index(metric)] if metric in m.names else np.full(len(m.ids), math.nan) for m in models]
    binary = [i for i, values in enumerate(there) if is_binary(values)]
    found = [Interval(math.nan, math.nan)] * len(models)
    if not binary:
        return found
    data, clusters = _stacked([models[i] for i in binary], [there[i][:, None] for i in binary])
    if clusters is None:
        own = _binomial(data[:, :, 0])
    else:
        drawn = _resampled(data, [metric], metric, seed=0, clusters=clusters)
        own = _intervals(data, [metric], metric, data[:, :, 0].mean(axis=1), drawn, clusters)
    for i, bounds in zip(binary, own, strict=True):
        found[i] = bounds
    return found


def has(model: Columns, metric: str) -> bool:
    """Whether the metric can be resampled."""
    kept = _made_of(model.names, metric)
    return all(name in model.names for name in kept) and len(kept) >= (2 if metric in SET_LEVEL else 1)


def _made_of(names: Sequence[str], metric: str) -> list[str]:
    if metric == "kappa":
        return ["consistency", *(n for n in names if n.startswith("#"))]
    return [n for n in names if family_of(n)[0] == "acc"] if metric in SET_LEVEL else [metric]


def _parts(model: Columns, metric: str) -> Table:
    """The columns that a metric is made of."""
    kept = _made_of(model.names, metric)
    values = Table(kept, model.values[:, [model.names.index(n) for n in kept]])
    return with_pairs(values) if metric == "overlap_right" else values


def _means(data: np.ndarray) -> np.ndarray:
    """Over the questions that have the value: (models, questions, columns) -> (models, columns)."""
    import numpy as np

    there = ~np.isnan(data)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: np.ndarray = np.where(there, data, 0.0).sum(axis=1) / there.sum(axis=1)
    return means


def _resampled(
    data: np.ndarray, names: Sequence[str], metric: str, *, seed: int, clusters: np.ndarray | None = None
) -> np.ndarray:
    """The metric of each model in each resample of the questions or clusters, shape (models, resamples)."""
    import numpy as np

    models, n, columns = data.shape
    there = ~np.isnan(data)
    complete = bool(there.all())
    flat = np.where(there, data, 0.0).transpose(1, 0, 2).reshape(n, models * columns)
    counted = np.ones((n, 1)) if complete else there.transpose(1, 0, 2).reshape(n, models * columns).astype(float)
    if clusters is not None:
        flat, counted = cluster_sums(flat, clusters), cluster_sums(counted, clusters)
    result = np.empty((models, RESAMPLES))
    start = 0
    step = max(1, _AT_ONCE // flat.shape[1])
    for block in draws(len(flat), seed=seed, resamples=RESAMPLES):
        for weights in (block[i : i + step] for i in range(0, len(block), step)):
            with np.errstate(invalid="ignore", divide="ignore"):
                means = (weights @ flat) / (weights @ counted)
            found = from_means(names, means.reshape(len(weights), models, columns))[metric]
            result[:, start : start + len(weights)] = found.T
            start += len(weights)
    return result


def _binomial(values: np.ndarray) -> list[Interval]:
    """Of values that are 0 or 1, shape (models, questions), without drawing."""
    low, high = (x.tolist() for x in binomial_bounds(values.mean(axis=1), values.shape[1]))
    return [score_interval(own) or Interval(*ends) for own, *ends in zip(values, low, high, strict=True)]


# --- tests ------------------------------------------------------------------------------------------------------------


def _mcnemar(values: np.ndarray) -> np.ndarray:
    """p-values of all pairs, shape (models, models), of values that are 0 or 1, shape (models, questions).

    The test of :func:`calm_ext.metrics.stats.mcnemar`, of all pairs at once.
    """
    import numpy as np

    gained = np.rint(values @ (1 - values).T)
    p: np.ndarray = mcnemar_p(gained, gained.T)
    return p


def _bootstrap(
    data: np.ndarray, values: np.ndarray, drawn: np.ndarray, clusters: np.ndarray | None = None
) -> np.ndarray:
    """p-values of all pairs, shape (models, models): the paired bootstrap, with t for its tail, at least 2^(1−k).

    Args:
        data: shape (models, questions, columns). values: shape (models,). drawn: shape (models, resamples).
    """
    import numpy as np
    from scipy.stats import t

    models = len(values)
    defined = ~np.isnan(drawn)
    whole = bool(defined.all())
    kept = np.full((models, models), float(drawn.shape[1])) if whole else 1.0 * defined @ (1.0 * defined.T)
    filled = np.nan_to_num(data, nan=-1.0)
    if clusters is not None:
        filled = np.array([cluster_sums(own, clusters) for own in filled]).round(9)
    n = filled.shape[1]
    tail, differ = np.zeros((2, models, models))
    order = np.argsort(-np.nan_to_num(values, nan=-math.inf), kind="stable")
    for place, i in enumerate(order[:-1]):  # the tail is on the side of the lower one
        others = order[place + 1 :]
        mine = drawn[i] - _EQUAL
        tail[i, others] = [np.count_nonzero(drawn[other] >= mine) for other in others]
        differ[i, others] = (filled[i] != filled[others]).any(axis=2).sum(axis=1)
    tail, differ = tail + tail.T, differ + differ.T
    means = np.where(defined, drawn, 0.0).sum(axis=1) / np.maximum(1, defined.sum(axis=1))
    centred = np.where(defined, drawn - means[:, None], 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        products = centred @ centred.T / (drawn.shape[1] - 1)
        variance = np.diag(products)[:, None] + np.diag(products)[None, :] - 2 * products
        far = 2 * t.sf(np.abs(values[:, None] - values[None, :]) / np.sqrt(np.maximum(variance, 0.0)), max(1, n - 1))
    p = np.minimum(1.0, 2 * (tail + 1) / (kept + 1))
    p = np.where((tail < _TAIL) & ~np.isnan(far), np.minimum(far, 2 * (_TAIL + 1) / (kept + 1)), p)
    p = np.minimum(1.0, np.maximum(p, 2.0 ** (1 - np.minimum(differ, 1000.0))))
    result: np.ndarray = np.where(np.isnan(values[:, None] - values[None, :]) | (kept == 0), 1.0, p)
    return result


def _standings(values: np.ndarray, metric: str, p: np.ndarray) -> list[Standing]:
    """The ranks, by the procedure above; a model whose value is undefined has none."""
    import numpy as np

    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    order = [int(i) for i in np.argsort(-sign * values, kind="stable") if not math.isnan(values[i])]
    above, below = np.triu_indices(len(order), 1)
    place = np.array(order, dtype=int)
    corrected = np.ones(p.shape)
    corrected[place[above], place[below]] = holm(p[place[above], place[below]].tolist())
    bests: list[tuple[int, int]] = []
    found = [Standing()] * len(values)
    for rank, i in enumerate(order, 1):
        if not bests or corrected[bests[-1][1], i] < ALPHA:
            bests.append((rank, i))
        first = next(rank for rank, best in bests if best == i or corrected[best, i] >= ALPHA)
        found[i] = Standing(bests[-1][0], first, False, float(corrected[order[0], i]) if i != order[0] else math.nan)
    counts = Counter(s.rank for s in found)
    return [s._replace(shared=s.rank is not None and counts[s.rank] > 1) for s in found]
