"""From questions to the passages that the model is shown: found, cut to a budget of its own tokens, as many as fit.

Found by search in an index, read from a passages JSONL (already judged, say), or taken from the data set itself. The
question is never cut: where prompt and passages are longer than the model can read, the last passages go.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.data import SOURCES
from calm_ext.errors import CalmError, DataError
from calm_ext.jsonl import read_numbered
from calm_ext.prompts import PASSAGE_PROMPTS, Style, ask, quoted
from calm_ext.records import ParallelQuestion, Passage, Passages
from calm_ext.retrieval import Index, RetrievalOptions, Retriever, measure

#: The (start, end) characters of each token of a text.
Spans = Callable[[str], list[tuple[int, int]]]
Found = dict[tuple[str, str], Passages]

_SENTENCE_END = re.compile(r"[.!?。！？।۔؟](?=\s|$)|[。！？]")
_PIECES = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]|[^\W_]{1,4}|[^\w\s]|_")


class Given(NamedTuple):
    """Passages that need no search: by question id and language, their name in signatures, and where they are from."""

    found: Found
    name: str
    where: str


class Grounding(NamedTuple):
    """The passages of a set of questions.

    Attributes:
        found: (question id, language) -> its passages; an empty list where there are none.
        signature: what was searched and how.
        notes: what was not as asked, in words, with counts.
        quality: recall@k and MRR where gold passages are known (:func:`calm_ext.retrieval.measure`).
    """

    found: Found
    signature: str
    notes: list[str]
    quality: dict[str, Any]

    def texts(self, question_id: str, language: str) -> list[str]:
        """The passages of a question in a language as a prompt has them."""
        own = self.found.get((question_id, language))
        return [p.shown() for p in own.passages] if own else []


def token_spans(tokenizer: Any) -> Spans:
    """The spans of a tokenizer of transformers; one that cannot tell them is only counted with."""
    if not getattr(tokenizer, "is_fast", False):
        return lambda text: _spread(text, len(tokenizer(text, add_special_tokens=False)["input_ids"]))
    return lambda text: [
        (a, b) for a, b in tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    ]


def _spread(text: str, n: int) -> list[tuple[int, int]]:
    return [(i * len(text) // n, (i + 1) * len(text) // n) for i in range(n)]


def approximate_spans(text: str) -> list[tuple[int, int]]:
    """Pieces of at most four letters, and single characters of Chinese and Japanese: about what tokenizers make.

    >>> len(approximate_spans("Photosynthesis, 光合作用"))
    9
    """
    return [m.span() for m in _PIECES.finditer(text)]


def cut(text: str, budget: int, spans: Spans) -> str:
    """The beginning of a text that has at most so many tokens, up to a sentence's end where that keeps half of it.

    >>> cut("One two three. Four five six seven.", 7, approximate_spans)
    'One two three.'
    >>> cut("One two three four five six", 4, approximate_spans)
    'One two…'
    """
    tokens = spans(text)
    if len(tokens) <= budget:
        return text
    kept = text[: tokens[max(budget - 1, 0)][0]]  # a token is left for the ellipsis
    ends = [m.end() for m in _SENTENCE_END.finditer(kept)]
    if ends and ends[-1] * 2 >= len(kept):
        return kept[: ends[-1]].rstrip()
    spaced = kept.rfind(" ")
    if text[len(kept)] != " " and spaced * 2 >= len(kept):
        kept = kept[:spaced]
    kept = kept.rstrip()
    while kept and len(spans(kept + "…")) > budget:
        kept = kept[:-1].rstrip()
    return kept + "…"


class Grounder:
    """Finds, cuts and fits passages for questions.

    Args:
        settings: as a recipe has them.
        spans: of the model's tokenizer; None counts by :func:`approximate_spans` and says so.
        style: of the prompts.
        room: tokens that a whole prompt may take, None for any number.
        given: passages that are there already, and are not searched for.
        babel_seed: of the world that ``index: babel`` is about.
        device: where the model of dense search computes; default: the first GPU there is, else the CPU.

    Raises:
        CalmError: the index or the file cannot be used, or the settings mean nothing.
    """

    def __init__(
        self,
        settings: RetrievalOptions,
        *,
        spans: Spans | None,
        style: Style,
        room: int | None = None,
        given: Given | None = None,
        babel_seed: int = 0,
        device: str | None = None,
    ) -> None:
        self.settings, self.style, self.room = settings, style, room
        self.spans = spans or approximate_spans
        self.measured = spans is not None
        s = settings
        self._given = given
        self._retriever: Retriever | None = None
        if given is not None:
            where = f"{given.name}.k{s.k}"
        else:
            index = open_index(s.index, babel_seed=babel_seed, dense_model=s.dense_model, device=device)
            self._retriever = Retriever(index, s)
            where = f"{index.fingerprint}.{s.signature()}"
        self.signature = f"{where}.b{s.budget}.{PASSAGE_PROMPTS}"

    def ground(
        self, questions: Sequence[ParallelQuestion], *, progress: Callable[[int], None] | None = None
    ) -> Grounding:
        """The passages of all questions in all their languages.

        Raises:
            CalmError: see :class:`~calm_ext.retrieval.Retriever`; what was given has none of the questions.
        """
        if self._given is not None:
            ids = {i for i, _ in self._given.found}
            if not any(q.id in ids for q in questions):
                raise DataError(f"{self._given.where}: has passages of other questions, none of those that are asked")
        found: Found = {}
        counts: Counter[str] = Counter()
        for number, question in enumerate(questions, 1):
            for language, passages in self._passages_of(question).items():
                kept = [self._cut(p, counts) for p in passages[: self.settings.k]]
                kept = self._fit(question, language, kept, counts)
                found[question.id, language] = Passages(id=question.id, language=language, passages=kept)
                counts["without"] += not kept
            if progress:
                progress(number)
        known = self._retriever.known if self._retriever else ()
        return Grounding(found, self.signature, self._notes(counts, len(found)), measure(found.values(), known=known))

    def _passages_of(self, question: ParallelQuestion) -> dict[str, list[Passage]]:
        if self._retriever is not None:
            return {x: p.passages for x, p in self._retriever.retrieve(question).items()}
        found = self._given.found if self._given else {}
        there = {x: found.get((question.id, x)) for x in question.versions}
        return {x: p.passages if p else [] for x, p in there.items()}

    def _cut(self, passage: Passage, counts: Counter[str]) -> Passage:
        budget = self.settings.budget
        clean = passage.model_copy(update={"title": quoted(passage.title), "text": quoted(passage.text) or "…"})
        if len(self.spans(clean.shown())) <= budget:
            return clean
        counts["cut"] += 1
        head = len(self.spans(clean.model_copy(update={"text": "…"}).shown()))
        if head > budget // 2:
            clean, head = clean.model_copy(update={"title": ""}), 0
        return clean.model_copy(update={"text": cut(clean.text, budget - head, self.spans)})

    def _fit(
        self, question: ParallelQuestion, language: str, passages: list[Passage], counts: Counter[str]
    ) -> list[Passage]:
        if self.room is None:
            return passages
        version, kept = question.versions[language], list(passages)
        while kept:
            prompt = ask(language, version.question, version.options, self.style, [p.shown() for p in kept])
            if len(self.spans(prompt)) <= self.room:
                break
            kept.pop()
            counts["left out"] += 1
        return kept

    def _notes(self, counts: Counter[str], n: int) -> list[str]:
        notes = list(self._retriever.notes) if self._retriever else []
        if counts["cut"]:
            notes.append(f"{counts['cut']} passages were longer than {self.settings.budget} tokens and cut")
        if counts["cut"] and not self.measured:
            notes.append("tokens were estimated from the text, as the model's tokenizer is not known here")
        if counts["left out"]:
            notes.append(
                f"{counts['left out']} passages were left out: with them the prompt is longer than {self.room} tokens"
            )
        if counts["without"]:
            notes.append(f"{counts['without']} of {n} questions and languages have no passage and are asked without")
        return notes


def open_index(name: str, *, babel_seed: int = 0, dense_model: str | None = None, device: str | None = None) -> Index:
    """The index of a folder, or of the corpus that a data source brings along.

    Args:
        name: the folder, or the source.
        babel_seed: of the world whose corpus ``babel`` is.
        dense_model, device: see :meth:`Index.open`.

    Raises:
        CalmError: it cannot be used.
    """
    source = SOURCES.get(name)
    if source and source.corpus:
        return _bundled(name, babel_seed if name == "babel" else None)
    if source and source.passages:
        raise CalmError(
            f"{name}'s passages come with its questions and are not searched; `calm-ext index build` makes an index of "
            f"a corpus (of MedExpQA's passages with --layout medexpqa)"
        )
    return Index.open(name, dense_model=dense_model, device=device)


@lru_cache(maxsize=4)
def _bundled(name: str, seed: int | None) -> Index:
    source = SOURCES[name]
    assert source.corpus
    return Index.of(source.corpus(**source.read_options({"seed": seed})))


def read_passages(path: str) -> Given:
    """The passages of a passages JSONL.

    Raises:
        DataError: the file cannot be read, or has a question and language twice.
    """
    found: Found = {}
    for where, row in read_numbered(path, Passages):
        if (row.id, row.language) in found:
            raise DataError(f"{where}: question {row.id} comes twice in {row.language}")
        found[row.id, row.language] = row
    return Given(found, f"file-{hashlib.sha256(Path(path).read_bytes()).hexdigest()[:8]}", path)


def given_as_is(path: str, questions: Sequence[ParallelQuestion]) -> Grounding:
    """The passages of a file for questions, uncut; questions that it does not have are asked without.

    Raises:
        DataError: the file cannot be read, or has none of the questions.
    """
    given = read_passages(path)
    if not any((q.id, x) in given.found for q in questions for x in q.versions):
        raise DataError(f"{path}: has passages of other questions, none of those that are asked")
    empty = {(q.id, x): Passages(id=q.id, language=x, passages=[]) for q in questions for x in q.versions}
    found = {key: given.found.get(key, none) for key, none in empty.items()}
    return Grounding(found, given.name, [], measure(found.values()))


def published_passages(
    source: str, split: str, languages: Sequence[str], options: Mapping[str, Any] | None = None
) -> Given | None:
    """The passages that were published with a data source's questions; None where there are none, or no such source.

    Args:
        source: what ``retrieval.index`` names.
        options: the source's own.

    Raises:
        CalmError: the source has no such option.
        DataError: the data set cannot be read.
    """
    entry = SOURCES.get(source)
    if entry is None or entry.passages is None:
        return None
    records = entry.passages(split, languages=languages, **entry.read_options(options or {}))
    return Given({(p.id, p.language): p for p in records}, source, f"{source} {split}")
