"""The terminal: what is printed there holds nothing that it would obey, and no markup.

Names of files, models and tasks, messages of libraries and texts of data sets are all printed; whoever wrote them must
not colour, move or hide anything, nor end a run by a text like ``[/x]``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any

import click

from calm_ext.files.shown import visible

if TYPE_CHECKING:
    from rich.console import Console


def echo(message: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text on stdout, or on stderr."""
    click.echo(visible(str(message)), err=err, nl=nl)


def new_console(*, stderr: bool = False, file: IO[str] | None = None, width: int | None = None) -> Console:
    """A console of rich that shows texts as they are: no markup, no highlighting, no control characters."""
    from rich.console import Console, ConsoleDimensions
    from rich.segment import Segment

    class Plain(Console):
        def render(self, renderable: Any, options: Any = None) -> Iterable[Segment]:
            """What is printed, its own codes apart."""
            for segment in super().render(renderable, options):
                yield segment if segment.control else Segment(visible(segment.text), segment.style)

        @property
        def size(self) -> ConsoleDimensions:
            """That of the terminal it writes to, which need not be one of the standard streams."""
            found = super().size
            try:
                columns, lines = os.get_terminal_size(self.file.fileno())
            except (OSError, ValueError, AttributeError):
                return found
            if not columns or self.is_dumb_terminal:
                return found
            return ConsoleDimensions(self._width or columns, self._height or lines)

        @size.setter
        def size(self, new: tuple[int, int]) -> None:
            self._width, self._height = new

    return Plain(stderr=stderr, file=file, width=width, highlight=False, markup=False)


def console() -> Console:
    """For results on stdout: a table is never narrowed where stdout is no terminal."""
    return new_console(file=sys.stdout, width=None if sys.stdout.isatty() else 1000)
