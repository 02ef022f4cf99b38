"""Rows that are not independent: questions that belong together, or that several models answered, of one seed or more.

A table of answers has a row for each question and model. Two rows are of models of different seeds, or of different
folds of one seed. How hard a question is does not average out over models, so a question, or the cluster that it
belongs to, is drawn once for all of its rows: the hierarchical bootstrap of :mod:`calm_ext.study.effects`, with
questions and seeds drawn anew. Of S seeds S - 1 are drawn (Rao and Wu 1988).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calm_ext.metrics.answered import numbered
from calm_ext.metrics.compare import Paired
from calm_ext.metrics.intervals import SCORE, SHARE, Z95, Bounds, Interval, mean_interval, score_interval
from calm_ext.metrics.stats import RESAMPLES, cluster_sums, draws, interval, resampled_means

if TYPE_CHECKING:
    import numpy as np


def seed_draws(n: int, resamples: int, *, seed: int = 0) -> np.ndarray:
    """How often each of n seeds is in each resample, rows adding up to n - 1 (1 of one seed); shape (resamples, n)."""
    import numpy as np

    if n == 1:
        return np.ones((resamples, 1))
    return np.random.default_rng([seed, n]).multinomial(n - 1, [1 / n] * n, resamples).astype(float)


class Design:
    """Which question, cluster and seed each row of a table is of.

    Within a seed every question weighs the same, however many models answered it.

    Attributes:
        questions: number of each row's question; shape (rows,).
        units: number of what is drawn with it: its cluster, else its question; shape (rows,).
        seeds: number of its seed; shape (rows,).
        weights: 1 / the number of rows of its question and seed; shape (rows,).
        plain: whether each row is a question of its own, so that nothing of this matters.

    Args:
        questions: what tells the questions apart, a value a row.
        clusters: the same of clusters; None where questions stand for themselves.
        seeds: the same of seeds; None where there is one.
    """

    def __init__(
        self, questions: Sequence[Any], clusters: Sequence[Any] | None = None, seeds: Sequence[Any] | None = None
    ) -> None:
        import numpy as np

        self.questions = numbered(questions)
        self.clustered = clusters is not None and len(set(clusters)) < len(set(questions))
        self.units = numbered(clusters) if clusters is not None and self.clustered else self.questions
        self.seeds = numbered(seeds) if seeds is not None else np.zeros(len(self.questions), dtype=int)
        self.n_questions, self.n_units, self.n_seeds = (
            int(x.max(initial=-1)) + 1 for x in (self.questions, self.units, self.seeds)
        )
        places = self.seeds * max(1, self.n_questions) + self.questions
        _, place, counts = np.unique(places, return_inverse=True, return_counts=True)
        self.weights: np.ndarray = 1 / counts[place]
        self.plain = self.n_seeds < 2 and self.n_units == len(self.questions)

    def only(self, rows: np.ndarray) -> Design:
        """The design of some rows, given by a mask."""
        return Design(self.questions[rows].tolist(), self.units[rows].tolist(), self.seeds[rows].tolist())

    def mean(self, values: np.ndarray) -> float:
        """The mean of values, shape (rows,), without those that are NaN."""
        import numpy as np

        if self.plain:
            return float(np.nanmean(values))
        there = ~np.isnan(values)
        return float((self.weights * np.where(there, values, 0.0)).sum() / (self.weights * there).sum())

    def by_seed(self, values: np.ndarray) -> list[float]:
        """The mean in each seed, NaN in one that has no value."""
        found = []
        for s in range(self.n_seeds):
            own = self.seeds == s
            found.append(self.only(own).mean(values[own]) if (own & (values == values)).any() else math.nan)
        return found

    def of_questions(self, values: np.ndarray) -> np.ndarray:
        """The mean of each question over its rows; shape (questions,), NaN where no row has a value."""
        import numpy as np

        there = ~np.isnan(values)
        sums, counts = (
            np.bincount(self.questions, weights=self.weights * x, minlength=self.n_questions)
            for x in (np.where(there, values, 0.0), there)
        )
        return np.where(counts > 0, sums / np.where(counts > 0, counts, 1.0), np.nan)

    def resampled_sums(self, values: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
        """Sums of columns, shape (rows, columns), in each resample of units and seeds: shape (resamples, columns).

        They are scaled so that they estimate the sums that were found, although of S seeds S - 1 are drawn.
        """
        import numpy as np

        own = [self.seeds == s for s in range(self.n_seeds)]
        totals = np.zeros((self.n_seeds, self.n_units, values.shape[1]))
        for s, rows in enumerate(own):
            if rows.any():
                found = cluster_sums(values[rows], self.units[rows])
                totals[s, : len(found)] = found
        chosen = seed_draws(self.n_seeds, resamples, seed=seed)
        chosen *= self.n_seeds / chosen[0].sum()
        blocks, start = [], 0
        for counts in draws(self.n_units, seed=seed, resamples=resamples):
            part = chosen[start : start + len(counts)]
            blocks.append(sum(part[:, s : s + 1] * (counts @ totals[s]) for s in range(self.n_seeds)))
            start += len(counts)
        return np.concatenate(blocks)

    def resampled(self, values: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
        """Means of columns, shape (rows, columns), in each resample: shape (resamples, columns).

        NaN is left out, so that a ratio of means is resampled as a ratio.
        """
        import numpy as np

        if self.plain:
            return resampled_means(values, seed=seed, resamples=resamples)
        there = ~np.isnan(values)
        w, n = self.weights[:, None], values.shape[1]
        sums = np.hstack([w * np.where(there, values, 0.0), w * there])
        drawn = self.resampled_sums(sums, resamples=resamples, seed=seed)
        with np.errstate(invalid="ignore", divide="ignore"):
            means: np.ndarray = drawn[:, :n] / drawn[:, n:]
        return means

    def interval(
        self, values: np.ndarray, drawn: np.ndarray, *, bounds: Bounds = SHARE, rows: np.ndarray | None = None
    ) -> Interval:
        """The 95 % interval of a mean.

        Of one seed it is that of :func:`~calm_ext.metrics.intervals.mean_interval`, over questions or clusters. Of
        several it is the percentile interval of the resamples; where too few questions say anything for that, the score
        interval over the questions' means, with the standard error of the mean over the seeds added to it as Zou and
        Donner (2008) add distances of independent parts.

        Args:
            values: of the rows; NaN is left out. drawn: the mean in each resample, shape (resamples,).
            bounds: the least and largest that a value can be.
            rows: the row that each value is of, where rows have several values; shape (values,).
        """
        if rows is not None:
            x, groups, seeds = values, self.units[rows], self.seeds[rows]
        else:
            x, groups, seeds = self.of_questions(values), self._units_of_questions(), self.seeds
        if self.n_seeds == 1:
            return mean_interval(x, drawn, bounds=bounds, clusters=groups)
        found = score_interval(x, bounds=bounds, clusters=groups)
        if found is None:
            return Interval(*interval(drawn))
        import numpy as np

        means = [float(np.nanmean(own)) for s in range(self.n_seeds) if len(own := _there(values[seeds == s]))]
        half = Z95 * float(np.std(means, ddof=1)) / math.sqrt(len(means)) if len(means) > 1 else 0.0
        mean, middle = float(np.nanmean(values)) if rows is not None else self.mean(values), float(np.nanmean(x))
        low = max(bounds[0], mean - math.hypot(middle - found.low, half))
        high = min(bounds[1], mean + math.hypot(found.high - middle, half))
        return Interval(min(mean, low), max(mean, high), SCORE)

    def paired(self, before: np.ndarray, after: np.ndarray, drawn: np.ndarray, found: Interval) -> Paired:
        """What :func:`~calm_ext.metrics.compare.paired_tests` tests of two values of each row: over questions or
        clusters; of several seeds the resampled differences alone, because seeds differ, too.
        """
        if self.n_seeds > 1:
            return Paired(None, None, drawn, found)
        sides = self.of_questions(before), self.of_questions(after)
        return Paired(*sides, drawn, found, self._units_of_questions())

    def _units_of_questions(self) -> np.ndarray | None:
        """The unit of each question; None where each is one."""
        import numpy as np

        if not self.clustered:
            return None
        found = np.zeros(self.n_questions, dtype=int)
        found[self.questions] = self.units
        return found


def _there(values: np.ndarray) -> np.ndarray:
    import numpy as np

    return values[~np.isnan(values)]
