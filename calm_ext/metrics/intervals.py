"""The one place where a mean over questions, or a difference of two, gets its 95 % interval.

It is the percentile interval of the bootstrap (Efron 1979) wherever that covers. It does not where few questions say
anything: near 0 and 1, and for two evaluations that hardly differ, the resamples repeat what the few have, and where
there is none the interval is a single point. There a **score interval** stands in:

- Values are taken as distances from the value c that more than half of the questions have (else from the nearest bound,
  of differences from 0): u_i above c and v_i below it, as shares of the way to the bound. mean = c + U - V.
- U and V are shares of few events each, and get Wilson's interval (1927) with n / d questions, where the design effect
  d = var(u) / (U (1 - U)) is 1 for values of 0 and 1 and lower where the languages of a question err apart (Kish 1965;
  Korn and Graubard 1998). Few events say little of d, and the questions that have none may hide one that errs in all
  languages: the weight of the d found is U n, whole questions' worth of events, against 2 / E for d = 1, where
  E = (Σ u)² / Σ u² are the effective events. With no event at all d is 1. Where all events are of one size the lower
  bound is the lower of Wilson's and the exact mid-P one: Wilson's covers too seldom where less than one is expected.
- Both are combined as Newcombe (1998) does for the difference of paired shares, by squares of the distances from the
  means to their bounds (MOVER, Zou and Donner 2008), without a term for their correlation, which is slightly negative.

The bootstrap is left where fewer than ten effective questions differ from c, or the distances from c come to fewer than
three whole questions, or the skewness of the mean, that of the values over √n, is above .2: of 0s and 1s that is fewer
than about 25 of the rarer one. ``benchmarks/coverage.py`` measures how often the intervals hold the true value. The
score intervals are wider than needed where languages err independently, which few questions cannot show.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from calm_ext.metrics.stats import interval

if TYPE_CHECKING:
    import numpy as np

Bounds = tuple[float, float]

#: What the values of a metric can be; differences of two have twice the range.
SHARE: Bounds = (0.0, 1.0)
#: The standard normal distribution has 95 % within this many standard deviations.
Z95 = 1.959964
#: The bootstrap needs as many effective questions that differ from the common value, and at most this skewness.
_FEWEST, _SKEWEST = 10.0, 0.2
#: And distances from it that come to as many questions at the far bound.
_WHOLE = 3.0
#: Over the effective events: the weight of a design effect of 1.
_ADDED = 2.0
_SAME = 1e-9

BOOTSTRAP, SCORE = "bootstrap", "score"


class Interval(NamedTuple):
    """Bounds, and the method: ``bootstrap`` or ``score``."""

    low: float
    high: float
    method: str = BOOTSTRAP

    @property
    def bounds(self) -> tuple[float, float]:
        """Without the method."""
        return self.low, self.high


def mean_interval(
    values: np.ndarray, drawn: np.ndarray, *, bounds: Bounds = SHARE, clusters: np.ndarray | None = None
) -> Interval:
    """The 95 % interval of a mean over questions.

    Args:
        values: shape (questions,); NaN where a question has none, which is left out.
        drawn: the mean in each resample of the questions (or of the clusters), shape (resamples,).
        bounds: the least and largest that a value can be.
        clusters: number of each question's cluster, shape (questions,); questions of one are not independent.
    """
    import numpy as np

    found = score_interval(values, bounds=bounds, clusters=clusters)
    if found is None and clusters is None and len(values) and np.isin(values, (0.0, 1.0)).all():
        low, high = binomial_bounds(float(values.mean()), len(values))
        return Interval(float(low), float(high))
    return found or Interval(*interval(drawn))


def binomial_bounds(mean: Any, n: int) -> tuple[Any, Any]:
    """The bootstrap's bounds of n questions that are 0 or 1, without drawing: quantiles of Binomial(n, mean)/n.

    Args:
        mean: a number, or an array of them.
    """
    from scipy.stats import binom

    return binom.ppf(0.025, n, mean) / n, binom.ppf(0.975, n, mean) / n


def difference_interval(
    before: np.ndarray,
    after: np.ndarray,
    drawn: np.ndarray,
    *,
    bounds: Bounds = SHARE,
    clusters: np.ndarray | None = None,
) -> Interval:
    """The 95 % interval of the mean of ``after`` less that of ``before``, on the same questions.

    Where the two sides do not have the value for the same questions and a side alone needs the score interval, both
    sides' own are combined as if they were independent, which is wider than needed.

    Args:
        before, after: shape (questions,), NaN where a question has no value. drawn: the resampled differences.
        bounds: of the values, not of the differences.
    """
    import numpy as np

    missing = np.isnan(before), np.isnan(after)
    if (missing[0] == missing[1]).all():
        width = bounds[1] - bounds[0]
        return mean_interval(after - before, drawn, bounds=(-width, width), clusters=clusters)
    found = [score_interval(x, bounds=bounds, clusters=clusters) for x in (before, after)]
    if found == [None, None] or any(gone.all() for gone in missing):
        return Interval(*interval(drawn))
    old, new = (_or_normal(x, f, clusters) for x, f in zip((before, after), found, strict=True))
    first, second = float(np.nanmean(before)), float(np.nanmean(after))
    return Interval(
        second - first - math.hypot(second - new.low, old.high - first),
        second - first + math.hypot(new.high - second, first - old.low),
        SCORE,
    )


def score_interval(
    values: np.ndarray, *, bounds: Bounds = SHARE, clusters: np.ndarray | None = None
) -> Interval | None:
    """The score interval of a mean where the bootstrap does not cover; None where it does, there is no value, or one is
    outside the bounds.
    """
    import numpy as np

    kept = ~np.isnan(values)
    x = values[kept]
    if not len(x) or x.min() < bounds[0] - _SAME or x.max() > bounds[1] + _SAME:
        return None
    groups = None if clusters is None else np.unique(clusters[kept], return_inverse=True)[1]
    sizes = np.ones(len(x)) if groups is None else np.bincount(groups).astype(float)
    centre = _centre(x, bounds)
    off = np.where(np.abs(x - centre) < 10 * _SAME, 0.0, x - centre)  # the last bits are no event
    low, high = bounds
    effective_n = len(x) ** 2 / float((sizes**2).sum())
    whole = effective_n * float(np.abs(off).mean()) / max(high - centre, centre - low)
    if whole >= _WHOLE and not _falls_back(_sums(x - x.mean(), groups), _sums(np.abs(off), groups)):
        return None
    up = _part(np.maximum(off, 0.0), high - centre, groups, sizes)
    down = _part(np.maximum(-off, 0.0), centre - low, groups, sizes)
    mean = float(x.mean())
    return Interval(
        min(mean, max(low, mean - math.hypot(up.mean - up.low, down.high - down.mean))),
        max(mean, min(high, mean + math.hypot(up.high - up.mean, down.mean - down.low))),
        SCORE,
    )


def standard_error(values: np.ndarray, clusters: np.ndarray | None = None) -> float:
    """The standard error of a mean over questions, robust to what the questions of a cluster have in common.

    Without clusters s/√n. With C of them √(C / (C - 1) Σ_c (S_c - n_c mean)²) / n, where S_c is the sum of the n_c
    values of a cluster. NaN values are left out; NaN where fewer than two questions, or clusters, are left.
    """
    import numpy as np

    kept = ~np.isnan(values)
    x = values[kept]
    if len(x) < 2:
        return math.nan
    if clusters is None:
        return float(x.std(ddof=1) / math.sqrt(len(x)))
    sums = _sums(x - x.mean(), np.unique(clusters[kept], return_inverse=True)[1])
    n = len(sums)
    return float(math.sqrt(n / (n - 1) * (sums**2).sum()) / len(x)) if n > 1 else math.nan


class _Part(NamedTuple):
    mean: float
    low: float
    high: float


def _centre(x: np.ndarray, bounds: Bounds) -> float:
    """The value of more than half of the questions, else 0 where values can be negative, else the nearest bound."""
    import numpy as np

    found, counts = np.unique(x.round(9), return_counts=True)
    if 2 * counts.max() > len(x):
        return float(found[counts.argmax()])
    low, high = bounds
    return 0.0 if low < 0 else low if x.mean() <= (low + high) / 2 else high


def _falls_back(centred: np.ndarray, distances: np.ndarray) -> bool:
    """Whether the bootstrap does not cover: from the distances of each question, or cluster, to the mean and to c."""
    squares = float((centred**2).sum())
    if squares < _SAME or _effective(distances) < _FEWEST:
        return True
    return bool(abs(float((centred**3).sum())) / squares**1.5 > _SKEWEST)


def _effective(sizes: np.ndarray) -> float:
    """(Σ u)² / Σ u²: how many events of equal size say as much as these."""
    squares = float((sizes**2).sum())
    return float(sizes.sum()) ** 2 / squares if squares > 0 else 0.0


def _sums(x: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    import numpy as np

    return x if groups is None else np.bincount(groups, weights=x)


def _part(u: np.ndarray, width: float, groups: np.ndarray | None, sizes: np.ndarray) -> _Part:
    """The mean of non-negative distances with its score interval.

    Args:
        width: the largest that a distance can be.
        sizes: how many questions each cluster has.
    """
    if width < _SAME:
        return _Part(0.0, 0.0, 0.0)
    sums = _sums(u / width, groups)
    total = float(sizes.sum())
    mean = float(sums.sum()) / total
    n = total**2 / float((sizes**2).sum())  # of clusters of equal size their number
    events = sums[sums > _SAME]
    if len(events):
        variance = float(((sums - mean * sizes) ** 2).sum()) / total**2
        design = variance * n / (mean * (1 - mean)) if mean < 1 - _SAME else 1.0
        whole, added = mean * n, _ADDED / _effective(events)
        n /= (whole * design + added) / (whole + added)
    low, high = wilson(mean, n)
    if len(events) and float(events.max() - events.min()) < _SAME:
        low = min(low, _mid_p_low(mean, n))
    return _Part(mean * width, low * width, high * width)


def wilson(share: float, n: float) -> tuple[float, float]:
    """The 95 % interval of a share of n trials (Wilson 1927); ``n`` may be a number of effective trials, no whole one.

    >>> [round(x, 3) for x in wilson(0.9, 10)], [round(x, 3) for x in wilson(1.0, 50)]
    ([0.596, 0.982], [0.929, 1.0])
    """
    middle = share + Z95 * Z95 / (2 * n)
    half = Z95 * math.sqrt(share * (1 - share) / n + Z95 * Z95 / (4 * n * n))
    below = 1 + Z95 * Z95 / n
    return min(share, max(0.0, (middle - half) / below)), max(share, min(1.0, (middle + half) / below))


def _mid_p_low(share: float, n: float) -> float:
    """The p for which P(X > k) + P(X = k) / 2 = .025, X ~ Binomial(n, p), k = share · n (Lancaster 1961)."""
    from scipy.optimize import brentq
    from scipy.stats import beta

    k = share * n
    if k <= _SAME:
        return 0.0

    def tail(p: float) -> float:
        more = beta.cdf(p, k + 1, n - k) if n - k > _SAME else 0.0
        return float(beta.cdf(p, k, n - k + 1) + more) / 2 - 0.025

    return float(brentq(tail, 0.0, share)) if tail(share) > 0 else share


def _or_normal(values: np.ndarray, found: Interval | None, clusters: np.ndarray | None) -> Interval:
    """An interval of one side: the score interval, or ± 1.96 standard errors where that is not needed."""
    import numpy as np

    if found is not None:
        return found
    half, mean = Z95 * standard_error(values, clusters), float(np.nanmean(values))
    return Interval(mean - half, mean + half)


def interval_p(value: float, low: float, high: float) -> float:
    """The two-sided p-value that goes with a 95 % interval (Altman and Bland 2011): that of the normal distribution at
    1.96 times the distance from 0, over the distance from the value to the bound on the side of 0.

    >>> round(interval_p(0.02, 0.0, 0.05), 3), round(interval_p(-0.0075, -0.016, 0.016), 3), interval_p(0.0, -0.1, 0.1)
    (0.05, 0.532, 1.0)
    """
    near = value - low if value > 0 else high - value
    return 1.0 if not value else math.erfc(Z95 * abs(value) / near / math.sqrt(2)) if near > 0 else 0.0
