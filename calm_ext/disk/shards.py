"""Records in one file or in several, its shards: a folder of them, or a pattern as ``generations-*.jsonl``.

The shards of ``generations.jsonl`` are ``generations-00000.jsonl``, ``generations-00001.jsonl``, … beside it.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from calm_ext.errors import DataError
from calm_ext.jsonl import Numbered, read_numbered
from calm_ext.records import Record
from calm_ext.records.kinds import absent

R = TypeVar("R", bound=Record)


def shards_of(path: Path) -> list[Path]:
    """The files that a path names, in the order of their numbers; one file is that file, and its shards beside it.

    Raises:
        DataError: a folder has no ``*.jsonl``, nothing fits the pattern, or a shard is missing between others.
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
        return written_shards(path) or [path]
    return sorted(found, key=lambda x: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", x.name)])


def written_shards(path: Path) -> list[Path]:
    """A file, where it is there, and the shards of it that lie beside it; none where there is nothing.

    Raises:
        DataError: a shard is missing between others: what comes after it would stand in the place of others.
    """
    numbers = re.compile(rf"{re.escape(path.stem)}-(\d{{5}}){re.escape(path.suffix)}")
    names = os.listdir(path.parent) if path.suffix and path.parent.is_dir() else ()
    found = sorted(int(m[1]) for name in names if (m := numbers.fullmatch(name)))
    shards = [_shard(path, number) for number in found]
    lacking = next((i for i, number in enumerate(found) if i != number), None)
    if lacking is not None:
        gap = f"{_shard(path, lacking)}: is missing, and there are shards after it"
        raise DataError(f"{gap}; put it back, or remove those to make them anew")
    return [path, *shards] if path.exists() else shards


def shard_after(path: Path, there: Sequence[Path]) -> Path:
    """The shard of a file that comes next after what :func:`written_shards` found."""
    return _shard(path, sum(x != path for x in there))


def _shard(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number:05d}{path.suffix}")


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
