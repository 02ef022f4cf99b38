"""What libraries print goes to a log; their progress bars and our own warnings go to whoever shows them."""

from __future__ import annotations

import io
import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from calm_ext.files.secrets import mask
from calm_ext.files.shown import visible

if TYPE_CHECKING:
    from calm_ext.cli.screen.cells import Cells
    from calm_ext.cli.screen.lines import Lines

#: The log's name in a run directory.
LOG = "run.log"
#: A bar is shown where its work takes longer than so many seconds.
_SHORT = 1.0
#: Lines of the log that a failure shows, and characters of each.
_SHOWN, _LENGTH = 8, 300
_TRACEBACK = "Traceback (most recent call last)"
_FAILS = re.compile(r"\b(?:\w*error|\w*exception|fatal|failed|killed|cannot|out of memory)\b", re.IGNORECASE)


class _Led(io.TextIOBase):
    """A stream without a file of its own, as tests have it, led into the log and then back."""

    def __init__(self, quiet: Quiet, stream: IO[str]) -> None:
        self.quiet, self.stream = quiet, stream

    def write(self, text: str) -> int:
        """To the log, or where it went before."""
        return (self.quiet.file if self.quiet.is_on else self.stream).write(text)

    def flush(self) -> None:
        """The same."""
        (self.quiet.file if self.quiet.is_on else self.stream).flush()


class _Person(io.TextIOWrapper):
    """What the person sees. A terminal that is closed does not end hours of work."""

    def write(self, text: str) -> int:
        """As far as somebody reads it."""
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        """The same."""
        with suppress(OSError):
            super().flush()


class Quiet:
    """A context that leads standard output and error, of this process and of those it starts, into a file.

    Until :meth:`into` names the file, what is printed is kept aside; it is lost where no file is named.

    Attributes:
        out: the standard error of before, for what the person is to see.
        log: the file's path; None until it is named.
        file: where everything goes now.
    """

    def __init__(self) -> None:
        self.log: Path | None = None
        self.file: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8", errors="backslashreplace", buffering=1)  # noqa: SIM115
        self.is_on = False
        self._since = 0

    def __enter__(self) -> Quiet:
        self._streams = sys.stdout, sys.stderr
        self.flush()
        self.out: IO[str] = sys.stderr
        self._saved: list[tuple[int, int]] = []
        with suppress(OSError):  # a process may have been started without them
            self._saved = [(number, os.dup(number)) for number in (1, 2)]
        if self._saved and _number(sys.stderr) == 2:
            self.out = _Person(open(os.dup(2), "wb"), encoding=sys.stderr.encoding, errors="backslashreplace")
        if _number(sys.stdout) != 1:
            sys.stdout = _Led(self, sys.stdout)
        if _number(sys.stderr) != 2:
            sys.stderr = _Led(self, sys.stderr)
        self.is_on = True
        self._lead()
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()
        self.is_on = False
        for number, saved in self._saved:
            os.dup2(saved, number)
            os.close(saved)
        if self.out is not self._streams[1]:
            with suppress(OSError):  # the terminal may be gone
                self.out.close()
        sys.stdout, sys.stderr = self._streams
        self.file.close()

    def flush(self) -> None:
        """Have everything that was printed where it goes."""
        for stream in (sys.stdout, sys.stderr, self.file):
            with suppress(OSError, ValueError):
                stream.flush()

    def into(self, path: Path) -> None:
        """Append to this file from now on, beginning with what was kept aside."""
        self.flush()
        self.file.seek(0)
        kept = self.file.read()
        log = path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
        log.write(f"# {datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} UTC: {mask(' '.join(sys.argv))}\n{kept}")
        log.flush()
        self.file, self.log, before = log, path, self.file
        self._lead()
        before.close()
        self.mark()

    def write(self, text: str) -> None:
        """A text of our own, below what came before."""
        self.flush()
        self.file.write(f"{visible(text.rstrip())}\n")

    def mark(self) -> None:
        """What comes from now on is what a failure is explained by."""
        self.flush()
        self._since = os.fstat(self.file.fileno()).st_size

    def telling(self) -> list[str]:
        """Of what came since the last mark, the lines that say why something failed; empty where none does."""
        if self.log is None:
            return []
        self.flush()
        with self.log.open("rb") as handle:
            handle.seek(self._since)
            return telling_lines(handle.read().decode("utf-8", "replace"))

    def _lead(self) -> None:
        for number, _ in self._saved:
            os.dup2(self.file.fileno(), number)


def _number(stream: Any) -> int | None:
    """The file descriptor that a stream writes to."""
    try:
        return int(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return None


def telling_lines(text: str) -> list[str]:
    """The last lines of a log that say why something failed: the end of the last traceback, else lines of errors.

    >>> telling_lines("Error: no\\nTraceback (most recent call last):\\n  x\\nKeyError: 1")
    ['  x', 'KeyError: 1']
    >>> telling_lines("50%\\rloading: 100%\\nfatal: not here\\nfine")
    ['fatal: not here']
    """
    lines = [line.rpartition("\r")[2].rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    lines = [line for line in lines if line]
    last = max((i for i, line in enumerate(lines) if _TRACEBACK in line), default=None)
    found = lines[last + 1 :] if last is not None else [line for line in lines if _FAILS.search(line)]
    return [line if len(line) <= _LENGTH else f"{line[:_LENGTH]}…" for line in found[-_SHOWN:]]


@contextmanager
def shown_to(reporter: Lines | Cells) -> Iterator[None]:
    """Show our own warnings and the progress bars of libraries by a reporter.

    Of a bar the log gets one line, when it is full. One of less than a second's work is not shown.
    """
    from tqdm.std import tqdm

    class Told(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            reporter.warn("", record.getMessage())

    def display(bar: Any, *_: Any, **__: Any) -> bool:
        total, done = bar.total or 0, bar.n
        began = getattr(bar, "start_t", None)  # it is drawn first before it has one
        if total and began and time.time() - began > _SHORT:
            reporter.bar(id(bar), label_of(bar), int(done), int(total))
        if done >= total and not hasattr(bar, "calm_logged"):
            bar.calm_logged = True
            bar.sp(str(bar))
        return True

    handler, ours, drawn = Told(logging.WARNING), logging.getLogger("calm_ext"), tqdm.display
    ours.addHandler(handler)
    tqdm.display = display
    try:
        yield
    finally:
        tqdm.display = drawn
        ours.removeHandler(handler)


#: What libraries call their bars, and what they do.
_LABELS = {
    "Running generate_until requests": "answering",
    "Running loglikelihood requests": "scoring options",
    "Scoring options": "scoring options",
    "Loading weights": "loading the model",
    "Loading checkpoint shards": "loading the model",
    "pretraining Babel": "making the model of Babel",
}


def label_of(bar: Any) -> str:
    """What a bar of a library is about, in our words."""
    label = str(bar.desc or "").strip(" :")
    if bar.unit == "B":
        return f"downloading {label}".strip()
    return _LABELS.get(label, "working")
