"""How much the votes of each language say about the answer, learned without a gold label.

All rules (:mod:`calm_ext.voting.rules`) come to the same form, an array of *evidence*: how much language l speaks for
option o of question i. Its sum over languages elects; its sum without a language judges that language. The sums that
rules share are here:

- :func:`weighted`: the share of a language's samples that name an option times a weight of the language.
- :func:`dawid_skene`: a sample knows the answer with probability θ_l, or else guesses any of the options (Dawid and
  Skene 1979, in the form of MACE, Hovy et al. 2013, with guesses alike for all options).
- :func:`led`: one language leads, and the others are a prior of its answers.
- weights to put into these: :func:`self_agreement` and :func:`cross_agreement` with :func:`reliability`, and
  :func:`effective_votes` of samples that repeat each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from calm_ext.voting.counts import Counts

if TYPE_CHECKING:
    import numpy as np

#: Pseudo-count of the fit: answers that are half known.
_KNOWN = 10.0
#: Samples of the leading language that all other languages together are worth.
PRIOR = 2.0
#: Samples that a distribution over the options is worth: it has no sampling error, but it is not exact.
SCORED = 100.0


class Evidence(NamedTuple):
    """What each language says.

    Attributes:
        values: (N, L, O); comparable within a question. Invalid options are 0 like unnamed ones.
        witness: (N, L) weight of a language as a witness of the winner; sums to 1 over those that answered.
        most: (N, L) the evidence that a language gives an option when all its samples name it; a margin is divided by
            the sum of this over the languages.
        weights: (L,) how much a language counts, for display; their mean is 1 where they are learned.
    """

    values: np.ndarray
    witness: np.ndarray
    most: np.ndarray
    weights: np.ndarray

    def without(self, column: int) -> Evidence:
        """The same, one language silent."""
        values, most = self.values.copy(), self.most.copy()
        values[:, column] = 0
        most[:, column] = 0
        return self._replace(values=values, most=most)

    def leads(self, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N,) the first option, and (N,) its lead over the second as a share of what could be said."""
        import numpy as np

        sums = np.where(valid, self.values.sum(1), -np.inf)
        first = sums.argmax(1)
        rows = np.arange(len(sums))
        best = sums[rows, first]
        sums[rows, first] = -np.inf
        lead: np.ndarray = (best - sums.max(1)) / np.maximum(self.most.sum(1), 1e-12)
        return first, lead


def sureness(votes: Counts) -> np.ndarray:
    """(N, L) the chance that two samples of a language agree, or two draws from its scores; NaN where unknown."""
    import numpy as np

    if votes.scored:
        drawn: np.ndarray = np.where(votes.asked, (votes.counts**2).sum(2), np.nan)
        return drawn
    read = votes.read
    pairs = read * (read - 1)
    agree = (votes.counts * (votes.counts - 1)).sum(2)
    result: np.ndarray = np.divide(agree, pairs, out=np.full_like(read, np.nan), where=read > 1.5)
    return result


def self_agreement(votes: Counts) -> np.ndarray:
    """(L,) the mean of :func:`sureness` over the questions where it is known; NaN where it is of none."""
    import numpy as np

    own = sureness(votes)
    known = ~np.isnan(own)
    with np.errstate(invalid="ignore"):
        result: np.ndarray = np.where(known, own, 0.0).sum(0) / known.sum(0)
    return result


def cross_agreement(votes: Counts) -> np.ndarray:
    """(L,) the probability that a sample of a language agrees with one of another language; NaN where there is none."""
    import numpy as np

    shares, there = votes.shares, votes.read > 0
    languages = len(votes.languages)
    rate = np.full((languages, languages), np.nan)
    for a in range(languages):
        both = there[:, a, None] & there
        agree = np.einsum("io,ilo->il", shares[:, a], shares) * both
        with np.errstate(invalid="ignore"):
            rate[a] = agree.sum(0) / both.sum(0)
    np.fill_diagonal(rate, np.nan)
    counted = ~np.isnan(rate)
    with np.errstate(invalid="ignore"):
        result: np.ndarray = np.where(counted, rate, 0.0).sum(1) / counted.sum(1)
    return result


def chance(votes: Counts) -> float:
    """The agreement of two guesses: the mean of one over the number of options."""
    return float((1 / votes.valid.sum(1)).mean())


