"""The probability that a winner is right, without gold.

Without gold nobody can know how often a vote is right; but how often a further witness agrees with it can be measured.
Where errors are shared, as between the languages of one model, the two are equal when the witnesses' answers are
calibrated as a whole (Jiang et al. 2022, arXiv 2106.13799: expected agreement equals accuracy). Two agreements can be
measured, each made a rising function of the margin by isotonic regression: of the witnesses with a vote they took part
in, which is too high, and of each witness with the vote of the others, which is too low, as that vote knows less. The
probability of being right is taken to be halfway. Where errors are independent, as in Babel, this is too low;
docs/RESULTS.md measures it.

How far such an estimate can be off is shown by two extremes (:func:`estimated`): that languages err alike, so that a
vote is right as often as two languages agree, and that each errs on its own, so that their agreement multiplies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from calm_ext.metrics.stats import interval, resampled_means
from calm_ext.voting.counts import Counts
from calm_ext.voting.evidence import Evidence, chance, dawid_skene, softmax

if TYPE_CHECKING:
    import numpy as np


Curve = Callable[["np.ndarray"], "np.ndarray"]


def expected_agreement(votes: Counts, evidence: Evidence, winners: np.ndarray, margins: np.ndarray) -> Curve:
    """From margins to the probability that a winner is right, as the module says; NaN where nothing has a winner.

    Args:
        winners, margins: (N,) of the questions that it is learned from; -1 where there is no winner.
    """
    import numpy as np

    at = np.flatnonzero(winners >= 0)
    if not len(at):
        return lambda points: np.full(len(points), np.nan)
    shares, answered = votes.shares, votes.read > 0
    included = (shares[at, :, winners[at]] * evidence.witness[at]).sum(1)
    rising = _isotonic(margins[at], included, np.ones(len(at)))
    seen: list[np.ndarray] = []
    agreed: list[np.ndarray] = []
    weight: list[np.ndarray] = []
    for column in range(len(votes.languages)):
        first, lead = evidence.without(column).leads(votes.valid)
        rows = np.flatnonzero(answered[:, column] & (lead > 1e-9) & (evidence.witness[:, column] > 0))
        seen.append(lead[rows])
        agreed.append(shares[rows, column, first[rows]])
        weight.append(evidence.witness[rows, column])
    if not sum(map(len, seen)):  # one language only: nobody else to agree
        return rising
    left_out = _isotonic(np.concatenate(seen), np.concatenate(agreed), np.concatenate(weight))
    return lambda points: (rising(points) + left_out(points)) / 2


def _isotonic(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Curve:
    """The rising function of x that is nearest to y by weighted squares, interpolated; equal x have one value."""
    import numpy as np
    from scipy.optimize import isotonic_regression

    places, inverse = np.unique(x.round(9), return_inverse=True)
    total = np.bincount(inverse, weights=weights)
    mean = np.bincount(inverse, weights=weights * y) / total
    fitted = isotonic_regression(mean, weights=total).x
    return lambda points: np.interp(points, places, fitted)


#: Fewer questions, or languages, than these show too little of how languages agree.
ENOUGH_QUESTIONS, ENOUGH_LANGUAGES = 50, 3
_RESAMPLES = 500
#: Scores are a model's own probabilities. Where these are higher than the agreement of languages by more than this,
#: they were off by .06 to .34 (docs/RESULTS.md).
_FARTHEST = 0.25


class Estimate(NamedTuple):
    """How many of all questions a vote is right on, without gold.

    Attributes:
        value: the mean of the winners' probabilities; questions without a winner count 0.
        low, high: bounds: if all languages erred alike, and if each erred on its own, each with its 95 % bootstrap
            bound over the questions; ``value`` is among them.
        doubt: why the estimate is not calibrated here, in a few words; None where nothing speaks against it.
    """

    value: float
    low: float
    high: float
    doubt: str | None

    def summary(self) -> dict[str, object]:
        """The keys that ``vote --json`` has of it."""
        return {
            "estimated_accuracy_range": [round(self.low, 6), round(self.high, 6)],
            "calibrated": self.doubt is None,
            "calibration_doubt": self.doubt,
        }


def estimated(
    votes: Counts, winners: np.ndarray, probability: np.ndarray, *, mean: float | None = None
) -> Estimate | None:
    """The estimate and its range; None where there is no winner.

    The lower extreme is the share of pairs of languages whose best answers agree on the winner, the upper one the mean
    posterior of the winners by :func:`~calm_ext.voting.evidence.dawid_skene` on the best answer of each language. The
    bootstrap (Efron and Tibshirani 1993, chapter 13) draws questions, with a fixed seed.

    Args:
        winners: (N,) -1 where there is none.
        probability: (N,) that a winner is right; NaN where there is none.
        mean: the value, where there are more questions than these, which then show how far it can be off.
    """
    import numpy as np

    if not (winners >= 0).any():
        return None
    rows, decided = np.arange(len(winners)), winners >= 0
    best = votes.counts.max(2, keepdims=True)
    first = (votes.counts >= best - 1e-12) & (best > 0) & votes.valid[:, None, :]
    first = first / np.maximum(first.sum(2, keepdims=True), 1)  # ties share
    there = first.sum(2) > 0
    some = there.sum(1)
    agree = first[rows, :, winners].sum(1) * decided
    alike = np.where(some > 1, agree * (agree - 1) / np.maximum(some * (some - 1), 1), agree / np.maximum(some, 1))
    alone = votes._replace(counts=first, n=np.ones_like(votes.n))
    fit = dawid_skene(alone, np.ones(len(votes.languages)))
    posterior = softmax(fit.values.sum(1), votes.valid)[rows, winners] * decided
    value = np.nan_to_num(probability) * decided
    # The value may lie outside the two extremes; the range holds its interval, too.
    means = resampled_means(np.stack([np.maximum(alike, 0), posterior, value], axis=1), resamples=_RESAMPLES)
    bounds = [interval(column) for column in means.T]
    low, high = min(bounds[0][0], bounds[2][0]), max(bounds[1][1], bounds[2][1])
    doubt = _doubt(alone, first, there)
    if doubt is None and votes.scored and value.mean() - alike.mean() > _FARTHEST:
        doubt = "the scores are much surer than languages agree"
    if mean is not None:
        return Estimate(mean, min(low, mean), max(high, mean), doubt)
    return Estimate(float(value.mean()), low, high, doubt)


def _doubt(votes: Counts, first: np.ndarray, there: np.ndarray) -> str | None:
    """Why languages' agreement shows too little here."""
    import numpy as np

    some = there.sum(1)
    if (some > 0).sum() < ENOUGH_QUESTIONS:
        return f"there are fewer than {ENOUGH_QUESTIONS} questions"
    if there.any(0).sum() < ENOUGH_LANGUAGES:
        return f"there are fewer than {ENOUGH_LANGUAGES} languages"
    several = some > 1
    pairs = (first.sum(1) ** 2).sum(1) - (first**2).sum((1, 2))
    agree = (pairs[several] / (some * (some - 1))[several]) if several.any() else np.zeros(1)
    if agree.mean() - chance(votes) < 2 * agree.std() / np.sqrt(len(agree)) + 0.05:
        return "languages hardly agree more than by chance"
    return None
