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

# Asked without their options these make no sense ("which of these …"), have answers as right as the one listed, or want
# a sentence, which may be put in many ways. All others ask for a name, a noun, a colour or a number.
_NEEDS_OPTIONS = {
    "general": (
        5, 6, 8, 9, 11, 14, 15, 16, 17, 18, 19, 20, 22, 24, 25, 26, 28, 30, 31, 32, 34, 36, 39, 40, 44, 47, 48, 51, 52,
        53, 54, 57, 60,
    ),
    "medicine": (3, 5, 18, 19, 23, 25, 30, 33, 35, 36, 37, 38, 39, 44, 47, 50, 51, 53, 55, 56, 60),
}  # fmt: skip


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
    needs_options=frozenset(f"sample-{part}-{n:03}" for part, numbers in _NEEDS_OPTIONS.items() for n in numbers),
    corpus=load_passages,
)
