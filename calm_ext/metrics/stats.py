"""Resampling and paired tests over questions.

Resampling draws *questions*: the languages of one stay together. Where several questions are of one passage or subject,
it draws these *clusters*, and the tests flip the signs of clusters. Which interval a metric gets is in
:mod:`calm_ext.metrics.intervals`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 10_000
_BLOCK = 2_000_000  # draws at once, so that memory stays small whatever the number of resamples

#: (z_.975 + z_.8): a two-sided test at .05 finds a difference of this many standard errors four times in five.
_DETECTABLE = 1.959964 + 0.841621
#: Most differences whose signs are all tried.
_EXACT = 10
#: Most sums whose signs are all tried by :func:`sign_flips`.
_ALL_SIGNS = 12


def draws(n: int, *, seed: int, resamples: int) -> Iterator[np.ndarray]:
    """How often each of n questions is in each bootstrap resample: blocks of shape (rows, n), rows adding up to n.

    The same seed gives the same draws, so that two evaluations of one set of questions are resampled together.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    block = max(1, _BLOCK // n)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = rng.integers(0, n, (rows, n))
        drawn += np.arange(rows)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(float)


def resampled_means(
    values: np.ndarray, *, seed: int = 0, resamples: int = RESAMPLES, clusters: np.ndarray | None = None
) -> np.ndarray:
    """Means of the columns of ``values``, shape (questions, columns), in each resample: shape (resamples, columns).

    NaN marks a question that has no value in a column. It is left out of that column's mean, so that a ratio of means
    is resampled as a ratio.

    Args:
        clusters: number of each question's cluster, 0, 1, …, shape (questions,): these are then drawn, each with all of
            its questions, so that resamples of clusters of different sizes have different numbers of questions.
    """
    import numpy as np

    return np.concatenate(list(mean_blocks(values, seed=seed, resamples=resamples, clusters=clusters)))


def mean_blocks(
    values: np.ndarray, *, seed: int, resamples: int, clusters: np.ndarray | None = None
) -> Iterator[np.ndarray]:
    """The means of :func:`resampled_means` in blocks of rows, for tables whose means are too many to keep."""
    import numpy as np

    there = ~np.isnan(values)
    filled = np.where(there, values, 0.0)
    if clusters is not None:
        yield from _cluster_blocks(filled, there, clusters, seed=seed, resamples=resamples)
        return
    partial = np.flatnonzero(~there.all(axis=0))
    counted = there[:, partial].astype(float)
    step = max(1, _BLOCK // values.shape[1])
    for block in draws(len(values), seed=seed, resamples=resamples):
        for weights in (block[i : i + step] for i in range(0, len(block), step)):
            count = np.full((len(weights), values.shape[1]), float(len(values)))
            count[:, partial] = weights @ counted
            with np.errstate(invalid="ignore", divide="ignore"):
                yield (weights @ filled) / count


def _cluster_blocks(
    filled: np.ndarray, there: np.ndarray, clusters: np.ndarray, *, seed: int, resamples: int
) -> Iterator[np.ndarray]:
    import numpy as np

    sums, counts = cluster_sums(filled, clusters), cluster_sums(there, clusters)
    step = max(1, _BLOCK // filled.shape[1])
    for block in draws(len(sums), seed=seed, resamples=resamples):
        for weights in (block[i : i + step] for i in range(0, len(block), step)):
            with np.errstate(invalid="ignore", divide="ignore"):
                yield (weights @ sums) / (weights @ counts)


def cluster_sums(values: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """The sums of the rows of each cluster: shape (questions, columns) -> (clusters, columns).

    >>> import numpy as np
    >>> cluster_sums(np.array([[1.0], [2.0], [4.0]]), np.array([0, 1, 0])).tolist()
    [[5.0], [2.0]]
    """
    import numpy as np

    sums = np.zeros((int(clusters.max()) + 1, values.shape[1]))
    np.add.at(sums, clusters, values)
    return sums


def interval(resampled: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval (Efron 1979) of resampled values; NaN, where nothing was drawn, is left out."""
    import numpy as np

    kept = resampled[~np.isnan(resampled)]
    if not len(kept):
        return math.nan, math.nan
    low, high = np.quantile(kept, [0.025, 0.975])
    return float(low), float(high)


def bootstrap_p(resampled: np.ndarray) -> float:
    """Two-sided p-value of resampled differences: twice the share on the smaller side of zero, zeros on both sides.

    One is added to share and number of resamples (Davison and Hinkley 1997, section 4.2), so that it is never 0.
    """
    import numpy as np

    kept = resampled[~np.isnan(resampled)]
    if not len(kept):
        return math.nan
    tail = min(int((kept <= 0).sum()), int((kept >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (len(kept) + 1))


def mcnemar(before: Sequence[bool], after: Sequence[bool]) -> float:
    """Exact two-sided McNemar test (McNemar 1947): of the questions that changed, are those gained as many as lost?

    p = P(|X - m/2| >= |gained - m/2|) for X ~ Binomial(m, 1/2), m = gained + lost; 1 where nothing changed.

    >>> round(mcnemar([False] * 8 + [True] * 2, [True] * 8 + [False] * 2), 4)
    0.1094
    """
    gained = sum(b and not a for a, b in zip(before, after, strict=True))
    lost = sum(a and not b for a, b in zip(before, after, strict=True))
    return float(mcnemar_p(gained, lost))


def mcnemar_p(gained: Any, lost: Any) -> Any:
    """The p-value of :func:`mcnemar` from the numbers of questions that changed: of a pair, or of arrays at once.

    X is symmetric, so p = min(1, 2 P(X <= min(gained, lost))).
    """
    import numpy as np
    from scipy.stats import binom

    return np.minimum(1.0, 2 * binom.cdf(np.minimum(gained, lost), np.add(gained, lost), 0.5))


def sign_flip_p(differences: Sequence[float]) -> float:
    """How likely a sum of differences is at least this large where each could as well have had the other sign.

    One-sided. Exact, over all signs of those that are not 0, up to ten of them (Fisher's randomization test of matched
    pairs); of more the normal approximation.

    >>> sign_flip_p([0.75, 0.75, 0.0]), sign_flip_p([0.75, 0.75, 0.75, 0.0])
    (0.25, 0.125)
    """
    changes = [abs(d) for d in differences if d]
    total = sum(differences)
    if len(changes) > _EXACT:
        return 0.5 * math.erfc(total / math.sqrt(2 * sum(c * c for c in changes)))
    flipped = [sum(signs) for signs in itertools.product(*((c, -c) for c in changes))]
    return sum(x >= total - 1e-9 for x in flipped) / len(flipped)


def sign_flips(
    differences: np.ndarray, clusters: np.ndarray | None = None, *, seed: int = 0, resamples: int = RESAMPLES
) -> float:
    """Two-sided p-value of a mean difference by sign flips (Fisher 1935), of questions or whole clusters.

    Of each question, or cluster, the sum of its differences could as well have had the other sign if nothing differs:
    p is how often flipped sums are as far from 0 as the one found. Over all signs where at most twelve sums are not 0,
    else over random ones, with one added to their number and hits (Davison and Hinkley 1997, section 4.2).

    Args:
        differences: shape (questions,), without NaN. clusters: number of each question's cluster.

    >>> import numpy as np
    >>> sign_flips(np.array([0.5, 0.5, 0.5, 0.0])), sign_flips(np.array([0.5, 0.5, 0.5]), np.array([0, 0, 1]))
    (0.25, 0.5)
    """
    import numpy as np

    sums = differences if clusters is None else np.bincount(clusters, weights=differences)
    sums = sums[np.abs(sums) > 1e-12]
    found = abs(float(sums.sum())) - 1e-9
    if len(sums) <= _ALL_SIGNS:
        flipped = np.zeros(1)
        for size in sums:
            flipped = np.concatenate([flipped + size, flipped - size])
        return float((np.abs(flipped) >= found).mean())
    rng = np.random.default_rng(seed)
    hits, step = 0, max(1, _BLOCK // len(sums))
    for start in range(0, resamples, step):
        signs = rng.integers(0, 2, (min(step, resamples - start), len(sums))) * 2 - 1
        hits += int((np.abs(signs @ sums) >= found).sum())
    return (hits + 1) / (resamples + 1)


def holm(values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (Holm 1979): adjusted p-values in the order given.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(values)), key=lambda i: values[i])
    result, highest = [0.0] * len(values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        result[index] = highest
    return result


def detectable(standard_error: float) -> float:
    """The smallest difference that a two-sided test at .05 would find with 80 % power: 2.80 standard errors.

    >>> round(detectable(0.01), 3)
    0.028
    """
    return _DETECTABLE * standard_error


def mean_of_defined(values: Sequence[float | None]) -> float:
    """Mean of the values that are there; NaN where none is."""
    there = [v for v in values if v is not None]
    return sum(there) / len(there) if there else math.nan
