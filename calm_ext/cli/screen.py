"""A run on one live screen: its stages, what each has done, how far it is, and how training goes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from calm_ext.cli.progress import bar_of
from calm_ext.pipeline.reporter import Reporter, Turn
from calm_ext.report.words import duration

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

_MARKS = {"waits": ("·", "dim"), "starts": ("▸", "bold cyan"), "done": ("✓", "green"), "skipped": ("✓", "dim"),
          "failed": ("✗", "bold red")}  # fmt: skip
#: What of a check is shown, and how it is called.
_WATCHED = {"consistency": "consistency", "agreement": "agreement with the vote"}


class _Stage(NamedTuple):
    state: str = "waits"
    seconds: float | None = None
    said: tuple[tuple[str, str], ...] = ()  # message and style

    def with_line(self, message: str, style: str = "") -> _Stage:
        return self._replace(said=(*self.said, (message, style)))


class Screen(Reporter):
    """The stages of a run, drawn again as they go on. It is a context, at whose end the screen stays as it was last."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        self.console = console
        self.folder: Path | None = None
        self.stages: dict[str, _Stage] = {}
        self.current = ""
        self.checks: list[Mapping[str, Any]] = []
        self.began = time.monotonic()
        self._since = self.began
        self._bar = bar_of(console)
        self._live = Live(console=console, get_renderable=self.render, refresh_per_second=4, redirect_stdout=False,
                          redirect_stderr=False)  # fmt: skip

    # --- what is told ---

    def begin(self, stages: Sequence[str], folder: Path) -> None:
        """Draw the stages."""
        self.folder = folder
        self.stages = {name: self.stages.get(name, _Stage()) for name in stages}
        self._live.start()

    def turn(self, name: str, turn: Turn, seconds: float = 0.0) -> None:
        """Mark a stage."""
        own = self.stages.get(name, _Stage())
        self.stages[name] = own._replace(state=turn, seconds=seconds if turn == "done" else None)
        self.current, self._since = name, time.monotonic()
        self._clear()

    def stage(self, name: str, message: str) -> None:
        """A line under the stage; before the run begins, a line by itself."""
        if self.folder is None:
            self.console.print(f"{name:>9} {message}", soft_wrap=True)
        self.stages[name] = self.stages.get(name, _Stage()).with_line(message)

    def warn(self, message: str) -> None:
        """A red line under the stage that is running."""
        name = self.current
        self.stages[name] = self.stages.get(name, _Stage()).with_line(message, "bold red")

    def progress(self, label: str, total: int) -> Callable[[int], None]:
        """A bar below the stages."""
        self._clear()
        task = self._bar.add_task(label, total=total)

        def advance(done: int) -> None:
            if task in self._bar.task_ids:
                self._bar.update(task, completed=done)

        return advance

    def bar(self, label: str, done: int, total: int) -> None:
        """The same, of a library."""
        label = label or "working"
        task = next(iter(self._bar.tasks), None)
        if task is None or (task.description, task.total) != (label, total):
            self.progress(label, total)
            task = self._bar.tasks[0]
        self._bar.update(task.id, completed=done)

    def trained(self, row: Mapping[str, Any]) -> None:
        """Checks are shown with those before, warnings in red, steps as a bar."""
        if row["kind"] == "warning":
            self.warn(f"step {row.get('step')}: {row['message']}")
        elif row["kind"] == "check":
            self.checks.append(row)
        elif row["kind"] == "train" and row.get("of"):
            self.bar("steps", int(row["step"]), int(row["of"]))

    # --- what is drawn ---

    def render(self) -> RenderableType:
        """The screen as it is now."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1))
        for column in (
            {"width": 1},
            {"no_wrap": True},
            {"ratio": 1, "overflow": "fold"},
            {"justify": "right", "no_wrap": True},
        ):
            table.add_column(**column)
        for name, own in self.stages.items():
            mark, style = _MARKS[own.state]
            lines = [Text(said, style=own_style) for said, own_style in own.said]
            if own.state == "skipped" and not lines:
                lines = [Text("unchanged, skipped", style="dim")]
            if name == "train" and (watched := self._watched()):
                lines.append(watched)
            told = Group(*lines) if lines else Text()
            table.add_row(Text(mark, style=style), Text(name, style="bold" if own.state == "starts" else ""), told,
                          Text(self._time_of(own), style="dim"))  # fmt: skip
        title = Text.assemble(
            (str(self.folder or ""), "bold"), (f"   {duration(time.monotonic() - self.began)}", "dim")
        )
        parts: list[RenderableType] = [title, table]
        if self._bar.tasks:
            parts.append(self._bar.get_renderable())
        return Group(*parts)

    def _watched(self) -> Text | None:
        from rich.text import Text

        shown = []
        for key, name in _WATCHED.items():
            values = [c[key] for c in self.checks if isinstance(c.get(key), (int, float)) and math.isfinite(c[key])]
            if values:
                few = values if len(values) <= 6 else [values[0], *values[-5:]]
                gap = " → " if len(values) <= 6 else " … "
                shown.append(
                    f"{name} {few[0]:.3f}{gap if len(few) > 1 else ''}{' → '.join(f'{v:.3f}' for v in few[1:])}"
                )
        return Text("held-out questions, no labels: " + "; ".join(shown), style="cyan") if shown else None

    def _time_of(self, own: _Stage) -> str:
        if own.state == "starts":
            return duration(time.monotonic() - self._since)
        return "" if own.seconds is None else duration(own.seconds)

    def _clear(self) -> None:
        for task in list(self._bar.task_ids):
            self._bar.remove_task(task)

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._clear()
        if kind is not None and self.current in self.stages and self.stages[self.current].state == "starts":
            self.stages[self.current] = self.stages[self.current]._replace(state="failed")
        if self._live.is_started:
            self._live.vertical_overflow = "visible"
            self._live.stop()
