"""Lexical search: BM25 (Robertson et al. 1995) by bm25s (Lù 2024, arXiv 2407.03618), one index a language.

bm25s scores at indexing time: an index holds, for each word, the passages that have it and what it adds to their score;

    score(q, d) = Σ over the words t of q of idf(t) · tf / (tf + k1·(1 - b + b·|d|/avgdl)),
    idf(t) = ln(1 + (N - df + .5) / (df + .5))        (Lucene's variant: never negative)

A word that the question has twice counts twice. The arrays are memory-mapped, so that pages nobody asks for stay on
disk; so is the vocabulary: 64-bit hashes of the words in ascending order, a word's id being its place. (Two words of
one hash would be searched as one; among a million words the chance of any such pair is 3 in 100 million.)

The best passages are chosen here and not by bm25s, whose order among equal scores is left open: passages with the same
score stand in the order of the corpus, and one that shares no word with the question is not found at all.
"""

from __future__ import annotations

import logging
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from calm_ext.errors import CalmError, DataError
from calm_ext.languages import get_language
from calm_ext.retrieval.arrays import mapped
from calm_ext.retrieval.tokens import stems, tokens, words

if TYPE_CHECKING:
    import numpy as np

K1, B, METHOD = 1.5, 0.75, "lucene"

_SPILL = 1 << 20  # tokens held in memory until they are written out
_WORDS = "words.npy"
_ARRAY = "{}.csc.index.npy"


def _bm25s() -> Any:
    try:
        import bm25s
    except ImportError:
        raise CalmError("searching needs bm25s: pip install bm25s PyStemmer") from None
    logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets DEBUG, and tells of every call
    return bm25s


def _model() -> Any:
    model = _bm25s().BM25(k1=K1, b=B, method=METHOD, csc_backend="scipy", backend="numpy")
    model.nonoccurrence_array = (
        None  # of methods that score words which a passage lacks; the object has none until then
    )
    return model


class Lexical:
    """The lexical index of one language.

    Args:
        model: bm25s's, without a vocabulary.
        hashes: those of the words, ascending.
    """

    def __init__(self, language: str, model: Any, hashes: np.ndarray) -> None:
        self.language = language
        self._model, self._hashes = model, hashes
        self._folder: Path | None = None  # where the arrays come from that may be damaged

    @classmethod
    def open(cls, language: str, folder: Path, n: int) -> Lexical:
        """Map an index of n passages that :class:`LexicalWriter` wrote.

        Of bm25s's files only its arrays are read: its settings are always ours.

        Raises:
            DataError: an array is missing or damaged.
        """
        hashes = mapped(folder / _WORDS, "u")
        starts = mapped(folder / _ARRAY.format("indptr"), "i", length=len(hashes) + 1)
        rows = mapped(folder / _ARRAY.format("indices"), "i")
        model = _model()
        values = mapped(folder / _ARRAY.format("data"), "f", length=len(rows))
        model.scores = {"data": values, "indices": rows, "indptr": starts, "num_docs": n}
        found = cls(language, model, hashes)
        found._folder = folder
        return found

    def scores(self, text: str) -> np.ndarray | None:
        """BM25 of every passage for a question, shape (passages,), float32; None where no passage has a word of it."""
        import numpy as np

        counts = Counter(tokens(text, self.language))
        wanted = _hashes(counts)
        places = self._hashes.searchsorted(wanted)
        places[places == len(self._hashes)] = 0
        times: dict[int, list[int]] = {}  # how often the question has a word -> the ids of such words
        for id, known, count in zip(places, self._hashes[places] == wanted, counts.values(), strict=True):
            if known:
                times.setdefault(count, []).append(int(id))
        if self._folder:
            self._check([id for ids in times.values() for id in ids])
        found: np.ndarray | None = None
        for count, ids in times.items():
            scores = self._model.get_scores_from_ids(ids) * np.float32(count)
            found = scores if found is None else found + scores
        return found

    def _check(self, ids: Iterable[int]) -> None:
        """Refuse what the file says of words where it points to passages that are not there."""
        starts, rows, n = (self._model.scores[key] for key in ("indptr", "indices", "num_docs"))
        for id in ids:
            first, last = int(starts[id]), int(starts[id + 1])
            own = rows[first:last] if 0 <= first < last <= len(rows) else rows[:0]
            if not len(own) or own.min() < 0 or own.max() >= n:
                raise DataError(f"{self._folder}: is damaged; build the index again")

    def rank(self, text: str, k: int) -> list[tuple[int, float]]:
        """The k best passages that share a word with the question, as (row, score); fewer where there are fewer."""
        scores = self.scores(text)
        return [] if scores is None else top(scores, k, above=0.0)


