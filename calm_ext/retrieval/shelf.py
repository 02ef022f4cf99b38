"""The passages of one language: texts in a file that is mapped, found by row or by id, and their lexical index.

``<language>/passages.jsonl`` has a corpus passage a line; ``offsets.npy`` says where each line begins (one more than
there are lines), ``ids.npy`` has 64-bit hashes of the ids in ascending order and ``rows.npy`` the line of each, so that
neither texts nor ids are held in memory.
"""

from __future__ import annotations

import hashlib
import io
import mmap
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pydantic import ValidationError

from calm_ext.errors import DataError
from calm_ext.files.places import check_file
from calm_ext.jsonl import to_line
from calm_ext.records import CorpusPassage
from calm_ext.retrieval.arrays import mapped
from calm_ext.retrieval.lexical import Lexical, LexicalWriter

if TYPE_CHECKING:
    import numpy as np

_LEXICAL = "lexical"
_DENSE = "dense.npy"
_SPILL = "tokens.tmp"


class Shelf:
    """The passages of one language.

    Attributes:
        lexical: their lexical index.
        dense: their embeddings, shape (passages, dimensions), float32 and of length 1; None where there are none.
    """

    def __init__(self, text: bytes | mmap.mmap, offsets: np.ndarray, ids: np.ndarray, rows: np.ndarray) -> None:
        self._text, self._offsets, self._ids, self._rows = text, offsets, ids, rows
        self.lexical: Lexical
        self.dense: np.ndarray | None = None

    @classmethod
    def open(cls, folder: Path) -> Shelf:
        """Map what :class:`ShelfWriter` wrote.

        Raises:
            DataError: a file is missing or damaged.
        """
        try:
            check_file(folder / "passages.jsonl")
            with (folder / "passages.jsonl").open("rb") as handle:
                text = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:  # of an empty file
            raise DataError(f"{folder}: its passages cannot be read ({error}); build the index again") from None
        ids = mapped(folder / "ids.npy", "u")
        offsets = mapped(folder / "offsets.npy", "i", length=len(ids) + 1)
        shelf = cls(text, offsets, ids, mapped(folder / "rows.npy", "i", length=len(ids)))
        shelf.lexical = Lexical.open(folder.name, folder / _LEXICAL, len(shelf))
        if (folder / _DENSE).exists():
            shelf.dense = mapped(folder / _DENSE, "f", length=len(ids), ndim=2)
        return shelf

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def passage(self, row: int) -> CorpusPassage:
        """The passage of a row.

        Raises:
            DataError: its line is not one: the file was changed.
        """
        try:
            if row < 0:
                raise IndexError
            line = self._text[int(self._offsets[row]) : int(self._offsets[row + 1])]
            return CorpusPassage.model_validate_json(line)
        except (ValidationError, IndexError, OverflowError):
            raise DataError(f"passage {row + 1} of the index is damaged; build the index again") from None

    def find(self, id: str) -> int | None:
        """The row of an id, None where there is none."""
        wanted = _hash(id)
        place = int(self._ids.searchsorted(self._ids.dtype.type(wanted)))
        while place < len(self._ids) and int(self._ids[place]) == wanted:
            row = int(self._rows[place])
            if self.passage(row).id == id:
                return row
            place += 1
        return None

    def texts(self) -> Iterator[CorpusPassage]:
        """Every passage, in order."""
        return map(self.passage, range(len(self)))


class ShelfWriter:
    """Collects the passages of one language.

    Args:
        folder: where they are written as they come; None keeps them in memory.
    """

    def __init__(self, language: str, folder: Path | None) -> None:
        self.language, self._folder = language, folder
        self._handle: IO[bytes] = io.BytesIO()
        if folder:
            folder.mkdir()
            self._handle = (folder / "passages.jsonl").open("w+b")
        self._lexical = LexicalWriter(language, spill=folder / _SPILL if folder else None)
        self._offsets, self._ids, self._seen = array("q", [0]), array("Q"), set[int]()

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, passage: CorpusPassage, where: str) -> bytes:
        """The next passage; returns its line.

        Raises:
            DataError: its id was there already.
        """
        key = _hash(passage.id)
        if key in self._seen and self._has(passage.id):
            raise DataError(f"{where}: the id {passage.id!r} comes twice in language {self.language}")
        self._seen.add(key)
        self._ids.append(key)
        line = to_line(passage).encode()
        self._handle.write(line)
        self._offsets.append(self._offsets[-1] + len(line))
        self._lexical.add(searched_text(passage))
        return line

    def finish(self) -> Shelf:
        """Index what was added."""
        import numpy as np

        self._seen.clear()
        hashes = np.array(self._ids, dtype=np.uint64)
        rows = np.argsort(hashes, kind="stable")
        arrays = {"offsets": np.array(self._offsets), "ids": hashes[rows], "rows": rows.astype(np.int32)}
        if self._folder is None:
            shelf = Shelf(self._handle.getvalue(), *arrays.values())  # type: ignore[attr-defined]
            shelf.lexical = self._lexical.finish()
            return shelf
        self._handle.close()
        for name, values in arrays.items():
            np.save(self._folder / f"{name}.npy", values)
        self._lexical.finish(self._folder / _LEXICAL)
        return Shelf.open(self._folder)

    def close(self) -> None:
        """Let go of the files, when the build is given up."""
        self._handle.close()
        self._lexical.close()

    @property
    def wordless(self) -> int:
        """How many passages so far no search by words can find."""
        return self._lexical.wordless

    def _has(self, id: str) -> bool:
        self._handle.seek(0)
        found = any(CorpusPassage.model_validate_json(line).id == id for line in self._handle)
        self._handle.seek(0, io.SEEK_END)
        return found


def dense_file(folder: Path) -> Path:
    """Where a language's embeddings are."""
    return folder / _DENSE


def searched_text(passage: CorpusPassage) -> str:
    """What a passage is found by: its title counts once, as the text's first line."""
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text


def _hash(id: str) -> int:
    return int.from_bytes(hashlib.blake2b(id.encode(), digest_size=8).digest(), "little")
