"""Work in lines: one when a stage begins, one for each thing it says, one a minute while it goes on, one at its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calm_ext.cli.screen.quiet import LOG, Quiet
from calm_ext.cli.screen.words import Bar, warning_style
from calm_ext.files.secrets import mask
from calm_ext.files.shown import visible
from calm_ext.pipeline.reporter import Reporter, Turn
from calm_ext.report.watch import check_words

if TYPE_CHECKING:
    from rich.console import Console

#: Seconds between two lines that say how far a stage is.
_PACE = 60


class Lines(Reporter):
    """A context that shows work in lines.

    Args:
        console: where to.
        quiet: what keeps the output of libraries; it is led into the run directory, and gets all messages too.
    """

    def __init__(self, console: Console, quiet: Quiet | None = None) -> None:
        self.console, self.quiet = console, quiet
        self.current = ""
        self.checks: list[Mapping[str, Any]] = []
        self._bars: dict[Any, Bar] = {}
        self._told = time.monotonic()

    # --- what a run tells ---

    def begin(self, stages: Sequence[str], folder: Path) -> None:
        """Lead what libraries print into the run directory."""
        self.log_to(folder / LOG)

    def log_to(self, path: Path) -> None:
        """Lead what libraries print into a file."""
        if self.quiet is not None:
            self.quiet.into(path)

    def turn(self, name: str, turn: Turn, seconds: float = 0.0) -> None:
        """One line; what was logged before is of no interest any more."""
        self.current, self._told = name if turn == "starts" else "", time.monotonic()
        self._bars.clear()
        if self.quiet is not None and turn == "starts":
            self.quiet.mark()
        super().turn(name, turn, seconds)

    def stage(self, name: str, message: str) -> None:
        """One line."""
        self._line(name, message)

    def warn(self, name: str, message: str) -> None:
        """One line in yellow, or in red where training collapses; without a name it is of the stage that is running."""
        self._line(name or self.current, f"warning: {message}", warning_style(message))

    def trained(self, row: Mapping[str, Any]) -> None:
        """A line for each check and each warning; steps are progress."""
        if row["kind"] == "warning":
            self.warn("train", str(row.get("message")))
        elif row["kind"] == "step":
            self.bar("steps", "step", int(row["step"]), int(row["of"]))
        elif row["kind"] == "progress":
            self.bar(row["label"], str(row["label"]), int(row["done"]), int(row["of"]))
        elif row["kind"] == "check":
            self.checks.append(row)
            self.checked()

    def checked(self) -> None:
        """Show the latest check."""
        self._line("train", check_words(self.checks[-1], self.checks[0]))

    def progress(self, label: str, total: int) -> Callable[[int], None]:
        """A line a minute; returns the function that sets how much is done."""
        key = object()
        return lambda done: self.bar(key, label, done, total)

    def bar(self, key: Any, label: str, done: int, total: int) -> None:
        """How far something is, known by a key."""
        bar = self._bars.setdefault(key, Bar(label, total))
        bar.label, bar.total = mask(label), total
        bar.set(done)
        if bar.is_full:
            self._bars.pop(key)
        self.moved(bar)

    def moved(self, bar: Bar) -> None:
        """Show how far it is, if the last line is a minute old."""
        if time.monotonic() - self._told >= _PACE and not bar.is_full:
            self._line(self.current, bar.words())

    # --- how it ends ---

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with suppress(OSError):  # the terminal may be gone
            self.close(kind)

    def close(self, kind: type[BaseException] | None) -> None:
        """Leave the terminal as it was found.

        Args:
            kind: of the exception that ended the work.
        """

    # --- how it is written ---

    def _line(self, name: str, message: str, style: str = "") -> None:
        from rich.text import Text

        self._told = time.monotonic()
        message = visible(mask(message))
        self.record(name, message)
        self.console.print(Text.assemble((f"{name:>9}", "bold cyan"), " ", (message, style)), soft_wrap=True)

    def record(self, name: str, message: str) -> None:
        """A message for the log, which is to be read by itself."""
        if self.quiet is not None:
            self.quiet.write(f"{name:>9} {message}")
