"""What cells do once for all: a stage with the same inputs is done by one cell, and linked into the others.

``stages/<stage>-<inputs>`` below the study's folder names the cell that did it. It is locked while a stage is being
done, so that another process that needs it waits; the lock of a process that dies is free.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from calm_ext.errors import RunError
from calm_ext.files.places import make_folder


class Claim:
    """A stage with certain inputs, held by this process.

    Attributes:
        handle: of its file, which is locked.
    """

    def __init__(self, handle: IO[str]) -> None:
        self.handle = handle

    @property
    def owner(self) -> str:
        """The cell that did it, by its folder within the study's; empty where none did."""
        self.handle.seek(0)
        return self.handle.read()

    @owner.setter
    def owner(self, name: str) -> None:
        self.handle.seek(0)
        self.handle.truncate()
        self.handle.write(name)
        self.handle.flush()


@contextmanager
def claimed(study: Path, stage: str, inputs: str, *, waiting: Callable[[], None] = lambda: None) -> Iterator[Claim]:
    """Hold a stage with certain inputs; another process that asks for it waits.

    Args:
        waiting: called once where another process holds it.
    """
    path = make_folder(study / "stages") / f"{stage}-{inputs[:24]}"
    with path.open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield Claim(handle)


@contextmanager
def locked(study: Path) -> Iterator[None]:
    """Hold a study's folder: of two processes that run one study at the same time the second is refused.

    Raises:
        RunError: another process holds it.
    """
    import os
    import socket

    with (make_folder(study) / ".lock").open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise RunError(f"{study}: is being run by {handle.read() or 'another process'}; wait for it") from None
        handle.truncate(0)
        handle.write(f"process {os.getpid()} on {socket.gethostname()}")
        handle.flush()
        yield
