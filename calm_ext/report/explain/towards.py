"""Towards which answers the changed ones moved, and whether questions that became consistent became right.

The paper's claim is that a gain comes from consistency: a language takes over what the others answered. So a changed
answer is held against what the other languages, the pivot and the vote said before, and against gold.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from calm_ext.metrics.design import Design
from calm_ext.metrics.stats import interval
from calm_ext.report.explain.cells import Cells
from calm_ext.report.explain.parts import Row

if TYPE_CHECKING:
    import numpy as np


def majority_of_others(row: Row, language: str) -> int | None:
    """The answer that most of the other languages gave before; None where none answered, or two lead.

    >>> from calm_ext.results.evaluation import Shown
    >>> row = Row("q", 0, None, {"en": 1, "fr": 2, "de": 2, "it": None}, {}, Shown({}, {}, {}, {}), None)
    >>> [majority_of_others(row, x) for x in row.before]
    [2, None, None, 2]
    """
    counts = Counter(a for x, a in row.before.items() if x != language and a is not None).most_common(2)
    if not counts or (len(counts) > 1 and counts[0][1] == counts[1][1]):
        return None
    return counts[0][0]


def _pivot(row: Row, language: str) -> int | None:
    return row.before[row.pivot] if row.pivot is not None and row.pivot != language else None


def _elected(row: Row, language: str) -> int | None:
    return row.elected.winner if row.elected else None


def _gold(row: Row, language: str) -> int | None:
    return row.gold


def misleading_majority(row: Row, language: str) -> int | None:
    """The same where it is wrong, and known to be: a move to it is made for consistency alone."""
    answer = majority_of_others(row, language)
    return None if row.gold is None or answer == row.gold else answer


#: target -> (its name, the answer that it is for a question and a language)
TARGETS: dict[str, tuple[str, Callable[[Row, str], int | None]]] = {
    "majority": ("the majority of the other languages before", majority_of_others),
    "misleading": ("the same, where that majority was wrong", misleading_majority),
    "pivot": ("the source language’s answer before", _pivot),
    "elected": ("the answer that the vote elected", _elected),
    "gold": ("the right answer", _gold),
}


def towards(cells: Cells, *, resamples: int) -> dict[str, Any]:
    """What changed answers became.

    Returns:
        ``n_changed``; ``targets``, for each that there is: of the answers that ``differed`` from it before, how many
        ``changed``, and of these how many came ``to`` it: ``share`` with ``ci95`` (over questions: the bootstrap's, or
        the score interval where that does not cover, as of 0 of 3; None where none changed), the share that ``chance``
        would give were each other option as likely, and how many of them are ``right``; of the answers that ``agreed``
        with it, how many ``left``. ``gain``: what changed answers add to the mean accuracy, by where
        they went: to the ``majority``, ``elsewhere``, or to no answer that could be read (``none``); they add up to
        its difference; None where no right answer is known.
    """
    import numpy as np

    wanted = {key: _answers(cells, key) for key in TARGETS}
    wanted = {key: a for key, a in wanted.items() if ((a >= 0) & (cells.before != a)).any()}
    columns = [cells_of.sum(axis=1) for a in wanted.values() for cells_of in _moves(cells, a)]
    targets = {}
    if columns:
        drawn = cells.design.resampled_sums(np.column_stack(columns).astype(float), resamples=resamples)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = drawn[:, ::2] / drawn[:, 1::2]
        for i, (key, answers) in enumerate(wanted.items()):
            targets[key] = {**_target(cells, answers), "ci95": _share_interval(cells, answers, shares[:, i])}
    return {"n_changed": int(cells.changed.sum()), "targets": targets, "gain": _gain(cells)}


def _answers(cells: Cells, key: str) -> np.ndarray:
    """The target of each cell, -1 where there is none; shape (questions, languages)."""
    import numpy as np

    of = TARGETS[key][1]
    rows = [[of(row, x) for x in cells.part.languages] for row in cells.part.rows]
    return np.array([[-1 if a is None else a for a in row] for row in rows])


def _moves(cells: Cells, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which cells came to the target, and which changed, of those that differed from it before."""
    moved = (wanted >= 0) & (cells.before != wanted) & cells.changed
    return moved & (cells.after == wanted), moved


def _share_interval(cells: Cells, wanted: np.ndarray, drawn: np.ndarray) -> list[float] | None:
    """Of the share of moves that came to the target: a mean over these moves, those of a question kept together."""
    to, moved = _moves(cells, wanted)
    if not moved.any():
        return None
    return list(cells.design.interval(to[moved].astype(float), drawn, rows=moved.nonzero()[0]).bounds)


