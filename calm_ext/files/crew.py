"""Processes that work on the pieces of a file, for :mod:`calm_ext.files.parallel`."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any

from calm_ext.files.parallel import Piece

# Pieces that a process holds at once, so that it never waits for the next one.
_HELD = 2


class Crew:
    """Processes that work on pieces; they end with the block, or with this process, however that ends."""

    def __init__(self, n: int, work: Callable[[Piece], Any], *, forked: bool) -> None:
        self._processes: list[Any] = []
        self._ends: list[Connection] = []
        try:
            for _ in range(n):
                self._add(work, forked)
        except BaseException:
            self._close()
            raise

    def _add(self, work: Callable[[Piece], Any], forked: bool) -> None:
        ours, theirs = multiprocessing.Pipe()
        self._ends.append(ours)
        with theirs:
            if forked:
                context = multiprocessing.get_context("fork")
                process = context.Process(target=_forked, args=(theirs, work, list(self._ends)), daemon=True)
                process.start()
                self._processes.append(process)
                return
            # A new interpreter, because one by multiprocessing would run the user's script again.
            code = f"from calm_ext.files.crew import started; started({theirs.fileno()})"
            paths = os.pathsep.join(dict.fromkeys(x or os.getcwd() for x in sys.path))
            self._processes.append(
                subprocess.Popen(
                    [sys.executable, "-c", code],
                    pass_fds=[theirs.fileno()],
                    env={**os.environ, "PYTHONPATH": paths},
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for this process alone
                )
            )
        ours.send(work)

    def results(self, pieces: Iterator[Piece]) -> Iterator[tuple[Piece, Any]]:
        """Each piece and what was made of it, in order; None in place of the first that went wrong.

        Pieces are handed out as their results are taken, so that few results wait here.
        """
        waiting: dict[int, tuple[Piece, Any]] = {}
        given: dict[Connection, list[tuple[int, Piece]]] = {end: [] for end in self._ends}
        handed = taken = 0
        left = True
        while True:
            while left and given and handed < taken + 2 * _HELD * len(self._ends):
                end = min(given, key=lambda x: len(given[x]))
                if len(given[end]) >= _HELD:
                    break
                piece = next(pieces, None)
                if piece is None:
                    left = False
                    break
                given[end].append((handed, piece))
                handed += 1
                with suppress(OSError):  # it died, which is seen below
                    end.send(piece)
            if taken in waiting:
                yield waiting.pop(taken)
                taken += 1
                continue
            busy = [end for end, own in given.items() if own]
            if not busy:
                return
            ready = set(wait(busy))
            for end in [x for x in busy if x in ready]:
                number, piece = given[end].pop(0)
                try:
                    found = end.recv()
                except (EOFError, OSError):
                    found = None
                    for number_, piece_ in given[end]:
                        waiting[number_] = piece_, None
                    del given[end]
                waiting[number] = piece, found

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._close()

    def _close(self) -> None:
        for end in self._ends:
            end.close()
        for process in self._processes:
            process.kill()  # they hold nothing that has to be saved
        for process in self._processes:
            process.wait() if isinstance(process, subprocess.Popen) else process.join()


def _forked(theirs: Connection, work: Callable[[Piece], Any], ours: list[Connection]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    for end in ours:
        end.close()
    _serve(theirs, work)


def started(descriptor: int) -> None:
    """What a new interpreter runs: it takes its work, and then pieces, from a connection."""
    end = Connection(descriptor)
    try:
        work = end.recv()
    except BaseException:
        return  # it cannot be had here; the process that asked sees the end of the connection
    _serve(end, work)


def _serve(end: Connection, work: Callable[[Piece], Any]) -> None:
    """Work on pieces until the connection ends: then there are none left, or the one who asks is gone."""
    gc.freeze()  # what was there before stays, and need not be looked through
    gc.disable()
    while True:
        try:
            end.send(_done(work, end.recv()))
        except (EOFError, OSError):
            return
        gc.collect()


def _done(work: Callable[[Piece], Any], piece: Piece) -> Any:
    try:
        return work(piece)
    except Exception:  # whatever it is, it comes again where the piece is done again
        return None
