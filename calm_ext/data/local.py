"""Questions of your own: a JSONL of :class:`~calm_ext.records.ParallelQuestion` (DESIGN, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from calm_ext.errors import CalmError, DataError
from calm_ext.records import ParallelQuestion, read_jsonl


def load(split: str, *, languages: Sequence[str], path: str | Path | None = None) -> list[ParallelQuestion]:
    """Read ``path``; every question must have every language of the first one, and ids must be unique.

    Raises:
        CalmError: no path was given.
        DataError: a line cannot be used, an id comes twice, a language is missing.
    """
    if path is None:
        raise CalmError("data source local needs a path: data.path in a recipe, or --metadata '{\"path\": …}'")
    questions: list[ParallelQuestion] = []
    seen: set[str] = set()
    for question in read_jsonl(path, ParallelQuestion):
        if question.id in seen:
            raise DataError(f"{path}: the id {question.id!r} comes twice")
        seen.add(question.id)
        if not languages and questions and set(question.versions) != set(questions[0].versions):
            raise DataError(
                f"{path}: question {question.id} has languages {', '.join(question.versions)}, the first one has "
                f"{', '.join(questions[0].versions)}; name the languages to use"
            )
        questions.append(question)
    return questions
