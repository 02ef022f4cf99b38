"""Intervals and paired tests over questions. Resampling draws *questions*: the languages of one stay together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 10_000


class Estimate(NamedTuple):
    """A mean over questions with its 95 % interval.

    Attributes:
        value: the mean; NaN on no question.
        low, high: percentile bootstrap interval.
        n: number of questions.
    """

    value: float
    low: float
    high: float
    n: int


class Difference(NamedTuple):
    """A paired difference, after - before.

    Attributes:
        value: mean difference.
        low, high: 95 % percentile bootstrap interval.
        p: two-sided bootstrap p-value, the share of resamples on the other side of zero, doubled.
        n: number of questions both have.
    """

    value: float
    low: float
    high: float
    p: float
    n: int


def _resampled_means(values: np.ndarray, *, seed: int, resamples: int) -> np.ndarray:
    """Means of bootstrap resamples, shape (resamples,), drawn in blocks to keep the memory small."""
    import numpy as np

    rng = np.random.default_rng(seed)
    n = len(values)
    block = max(1, 2_000_000 // n)
    parts = []
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        parts.append(values[rng.integers(0, n, (rows, n))].mean(axis=1))
    return np.concatenate(parts)


def estimate(values: Sequence[float], *, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """Mean and 95 % interval by bootstrap over questions (Efron 1979, percentile method)."""
    import numpy as np

    data = np.asarray(values, dtype=float)
    if not len(data):
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    low, high = np.quantile(_resampled_means(data, seed=seed, resamples=resamples), [0.025, 0.975])
    return Estimate(float(data.mean()), float(low), float(high), len(data))


def paired_difference(
    before: Sequence[float], after: Sequence[float], *, seed: int = 0, resamples: int = RESAMPLES
) -> Difference:
    """Paired bootstrap of after - before over the same questions in the same order.

    Raises:
        ValueError: the two have different lengths.
    """
    import numpy as np

    if len(before) != len(after):
        raise ValueError(f"{len(before)} values before and {len(after)} after are not paired")
    data = np.asarray(after, dtype=float) - np.asarray(before, dtype=float)
    if not len(data):
        return Difference(float("nan"), float("nan"), float("nan"), float("nan"), 0)
    means = _resampled_means(data, seed=seed, resamples=resamples)
    low, high = np.quantile(means, [0.025, 0.975])
    tail = min((means <= 0).sum(), (means >= 0).sum())
    p = min(1.0, 2 * (int(tail) + 1) / (resamples + 1))
    return Difference(float(data.mean()), float(low), float(high), p, len(data))
