"""The errors a user can cause. Only :mod:`calm_ext.cli` turns them into exit codes."""

from __future__ import annotations

from collections.abc import Sequence


class CalmError(Exception):
    """A mistake that the user can mend; its message says in one line what is wrong, where, and what to do."""


class DataError(CalmError):
    """A file, or a line of one, that cannot be used; the message starts with ``file:line``."""


#: Characters of a problem that are told: it may quote a value that is as long as its file.
_TOLD = 1000


class RecipeError(CalmError):
    """Every problem of a recipe at once.

    Attributes:
        problems: one line per problem, each starting with the recipe key.
    """

    def __init__(self, where: str, problems: Sequence[str]) -> None:
        self.problems = tuple(p if len(p) <= _TOLD else f"{p[:_TOLD]}…" for p in problems)
        super().__init__("\n".join(f"{where}: {p}" if where else p for p in self.problems))


class RunError(CalmError):
    """A run directory that cannot be used or continued, or a stage that failed."""
