"""Where questions come from: one module per source, all giving :class:`~calm_ext.records.ParallelQuestion`.

To add a source, write a module with ``load(split, *, languages, …) -> list[ParallelQuestion]``, and register it in
:data:`SOURCES`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from calm_ext.errors import CalmError
from calm_ext.records import ParallelQuestion


class Source(NamedTuple):
    """A registered source.

    Attributes:
        module: dotted name of the module whose ``load`` is called.
        splits: the splits it has, the one to evaluate on first.
        languages: the languages asked for by default.
        title: one line for listings.
    """

    module: str
    splits: tuple[str, ...]
    languages: tuple[str, ...]
    title: str


SOURCES: dict[str, Source] = {
    "xcsqa": Source(
        "calm_ext.data.xcsqa",
        ("test", "train", "validation"),
        ("en", "zh", "fr", "de", "it", "ja"),
        "X-CSQA (Lin et al. 2021), common sense, 5 options, MIT; the paper's 100/899 split",
    ),
    "babel": Source(
        "calm_ext.data.babel",
        ("test", "train"),
        ("qaa", "qab", "qac", "qad", "qae"),
        "Babel, the embedded miniature world, 4 options",
    ),
    "local": Source("calm_ext.data.local", ("all",), (), "a questions JSONL of your own"),
}


def load_questions(
    source: str,
    *,
    split: str | None = None,
    languages: Sequence[str] | None = None,
    limit: int | None = None,
    **options: Any,
) -> list[ParallelQuestion]:
    """The questions of a source, restricted to ``languages`` (default: the source's own), at most ``limit`` of them.

    Args:
        options: what the source takes besides: ``data_dir`` and ``origin`` (xcsqa), ``seed`` (babel), ``path`` (local).

    Raises:
        CalmError: no such source or split, a language is unknown or missing, no question is left.
        DataError: a file of the source cannot be used.
    """
    import importlib

    try:
        entry = SOURCES[source]
    except KeyError:
        raise CalmError(f"no data source {source!r}; there are {', '.join(SOURCES)}") from None
    split = split or entry.splits[0]
    if split not in entry.splits:
        raise CalmError(f"data source {source} has no split {split!r}; it has {', '.join(entry.splits)}")
    wanted = list(languages or entry.languages)
    twice = sorted({x for x in wanted if wanted.count(x) > 1})
    if twice:
        raise CalmError(f"language {', '.join(twice)} is listed twice")
    if limit is not None and limit < 1:
        raise CalmError(f"limit must be at least 1, not {limit}")
    found: list[ParallelQuestion] = importlib.import_module(entry.module).load(split, languages=wanted, **options)
    questions = found[:limit] if limit else found
    if wanted:
        questions = [q.restricted_to(wanted) for q in questions]
    if not questions:
        raise CalmError(f"data source {source} has no question in split {split!r}")
    return questions
