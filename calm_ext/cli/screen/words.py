"""Bars, times and curves as text."""

from __future__ import annotations

import time
from collections.abc import Sequence

_LEVELS = "▁▂▃▄▅▆▇█"
#: A curve is not drawn larger than so much of it needs: noise is to look like noise.
_SPAN = 0.1


class Bar:
    """How far some work is.

    Args:
        label: what is done.
        total: of so many.
    """

    def __init__(self, label: str, total: int) -> None:
        self.label, self.total, self.done = label, total, 0
        self._first: tuple[float, int] | None = None  # work that goes on does not begin at 0
        self._last = (time.monotonic(), 0)

    def set(self, done: int) -> None:
        """So much is done now."""
        self.done = done
        self._last = (time.monotonic(), done)
        self._first = self._first or self._last

    @property
    def is_full(self) -> bool:
        """Whether nothing is left."""
        return self.done >= self.total

    def left(self) -> float | None:
        """Seconds that the rest will take at this pace; None where that is not known yet."""
        if self._first is None or self._last[1] <= self._first[1]:
            return None
        pace = (self._last[0] - self._first[0]) / (self._last[1] - self._first[1])
        return max(0.0, pace * (self.total - self._last[1]) - (time.monotonic() - self._last[0]))

    def words(self) -> str:
        """What is done, how far it is, and the time left."""
        left = None if self.is_full else self.left()
        return f"{self.label} {self.count()}" + ("" if left is None else f", {about(left)} left")

    def count(self) -> str:
        """How many of how many, in thousands or millions of bytes where it is a download."""
        if not self.label.startswith("downloading"):
            return f"{self.done} of {self.total}"
        unit, size = ("GB", 1e9) if self.total >= 1e9 else ("MB", 1e6)
        return f"{self.done / size:.1f} of {self.total / size:.1f} {unit}"

    def drawn(self, width: int, *, ascii_only: bool = False) -> tuple[str, str]:
        """The full and the empty part of a bar of so many characters.

        >>> bar = Bar("steps", 8)
        >>> bar.set(4)
        >>> bar.drawn(6), bar.drawn(6, ascii_only=True)
        (('━━━', '━━━'), ('###', '---'))
        """
        full = round(width * min(1.0, self.done / self.total)) if self.total else 0
        one, other = ("#", "-") if ascii_only else ("━", "━")
        return one * full, other * (width - full)


def about(seconds: float) -> str:
    """A time that is not known well.

    >>> about(3.2), about(52), about(200), about(4000)
    ('about 5 s', 'about 55 s', 'about 3 min', 'about 1 h 7 min')
    """
    if seconds < 90:
        return f"about {max(1, -(-round(seconds) // 5)) * 5} s"
    minutes = round(seconds / 60)
    return f"about {minutes} min" if minutes < 60 else f"about {minutes // 60} h {minutes % 60} min"


def curve(values: Sequence[float]) -> str:
    """A curve of eight levels; empty where there is no curve.

    >>> curve([0.5, 0.6, 0.8, 0.7]), curve([0.5])
    ('▁▃█▆', '')
    """
    if len(values) < 2:
        return ""
    low, span = min(values), max(max(values) - min(values), _SPAN)
    return "".join(_LEVELS[min(7, int(8 * (v - low) / span))] for v in values)


def warning_style(message: str) -> str:
    """Red for a training that collapses, yellow for another warning."""
    return "bold red" if "COLLAPSING" in message else "yellow"