class LexicalWriter:
    """Collects the passages of one language and indexes them.

    Args:
        spill: a file for the passages' token ids, so that they are not held in memory.

    Attributes:
        wordless: how many passages so far have no word or number, so that no search by words finds them.
    """

    def __init__(self, language: str, *, spill: Path | None = None) -> None:
        self.language = language
        self._vocabulary: dict[str, int] = {}
        # word as written -> id of its stem, so that each is stemmed once; without a stemmer the vocabulary itself
        self._known: dict[str, int] = {} if get_language(language).stemmer else self._vocabulary
        self._ids, self._lengths = array("i"), array("q", [0])
        self._spill: IO[bytes] | None = spill.open("wb") if spill else None
        self._path = spill
        self.wordless = 0

    def add(self, text: str) -> None:
        """The next passage."""
        known, found = self._known, words(text, self.language)
        new = list(dict.fromkeys(w for w in found if w not in known))
        for word, stem in zip(new, stems(new, self.language), strict=True):
            known[word] = self._vocabulary.setdefault(stem, len(self._vocabulary))
        self._ids.extend(map(known.__getitem__, found))
        self._lengths.append(len(found))
        self.wordless += not found
        if self._spill and len(self._ids) > _SPILL:
            self._ids.tofile(self._spill)
            del self._ids[:]

    def finish(self, folder: Path | None = None) -> Lexical:
        """Index what was added; with a folder it is written there and mapped.

        Raises:
            DataError: no passage has a word.
        """
        import numpy as np

        if not self._vocabulary:
            raise DataError(f"{self.language}: no passage has a word or a number to search by")
        hashes, places = np.unique(_hashes(self._vocabulary), return_inverse=True)
        self._known, self._vocabulary = {}, {}
        if self._spill and self._path:
            self._ids.tofile(self._spill)
            self._spill.close()
            ids: np.ndarray = np.memmap(self._path, dtype=np.intc, mode="r")
        else:
            ids = np.frombuffer(self._ids, dtype=np.intc)
        model = _model()
        rows = _Rows(ids, np.cumsum(self._lengths), places)
        model.scores = model.build_index_from_ids(range(len(hashes)), rows, show_progress=False)
        model.vocab_dict = {}
        if self._path:
            del rows, ids
            self._path.unlink()
        if folder is None:
            return Lexical(self.language, model, hashes)
        model.save(folder, show_progress=False)
        np.save(folder / _WORDS, hashes)
        del model
        return Lexical.open(self.language, folder, len(self._lengths) - 1)

    def close(self) -> None:
        """Let go of the file, when the build is given up."""
        if self._spill:
            self._spill.close()


class _Rows:
    """The token ids of each passage, read as they are asked for; bm25s goes through them several times.

    Args:
        ids: of all passages, one after the other, in the order the words were met.
        ends: where each passage ends, after a zero.
        places: id -> id in the index.
    """

    def __init__(self, ids: np.ndarray, ends: np.ndarray, places: np.ndarray) -> None:
        self._ids, self._ends, self._places = ids, ends, places

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[list[int]]:
        step = 4096
        for first in range(0, len(self), step):
            ends = self._ends[first : first + step + 1].tolist()
            block = self._places[self._ids[ends[0] : ends[-1]]].tolist()
            for a, b in pairwise(ends):
                yield block[a - ends[0] : b - ends[0]]


def _hashes(found: Iterable[str]) -> np.ndarray:
    """64-bit hashes of words, in order."""
    import numpy as np

    return np.frombuffer(b"".join(blake2b(w.encode(), digest_size=8).digest() for w in found), dtype="<u8")


def top(scores: np.ndarray, k: int, *, above: float | None = None) -> list[tuple[int, float]]:
    """The k largest scores as (row, score), largest first, equal ones in the order of the rows.

    Args:
        scores: shape (rows,).
        above: only scores larger than this.
    """
    import numpy as np

    if k < len(scores):
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        rows = np.flatnonzero(scores >= least)
    else:
        rows = np.arange(len(scores))
    if above is not None:
        rows = rows[scores[rows] > above]
    rows = rows[np.argsort(-scores[rows], kind="stable")][:k]
    return [(int(row), round(float(scores[row]), 6)) for row in rows]
