"""What is bundled: ``sample.jsonl`` beside this file, questions, and ``passages.jsonl``, a corpus for them.

``sample.md`` is their data card.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from calm_ext.data.parallel.rows import Joined
from calm_ext.data.source import Source
from calm_ext.errors import DataError
from calm_ext.jsonl import read_jsonl
from calm_ext.records import CorpusPassage, ParallelQuestion


def load(split: str, *, languages: Sequence[str]) -> Joined:
    """All questions; ``languages`` are picked by the caller.

    Raises:
        DataError: this installation lacks the file, or an id comes twice.
    """
    with resources.as_file(resources.files("calm_ext.data.sources").joinpath("sample.jsonl")) as path:
        questions = list(read_jsonl(path, ParallelQuestion))
        ids = [q.id for q in questions]
        if len(set(ids)) < len(ids):
            raise DataError(f"{path}: an id comes twice")
    return Joined(questions)


def load_passages() -> list[CorpusPassage]:
    """The corpus: passages in English, Chinese and French, most of which say which question they answer."""
    with resources.as_file(resources.files("calm_ext.data.sources").joinpath("passages.jsonl")) as path:
        return list(read_jsonl(path, CorpusPassage))


SOURCE = Source(
    name="sample",
    load=load,
    splits=("test",),
    languages=("en", "zh", "fr", "de", "it", "ja", "es", "pt", "ru", "ar"),
    title="120 questions of general knowledge and basic medicine, bundled, 4 options",
    available=("en", "zh", "fr", "de", "it", "ja", "es", "pt", "ru", "ar"),
    licence="Apache-2.0",
    url="https://pypi.org/project/calm-ext/",
    citation="calm-ext",
    proven=False,
    corpus=load_passages,
)
