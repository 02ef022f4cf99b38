"""Which rows of two files belong together when one file has more rows than the other.

Two passes of dynamic programming. The first matches whole files by gold letter, number of options and shared content
(numbers, names, cognates); it finds each gap to within a few rows. The second learns from the rows far from the gaps
(:mod:`calm_ext.data.parallel.evidence`) and places the gaps among the rows near them, which it has not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from calm_ext.data.parallel.evidence import Texts, exchange_losses, inverse, log_odds_weights, shared_tables
from calm_ext.data.parallel.features import Array, tfidf

#: rows on either side of a gap that are placed by content
WINDOW = 30
#: log-odds by which the best place of a gap must be better than the next
MARGIN = 0.5
#: cosine from which two rows of one file are two translations of the same question
SAME = 0.5
_IMPOSSIBLE = -1e6


class Orphan(NamedTuple):
    """A row of the longer file that has no counterpart.

    Attributes:
        row: 0-based.
        twin: the row that says the same, if there is one.
    """

    row: int
    twin: int | None


class Unplaced(Exception):
    """The gaps cannot be placed; ``rows`` are 0-based rows of the longer file, the reason is the message."""

    def __init__(self, reason: str, rows: Sequence[int] = ()) -> None:
        super().__init__(reason)
        self.rows = tuple(rows)


Keys = Sequence[tuple[int | None, int]]


def find_orphans(longer: Texts, shorter: Texts, longer_keys: Keys, shorter_keys: Keys) -> list[Orphan]:
    """The rows of ``longer`` to leave out so that the rest match ``shorter`` one by one.

    Args:
        longer_keys, shorter_keys: gold index and number of options of each row.

    Raises:
        Unplaced: more rows differ than one file's surplus explains, or more than one choice fits.
    """
    surplus = len(longer_keys) - len(shorter_keys)
    possible = np.array([[a == b for b in shorter_keys] for a in longer_keys])
    a, b = shared_tables(longer.rows, shorter.rows)
    similar = np.asarray((a @ b.T).toarray())
    left = _leave_out(np.where(possible, 1 + _scaled(similar), _IMPOSSIBLE), range(len(longer_keys)), surplus)
    if left is None:
        raise Unplaced("no choice of rows to leave out makes the gold letters and numbers of options agree")
    windows = _windows(left, len(longer_keys))
    gone = set(left)
    matched = [r for r in range(len(longer_keys)) if r not in gone]
    place = {r: k for k, r in enumerate(matched)}
    inside = {r for w in windows for r in w}
    trusted = [r for r in matched if r not in inside]
    if len(trusted) < 2 * WINDOW:
        trusted = matched
    fit = _learned_fit(longer, shorter, trusted, [place[r] for r in trusted], similar)
    orphans: list[Orphan] = []
    for window in windows:
        own = [r for r in window if r in gone]
        start = window[0] - sum(1 for r in left if r < window[0])
        columns = range(start, start + len(window) - len(own))
        block = np.ix_(list(window), list(columns))
        scores = np.where(possible[block], fit(window, columns), _IMPOSSIBLE)
        orphans += _placed(scores, window, len(own), longer)
    return orphans


def _scaled(similar: Array) -> Array:
    centred = similar - similar.mean()
    typical = float(np.median(centred.max(axis=1)))
    return np.clip(centred / typical, -0.5, 1) if typical > 0 else centred


def _windows(left: Sequence[int], n: int) -> list[range]:
    """The rows around the gaps, overlapping windows united."""
    around = min(WINDOW, max(3, n // 6))
    found: list[range] = []
    for row in sorted(left):
        new = range(max(0, row - around), min(n, row + around + 1))
        if found and new.start <= found[-1].stop:
            found[-1] = range(found[-1].start, new.stop)
        else:
            found.append(new)
    return found


def _leave_out(scores: Array, rows: Sequence[int], surplus: int, keep: int | None = None) -> list[int] | None:
    """The ``surplus`` rows to leave out for the highest sum of scores in order, or None where none is possible.

    best[g] after row i is the best sum with g rows left out so far; row i is matched to column i − g.
    """
    n, columns = scores.shape
    best = np.full(surplus + 1, -np.inf)
    best[0] = 0
    skipped = np.zeros((n, surplus + 1), bool)
    for i in range(n):
        g = np.arange(surplus + 1)
        column = i - g
        fits = (column >= 0) & (column < columns)
        match = np.where(fits, best + scores[i, np.clip(column, 0, columns - 1)], -np.inf)
        skip = np.concatenate([[-np.inf], best[:-1]])
        if keep is not None and rows[i] == keep:
            skip[:] = -np.inf
        skipped[i] = skip > match
        best = np.maximum(match, skip)
    if best[surplus] < _IMPOSSIBLE / 2:
        return None
    left = []
    still = surplus
    for i in range(n - 1, -1, -1):
        if skipped[i, still]:
            left.append(rows[i])
            still -= 1
    return left[::-1]


def _total(scores: Array, rows: Sequence[int], left: Sequence[int]) -> float:
    gone = set(left)
    kept = [i for i, r in enumerate(rows) if r not in gone]
    return float(scores[kept, np.arange(len(kept))].sum())


def _placed(scores: Array, window: range, surplus: int, longer: Texts) -> list[Orphan]:
    left = _leave_out(scores, window, surplus)
    if left is None:
        raise Unplaced("no choice of rows to leave out makes the gold letters and numbers of options agree", window)
    best = _total(scores, window, left)
    orphans = []
    for row in left:
        second = _leave_out(scores, window, surplus, keep=row)
        twin = None
        if second is not None and best - _total(scores, window, second) < MARGIN:
            instead = sorted(set(second) - set(left))
            if len(instead) != 1 or _cosine(longer, row, instead[0]) < SAME:
                raise Unplaced("more than one row could be the surplus one", sorted({row, *instead}))
            row, twin = max(row, instead[0]), min(row, instead[0])
        orphans.append(Orphan(row, twin))
    return orphans


def _cosine(texts: Texts, i: int, j: int) -> float:
    table = tfidf([texts.rows[i].own, texts.rows[j].own, []])
    counts = table[:2]
    return float((counts[0] @ counts[1].T).toarray()[0, 0])


def _learned_fit(
    longer: Texts, shorter: Texts, rows: Sequence[int], columns: Sequence[int], similar: Array
) -> Callable[[Sequence[int], Sequence[int]], Array]:
    """A function of rows and columns: how well they fit, learned from the trusted pairs, 0 for strangers."""
    x, y = tfidf([b.own for b in longer.rows], max_share=0.5), tfidf([b.own for b in shorter.rows], max_share=0.5)
    xt, yt = x[list(rows)], y[list(columns)]
    c = inverse(np.asarray((xt @ xt.T).toarray(), np.float32))
    long_x, long_y = np.array([b.length for b in longer.rows]), np.array([b.length for b in shorter.rows])
    same = similar[np.ix_(list(rows), list(columns))]
    on, a, b = np.diag(same), long_x[list(rows)], long_y[list(columns)]
    losses = (
        exchange_losses(c, np.asarray((yt @ yt.T).toarray(), np.float32)),
        on[:, None] + on[None] - same - same.T,
        (a[:, None] - a[None]) * (b[:, None] - b[None]),
    )
    upper = np.triu_indices(len(rows), 1)
    weights = log_odds_weights(np.stack([k[upper] for k in losses], axis=1))

    def fit(i: Sequence[int], j: Sequence[int]) -> Array:
        learned = np.asarray((x[list(i)] @ xt.T).toarray()) @ c @ np.asarray((yt @ y[list(j)].T).toarray())
        parts = (learned, similar[np.ix_(list(i), list(j))], np.outer(long_x[list(i)], long_y[list(j)]))
        centred = [p - p.mean(axis=1, keepdims=True) - p.mean(axis=0) + p.mean() for p in parts]
        total: Array = np.sum([w * p for w, p in zip(weights, centred, strict=True)], axis=0)
        return total

    return fit
