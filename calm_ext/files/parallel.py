"""The lines of one file worked on in several processes, and the results in order.

A file is cut into pieces of whole lines. Processes read them and send back what they made of them, small and made of
plain values. Where something goes wrong in one, an error in a line or a process that dies, this process does the rest
of the file itself, from that piece on: what it raises is what it would have raised alone.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from math import ceil
from pathlib import Path
from typing import NamedTuple, TypeVar

T = TypeVar("T")

#: Bytes from which a second process pays: one that is forked starts in some 10 ms, a new one in some 400.
FORKED, STARTED = 1 << 20, 1 << 25
#: Most processes; beyond, this one is busy with what they send.
MOST = 8
# With these a process has threads of its own, after which a fork may hang.
_THREADED = ("torch", "jax", "tensorflow")


class Piece(NamedTuple):
    """Whole lines of a file.

    Attributes:
        start, size: in bytes. before: how many lines stand before them.
    """

    start: int
    size: int
    before: int

    def read(self, path: Path) -> bytes:
        """Its bytes."""
        with path.open("rb") as handle:
            handle.seek(self.start)
            return handle.read(self.size)


def pieces_of(path: Path, size: int) -> Iterator[Piece]:
    """A file in pieces of at least ``size`` bytes; lines end as in text files, with any of three marks."""
    start = before = 0
    with path.open("rb") as handle:
        while data := handle.read(size):
            if not data.endswith(b"\n"):
                data += handle.readline()
            yield Piece(start, len(data), before)
            start += len(data)
            before += data.count(b"\n")
            if b"\r" in data:
                before += data.count(b"\r") - data.count(b"\r\n")


def spread(
    path: Path,
    work: Callable[[Piece], list[T]],
    here: Callable[[int], Iterator[T]],
    *,
    size: int,
    ready: Callable[[], object] | None = None,
) -> Generator[T, None, None]:
    """What ``work`` makes of all pieces of a file, in their order; from several processes where that pays.

    Args:
        work: what a process does with a piece; it is pickled where processes cannot be forked.
        here: does the same in this process, from behind so many lines to the end of the file.
        size: of a piece, in bytes, at most; all processes get as many.
        ready: loads what forked processes would all load.
    """
    n, forked = workers(path)
    if n < 2:
        yield from here(0)
        return
    if forked and ready is not None:
        ready()
    done = 0
    from calm_ext.files.crew import Crew  # what is in there takes its time to load

    with Crew(n, work, forked=forked) as crew:
        for piece, found in crew.results(pieces_of(path, _even(path.stat().st_size, n, size))):
            if found is None:
                done = piece.before
                break
            yield from found
        else:
            return
    yield from here(done)


def _even(whole: int, n: int, most: int) -> int:
    """The size of pieces that come out even for so many processes.

    >>> _even(7_600_000, 2, 1 << 20)
    950000
    """
    return max(1, ceil(whole / (n * ceil(whole / (n * most)))))


def workers(path: Path) -> tuple[int, bool]:
    """How many processes are worth it for a file, and whether they are forked."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if cores < 2 or _is_daemon() or not path.is_file():
        return 1, False
    forked = threading.active_count() == 1 and not any(name in sys.modules for name in _THREADED)
    least = FORKED if forked else STARTED
    size = path.stat().st_size
    return (1 if size < least else min(cores, MOST, 2 * size // least)), forked


def _is_daemon() -> bool:
    """Whether this is a process that must not start others."""
    module = sys.modules.get("multiprocessing.process")
    return module is not None and module.current_process().daemon