def reliability(agreement: np.ndarray, votes: Counts) -> np.ndarray:
    """(L,) weights from agreement above chance, their mean 1; equal where nothing agrees above chance."""
    import numpy as np

    by_chance = chance(votes)
    above = np.maximum(np.nan_to_num(agreement, nan=by_chance) - by_chance, 0.0)
    above[above < 1e-9] = 0.0  # the rounding of sums, which would make one language count and another not
    return above / above.mean() if above.sum() > 0 else np.ones_like(above)


def _two_witnesses(weights: np.ndarray, source: np.ndarray) -> np.ndarray:
    """(N, L) weights, where a question's translations are scaled to weigh as much as its source.

    Args:
        weights: (N, L), 0 where a language has no say.
        source: (N,) columns, negative where there is none.
    """
    import numpy as np

    columns = np.arange(weights.shape[1])[None, :]
    is_source = columns == source[:, None]
    own = (weights * is_source).sum(1, keepdims=True)
    others = (weights * ~is_source).sum(1, keepdims=True)
    applies = (own > 0) & (others > 0)
    scale = np.divide(own, others, out=np.ones_like(own), where=applies)
    scaled: np.ndarray = np.where(is_source, weights, weights * scale)
    return scaled


def _as_witness(weights: np.ndarray, votes: Counts) -> np.ndarray:
    """Weights of the languages that answered, as shares of one."""
    import numpy as np

    there = weights * (votes.read > 0)
    total = there.sum(1, keepdims=True)
    return np.divide(there, total, out=np.zeros_like(there), where=total > 0)


def weighted(votes: Counts, weights: np.ndarray, *, source: np.ndarray | None = None) -> Evidence:
    """Sums of shares.

    Args:
        weights: (L,) of the languages.
        source: (N,) the column of each question's source language; all its translations together then weigh as much.
    """
    full = votes.asked.astype(float)
    if source is not None:
        full = _two_witnesses(full, source)
    full = full * weights[None, :]
    shown = weights if source is None else _shown(full, votes)
    values = votes.counts / votes.n[:, :, None] * full[:, :, None]
    return Evidence(values, _as_witness(full, votes), full, shown)


def repetition(votes: Counts) -> np.ndarray:
    """(L,) ρ_l, the part of the agreement between a language's samples that other languages do not explain."""
    import numpy as np

    across = np.nan_to_num(cross_agreement(votes), nan=chance(votes))
    own = self_agreement(votes)
    rho: np.ndarray = np.clip(np.nan_to_num((own - across) / np.maximum(1 - across, 1e-9), nan=1.0), 0.0, 1.0)
    return rho


def effective_votes(votes: Counts, rho: np.ndarray | None = None) -> np.ndarray:
    """(N, L) what one sample is worth where a language's samples repeat each other: 1 / (1 + (n - 1) ρ_l).

    Args:
        rho: (L,) by :func:`repetition`; by default that of these votes.
    """
    result: np.ndarray = 1 / (1 + (votes.n - 1) * (repetition(votes) if rho is None else rho)[None, :])
    return result


def dawid_skene(
    votes: Counts,
    weights: np.ndarray,
    *,
    worth: np.ndarray | None = None,
    source: np.ndarray | None = None,
    theta: np.ndarray | None = None,
) -> Evidence:
    """The posterior of a question's options, with a uniform prior and uniform guesses over them.

    A sample of language l names the answer with probability θ_l + (1 - θ_l) / K, and each other of the K options with
    (1 - θ_l) / K, so that it speaks for the option it names with log(1 + K θ_l / (1 - θ_l)). Where options stand plays
    no part.

    Args:
        weights: (L,) that multiply a language's votes.
        worth: (N, L) what one sample of a language is worth in votes; 1 without.
        source: (N,) the column of each question's source language; all its translations together then weigh as much.
        theta: (L,) by :func:`knowledge`; by default that of these votes.
    """

    if theta is None:
        theta = knowledge(votes, weights, worth=worth, source=source)
    full = _full(votes, weights, worth, source)
    ratio = _log_odds(votes, theta)
    most = full * votes.n * ratio
    even = votes.asked.astype(float)
    even = (even if source is None else _two_witnesses(even, source)) * weights[None, :]
    values: np.ndarray = votes.counts * (ratio * full)[:, :, None]
    return Evidence(values, _as_witness(even, votes), most, _shown(most, votes))


