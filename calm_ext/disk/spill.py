"""Values by key of which there may be many millions: in memory while they are few, beyond in a temporary file.

The file is an SQLite database in the folder for temporary files (``TMPDIR``). It goes with the object, and what a
process that was killed left of it goes when the next one is made there.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from calm_ext.errors import CalmError
from calm_ext.files.writing import prefix_of, sweep

#: Values, and numbers, that are kept in memory.
FEW, FEW_NUMBERS = 1 << 12, 1 << 16
# KiB of the file that are kept in memory.
_CACHE = 2048


class _Database:
    """A temporary database, which other processes can read once it is written.

    Raises:
        CalmError: from any use: the file cannot be made or written.
    """

    def __init__(self, table: str) -> None:
        target = Path(tempfile.gettempdir()) / "calm-ext"
        sweep(target)
        try:
            descriptor, self.path = tempfile.mkstemp(prefix=prefix_of(target), suffix=".tmp")
        except OSError as error:
            raise CalmError(f"{target.parent}: cannot be written ({error.strerror}); set TMPDIR") from None
        os.close(descriptor)
        self._owner = os.getpid()
        self._open: tuple[int, sqlite3.Connection] | None = None
        weakref.finalize(self, _remove, self.path, self._owner)
        self.run(table)

    def run(self, statement: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """Run a statement."""
        return self._tried(lambda connection: connection.execute(statement, values))

    def settle(self) -> None:
        """Let other processes see what was written."""
        self._tried(lambda connection: connection.commit())

    def _tried(self, work: Any) -> Any:
        try:
            return work(self._connection())
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise CalmError(f"{self.path}: cannot be used ({error}); is the disk full? TMPDIR names another") from None

    def _connection(self) -> sqlite3.Connection:
        """That of this process: none may be taken over a fork."""
        if self._open is None or self._open[0] != os.getpid():
            connection = sqlite3.connect(self.path, check_same_thread=False)
            for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{_CACHE}"):
                connection.execute(f"PRAGMA {pragma}")
            self._open = os.getpid(), connection
        return self._open[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": None}


def _remove(path: str, owner: int) -> None:
    if os.getpid() == owner:  # not a process that was forked
        with suppress(OSError):
            os.unlink(path)


class Spill:
    """Values by key, each at its place: 0, 1, … in the order in which they were added.

    Once :meth:`settle` was called, a process that is forked, or that it is pickled for, can read it.

    Args:
        few: how many are kept in memory.
    """

    def __init__(self, *, few: int = FEW) -> None:
        self._few = few
        self._places: dict[str, int] = {}
        self._values: list[bytes] = []
        self._n = 0
        self._database: _Database | None = None

    def __len__(self) -> int:
        return self._n

    def add(self, key: str, value: bytes) -> int:
        """Its place.

        Raises:
            KeyError: the key is there.
        """
        if self._database is None and self._n >= self._few:
            self._database = _Database("CREATE TABLE entries (place INTEGER PRIMARY KEY, key TEXT UNIQUE, value BLOB)")
            for place, (known, own) in enumerate(zip(self._places, self._values, strict=True)):
                self._insert(place, known, own)
            self._places, self._values = {}, []
        place = self._n
        if self._database is None:
            if key in self._places:
                raise KeyError(key)
            self._places[key] = place
            self._values.append(value)
        else:
            self._insert(place, key, value)
        self._n += 1
        return place

    def _insert(self, place: int, key: str, value: bytes) -> None:
        assert self._database is not None
        try:
            self._database.run("INSERT INTO entries VALUES (?, ?, ?)", (place, key, value))
        except sqlite3.IntegrityError:
            raise KeyError(key) from None

    def find(self, key: str) -> tuple[int, bytes] | None:
        """The place and the value of a key; None where there is none."""
        if self._database is None:
            place = self._places.get(key)
            return None if place is None else (place, self._values[place])
        row = self._database.run("SELECT place, value FROM entries WHERE key = ?", (key,)).fetchone()
        return None if row is None else (row[0], row[1])

    def put(self, place: int, value: bytes) -> None:
        """Another value in place of the one there."""
        if self._database is None:
            self._values[place] = value
        else:
            self._database.run("UPDATE entries SET value = ? WHERE place = ?", (value, place))

    def items(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[str, bytes]]:
        """Keys and values from one place up to another one, in their order."""
        stop = self._n if stop is None else min(stop, self._n)
        if self._database is None:
            keys = list(self._places)
            yield from zip(keys[start:stop], self._values[start:stop], strict=True)
            return
        statement = "SELECT key, value FROM entries WHERE place >= ? AND place < ? ORDER BY place"
        yield from self._database.run(statement, (start, stop))

    def settle(self) -> None:
        """Let other processes see what was added."""
        if self._database is not None:
            self._database.settle()


class Kept(Mapping[str, Any]):
    """What JSON can hold, by key, in a :class:`Spill`."""

    def __init__(self, items: Iterable[tuple[str, Any]], *, few: int = FEW) -> None:
        self._spill = Spill(few=few)
        for key, value in items:
            self._spill.add(key, json.dumps(value).encode())

    def __getitem__(self, key: str) -> Any:
        found = self._spill.find(key)
        if found is None:
            raise KeyError(key)
        return json.loads(found[1])

    def __iter__(self) -> Iterator[str]:
        return (key for key, _ in self._spill.items())

    def __len__(self) -> int:
        return len(self._spill)


class Numbers:
    """A set of whole numbers of 64 bits with a sign, as hashes are.

    Args:
        few: how many are kept in memory.
    """

    def __init__(self, *, few: int = FEW_NUMBERS) -> None:
        self._few = few
        self._known: set[int] = set()
        self._database: _Database | None = None

    def add(self, number: int) -> bool:
        """Whether it is new."""
        if self._database is None and len(self._known) >= self._few:
            self._database = _Database("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
            for known in sorted(self._known):
                self._insert(known)
            self._known = set()
        if self._database is not None:
            return self._insert(number)
        if number in self._known:
            return False
        self._known.add(number)
        return True

    def _insert(self, number: int) -> bool:
        assert self._database is not None
        return self._database.run("INSERT OR IGNORE INTO numbers VALUES (?)", (number,)).rowcount == 1
