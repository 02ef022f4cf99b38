"""Where questions come from: one file a source, all giving :class:`~calm_ext.records.ParallelQuestion`.

To add a source, write a file in :mod:`calm_ext.data.sources`, or a module of a plugin (:mod:`calm_ext.plugins`), with

- ``load(split, *, languages, **options)``, which gives a :class:`~calm_ext.data.parallel.rows.Joined`; files of one
  language each go through :func:`calm_ext.data.parallel.align.join_parallel`, which proves that they are parallel;
- ``SOURCE = Source(name=…, load=load, …)`` (:class:`Source`), or a tuple of several.

The data verbs, recipes and tasks then know it: a task's YAML says ``custom_dataset: !function
calm_ext.harness.dataset.<name>``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calm_ext.data.source import FolderOptions, NoOptions, Source
from calm_ext.errors import CalmError
from calm_ext.files.expected import did_you_mean
from calm_ext.plugins import Registry
from calm_ext.records import ParallelQuestion

if TYPE_CHECKING:
    from calm_ext.data.parallel.rows import Joined

__all__ = [
    "SOURCES",
    "FolderOptions",
    "NoOptions",
    "Source",
    "answerable",
    "load_joined",
    "load_questions",
    "require_labelled",
]

SOURCES: Registry[Source] = Registry("data source", "calm_ext.data.sources", constant="SOURCE")


def load_joined(
    source: str,
    *,
    split: str | None = None,
    languages: Sequence[str] | None = None,
    limit: int | None = None,
    **options: Any,
) -> Joined:
    """The questions of a source as :func:`load_questions` gives them, with what was repaired to get them."""
    entry = SOURCES[source].resolved(options)
    split = split or entry.splits[0]
    for name in split.split("+"):
        if name not in entry.splits:
            meant = did_you_mean(name, entry.splits)
            raise CalmError(f"data source {source} has no split {name!r}{meant}; it has {', '.join(entry.splits)}")
    settings = entry.read_options(options)
    wanted = list(languages or entry.languages)
    twice = sorted({x for x in wanted if wanted.count(x) > 1})
    if twice:
        raise CalmError(f"language {', '.join(twice)} is listed twice")
    missing = [x for x in wanted if entry.available and x not in entry.available]
    if missing and not entry.any_language:
        raise CalmError(f"data source {source} has no {', '.join(missing)}; it has {', '.join(entry.available)}")
    if limit is not None and limit < 1:
        raise CalmError(f"limit must be at least 1, not {limit}")
    found = _one_after_the_other([entry.load(name, languages=wanted, **settings) for name in split.split("+")])
    questions = found.questions[:limit] if limit else found.questions
    if wanted:
        questions = [q.restricted_to(wanted) for q in questions]
    if not questions:
        raise CalmError(f"data source {source} has no question in split {split!r}")
    return found._replace(questions=questions)


def _one_after_the_other(parts: Sequence[Joined]) -> Joined:
    """Several splits as one; a question that is in two of them counts once."""
    first, *others = parts
    for part in others:
        known = {q.id for q in first.questions}
        first = first._replace(
            questions=[*first.questions, *(q for q in part.questions if q.id not in known)],
            repairs=(*first.repairs, *part.repairs),
            groups={**first.groups, **part.groups},
        )
    return first


def load_questions(
    source: str,
    *,
    split: str | None = None,
    languages: Sequence[str] | None = None,
    limit: int | None = None,
    **options: Any,
) -> list[ParallelQuestion]:
    """The questions of a source, restricted to ``languages`` (default: the source's own), at most ``limit`` of them.

    What had to be repaired is logged as a warning, one line each; :func:`load_joined` returns it.

    Args:
        split: default: the source's first; ``train+test`` takes two, one after the other.
        options: what the source takes besides (``Source.options``); None counts as not given.

    Raises:
        CalmError: no such source, split or option, a language is unknown or missing, no question is left.
        DataError: a file of the source cannot be used.
    """
    return load_joined(source, split=split, languages=languages, limit=limit, **options).questions


def answerable(questions: Sequence[ParallelQuestion], source: str) -> tuple[list[ParallelQuestion], str]:
    """The questions that can be asked without their options, and a note on the others; empty where there are none.

    Args:
        source: the data source, which knows the others (``Source.needs_options``).

    Raises:
        CalmError: no question is left.
    """
    kept = [q for q in questions if q.id not in SOURCES[source].needs_options]
    n_left_out = len(questions) - len(kept)
    if not kept:
        raise CalmError(f"data source {source}: none of its questions can be answered without options (style open)")
    note = f"{n_left_out} of {len(questions)} questions cannot be answered without their options and are left out"
    return kept, note if n_left_out else ""


def require_labelled(questions: Sequence[ParallelQuestion], what: str, *, source: str | None = None) -> None:
    """Refuse questions without gold answers where they are to be scored.

    Args:
        what: how messages name the questions, ``xcsqa hf-test`` say.
        source: the data source, whose labelled splits the message then names.

    Raises:
        CalmError: a question has no gold answer.
    """
    lacking = sum(q.answer is None for q in questions)
    if lacking:
        entry = SOURCES.get(source or "")
        which = f"; use {' or '.join(entry.labelled)}" if entry else ""
        share = "" if lacking == len(questions) else f" for {lacking} of {len(questions)} questions"
        raise CalmError(f"{what} has no gold answers{share}{which}")
