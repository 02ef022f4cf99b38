"""Records in one file or in several, its shards: a folder of them, or a pattern as ``generations-*.jsonl``."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from calm_ext.errors import DataError
from calm_ext.jsonl import Numbered, read_numbered
from calm_ext.records import Record
from calm_ext.records.kinds import absent

R = TypeVar("R", bound=Record)


def shards_of(path: Path) -> list[Path]:
    """The files that a path names, in the order of their numbers; a path that names one file is that file.

    Raises:
        DataError: a folder has no ``*.jsonl``, or nothing fits the pattern.
    """
    if path.is_dir():
        found = [x for x in path.glob("*.jsonl") if not x.name.startswith(".")]
        if not found:
            raise DataError(f"{path}: is a folder without *.jsonl; give a file, a folder that has some, or a pattern")
    elif not path.exists() and glob.has_magic(str(path)):
        found = [Path(x) for x in glob.glob(str(path))]
        if not found:
            raise DataError(f"{path}: no file fits this pattern; give a file, a folder of *.jsonl, or another pattern")
    else:
        return [path]
    return sorted(found, key=lambda x: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", x.name)])


class Shards(Iterable[tuple[str, R]], Generic[R]):
    """The records of all files, each with its place, ``file:line``; streamed as often as they are gone through.

    Attributes:
        files: each file's records.

    Raises:
        DataError: see :func:`shards_of`; when they are gone through, see :func:`calm_ext.jsonl.read_numbered`.
    """

    def __init__(self, path: Path, kind: type[R]) -> None:
        paths = shards_of(path)
        self._path, self._kind = path, kind
        self.files: list[Numbered[R]] = [read_numbered(x, kind, allow_empty=len(paths) > 1) for x in paths]

    def __iter__(self) -> Iterator[tuple[str, R]]:
        empty = True
        for file in self.files:
            for found in file:
                empty = False
                yield found
        if empty:
            raise DataError(f"{self._path}: {absent(self._kind)}")


def files_of(records: Iterable[tuple[str, R]]) -> list[Numbered[R]]:
    """The files in which records are, in order; none where they are in memory."""
    if isinstance(records, Shards):
        return list(records.files)
    return [records] if isinstance(records, Numbered) else []
