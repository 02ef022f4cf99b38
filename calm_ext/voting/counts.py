"""Votes as arrays: the form in which rules count them."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, sqrt
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    from calm_ext.voting.table import VoteTable

#: In :attr:`Counts.source`: not recorded; recorded, but not among the languages asked.
UNKNOWN, ABSENT = -1, -2


class Counts(NamedTuple):
    """Votes as arrays, for N questions, L languages and O options (the most that a question has).

    Attributes:
        languages: L codes.
        counts: (N, L, O) samples of a language that name an option; probabilities where options were scored.
        asked: (N, L) whether the question was asked in the language, and something came back.
        valid: (N, O) whether the question has so many options.
        source: (N,) the column of the language a question was written in, :data:`UNKNOWN`, or :data:`ABSENT` where it
            is known and was not asked.
        n: (N, L) samples of each question and language, read or not; 1 where options were scored or nothing was asked.
        scored: whether counts are probabilities.
    """

    languages: list[str]
    counts: np.ndarray
    asked: np.ndarray
    valid: np.ndarray
    source: np.ndarray
    n: np.ndarray
    scored: bool

    @property
    def read(self) -> np.ndarray:
        """(N, L) samples that could be read; 1 where options were scored."""
        result: np.ndarray = self.counts.sum(axis=2)
        return result

    @property
    def shares(self) -> np.ndarray:
        """(N, L, O) shares of the samples that could be read; 0 where none could."""
        import numpy as np

        read = self.read[:, :, None]
        result: np.ndarray = np.divide(self.counts, read, out=np.zeros_like(self.counts), where=read > 0)
        return result

    def without(self, column: int) -> Counts:
        """The same, one language not asked."""
        counts, asked = self.counts.copy(), self.asked.copy()
        counts[:, column] = 0
        asked[:, column] = False
        return self._replace(counts=counts, asked=asked)


def counts_of(table: VoteTable, *, zscored: bool, share_equal: bool) -> Counts:
    """See :meth:`calm_ext.voting.table.VoteTable.counts`."""
    import numpy as np

    languages = {x: i for i, x in enumerate(table.languages)}
    width = max(q.n_options for q in table.questions)
    counts = np.zeros((len(table), len(languages), width))
    n = np.ones((len(table), len(languages)))
    asked = np.zeros((len(table), len(languages)), dtype=bool)
    for i, votes in enumerate(table.votes):
        for language, answers in votes.items():
            column = languages[language]
            asked[i, column] = bool(answers)
            n[i, column] = max(len(answers), 1)
            if language in table.scores[i]:
                scores = table.scores[i][language]
                row = _zscores(scores) if zscored else _softmax(scores)
                counts[i, column, : len(row)] = row
            else:
                for answer in answers:
                    if answer is not None:
                        counts[i, column, answer] += 1
            for group in table.equal[i].get(language, ()) if share_equal else ():
                counts[i, column, group] = counts[i, column, group].mean()
    valid = np.arange(width)[None, :] < np.array([q.n_options for q in table.questions])[:, None]
    source = np.array([UNKNOWN if q.source is None else languages.get(q.source, ABSENT) for q in table.questions])
    return Counts(list(languages), counts, asked, valid, source, n, table.scored)


def _softmax(scores: Sequence[float]) -> list[float]:
    top = max(scores)
    powers = [exp(x - top) for x in scores]
    total = sum(powers)
    return [p / total for p in powers]


def _zscores(scores: Sequence[float]) -> list[float]:
    mean = sum(scores) / len(scores)
    deviation = sqrt(sum((s - mean) ** 2 for s in scores) / len(scores))
    return [(s - mean) / deviation if deviation else 0.0 for s in scores]
