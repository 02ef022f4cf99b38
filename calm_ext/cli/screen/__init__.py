"""What a person sees of a verb that takes its time, and where what libraries print goes meanwhile.

A terminal has a live screen (:mod:`~calm_ext.cli.screen.live`); a file, a pipe and a dumb terminal get lines
(:mod:`~calm_ext.cli.screen.lines`). Both hear of the work through :class:`calm_ext.pipeline.reporter.Reporter`. What
libraries print is led into a file (:mod:`~calm_ext.cli.screen.quiet`).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from calm_ext.cli.ending import Logged
from calm_ext.cli.screen.cells import Cells
from calm_ext.cli.screen.lines import Lines
from calm_ext.cli.screen.quiet import Quiet, shown_to
from calm_ext.cli.terminal import new_console
from calm_ext.errors import CalmError
from calm_ext.files.secrets import mask

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

Shown = TypeVar("Shown", Lines, Cells)


def can_redraw(console: Console) -> bool:
    """Whether a console can draw again what it has drawn: a terminal, and not a dumb one."""
    try:
        return console.is_terminal and console.file.isatty() and not console.is_dumb_terminal
    except ValueError:  # closed
        return False


def _reporter(console: Console, quiet: Quiet | None = None) -> Lines:
    """A live screen where the console is one that can show it, else lines."""
    if not can_redraw(console):
        return Lines(console, quiet)
    from calm_ext.cli.screen.live import Live

    return Live(console, quiet)


@contextmanager
def on_screen() -> Iterator[Lines]:
    """Show work on stderr; what libraries print is printed there, too."""
    with _reporter(new_console(stderr=True)) as reporter:
        yield reporter


@contextmanager
def on_quiet_screen() -> Iterator[Lines]:
    """Show work on stderr, and nothing of what libraries print: that goes to the log of the run that begins.

    Nothing can be printed inside, not even to stdout.

    Raises:
        Logged: something failed that is no mistake of the user's; the log has all of it.
    """
    with _quietly(_reporter) as reporter:
        yield reporter


@contextmanager
def cells_on_screen(folder: Path) -> Iterator[Cells]:
    """The same for the cells of a study, whose log is in its folder."""
    with _quietly(lambda out, quiet: Cells(out, quiet, folder=folder, live=can_redraw(out))) as cells:
        yield cells


@contextmanager
def _quietly(make: Callable[[Console, Quiet], Shown]) -> Iterator[Shown]:
    with Quiet() as quiet:
        console = new_console(file=quiet.out)
        shown = make(console, quiet)
        with shown_to(shown):
            try:
                with shown:
                    yield shown
            except (CalmError, click.ClickException, OSError, MemoryError):
                _explain(console, quiet)
                raise
            except Exception as error:
                if quiet.log is None:  # nobody could look it up
                    raise
                quiet.write(traceback.format_exc())
                _explain(console, quiet)
                said = next(iter(str(error).strip().splitlines()), "")
                raise Logged(f"{type(error).__name__}: {said} (all of it: {quiet.log})") from error


def _explain(console: Console, quiet: Quiet) -> None:
    """Show what the log has of a failure, and name the log."""
    from rich.text import Text

    if quiet.log is None:
        return
    for line in quiet.telling():
        console.print(Text(f"{'':>9} {mask(line)}", style="dim"), soft_wrap=True)
    console.print(Text(f"{'':>9} what libraries printed: {quiet.log}", style="dim"), soft_wrap=True)
