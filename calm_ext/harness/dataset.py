"""Questions as the documents of an lm-eval task.

A task's YAML names a data source as ``custom_dataset: !function calm_ext.harness.dataset.<source>``: this module has a
function of that name for every source in :data:`calm_ext.data.SOURCES`. lm-eval passes the task's metadata as keywords,
and the model's arguments with it; :mod:`calm_ext.harness.metadata` says which keys are read.

A document holds one parallel question as lists over its languages::

    {"id": "xcsqa-test-00000", "answer": 1, "source_language": "en", "languages": ["en", "fr"],
     "questions": ["Where off …?", "Où …?"], "options": [["flower bed", …], ["parterre de fleurs", …]]}

A task whose metadata has ``retrieval`` asks with passages (:mod:`calm_ext.harness.retrieved`); its documents list them
for each language, so that lm-eval's logged samples name them and show what was read::

    "passages": [[{"id": "g013", "language": "en", "text": "Bees: …", "gold": true, …}], …]

Documents of style ``open`` list for each language what else each option is called, where anything is known::

    "names": [[["garden bed"], [], …], [[], [], …]]
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from calm_ext.data import SOURCES, answerable, load_questions, require_labelled
from calm_ext.errors import CalmError, DataError
from calm_ext.harness.metadata import ASKED, asked_questions, check_given, own_source
from calm_ext.harness.retrieved import Wanted, wanted
from calm_ext.languages import normalise_code
from calm_ext.prompts import Style
from calm_ext.records import ParallelQuestion
from calm_ext.retrieval.grounding import Grounding

if TYPE_CHECKING:
    import datasets

logger = logging.getLogger(__name__)

Doc = dict[str, Any]


def to_doc(question: ParallelQuestion, grounding: Grounding | None = None, *, named: bool = False) -> Doc:
    """The document of a question, with its passages where it is asked with some.

    Args:
        named: with the options' other names, which answers in free text are read by.
    """
    versions = question.versions.values()
    doc: Doc = {
        "id": question.id,
        "answer": question.answer,
        "source_language": question.source_language,
        "languages": list(question.versions),
        "questions": [v.question for v in versions],
        "options": [list(v.options) for v in versions],
    }
    if named:
        names = question.names or {}
        doc["names"] = [names.get(x) or [[] for _ in v.options] for x, v in question.versions.items()]
    if grounding is not None:
        found = [grounding.found[question.id, language].passages for language in question.versions]
        doc["passages"] = [
            [
                {
                    "id": p.id,
                    "language": p.language,
                    "text": p.shown(),
                    "score": p.score,
                    "relevance": p.relevance,
                    "gold": p.gold,
                }
                for p in own
            ]
            for own in found
        ]
    return doc


def to_dataset(
    questions: Sequence[ParallelQuestion], grounding: Grounding | None = None, *, style: Style = "explain"
) -> datasets.Dataset:
    """The documents of questions as a Hugging Face dataset.

    Args:
        style: the documents of ``open`` have the options' other names, where there are any.
    """
    import datasets

    named = style == "open" and any(q.names for q in questions)
    return datasets.Dataset.from_list([to_doc(q, grounding, named=named) for q in questions])


def _parse_languages(value: Any) -> list[str] | None:
    """``languages`` of ``--metadata``: a list, or its codes in one string."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.startswith("[") else value.replace(",", " ").split()
        except json.JSONDecodeError:
            raise CalmError(f"metadata languages must be a list of codes, got {value!r}") from None
    if not isinstance(value, Sequence) or not value or not all(isinstance(x, str) for x in value):
        raise CalmError(f"metadata languages must be a list of codes, got {value!r}")
    return [normalise_code(x) for x in value]


class Splits(dict[str, "datasets.Dataset"]):
    """``test``, and ``train`` for few-shot examples, which is loaded when it is asked for.

    Attributes:
        questions: those of ``test``.
        grounding: their passages, None without.
    """

    def __init__(
        self,
        test: datasets.Dataset,
        load_train: Callable[[], datasets.Dataset],
        *,
        questions: Sequence[ParallelQuestion] = (),
        grounding: Grounding | None = None,
    ) -> None:
        super().__init__(test=test)
        self._load_train = load_train
        self.questions = list(questions)
        self.grounding = grounding

    def __missing__(self, name: str) -> datasets.Dataset:
        if name != "train":
            raise KeyError(name)
        self["train"] = self._load_train()
        return self["train"]


@lru_cache(maxsize=4)
def _load_once(
    source: str, split: str, languages: tuple[str, ...], options: tuple[tuple[str, Any], ...], data_dir: str | None
) -> list[ParallelQuestion]:
    """A run of several tasks on the same questions loads them once, and proves them parallel once."""
    return load_questions(source, split=split, languages=languages or None, **dict(options))


def load(
    source: str,
    *,
    languages: Any = None,
    split: str | None = None,
    retrieval: Wanted | None = None,
    style: Style = "explain",
    **options: Any,
) -> Splits:
    """The questions of a split as ``test``; few-shot examples as ``train``.

    These are the source's training questions. Where it has none, or is asked them, they are the questions of the split
    itself: the task then leaves out the one that is asked.

    Args:
        retrieval: the passages to ask with.
        style: how the questions are asked; ``open`` leaves out those that make no sense without their options
            (:attr:`calm_ext.data.Source.needs_options`), with a note in the log.

    Raises:
        CalmError: the split has no gold answers, or whatever loading or retrieval refuses.
    """
    codes = _parse_languages(languages)
    if split is not None and not isinstance(split, str):
        raise CalmError(f"metadata split must be the name of one split, got {split!r}")
    options = SOURCES[source].read_options(options)
    entry = SOURCES[source].resolved(options)
    asked = split or entry.splits[0]
    given = tuple((key, tuple(value) if isinstance(value, list) else value) for key, value in options.items())
    questions = _load_once(source, asked, tuple(codes or ()), given, os.environ.get("CALM_DATA_DIR"))
    if style == "open":
        questions, note = answerable(questions, source)
        if note:
            logger.warning("%s %s: %s", source, asked, note)
    require_labelled(questions, f"{source} {asked}", source=source)
    grounding = retrieval.ground(questions, split=asked) if retrieval else None
    test = to_dataset(questions, grounding, style=style)
    has_train = asked != "train" and "train" in entry.labelled

    def train() -> datasets.Dataset:
        if not has_train:
            return test
        shots = load_questions(source, split="train", languages=codes, **options)
        if style == "open":
            shots, _ = answerable(shots, source)
        try:
            return to_dataset(shots, retrieval.ground(shots, split="train") if retrieval else None, style=style)
        except DataError as error:
            raise DataError(f"few-shot questions of {source} train: {error}") from None

    return Splits(test, train, questions=questions, grounding=grounding)


@cache
def _loader(source: str) -> Callable[..., Splits]:
    """The ``custom_dataset`` of a source: its options, and ``languages`` and ``split``, are taken from the metadata.

    ``language`` names the one language of a task that has only one, whatever ``languages`` says. Of one's own questions
    the metadata names the file as ``path``, or as ``spec`` the YAML that describes a benchmark's columns. Of the
    questions that an alignment asked (:data:`ASKED`) it names the file as ``asked``.

    Raises:
        CalmError: by the function, where the metadata has a key that no task reads, or both ``path`` and ``spec``,
            or no ``asked`` where that is read.
    """

    def questions(
        *, languages: Any = None, language: str | None = None, split: str | None = None, **metadata: Any
    ) -> Splits:
        check_given(metadata)
        own = own_source(metadata) if source == "local" else source
        if source == ASKED:
            own, split, metadata = "local", None, metadata | {"path": asked_questions(metadata)}
        options = SOURCES[own].from_metadata(metadata)
        codes = [language] if language else languages
        style = metadata.get("style", "explain")
        return load(own, languages=codes, split=split, retrieval=wanted(own, metadata), style=style, **options)

    questions.source = source  # type: ignore[attr-defined]  # CrossLingualTask takes the source's own metadata
    return questions


def __getattr__(name: str) -> Callable[..., Splits]:
    if name.startswith("_") or name not in (*SOURCES, ASKED):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}, and there is no such data source")
    return _loader(name)
