"""What a run does, in lines on stderr: one or two a stage, and a progress bar where it is long."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from calm_ext.cli.terminal import new_console
from calm_ext.pipeline.reporter import Reporter, Turn

if TYPE_CHECKING:
    from rich.console import Console


def check_words(row: Mapping[str, Any], untrained: Mapping[str, Any] | None) -> str:
    """What a check of the held-out questions found, beside the untrained model.

    >>> check_words({"step": 8, "consistency": 0.7}, {"consistency": 0.58})
    'step 8, held-out questions without labels: consistency 0.700 (untrained 0.580)'
    """
    found: list[str] = []
    for key, name in (("consistency", "consistency"), ("agreement", "agreement with the vote")):
        value = row.get(key)
        if isinstance(value, (int, float)) and math.isfinite(value):
            before = (untrained or {}).get(key)
            told = "" if before is None else f" ({'untrained ' if not found else ''}{before:.3f})"
            found.append(f"{name} {value:.3f}{told}")
    return f"step {row.get('step')}, held-out questions without labels: {', '.join(found) or 'nothing to compare'}"


class ConsoleReporter(Reporter):
    """Lines and bars on stderr; it is a context, at whose end no bar stays."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or new_console(stderr=True)
        self._progress: Any = None
        self._current = ""
        self._untrained: Mapping[str, Any] | None = None

    def turn(self, name: str, turn: Turn, seconds: float = 0.0) -> None:
        """One line."""
        self._current = name
        super().turn(name, turn, seconds)

    def stage(self, name: str, message: str) -> None:
        """One line."""
        self._stop()
        from rich.text import Text

        style = "bold red" if message.startswith("warning: ") else ""
        self.console.print(Text.assemble((f"{name:>9}", "bold cyan"), " ", (message, style)), soft_wrap=True)

    def warn(self, message: str) -> None:
        """A warning of the stage that is running."""
        self.stage(self._current, f"warning: {message}")

    def trained(self, row: Mapping[str, Any]) -> None:
        """A line for each check and each warning; steps are a bar."""
        if row["kind"] == "warning":
            self.warn(str(row["message"]))
        elif row["kind"] == "check":
            self.stage("train", check_words(row, self._untrained))
            self._untrained = self._untrained or row

    def progress(self, label: str, total: int) -> Callable[[int], None]:
        """A bar; returns the function that sets how much is done."""
        self._stop()
        self._progress = bar_of(self.console)
        self._progress.start()
        task = self._progress.add_task(label, total=total)

        def advance(done: int) -> None:
            self._progress.update(task, completed=done)
            if done >= total:
                self._stop()

        return advance

    def bar(self, label: str, done: int, total: int) -> None:
        """A library's bar is none of ours where there is no terminal."""

    def _stop(self) -> None:
        if self._progress is not None and self._progress.live.is_started:
            self._progress.stop()

    def __enter__(self) -> ConsoleReporter:
        return self

    def __exit__(self, *error: object) -> None:
        self._stop()


def bar_of(console: Any) -> Any:
    """A progress bar of rich with its label, its count and the time that is left."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:>9}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True)
