"""Rows whose content says that they are not translations of each other, where gold letters and counts do not.

Margins are set by the file itself, so that a noisy translation is not taken for damage:

- *exchanged*: two rows with the same gold letter, exchanged, would fit clearly better (different gold letters would
  show at once): by ``EXCHANGE`` + ``EXCHANGE_FEW`` / n of what exchanging two rows of the file typically loses.
- *copy*: two rows are the same text, where the pivot has two questions.
- *options*: another order of a row's options would fit clearly better than the one it has; the margin is ``ORDER`` and
  ``ORDER_TAIL`` times what the best order gains in the 98th percentile of rows, at most twice ``ORDER``.

The first and the last ask that the learned evidence and the shared one agree. A row replaced by another text is not
found: that nothing fits proves nothing, where translations are free. ``benchmarks/align_damage.py`` measures the rest.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from calm_ext.data.parallel.evidence import Losses, Scores, Texts, option_scores, read_texts, row_losses
from calm_ext.data.parallel.features import Array, tfidf
from calm_ext.prompts import letter_of

EXCHANGE, EXCHANGE_FEW = 0.18, 30.0
ORDER, ORDER_TAIL = 2.5, 0.75
#: cosine below which the pivot's rows are two questions
_DIFFERENT = 0.6
#: the strength of what needs no margin
DOUBTLESS = 10.0
# Options (of one language) up to which every language judges every other; beyond, the pivot judges all.
_ALL_JUDGE = 1500
# Rows that are proven together: the cost grows with the cube of the number of options. Blocks are smaller where rows
# have many options.
BLOCK, MOST_OPTIONS, FEWER_OPTIONS = 1200, 6000, 3000
_ALL_ORDERS = 6
_ZERO = 1e-6


class Doubt(NamedTuple):
    """Rows of a language that would fit better otherwise.

    Attributes:
        language: whose rows; of two languages, the one that is not the pivot.
        rows: 0-based, as they were given.
        kind: ``exchanged``, ``copy`` or ``options``.
        order: for ``options``, the index of the option that fits at each place.
        strength: how far above its margin, 1 being at it.
    """

    language: str
    rows: tuple[int, ...]
    kind: str
    order: tuple[int, ...] = ()
    strength: float = 1.0

    def __str__(self) -> str:
        numbers = " and ".join(str(r + 1) for r in self.rows)
        return self.describe(("row " if len(self.rows) == 1 else "rows ") + numbers)

    def describe(self, what: str) -> str:
        """The finding in one line, ``what`` naming the rows."""
        if self.kind == "exchanged":
            return f"{what} seem to be exchanged: each fits the other's place clearly better"
        if self.kind == "copy":
            return f"{what} are the same text, where the others have two questions"
        order = " ".join(letter_of(k) for k in self.order)
        return f"{what} seems to have its options in another order: {order} would fit clearly better"


def find_doubts(texts: Mapping[str, Texts], answers: Sequence[int | None], *, pivot: str) -> list[Doubt]:
    """Every doubt about rows that agree in gold letter and number of options, strongest first.

    Args:
        answers: gold indices, None where unknown.
    """
    n = len(answers)
    if len(texts) < 2 or n < 3:
        return []
    doubts = []
    blocks = -(-n // BLOCK)
    n_options = sum(map(len, next(iter(texts.values())).options))
    if n_options > blocks * MOST_OPTIONS:
        blocks = -(-n_options // FEWER_OPTIONS)
    for k in range(blocks):
        block = range(k * n // blocks, (k + 1) * n // blocks)
        doubts += _find(
            {x: Texts([t.rows[i] for i in block], [t.options[i] for i in block]) for x, t in texts.items()},
            [answers[i] for i in block], pivot, block[0],
        )  # fmt: skip
    return sorted(doubts, key=lambda d: -d.strength)


def order_doubts(rows: Mapping[str, Sequence[tuple[str, Sequence[str]]]], *, pivot: str) -> list[Doubt]:
    """The doubts about the order of a row's options alone, which cost little.

    Args:
        rows: language -> (question, options) of each row, as many options in every language.
    """
    n = len(rows[pivot])
    if len(rows) < 2 or n < 3:
        return []
    doubts = []
    for start in range(0, n, BLOCK):
        texts = {x: read_texts(own[start : start + BLOCK]) for x, own in rows.items()}
        found = _attributed(_option_doubts(texts, pivot), pivot, len(texts))
        doubts += [d._replace(rows=tuple(r + start for r in d.rows)) for d in found]
    return doubts


def _find(texts: Mapping[str, Texts], answers: Sequence[int | None], pivot: str, offset: int) -> list[Doubt]:
    options = next(iter(texts.values())).options
    sizes = np.array([len(o) for o in options])
    gold = np.array([-1 if a is None else a for a in answers])
    alike = (gold[:, None] == gold[None]) & (sizes[:, None] == sizes[None])
    found: list[Doubt] = []
    for language, losses in row_losses(texts, _judges(texts, pivot)).items():
        found += [d._replace(language=language) for d in _exchanges(losses, alike)]
    found += _copies(texts, pivot) + _option_doubts(texts, pivot)
    shifted = [d._replace(rows=tuple(r + offset for r in d.rows)) for d in found]
    return _attributed(shifted, pivot, len(texts))


def _judges(texts: Mapping[str, Texts], pivot: str) -> list[str]:
    few = sum(map(len, texts[pivot].options)) <= _ALL_JUDGE
    return list(texts) if few else [pivot]


def _option_doubts(texts: Mapping[str, Texts], pivot: str) -> list[Doubt]:
    judges, sizes = _judges(texts, pivot), np.array([len(o) for o in texts[pivot].options])
    scores = option_scores(texts, judges)
    found = []
    if len(scores) > 1 and pivot not in scores:
        scores = {**scores, pivot: Scores(*(_transposed_sum(scores, kind) for kind in Scores._fields))}
    for language, own in scores.items():
        weight = np.sqrt(len(texts) - 1) if len(judges) == len(texts) or language == pivot else 1.0
        found += [d._replace(language=language) for d in _order_doubts(own, sizes, ORDER * weight)]
    return found


def _transposed_sum(scores: Mapping[str, Scores], field: str) -> list[Array]:
    return [sum(m).T for m in zip(*(getattr(s, field) for s in scores.values()), strict=True)]


def _exchanges(losses: Losses, alike: Array) -> list[Doubt]:
    total = losses.total
    n = len(total)
    better = np.where((losses.learned < 0) & (losses.shared <= _ZERO), -total, 0)
    typical = float(np.median(total[~np.eye(n, dtype=bool)]))
    margin = max(typical, _ZERO) * (EXCHANGE + EXCHANGE_FEW / n)
    i, j = np.nonzero(np.triu(alike & (better > margin), 1))
    doubts = []
    taken: set[int] = set()
    for k in np.argsort(-better[i, j]):
        a, b = int(i[k]), int(j[k])
        # A row of another question fits better in some other places, too; it is named once, with the best.
        if not {a, b} & taken:
            taken |= {a, b}
            doubts.append(Doubt("", (a, b), "exchanged", strength=float(better[a, b]) / margin))
    return doubts


def _copies(texts: Mapping[str, Texts], pivot: str) -> list[Doubt]:
    table = tfidf([b.own for b in texts[pivot].rows], max_share=0.5)
    doubts = []
    for language, own in texts.items():
        places: dict[tuple[str, ...], list[int]] = {}
        for r, bag in enumerate(own.rows):
            places.setdefault(tuple(bag.own), []).append(r)
        for same in places.values():
            for i, j in itertools.pairwise(same):
                if language != pivot and float((table[i] @ table[j].T).toarray()[0, 0]) < _DIFFERENT:
                    doubts.append(Doubt(language, (i, j), "copy", strength=DOUBTLESS))
    return doubts


def _order_doubts(scores: Scores, sizes: Array, base: float) -> list[Doubt]:
    best = [best_order(scores.total(r)) for r in range(len(sizes))]
    gains = np.zeros(len(sizes))
    for r, (order, gain) in enumerate(best):
        places = np.arange(len(order))
        learned, shared = (
            kind[r][places, order].sum() - np.trace(kind[r]) for kind in (scores.learned, scores.shared)
        )  # fmt: skip
        if learned > 0 and shared >= -_ZERO:
            gains[r] = gain
    # At most twice the base: in a file with many shuffled rows the tail is damage, not noise.
    margin = min(2 * base, base + ORDER_TAIL * float(np.quantile(gains, 0.98)))
    return [
        Doubt("", (int(r),), "options", best[r][0], float(gains[r]) / margin) for r in np.flatnonzero(gains > margin)
    ]


def _attributed(doubts: list[Doubt], pivot: str, n_languages: int) -> list[Doubt]:
    """Where most languages disagree with the pivot about the same rows, the pivot is the one that is damaged."""
    accused: dict[tuple[int, ...], set[str]] = {}
    for doubt in doubts:
        accused.setdefault(doubt.rows, set()).add(doubt.language)
    kept = []
    for doubt in doubts:
        others = accused[doubt.rows] - {pivot}
        if n_languages > 2 and 2 * len(others) > n_languages - 1 and len(others) > 1:
            if doubt.language != pivot:
                doubt = doubt._replace(language=pivot, order=_inverse(doubt.order))
        elif doubt.language == pivot and others:
            continue
        kept.append(doubt)
    unique = {}
    for doubt in sorted(kept, key=lambda d: d.strength):
        unique[doubt.rows, doubt.language] = doubt
    return list(unique.values())


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(order.index(k) for k in range(len(order)))


def best_order(scores: Array) -> tuple[tuple[int, ...], float]:
    """The order of a row's options that goes best with the judges', and what it gains over the order they have."""
    n = len(scores)
    if n <= _ALL_ORDERS:
        orders = _orders(n)
        sums = scores[np.arange(n), orders].sum(axis=1)
        k = int(np.argmax(sums))
        return tuple(int(x) for x in orders[k]), float(sums[k] - np.trace(scores))
    from scipy.optimize import linear_sum_assignment

    _, order = linear_sum_assignment(scores, maximize=True)
    return tuple(int(x) for x in order), float(scores[np.arange(n), order].sum() - np.trace(scores))


def _orders(n: int, known: dict[int, Array] = {}) -> Array:  # noqa: B006
    if n not in known:
        known[n] = np.array(list(itertools.permutations(range(n))))
    return known[n]
