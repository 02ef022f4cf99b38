"""Votes as arrays: the form in which rules count them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

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
