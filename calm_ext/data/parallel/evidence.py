"""How much two languages' rows would lose if two rows, or two options of a row, were exchanged in one of them.

Three kinds of evidence are compared:

- *learned*: ridge regression, in kernel form, from one language's features to the other's, learned from the rows of the
  file itself and always without the rows it is asked about. With K and Y the Gram matrices of the two languages,
  C = (K + λI)⁻¹ and S the set of rows left out, the prediction for a row i in S has the closed form

      p_i = y_i − [(C_SS)⁻¹ (C y)_S]_i

  so each of the n²/2 pairs of rows is judged by a model that saw neither, at the cost of one inverse. (This is the
  cross-lingual explicit semantic analysis of Potthast et al. 2008, the file's own rows being its concepts, whitened.)
- *shared*: numbers, cognates, Latin-letter names and Chinese characters (:mod:`calm_ext.data.parallel.features`).
- *length*: long texts have long translations.

Exchanging rows i and j loses (p_i − p_j)·(y_i − y_j); as p was learned without both, the loss in a file in which they
are exchanged already is exactly minus that. The kinds are weighted by a logistic regression without intercept over
pairs of the file itself, so that losses are log-odds: positive where the rows are right as they stand.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.linalg import lapack

from calm_ext.data.parallel.features import Array, Bags, bags, gram, tfidf

_RIDGE = 0.3
_MAX_SHARE = {"rows": 0.5, "options": 0.2}
_SAMPLE = 20_000


class Texts(NamedTuple):
    """The rows of one language as features: of question and options together, and of each option."""

    rows: list[Bags]
    options: list[list[Bags]]


class Losses(NamedTuple):
    """What exchanging rows i and j of a language loses, by kind, in log-odds; symmetric, zero on the diagonal."""

    learned: Array
    shared: Array
    length: Array

    @property
    def total(self) -> Array:
        """The sum of the kinds."""
        return self.learned + self.shared + self.length


class Scores(NamedTuple):
    """How well option k (first axis) of the judging languages goes with option l of the judged one, row by row."""

    learned: list[Array]
    shared: list[Array]
    length: list[Array]

    def total(self, row: int) -> Array:
        """The sum of the kinds for a row."""
        return self.learned[row] + self.shared[row] + self.length[row]


def read_texts(rows: Sequence[tuple[str, Sequence[str]]]) -> Texts:
    """Features of (question, options) rows."""
    known: dict[str, Bags] = {}
    options = []
    for _, own in rows:
        for text in own:
            if text not in known:
                known[text] = bags(text, short=True)
        options.append([known[text] for text in own])
    return Texts([bags("\n".join([question, *own])) for question, own in rows], options)


def inverse(kernel: Array) -> Array:
    """(K + λI)⁻¹ of a positive semi-definite K, which is overwritten."""
    kernel[np.diag_indices(len(kernel))] += _RIDGE
    factor, bad = lapack.spotrf(kernel.T, lower=1, clean=1, overwrite_a=1)
    if bad:  # λ is far above single precision's rounding
        raise FloatingPointError("K + λI is not positive definite")
    lower, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    diagonal = np.diag(lower).copy()
    full: Array = lower + lower.T
    full[np.diag_indices(len(full))] = diagonal
    return full


def exchange_losses(c: Array, y: Array) -> Array:
    """(p_i − p_j)·(y_i − y_j) for every pair of rows, p learned without both; ``c`` is C of the other language."""
    r = c @ y
    own, on = np.diag(c), np.diag(r)
    det = own[:, None] * own[None] - c * c
    np.fill_diagonal(det, 1)
    kept = np.diag(y)[:, None] - (own[None] * on[:, None] - c * r.T) / det  # p_i·y_i
    changed = y - (own[None] * r - c * on[None]) / det  # p_i·y_j
    result: Array = kept + kept.T - changed - changed.T
    np.fill_diagonal(result, 0)
    return result


def shared_tables(
    one: Sequence[Bags], other: Sequence[Bags], max_share: float = 1.0
) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """The shared features of two languages, in one vocabulary."""
    both = tfidf([b.shared for b in (*one, *other)], max_share=max_share)
    return both[: len(one)], both[len(one) :]


def row_losses(texts: Mapping[str, Texts], judges: Sequence[str]) -> dict[str, Losses]:
    """The losses of each language, summed over the judging languages; a language does not judge itself."""
    tables = {x: tfidf([b.own for b in t.rows], max_share=_MAX_SHARE["rows"]) for x, t in texts.items()}
    length = {x: np.array([b.length for b in t.rows]) for x, t in texts.items()}
    n = len(next(iter(length.values())))
    i, j = np.triu_indices(n, 1)
    if len(i) > _SAMPLE:
        chosen = np.random.default_rng(0).choice(len(i), _SAMPLE, replace=False)
        i, j = i[chosen], j[chosen]
    found: dict[str, list[list[Array]]] = {}
    for judge in judges:
        c = inverse(gram(tables[judge]))
        for language in texts:
            if language == judge:
                continue
            a, b = shared_tables(texts[judge].rows, texts[language].rows)
            same = np.asarray((a @ b.T).toarray())
            on = np.diag(same)
            one, other = length[judge], length[language]
            kinds = [
                exchange_losses(c, gram(tables[language])),
                on[:, None] + on[None] - same - same.T,
                np.clip((one[:, None] - one[None]) * (other[:, None] - other[None]), -1, 1),
            ]
            weights = log_odds_weights(np.stack([k[i, j] for k in kinds], axis=1))
            found.setdefault(language, []).append([w * k for w, k in zip(weights, kinds, strict=True)])
    return {x: Losses(*(np.sum(k, axis=0) for k in zip(*parts, strict=True))) for x, parts in found.items()}


def option_scores(texts: Mapping[str, Texts], judges: Sequence[str]) -> dict[str, Scores]:
    """The scores of each language's options, summed over the judging languages; a language does not judge itself.

    What another order of a row's options gains is the sum of its scores less the sum over the diagonal.
    """
    sizes = [len(o) for o in next(iter(texts.values())).options]
    spans = [slice(int(e - s), int(e)) for e, s in zip(np.cumsum(sizes), sizes, strict=True)]
    flat = {x: list(itertools.chain.from_iterable(t.options)) for x, t in texts.items()}
    limit = _MAX_SHARE["options"]
    tables = {x: tfidf([b.own for b in own], max_share=limit) for x, own in flat.items()}
    length = {x: np.array([b.length for b in own]) for x, own in flat.items()}
    found: dict[str, list[list[list[Array]]]] = {}
    for judge in judges:
        c = inverse(gram(tables[judge]))
        own_inverse = [np.linalg.inv(c[s, s]) for s in spans]
        for language in texts:
            if language == judge:
                continue
            y = gram(tables[language])
            # the leave-out formula above, S being the row's own options
            learned = [y[s, s] - inv @ (c[s] @ y[s].T) for s, inv in zip(spans, own_inverse, strict=True)]
            shared = _blocks(shared_tables(flat[judge], flat[language], limit), spans)
            one, other = length[judge], length[language]
            sized = [
                -np.abs((one[s] - one[s].mean())[:, None] - (other[s] - other[s].mean())[None]).astype(np.float32)
                for s in spans
            ]
            kinds = [learned, shared, sized]
            weights = log_odds_weights(_pair_losses(kinds))
            found.setdefault(language, []).append([[w * m for m in k] for w, k in zip(weights, kinds, strict=True)])
    return {x: Scores(*([sum(m) for m in zip(*k, strict=True)] for k in zip(*parts, strict=True)))
            for x, parts in found.items()}  # fmt: skip


def _blocks(tables: tuple[sp.csr_matrix, sp.csr_matrix], spans: Sequence[slice]) -> list[Array]:
    """The inner products of each span's rows of two tables, by one sparse product per pair of positions."""
    a, b = tables
    starts = np.array([s.start for s in spans])
    sizes = np.array([s.stop - s.start for s in spans])
    result = [np.zeros((k, k), np.float32) for k in sizes]
    for k, m in itertools.product(range(sizes.max()), repeat=2):
        rows = np.flatnonzero(sizes > max(k, m))
        products = np.asarray(a[starts[rows] + k].multiply(b[starts[rows] + m]).sum(axis=1)).ravel()
        for row, value in zip(rows[products != 0], products[products != 0], strict=True):
            result[row][k, m] = value
    return result


