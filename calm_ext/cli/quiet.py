"""What libraries print during a run goes to its ``run.log``, their progress bars and our own warnings to the person."""

from __future__ import annotations

import io
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

#: The log's name in a run directory.
LOG = "run.log"
#: A bar is shown where its work takes longer than so many seconds.
_SHORT = 1.0


class Quiet:
    """Standard output and error of this process and those it starts, led into a file.

    Until :meth:`into` names the file, what is printed is kept aside; it is lost where no file is named.

    Attributes:
        out: the standard error of before, for what the person is to see.
    """

    def __init__(self) -> None:
        self._streams = sys.stdout, sys.stderr
        for stream in self._streams:
            stream.flush()
        self._log: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
        self._saved: list[tuple[int, int]] = []
        self.out: IO[str] = sys.stderr
        with suppress(OSError, ValueError):  # a stream without a file, as in tests
            if sys.stderr.fileno() == 2:
                self.out = open(os.dup(2), "w", encoding=sys.stderr.encoding, errors=sys.stderr.errors, buffering=1)  # noqa: SIM115
                self._saved = [(number, os.dup(number)) for number in (1, 2)]
        self._lead()

    def into(self, path: Path) -> None:
        """Append to this file from now on, after what was kept aside."""
        self._log.flush()
        self._log.seek(0)
        kept = self._log.read()
        log = path.open("a", encoding="utf-8", errors="backslashreplace")
        log.write(f"# {datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} UTC: {' '.join(sys.argv)}\n{kept}")
        log.flush()
        self._log.close()
        self._log = log
        self._lead()

    def end(self) -> None:
        """Give both streams back."""
        with suppress(OSError, ValueError):
            self._log.flush()
        for number, saved in self._saved:
            os.dup2(saved, number)
            os.close(saved)
        sys.stdout, sys.stderr = self._streams
        if self._saved:
            self.out.close()
        self._log.close()

    def _lead(self) -> None:
        for number, _ in self._saved:
            os.dup2(self._log.fileno(), number)
        if isinstance(self._log, io.TextIOWrapper):
            self._log.reconfigure(line_buffering=True)
        sys.stdout = sys.stderr = self._log


@contextmanager
def quietly() -> Iterator[Quiet]:
    """Keep the terminal for what is shown to the person."""
    quiet = Quiet()
    try:
        yield quiet
    finally:
        quiet.end()


@contextmanager
def shown_to(warn: Callable[[str], None], bar: Callable[[str, int, int], None]) -> Iterator[None]:
    """Show our own warnings and the progress bars of libraries by other means.

    Args:
        warn: called with each warning that calm-ext logs.
        bar: called with label, done and total, whenever tqdm would draw a bar of more than a second's work.
    """
    from tqdm.std import tqdm

    class Told(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            warn(record.getMessage())

    def display(self: Any, *_: Any, **__: Any) -> bool:
        if self.total and time.time() - self.start_t > _SHORT:
            bar(str(self.desc or "").strip(" :"), int(self.n), int(self.total))
        return True

    handler, ours, drawn = Told(logging.WARNING), logging.getLogger("calm_ext"), tqdm.display
    ours.addHandler(handler)
    tqdm.display = display
    try:
        yield
    finally:
        tqdm.display = drawn
        ours.removeHandler(handler)