def _target(cells: Cells, wanted: np.ndarray) -> dict[str, Any]:
    import numpy as np

    to, moved = _moves(cells, wanted)
    agreed = (wanted >= 0) & (cells.before == wanted)
    n_options = np.array([len(next(iter(r.shown.options.values()))) for r in cells.part.rows])[:, None]
    # A cell without an answer before may become any option, another one any of the others.
    others = np.where(cells.before >= 0, n_options - 1, n_options)
    n = int(moved.sum())
    found: dict[str, Any] = {
        "differed": int(((wanted >= 0) & ~agreed).sum()),
        "changed": n,
        "to": int(to.sum()),
        "share": float(to.sum() / n) if n else math.nan,
        "chance": float((1 / others[moved]).mean()) if n else math.nan,
        "agreed": int(agreed.sum()),
        "left": int((agreed & cells.changed).sum()),
    }
    if cells.part.has_gold:
        found["right"] = int((to & cells.right[1]).sum())
    return found


def _gain(cells: Cells) -> dict[str, float] | None:
    if not cells.part.has_gold:
        return None
    import numpy as np

    majority = _answers(cells, "majority")
    weights = cells.design.weights[:, None]
    gain = weights * np.where(cells.changed & cells.known[:, None], cells.gain, 0.0)
    n = float(weights[cells.known].sum()) * len(cells.part.languages)
    to = (cells.after == majority) & (majority >= 0)
    none = cells.after < 0
    parts = {"majority": to, "elsewhere": ~to & ~none, "none": none}
    return {name: float(gain[inside].sum()) / n for name, inside in parts.items()}


# --- consistency and accuracy of a question ---------------------------------------------------------------------------


def link(cells: Cells, *, resamples: int) -> dict[str, Any] | None:
    """Whether questions that gained consistency gained accuracy; None without gold or with one language.

    Returns:
        ``spearman``, Spearman's rank correlation over questions between the change in consistency and the change in
        accuracy, with ``ci95`` (bootstrap over questions; both NaN where one of them never changes); ``table``: whether
        consistency ``rose``, stayed the ``same`` or ``fell`` -> the same of accuracy -> number of questions, one that
        several models answered counted for each of them.
    """
    if not cells.part.has_gold or len(cells.part.languages) < 2:
        return None
    consistency, accuracy = (
        (after - before)[cells.known].round(9) for before, after in (cells.metric("consistency"), cells.metric("acc"))
    )
    value, ci95 = spearman(consistency, accuracy, resamples=resamples, design=cells.design.only(cells.known))
    names = {1: "rose", 0: "same", -1: "fell"}
    table = {a: dict.fromkeys(names.values(), 0) for a in names.values()}
    for c, a in zip(consistency.tolist(), accuracy.tolist(), strict=True):
        table[names[(c > 0) - (c < 0)]][names[(a > 0) - (a < 0)]] += 1
    return {"spearman": value, "ci95": list(ci95), "table": table}


def spearman(
    x: np.ndarray, y: np.ndarray, *, resamples: int, design: Design | None = None
) -> tuple[float, tuple[float, float]]:
    """Spearman's rank correlation of values of the same questions, and its 95 % interval by bootstrap.

    Changes of accuracy and consistency have few values. So each resample is a table of how often which pair of values
    occurs, and mean ranks are made of its margins, which needs no sorting.

    Args:
        x, y: shape (rows,). design: where rows are not each a question of its own.
    """
    import numpy as np

    kinds = [np.unique(v, return_inverse=True) for v in (x, y)]
    (_, a), (_, b) = kinds
    shape = tuple(len(values) for values, _ in kinds)
    pairs, pair = np.unique(a * shape[1] + b, return_inverse=True)
    shares = np.zeros((len(x), len(pairs)))
    shares[np.arange(len(x)), pair] = 1.0
    design = design or Design(range(len(x)))
    whole = np.array([[design.mean(column) for column in shares.T]])
    found = _rank_correlation(whole, pairs, shape)
    drawn = _rank_correlation(design.resampled(shares, resamples=resamples), pairs, shape)
    return float(found[0]), interval(drawn)


def _rank_correlation(shares: np.ndarray, pairs: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Spearman's correlation of each table of shares, shape (tables, pairs); NaN where a value never changes."""
    import numpy as np

    ranks = []
    for of, n in zip((pairs // shape[1], pairs % shape[1]), shape, strict=True):
        margin = shares @ np.eye(n)[of]
        middle = np.cumsum(margin, axis=1) - margin / 2  # mean rank of each value, as a share of the questions
        ranks.append(middle[:, of] - 0.5)
    (u, v) = ranks
    uv, uu, vv = ((shares * p).sum(axis=1) for p in (u * v, u * u, v * v))
    spread = np.sqrt(uu * vv)
    result: np.ndarray = np.where(spread > 1e-12, uv / np.maximum(spread, 1e-12), np.nan)
    return result
