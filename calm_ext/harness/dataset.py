"""Questions as the documents of an lm-eval task; the YAMLs name these functions as ``custom_dataset``.

lm-eval passes the task's metadata as keywords, and the model's arguments with it; what is not for the data is ignored.
A document holds one parallel question as lists over its languages::

    {"id": "xcsqa-test-00000", "answer": 1, "source_language": "en", "languages": ["en", "fr"],
     "questions": ["Where off …?", "Où …?"], "options": [["flower bed", …], ["parterre de fleurs", …]]}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from calm_ext.data import SOURCES, load_questions
from calm_ext.errors import CalmError
from calm_ext.records import ParallelQuestion

if TYPE_CHECKING:
    import datasets

Doc = dict[str, Any]


def to_doc(question: ParallelQuestion) -> Doc:
    """The document of a question."""
    versions = question.versions.values()
    return {
        "id": question.id,
        "answer": question.answer,
        "source_language": question.source_language,
        "languages": list(question.versions),
        "questions": [v.question for v in versions],
        "options": [list(v.options) for v in versions],
    }


def to_dataset(questions: Iterable[ParallelQuestion]) -> datasets.Dataset:
    """The documents of questions as a Hugging Face dataset."""
    import datasets

    return datasets.Dataset.from_list([to_doc(q) for q in questions])


def _parse_languages(value: Any) -> list[str] | None:
    """``languages`` of ``--metadata``: a list, or its codes in one string."""
    if value is None:
        return None
    if isinstance(value, str):
        value = json.loads(value) if value.startswith("[") else value.replace(",", " ").split()
    if not isinstance(value, Sequence) or not value or not all(isinstance(x, str) for x in value):
        raise CalmError(f"metadata languages must be a list of codes, got {value!r}")
    return list(value)


def load(
    source: str, *, languages: Any = None, split: str | None = None, **options: Any
) -> dict[str, datasets.Dataset]:
    """Splits ``test`` and, where the source has a disjoint one, ``train`` for few-shot examples."""
    codes = _parse_languages(languages)
    test_split = split or SOURCES[source].splits[0]
    result = {"test": to_dataset(load_questions(source, split=test_split, languages=codes, **options))}
    shots = "train" if test_split == "test" and "train" in SOURCES[source].splits else test_split
    if shots != test_split:
        result["train"] = to_dataset(load_questions(source, split=shots, languages=codes, **options))
    else:
        result["train"] = result["test"]
    return result


def xcsqa(
    *, languages: Any = None, split: str | None = None, data_dir: str | None = None, origin: str = "auto", **_: Any
) -> dict[str, datasets.Dataset]:
    """X-CSQA (:mod:`calm_ext.data.xcsqa`)."""
    return load("xcsqa", languages=languages, split=split, data_dir=data_dir, origin=origin)


def babel(
    *, languages: Any = None, split: str | None = None, babel_seed: int = 0, **_: Any
) -> dict[str, datasets.Dataset]:
    """Babel (:mod:`calm_ext.babel`); ``babel_seed`` names the world."""
    return load("babel", languages=languages, split=split, seed=int(babel_seed))
