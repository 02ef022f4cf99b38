"""A process by what tells it from all others, on this machine and on others that share its files."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
from datetime import datetime, timezone
from typing import NamedTuple


class Holder(NamedTuple):
    """A process that writes.

    Attributes:
        host: the machine's name, with the namespace of its process numbers where that is not the machine's own.
        started: when the process started, in seconds since 1970: numbers of processes are used again.
        since: when it took the lock, UTC.
    """

    verb: str
    user: str
    host: str
    pid: int
    started: float
    since: str

    @classmethod
    def here(cls, verb: str) -> Holder:
        """This process."""
        import psutil

        with contextlib.suppress(Exception):  # a number without a name, as in containers
            return cls(verb, getpass.getuser(), host_here(), os.getpid(), psutil.Process().create_time(), _now())
        return cls(verb, str(os.getuid()), host_here(), os.getpid(), psutil.Process().create_time(), _now())

    @property
    def is_gone(self) -> bool:
        """Whether the process has surely ended; that of another machine never has."""
        import psutil

        if self.host != host_here():
            return False
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.started) > 1 or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True
        except psutil.Error:
            return False

    def __str__(self) -> str:
        return f"calm-ext {self.verb} (process {self.pid} of {self.user} on {self.host}, since {self.since})"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def host_here() -> str:
    """This machine's name, with the namespace of its process numbers where that is not the machine's own."""
    name = socket.gethostname()
    try:
        space = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return name
    return name if space == 0xEFFFFFFC else f"{name}/{space:x}"  # the number of a machine's own namespace
