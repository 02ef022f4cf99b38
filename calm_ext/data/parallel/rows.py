"""Rows of one language's file, and the parallel questions that they are joined into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from calm_ext.records import ParallelQuestion

#: (question, options, answer or None)
Row = tuple[str, list[str], int | None]


class Repair(NamedTuple):
    """What was done to a file to make it usable.

    Attributes:
        file: its name.
        rows: the 1-based rows concerned.
        reason: one line: what was found and done.
    """

    file: str
    rows: tuple[int, ...]
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {rows_text(self.rows)}: {self.reason}"


class Joined(NamedTuple):
    """Questions, and what was repaired to get them.

    Attributes:
        groups: question id -> what it has in common with others that must not be parted, as the subject of a fact;
            empty where the source names nothing.
    """

    questions: list[ParallelQuestion]
    repairs: tuple[Repair, ...] = ()
    groups: Mapping[str, str] = {}


def rows_text(numbers: Sequence[int]) -> str:
    """``row 3``, or ``rows 1, 2, 3, 4, 5 and 7 more``."""
    shown = ", ".join(map(str, numbers[:5])) + (f" and {len(numbers) - 5} more" if len(numbers) > 5 else "")
    return ("row " if len(numbers) == 1 else "rows ") + shown
