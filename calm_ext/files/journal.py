"""A journal: values that cost something, each written as it comes, until what they are for is written as a whole.

A line is ``{"key", "value", "sum"}``. A line that is cut off or changed does not fit its ``sum`` and is passed over, so
that its value is asked for again. A killed process loses nothing; a power cut at most the last second.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

from calm_ext.errors import CalmError
from calm_ext.files.places import make_folder
from calm_ext.files.writing import atomic_write

_SYNC = 1.0  # seconds


class Journal:
    """Values by key, kept in a file; from any thread.

    Args:
        path: of the file; it is made with the first value.
        only: what all values depend on, as the model that gives them; it becomes part of their keys. Values of another
            one are removed from the file at once, and with them lines that are cut off or changed.

    Attributes:
        n: how many values were there.

    Raises:
        CalmError: it cannot be read, or not written anew.
    """

    def __init__(self, path: Path, *, only: str | None = None) -> None:
        self.path = path
        self._prefix = "" if only is None else f"{only}/"
        self._lock = threading.Lock()
        self._values: dict[str, Any] = {}
        self._used: set[str] = set()
        self._file: BinaryIO | None = None
        self._closed, self._synced = False, 0.0
        try:
            content = path.read_bytes() if path.exists() else b""
        except OSError as error:
            raise CalmError(f"{path}: cannot be read ({error.strerror}); move it away") from None
        for line in content.split(b"\n"):
            self._values |= _read(line)
        if only is not None:
            self._values = {key: value for key, value in self._values.items() if key.startswith(self._prefix)}
            own = "".join(_line(key, value) for key, value in self._values.items())
            if content != own.encode():
                atomic_write(path, own)  # as a whole: a kill here loses none of them
        self.n = len(self._values)

    def get(self, key: str) -> Any:
        """The value of a key; None where there is none."""
        key = self._prefix + key
        with self._lock:
            if key in self._values:
                self._used.add(key)
            return self._values.get(key)

    def add(self, key: str, value: Any) -> None:
        """Keep a JSON-able value; after :meth:`close` it is dropped.

        Raises:
            CalmError: it cannot be written.
        """
        key = self._prefix + key
        line = _line(key, value)
        with self._lock:
            if self._closed:
                return
            try:
                self._write(line.encode())
            except OSError as error:
                raise CalmError(
                    f"{self.path}: cannot be written ({error.strerror}); the same command goes on"
                ) from None
            self._values[key] = value
            self._used.add(key)

    def _write(self, line: bytes) -> None:
        if self._file is None:
            make_folder(self.path.parent)
            self._file = self.path.open("ab", buffering=0)
            if self._file.tell():
                line = b"\n" + line  # what stands there may have no end
        while line:
            line = line[self._file.write(line) :]
        if time.monotonic() - self._synced >= _SYNC:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def settle(self) -> None:
        """What was given out or added so far is kept elsewhere now: drop it, and empty the file where nothing is left.

        Raises:
            OSError: the file cannot be changed.
        """
        with self._lock:
            for key in self._used:
                self._values.pop(key, None)
            self._used.clear()
            if not self._values and self.path.exists():
                os.truncate(self.path, 0)

    def close(self, *, finished: bool = False) -> None:
        """Close the file; where all is ``finished``, remove it."""
        with self._lock:
            self._closed = True
            if self._file is not None:
                self._file.close()
                self._file = None
            if finished:
                self.path.unlink(missing_ok=True)


def _line(key: str, value: Any) -> str:
    return json.dumps({"key": key, "value": value, "sum": _sum(key, value)}) + "\n"


def _sum(key: str, value: Any) -> str:
    return hashlib.sha256(json.dumps([key, value]).encode()).hexdigest()[:16]


def _read(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
        key, value = row["key"], row["value"]
        return {key: value} if isinstance(key, str) and row["sum"] == _sum(key, value) else {}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
