"""Whether something happens to answers more often at one level of a factor than at another.

The unit is the question: its languages stay together, because their answers depend on each other. So the levels of a
factor of the question are permuted over the questions. A factor of the language (its script, say) has its levels within
each question, and what happened there is permuted over the languages of the question, which is an exact test given how
often it happened to each question (as Cochran's Q, and the Cochran-Mantel-Haenszel test, with questions as strata).

Where several models answered a question, or questions belong together, levels cannot be permuted: what is drawn
together differs in size, and so do models. There the scores of the questions are resampled (:func:`_resampled_scores`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from calm_ext.metrics.design import Design

PERMUTATIONS = 999
_BLOCK = 2_000_000  # numbers drawn at once


def depends_p(
    levels: np.ndarray,
    events: np.ndarray,
    trials: np.ndarray,
    *,
    ordered: bool,
    within: bool,
    seed: int = 0,
    permutations: int = PERMUTATIONS,
    design: Design | None = None,
) -> float:
    """The p-value of "how often it happens does not depend on the level"; NaN where nothing can be compared.

    It is that of a permutation test where every question has a row of its own, else of :func:`_resampled_scores`. With
    w_q events in n_q trials of question q, r = Σw / Σn and e_q = w_q - r·n_q, the statistic of the permutation test is

    - for levels without an order Σ_k (Σ_{q in k} e_q)² / Σ_{q in k} n_q, large where the levels' rates differ;
    - for ordered levels s_q = 0, 1, … the squared trend (Σ s_q e_q)² / Σ (s_q - mean s)² e_q², which is studentised,
      so that the test holds where the number of trials, too, depends on the level (DiCiccio and Romano 2017);
    - within questions Σ_k (W_k - E_k)² / N_k, where E_k counts w_q / n_q for each trial.

    p = (1 + number of permutations with a statistic at least as large) / (1 + number of permutations).

    Args:
        levels: of each cell, -1 where it has none; shape (rows, languages).
        events: whether it happened; the same shape.
        trials: whether it could happen; the same shape.
        ordered: test a trend over the levels.
        within: the levels differ between the languages of a question.
        permutations: how many, or how many resamples of scores.
        design: where rows are not each a question of its own.
    """
    counted = trials & (levels >= 0)
    happened = events & counted
    if not happened.any() or (happened == counted).all() or len(set(levels[counted].tolist())) < 2:
        return math.nan
    if design is not None and not design.plain:
        return _resampled_scores(levels, happened, counted, ordered, within, seed, permutations, design)
    if within:
        return _within_questions(levels, happened, counted, seed, permutations)
    return _over_questions(levels, happened, counted, ordered, seed, permutations)


def _over_questions(
    levels: np.ndarray, events: np.ndarray, trials: np.ndarray, ordered: bool, seed: int, permutations: int
) -> float:
    import numpy as np

    used = trials.any(axis=1)
    level = np.where(trials, levels, -1).max(axis=1)[used]
    n = trials[used].sum(axis=1).astype(float)
    e = events[used].sum(axis=1) - events.sum() / trials.sum() * n
    kinds = np.unique(level)

    def statistic(rows: np.ndarray) -> np.ndarray:
        """Of each row of levels, shape (rows, questions)."""
        if ordered:
            spread = (rows - level.mean()) ** 2 @ e**2
            return (rows @ e) ** 2 / np.where(spread > 0, spread, np.inf)
        total = np.zeros(len(rows))
        for k in kinds:
            inside = (rows == k).astype(float)
            size = inside @ n
            total += (inside @ e) ** 2 / np.where(size > 0, size, np.inf)
        return total

    rng = np.random.default_rng(seed)
    found = float(statistic(level[None, :])[0])
    larger, step = 0, max(1, _BLOCK // len(level))
    for start in range(0, permutations, step):
        rows = np.tile(level, (min(step, permutations - start), 1))
        larger += _at_least(statistic(rng.permuted(rows, axis=1)), found)
    return (1 + larger) / (1 + permutations)


def _within_questions(
    levels: np.ndarray, events: np.ndarray, trials: np.ndarray, seed: int, permutations: int
) -> float:
    import numpy as np

    w, n = events.sum(axis=1), trials.sum(axis=1)
    mixed = (w > 0) & (w < n)  # where it happened everywhere or nowhere, no order of the languages differs
    if not mixed.any():
        return math.nan
    question, language = np.nonzero(trials & mixed[:, None])
    happened = events[question, language].astype(float)
    kinds, kind = np.unique(levels[question, language], return_inverse=True)
    inside = np.eye(len(kinds))[kind]
    expected = (w / np.maximum(n, 1))[question] @ inside
    size = inside.sum(axis=0)

    def statistic(rows: np.ndarray) -> np.ndarray:
        """Of each row of what happened to the cells, shape (rows, cells)."""
        found: np.ndarray = (((rows @ inside) - expected) ** 2 / size).sum(axis=1)
        return found

    rng = np.random.default_rng(seed)
    found = float(statistic(happened[None, :])[0])
    larger, step = 0, max(1, _BLOCK // len(happened))
    for start in range(0, permutations, step):
        # Cells are sorted by question, so a question's number plus a random share shuffles within it.
        keys = question + rng.random((min(step, permutations - start), len(happened)))
        larger += _at_least(statistic(happened[np.argsort(keys, axis=1)]), found)
    return (1 + larger) / (1 + permutations)


def _resampled_scores(
    levels: np.ndarray,
    events: np.ndarray,
    trials: np.ndarray,
    ordered: bool,
    within: bool,
    seed: int,
    resamples: int,
    design: Design,
) -> float:
    """The score test of a logistic model, with the distribution of its statistic by the hierarchical bootstrap.

    The score of level k is U_k = Σ_cells (x_k - mean x_k)(event - rate), x_k = 1 at the level; of ordered levels there
    is one, with x = 0, 1, …. Rate and mean are those of the row where the level is one of the language, else those of
    the seed, so that how much seeds differ as a whole is no effect of the level. The statistic Σ_k U_k² / N_k is held
    against Σ_k (U*_k - U_k)² / N_k of resamples, in which questions (or clusters) and seeds are drawn anew: scores that
    are centred stand for what would be found if nothing depended on the level (Hall and Wilson 1991).
    """
    import numpy as np

    kinds = np.unique(levels[trials])
    if ordered and not within:
        x, sizes = np.where(trials, levels, 0)[:, :, None].astype(float), np.ones(1)
    else:
        x = (trials[:, :, None] & (levels[:, :, None] == kinds)).astype(float)
        sizes = x.sum(axis=(0, 1))
    n = trials.sum(axis=1).astype(float)
    happened, at = events.sum(axis=1).astype(float), x.sum(axis=1)
    if not within:
        by_seed = np.eye(design.n_seeds)[design.seeds]
        n, happened, at = (by_seed @ (by_seed.T @ values) for values in (n, happened, at))
    n = np.maximum(n, 1)
    rate, mean = (happened / n)[:, None], at / n[:, None]
    scores = np.where(trials, events - rate, 0.0)[:, :, None] * (x - mean[:, None, :])
    scores = scores.sum(axis=1)
    if not np.abs(scores).max() > 0:
        return math.nan
    found = scores.sum(axis=0)
    drawn = design.resampled_sums(scores, resamples=resamples, seed=seed) - found
    larger = _at_least((drawn**2 / sizes).sum(axis=1), float((found**2 / sizes).sum()))
    return (1 + larger) / (1 + resamples)


def _at_least(values: np.ndarray, found: float) -> int:
    """How many are as large, but for rounding."""
    return int((values >= found - 1e-9 * max(1.0, abs(found))).sum())
