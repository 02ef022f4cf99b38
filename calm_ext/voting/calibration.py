"""The probability that a winner is right, without gold.

Without gold nobody can know how often a vote is right; but how often a further witness agrees with it can be measured.
Where errors are shared, as between the languages of one model, the two are equal when the witnesses' answers are
calibrated as a whole (Jiang et al. 2022, arXiv 2106.13799: expected agreement equals accuracy). Two agreements can be
measured, each made a rising function of the margin by isotonic regression: of the witnesses with a vote they took part
in, which is too high, and of each witness with the vote of the others, which is too low, as that vote knows less. The
probability of being right is taken to be halfway. Where errors are independent, as in Babel, this is too low;
docs/RESULTS.md measures it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from calm_ext.voting.counts import Counts
from calm_ext.voting.evidence import Evidence

if TYPE_CHECKING:
    import numpy as np


def expected_agreement(votes: Counts, evidence: Evidence, winners: np.ndarray, margins: np.ndarray) -> np.ndarray:
    """(N,) the probability that a winner is right, as the module says; NaN where there is no winner (-1)."""
    import numpy as np

    result = np.full(len(winners), np.nan)
    at = np.flatnonzero(winners >= 0)
    if not len(at):
        return result
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
        result[at] = rising(margins[at])
        return result
    left_out = _isotonic(np.concatenate(seen), np.concatenate(agreed), np.concatenate(weight))
    result[at] = (rising(margins[at]) + left_out(margins[at])) / 2
    return result


def _isotonic(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The rising function of x that is nearest to y by weighted squares, interpolated; equal x have one value."""
    import numpy as np
    from scipy.optimize import isotonic_regression

    places, inverse = np.unique(x.round(9), return_inverse=True)
    total = np.bincount(inverse, weights=weights)
    mean = np.bincount(inverse, weights=weights * y) / total
    fitted = isotonic_regression(mean, weights=total).x
    return lambda points: np.interp(points, places, fitted)