def _pair_losses(kinds: Sequence[Sequence[Array]]) -> Array:
    """One line per pair of options of a row: what exchanging the two loses, by kind."""
    columns = []
    for kind in kinds:
        losses = []
        for scores in kind:
            i, j = _pairs(len(scores))
            losses.append(scores[i, i] + scores[j, j] - scores[i, j] - scores[j, i])
        columns.append(np.concatenate(losses))
    return np.stack(columns, axis=1)


def _pairs(n: int, known: dict[int, tuple[Array, Array]] = {}) -> tuple[Array, Array]:  # noqa: B006
    if n not in known:
        known[n] = np.triu_indices(n, 1)
    return known[n]


def log_odds_weights(losses: Array, *, steps: int = 20, ridge: float = 1e-2) -> Array:
    """Weights w ≥ 0 of P(right as it stands) = σ(w·x), by Newton's method, from examples x all taken for right.

    An example that is right says as much as its mirror image −x that is wrong: hence no intercept, and a few damaged
    examples among many hardly matter.
    """
    x = losses.astype(np.float64)
    # By the size of what is there: most rows share nothing with their translation, and a mean over them would make the
    # few that do weigh as if they were certain.
    scale = np.abs(x).sum(axis=0) / np.maximum(1, (x != 0).sum(axis=0))
    scale[scale == 0] = np.inf
    x = x / scale
    w = np.full(x.shape[1], 0.5)
    for _ in range(steps):
        wrong = 1 / (1 + np.exp(np.clip(x @ w, -30, 30)))
        gradient = ridge * w - (x * wrong[:, None]).mean(axis=0)
        curvature = (x * (wrong * (1 - wrong))[:, None]).T @ x / len(x) + ridge * np.eye(len(w))
        w = w - np.linalg.solve(curvature, gradient)
    return (np.maximum(w, 0) / scale).astype(np.float32)
