"""Questions of your own: a JSONL of :class:`~calm_ext.records.ParallelQuestion`.

Its lines are taken as they are; ``calm-ext data check FILE`` looks for languages that do not say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from calm_ext.data.parallel.rows import Joined
from calm_ext.data.source import Source
from calm_ext.errors import CalmError, DataError
from calm_ext.jsonl import read_jsonl
from calm_ext.options import Section
from calm_ext.records import ParallelQuestion


class FileOptions(Section):
    """Which file is read."""

    path: str | Path | None = None
    """The questions JSONL."""


def load(split: str, *, languages: Sequence[str], path: str | Path | None) -> Joined:
    """Read ``path``; every question must have every language of the first one, and ids must be unique.

    Raises:
        CalmError: no path was given.
        DataError: a line cannot be used, an id comes twice, a language is missing.
    """
    if path is None:
        raise CalmError("data source local needs a path: --path, data.path in a recipe, or --metadata '{\"path\": …}'")
    joined = load_any(path)
    first = joined.questions[0]
    for question in joined.questions:
        if not languages and set(question.versions) != set(first.versions):
            raise DataError(
                f"{path}: question {question.id} has languages {', '.join(question.versions)}, the first one has "
                f"{', '.join(first.versions)}; name the languages to use"
            )
    return joined


def load_any(path: str | Path, *, languages: Sequence[str] | None = None) -> Joined:
    """Read ``path``, each question with the languages it has, of ``languages`` where they are named.

    Raises:
        DataError: a line cannot be used, an id comes twice, no question has one of ``languages``.
    """
    questions: list[ParallelQuestion] = []
    seen: set[str] = set()
    for question in read_jsonl(path, ParallelQuestion):
        if question.id in seen:
            raise DataError(f"{path}: the id {question.id!r} comes twice")
        seen.add(question.id)
        questions.append(question)
    if languages:
        for language in languages:
            if not any(language in q.versions for q in questions):
                raise DataError(f"{path}: no question has a version in {language}")
        kept = [(q, [x for x in languages if x in q.versions]) for q in questions]
        questions = [q.restricted_to(have) for q, have in kept if have]
    return Joined(questions)


SOURCE = Source(
    name="local",
    load=load,
    splits=("all",),
    languages=(),
    title="a questions JSONL of your own",
    options=FileOptions,
    proven=False,
)
