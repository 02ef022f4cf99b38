"""Lines that are checked: beside a JSONL file to which lines are appended grows a file with the digest of each.

A digest is on disk before its line is, so that every line that an interrupted run left has one. A line that was changed
afterwards, though it still parses, is found by its own digest.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from calm_ext.files.writing import atomic_write
from calm_ext.jsonl import Appender, to_line
from calm_ext.records import Record


def sums_of(path: Path) -> Path:
    """The file with the digests of a file's lines."""
    return path.with_name(f".{path.name}.sha256")


def count_lines(path: Path) -> int:
    """How many lines a file has, an incomplete last one included."""
    with path.open("rb") as handle:
        return sum(1 for _ in handle)


def restore(path: Path, *, whole: bool = False) -> list[int]:
    """Put the lines of a file into the order of their digests; returns those, from 0, that are lost or were changed.

    In the place of a lost line stands an empty one. Of lines that are lost at the end nothing is kept, and a line that
    has no digest is dropped. A file without digests is left as it is.

    Args:
        whole: the file was written to its end, so that lines that are lost there are lost as any other.
    """
    wanted = _sums(path)
    if wanted is None or not path.is_file():
        return []
    if _digests(path) == wanted:
        return []
    with path.open("rb") as handle:
        known = {_digest(line): line for line in handle}
    while not whole and wanted and wanted[-1] not in known:
        wanted.pop()
    _replace(path, [known.get(x, b"\n") for x in wanted])
    _write(path, wanted)
    return [i for i, x in enumerate(wanted) if x not in known]


def sign(path: Path, lines: Iterable[int] | None = None) -> None:
    """Write the digests of lines as they are now, counted from 0; default: of all."""
    now = _digests(path)
    kept = _sums(path) if lines is not None else None
    if kept is not None and len(kept) == len(now):
        for index in lines or ():
            kept[index] = now[index]
        now = kept
    _write(path, now)


def _digests(path: Path) -> list[str]:
    with path.open("rb") as handle:
        return [_digest(line) for line in handle]


def _sums(path: Path) -> list[str] | None:
    try:
        return sums_of(path).read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return None


def _write(path: Path, digests: Iterable[str]) -> None:
    atomic_write(sums_of(path), "".join(f"{x}\n" for x in digests))


def _replace(path: Path, lines: Iterable[bytes]) -> None:
    """The lines in the place of the file: they may be no text, so that they are not written as one."""
    partial = path.with_name(f".{path.name}.restored.tmp")
    with partial.open("wb") as handle:
        handle.writelines(lines)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(partial, path)


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


class CheckedAppender:
    """An :class:`~calm_ext.jsonl.Appender` that keeps the digest of each line; a file without digests is trusted."""

    def __init__(self, path: Path) -> None:
        self._lines = Appender(path)
        kept, n = _sums(path), count_lines(path)  # none is incomplete: those were cut off
        if kept is None or len(kept) < n:
            sign(path)
        elif len(kept) > n:
            _write(path, kept[:n])
        self._sums = sums_of(path).open("a", encoding="ascii", newline="\n")

    def append(self, records: Sequence[Record]) -> None:
        """Write the digests, then the records, each flushed to disk."""
        self._sums.writelines(f"{_digest(to_line(r).encode())}\n" for r in records)
        self._sums.flush()
        os.fsync(self._sums.fileno())
        self._lines.append(records)

    def close(self) -> None:
        """Close both files."""
        self._sums.close()
        self._lines.close()

    def __enter__(self) -> CheckedAppender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
