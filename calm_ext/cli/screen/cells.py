"""The cells of a study while they run: a line each, one for the whole grid, and one that stays for each that ended."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from calm_ext.cli.screen.quiet import LOG, Quiet
from calm_ext.cli.screen.words import warning_style
from calm_ext.files.secrets import mask
from calm_ext.report.words import duration

if TYPE_CHECKING:
    from rich.console import Console

    from calm_ext.study.grid import Cell
    from calm_ext.study.plan import Plan
    from calm_ext.study.workers import Event


class Cells:
    """A context that shows how far a study is.

    Args:
        console: where to.
        quiet: what keeps the output of libraries; it is led into the study's folder. What cells print has logs there.
        folder: of the study.
        live: whether the console can draw again what it has drawn; else there are lines only.
    """

    def __init__(self, console: Console, quiet: Quiet, *, folder: Path, live: bool) -> None:
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        self.console, self.quiet, self.folder, self.live = console, quiet, folder, live
        plain: Any = {"markup": False}
        wide = Column(no_wrap=True, overflow="ellipsis", ratio=1)
        columns = (
            TextColumn("{task.description}", **plain),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[said]}", table_column=wide, **plain),
        )
        self.bars = Progress(*columns, console=console, transient=True, expand=True, redirect_stdout=False,
                             redirect_stderr=False, disable=not live)  # fmt: skip
        self.rows: dict[str, Any] = {}
        self.total: Any = None

    def begins(self, plan: Plan, cells: list[Cell], jobs: int) -> None:
        """The cells that are left, and the plan of all."""
        if self.quiet.log is None:
            self.quiet.into(self.folder / LOG)
        self.plan, self.jobs, self.started, self.n = plan, jobs, monotonic(), len(cells)
        self.ended: list[str] = []
        finished = sum(r.finished for r in plan.runs if r.cell)
        if finished:
            self.console.print(f"{finished} cells are finished and left alone")
        if self.total is not None:
            self.bars.remove_task(self.total)
        self.total = self.bars.add_task("all cells", total=len(cells), said=self._left())

    def hears(self, event: Event) -> None:
        """A cell starts, says something, or ends."""
        from rich.text import Text

        name = event.cell
        if event.kind == "starts":
            self.rows[name] = self.bars.add_task(name, total=1.0, said="")
        elif event.kind == "stage":
            self.bars.update(self.rows[name], completed=0, said=mask(f"{event.stage}: {event.text}"))
        elif event.kind == "warning":
            self.warn(f"{name} {event.stage}", event.text)
        elif event.kind == "progress":
            self.bars.update(self.rows[name], completed=event.share, said=event.stage)
        else:
            self.bars.remove_task(self.rows.pop(name))
            self.ended.append(f"cells/{name}")
            line = Text(f"{name} ")
            line.append(*(("done", "green") if event.kind == "done" else ("failed", "red")))
            line.append(f" {mask(event.text)}" if event.text else "")
            self.bars.update(self.total, advance=1, said=self._left())
            line.append("" if self.live else f" ({self._left()})")
            self.console.print(line, soft_wrap=True)

    def warn(self, name: str, message: str) -> None:
        """A line that stays."""
        from rich.text import Text

        line = Text(f"{name} warning: " if name else "warning: ").append(mask(message), warning_style(message))
        self.console.print(line, soft_wrap=True)

    def bar(self, key: Any, label: str, done: int, total: int) -> None:
        """What libraries do in this process is short."""

    def _left(self) -> str:
        """How many cells have ended, and the time left by what the stages take, or else the cells."""
        done = len(self.ended)
        text = f"{done} of {self.n}"
        seconds = self.plan.expected(jobs=self.jobs, without=self.ended)
        if seconds is None and done:
            seconds = (monotonic() - self.started) / done * (self.n - done)
        return text + (f", about {duration(seconds)} left" if seconds else "")

    def __enter__(self) -> Cells:
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # the terminal may be gone
            self.bars.stop()
