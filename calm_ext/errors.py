"""The errors a user can cause. Only :mod:`calm_ext.cli` turns them into exit codes."""

from __future__ import annotations

from collections.abc import Sequence

#: Characters of a line that are shown: it may quote a value, or a file's name, that is as long as a file.
_LINE = 2000


class CalmError(Exception):
    """A mistake that the user can mend; its message says in one line what is wrong, where, and what to do.

    What is in the middle of a line of more than 2,000 characters is left out, and the number of its characters said:

    >>> len(str(CalmError("q.jsonl:1: " + "x" * 300_000 + " is no language")))
    2023
    """

    def __init__(self, message: str = "") -> None:
        super().__init__("\n".join(map(_shown, str(message).split("\n"))))


def _shown(line: str) -> str:
    left_out = len(line) - _LINE
    if left_out <= 0:
        return line
    return f"{line[: _LINE * 3 // 4]}… ({left_out} characters) …{line[-_LINE // 4 :]}"


class DataError(CalmError):
    """A file, or a line of one, that cannot be used; the message starts with ``file:line``."""


class RecipeError(CalmError):
    """Every problem of a recipe at once.

    Attributes:
        problems: one line per problem, each starting with the recipe key.
    """

    def __init__(self, where: str, problems: Sequence[str]) -> None:
        self.problems = tuple(map(_shown, problems))
        super().__init__("\n".join(f"{where}: {p}" if where else p for p in self.problems))


class RunError(CalmError):
    """A run directory that cannot be used or continued, or a stage that failed."""