def _full(votes: Counts, weights: np.ndarray, worth: np.ndarray | None, source: np.ndarray | None) -> np.ndarray:
    """(N, L) what a sample of a language counts in a question."""
    full = votes.asked * (1.0 if worth is None else worth)
    if source is not None:
        full = _two_witnesses(full, source)
    result: np.ndarray = full * weights[None, :]
    return result


def _log_odds(votes: Counts, theta: np.ndarray) -> np.ndarray:
    """(N, L) how much a sample speaks for the option that it names."""
    import numpy as np

    options = votes.valid.sum(1)[:, None]  # (N, 1)
    result: np.ndarray = np.log1p(options * (theta / (1 - theta))[None, :])
    return result


def knowledge(
    votes: Counts,
    weights: np.ndarray,
    *,
    worth: np.ndarray | None = None,
    source: np.ndarray | None = None,
    steps: int = 200,
    tolerance: float = 1e-6,
) -> np.ndarray:
    """(L,) θ_l of :func:`dawid_skene`, whose arguments these are, fitted by expectation maximisation."""
    import numpy as np

    counts = votes.counts
    full = _full(votes, weights, worth, source)
    after = np.full(counts.shape[1], 0.5)
    read = counts.sum((0, 2))
    for _ in range(steps):
        theta = after
        ratio = _log_odds(votes, theta)
        posterior = softmax((counts * (ratio * full)[:, :, None]).sum(1), votes.valid)
        known = (posterior[:, None, :] * counts).sum(2) * (1 - np.exp(-ratio))
        after = (known.sum(0) + _KNOWN / 2) / (read + _KNOWN)
        if np.abs(after - theta).max() < tolerance:
            break
    return theta


def led(votes: Counts, weights: np.ndarray, leader: np.ndarray) -> Evidence:
    """The counts of one language, and the others as a prior of it: n_o + κ · mean over the others of √share_lo.

    The leader's samples are draws from what it believes, and κ = :data:`PRIOR` samples of a prior settle what few draws
    leave open. A root counts the first sample of a language more than the next ones, which repeat it.

    Args:
        weights: (L,) that multiply a language's votes.
        leader: (N,) the column of each question's leader; negative rows are not used.
    """
    import numpy as np

    is_leader = np.arange(len(votes.languages))[None, :] == leader[:, None]  # (N, L)
    others = votes.asked & ~is_leader
    part = others * PRIOR / np.maximum(others.sum(1, keepdims=True), 1)
    own = (votes.n * (SCORED if votes.scored else 1.0)) * (is_leader & votes.asked)
    share = votes.counts / votes.n[:, :, None]
    most = (own + part) * weights[None, :]
    values = np.where(is_leader[:, :, None], own[:, :, None] * share, part[:, :, None] * np.sqrt(share))
    even = _two_witnesses(votes.asked.astype(float), leader) * weights[None, :]
    return Evidence(values * weights[None, :, None], _as_witness(even, votes), most, _shown(most, votes))


def either(rows: np.ndarray, first: Evidence, second: Evidence, votes: Counts) -> Evidence:
    """The first where ``rows`` (N,) says so, else the second."""
    import numpy as np

    most = np.where(rows[:, None], first.most, second.most)
    return Evidence(
        np.where(rows[:, None, None], first.values, second.values),
        np.where(rows[:, None], first.witness, second.witness),
        most,
        _shown(most / np.maximum(most.sum(1, keepdims=True), 1e-12), votes),
    )


def _shown(weight: np.ndarray, votes: Counts) -> np.ndarray:
    """(L,) mean weight of each language over the questions it was asked, their mean 1."""
    import numpy as np

    mean = weight.sum(0) / np.maximum(votes.asked.sum(0), 1)
    result: np.ndarray = mean / max(mean.mean(), 1e-12)
    return result


def softmax(sums: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """(N, O) probabilities of the valid options."""
    import numpy as np

    shifted = np.where(valid, sums, -np.inf)
    powers = np.exp(shifted - shifted.max(1, keepdims=True))
    result: np.ndarray = powers / powers.sum(1, keepdims=True)
    return result
