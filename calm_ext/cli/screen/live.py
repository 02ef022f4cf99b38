"""Work on a live screen: the stage that runs, how far it is, how training goes, and what is still to come.

A stage that has ended is printed for good above the part that is drawn again and again. So the screen is never taller
than its window, and all of it stays in the terminal when the run has ended.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calm_ext.cli.screen.left import Forecast
from calm_ext.cli.screen.lines import Lines
from calm_ext.cli.screen.quiet import Quiet
from calm_ext.cli.screen.words import Bar, about, curve, warning_style
from calm_ext.files.secrets import mask
from calm_ext.files.shown import visible
from calm_ext.pipeline.reporter import Turn
from calm_ext.report.words import duration, is_number

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

_MARKS = {"done": ("✓", "+", "green"), "skipped": ("✓", "+", "dim"), "failed": ("✗", "x", "bold red"),
          "stopped": ("■", "!", "yellow"), "waits": ("·", ".", "dim")}  # fmt: skip
_SPINNER, _SPINNER_ASCII = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\"
#: What of the checks is shown, and how it is called.
_WATCHED = {"consistency": "consistency", "agreement": "agreement with the vote", "kept": "agreeing answers kept"}
#: A window of fewer columns has a stage's messages below its name, and one of fewer lines what is to come in a line.
_NARROW, _LOW = 50, 20
#: Messages of a stage that are shown while it runs; all of them stay when it has ended.
_LATEST = 5


class _Stage:
    """The stage that runs."""

    def __init__(self, name: str) -> None:
        self.name, self.began = name, time.monotonic()
        self.said: list[tuple[str, str]] = []  # message, style
        self.warned: tuple[str, str] | None = None  # the latest warning of the watch over training

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


class Live(Lines):
    """A context that shows work on a live screen."""

    def __init__(self, console: Console, quiet: Quiet | None = None) -> None:
        from rich.live import Live as Drawn

        super().__init__(console, quiet)
        self.now: _Stage | None = None
        self.waiting: list[str] = []
        self.width = 9
        self.began = time.monotonic()
        self.forecast = Forecast({})
        self._ascii = console.options.ascii_only
        loud = quiet is None  # what others print is to come above the drawing
        self._drawn = Drawn(console=console, get_renderable=self.render, transient=True, redirect_stdout=loud,
                            redirect_stderr=loud)  # fmt: skip

    # --- what a run tells ---

    def begin(self, stages: Sequence[str], folder: Path) -> None:
        """Say what runs where, and begin to draw."""
        from rich.text import Text

        super().begin(stages, folder)
        self.waiting, self.width = list(stages), max(map(len, stages), default=9)
        self.forecast = Forecast.of_run(folder)
        where = Text(str(folder), style="bold")
        if self.quiet is not None and self.quiet.log is not None:
            where.append(f"   what libraries print: {self.quiet.log}", "not bold dim")
        self.console.print(where)
        self._drawn.start(refresh=True)

    def turn(self, name: str, turn: Turn, seconds: float = 0.0) -> None:
        """The stage that runs is another one; one that ended stays above."""
        if name in self.waiting:
            self.waiting.remove(name)
        self._bars.clear()
        if turn == "starts":
            if self.quiet is not None:
                self.quiet.mark()
            self.current, self.now = name, _Stage(name)
            self.record(name, "starts")
            self._drawn.start()
            self._drawn.refresh()
            return
        own, self.now, self.current = self.now or _Stage(name), None, ""
        self.record(name, f"done in {seconds:.1f} s" if turn == "done" else "unchanged, skipped")
        if turn == "done":
            self.forecast.took(name, seconds)
        else:
            own.said = [("unchanged", "dim")]
        self._print(own, turn, duration(seconds) if turn == "done" else "")
        self.checks = []

    def checked(self) -> None:
        """The latest check is drawn with the others."""

    def moved(self, bar: Bar) -> None:
        """Bars are drawn with the stage; work without stages is drawn while it has some."""
        if self._bars and not self._drawn.is_started:
            self._drawn.start(refresh=True)
        elif not self._bars and self.now is None and not self.waiting:
            self._drawn.stop()

    def trained(self, row: Mapping[str, Any]) -> None:
        """As before; of the warnings of a training the latest is drawn."""
        if row["kind"] == "warning" and self.now is not None:
            message = mask(str(row.get("message")))
            self.record("train", f"warning: {message}")
            self.now.warned = (f"! {message}", warning_style(message))
            return
        super().trained(row)

    def _line(self, name: str, message: str, style: str = "") -> None:
        """A message under the stage that runs; of another one, or where there are no stages, a line by itself."""
        if self.now is None or name != self.now.name:
            super()._line(name, message, style)
            return
        message = mask(message)
        self.record(name, message)
        self.now.said.append((message, style))

    def close(self, kind: type[BaseException] | None) -> None:
        """What was running stays above as failed or stopped, and nothing else is left of the drawing."""
        own, self.now, self.waiting = self.now, None, []
        self._bars.clear()
        try:
            if own is not None:
                how = "failed" if kind is not None and issubclass(kind, Exception) else "stopped"
                self._print(own, how, duration(own.seconds))
        finally:
            self._drawn.stop()

    # --- what is drawn ---

    def render(self) -> RenderableType:
        """What is drawn now: the stage that runs, what is to come, and the time."""
        from rich.console import Group
        from rich.text import Text

        parts: list[RenderableType] = []
        own, waiting, bars = self.now, list(self.waiting), list(self._bars.values())
        if own is not None:
            frames = _SPINNER_ASCII if self._ascii else _SPINNER
            mark = Text(frames[int(own.seconds * 4) % len(frames)], style="bold cyan")
            body = [*self._body(own, latest=_LATEST), *map(self._bar_of, bars[:3])]
            parts.append(self._row(mark, _text(own.name, "bold"), body, duration(own.seconds)))
        else:
            parts += map(self._bar_of, bars[:3])
        if waiting and self.console.height < _LOW:
            parts.append(_text(f"  then {', '.join(waiting)}", "dim"))
        elif waiting:
            parts += [self._row(self._mark("waits"), _text(x, "dim"), [], "") for x in waiting]
        if own is not None or waiting:
            left = self.forecast.left(own.name if own else None, own.seconds if own else 0, waiting, bars)
            said = f"{duration(time.monotonic() - self.began)} so far" + (f", {about(left)} left" if left else "")
            parts.append(_text(f"  {said}", "dim"))
        return Group(*parts)

    def _print(self, own: _Stage, how: str, took: str) -> None:
        name = _text(own.name, "dim" if how == "skipped" else "")
        self.console.print(self._row(self._mark(how), name, self._body(own), took))

    def _mark(self, how: str) -> Text:
        mark, plain, style = _MARKS[how]
        return _text(plain if self._ascii else mark, style)

    def _row(self, mark: Text, name: Text, body: list[Any], took: str) -> RenderableType:
        """A stage: its mark, its name, what it has to say and its time; in a narrow window one below the other."""
        from rich.console import Group
        from rich.padding import Padding
        from rich.table import Table

        if self.console.width < _NARROW:
            head = _text().append_text(mark).append(" ").append_text(name).append(f" {took}" if took else "", "dim")
            return Group(head, *(Padding(line, (0, 0, 0, 2)) for line in body))
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(width=1)
        table.add_column(width=self.width, no_wrap=True)
        table.add_column(ratio=1, overflow="fold")
        table.add_column(justify="right", no_wrap=True)
        table.add_row(mark, name, Group(*body) if body else "", _text(took, "dim"))
        return table

    def _body(self, own: _Stage, latest: int | None = None) -> list[Any]:
        said = list(own.said)
        shown: list[Any] = [_text(message, style) for message, style in (said[-latest:] if latest else said)]
        if own.name == "train" and self.checks:
            shown.append(self._watched(own))
        if own.warned:
            shown.append(_text(*own.warned))
        return shown

    def _watched(self, own: _Stage) -> RenderableType:
        """The checks of the held-out questions: a line a value, from the untrained model's on."""
        from rich.console import Group
        from rich.table import Table

        checks = list(self.checks)
        table = Table.grid(padding=(0, 2))
        table.add_column(overflow="fold")
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        room = 0 if self._ascii else max(0, min(24, self.console.width - self.width - 54))
        style = own.warned[1] if own.warned else "bold"
        for key, name in _WATCHED.items():
            values = [float(c[key]) for c in checks if is_number(c.get(key))]
            if not values or (key == "kept" and len(values) < 2):
                continue
            first = f"{values[0]:.3f}" if key != "kept" else ""
            now = "" if len(values) < 2 else f"{values[-1]:.3f}" if key != "kept" else f"{values[-1]:.0%}"
            arrow = (" -> " if self._ascii else " → ") if first and now else ""
            drawn = curve(values[-room:]) if room > 3 and key != "kept" else ""
            table.add_row(_text(name), _text(first + arrow).append(now, style), _text(drawn, "cyan"))
        title = f"held-out questions without labels, at step {checks[-1].get('step')}"
        return Group(_text(title, "dim"), table)

    def _bar_of(self, bar: Bar) -> RenderableType:
        width = max(0, min(30, self.console.width - len(bar.words()) - self.width - 16))
        full, empty = bar.drawn(width, ascii_only=self._ascii) if width >= 8 else ("", "")
        drawn = _text().append(full, "cyan").append(f"{empty} " if width >= 8 else "", "bright_black")
        return drawn.append_text(_text(bar.words()))


def _text(text: str = "", style: str = "") -> Text:
    """A text of rich: no markup, and what a terminal would obey written out before lines are broken."""
    from rich.text import Text

    return Text(visible(text), style=style)
