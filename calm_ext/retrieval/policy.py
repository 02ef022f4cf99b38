"""Which question is searched with, and in whose passages: the question's own language, a pivot, or both.

- ``own``: a version of the question searches the passages of its own language;
- ``pivot``: the pivot's version searches the pivot's passages, and every language gets what it finds; where the corpus
  has such a passage in the language itself (the same id), that version is shown;
- ``both``: the two rankings are fused (:mod:`calm_ext.retrieval.fuse`), translations of one passage counted as one and
  shown in the own language where they can be.

The questions are parallel, so the pivot's version costs no translation. What a question gets depends on the question
alone: neither on the others nor on their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from calm_ext.errors import CalmError, DataError
from calm_ext.records import ParallelQuestion, Passage, Passages
from calm_ext.retrieval.fuse import DEPTH, fuse
from calm_ext.retrieval.index import Index
from calm_ext.retrieval.options import SearchOptions


class Retriever:
    """Finds passages for parallel questions.

    Attributes:
        known: (question id, language) of those retrieved so far for which a passage that could be found is known to
            answer; what :func:`~calm_ext.retrieval.quality.measure` needs where nothing was found.

    Raises:
        CalmError: the method needs embeddings, and the index has none.
    """

    def __init__(self, index: Index, options: SearchOptions) -> None:
        if options.method != "lexical" and not index.has_dense:
            raise CalmError(f"{options.method} retrieval needs an index with embeddings; build it with --dense MODEL")
        self.index, self.options = index, options
        self.known: set[tuple[str, str]] = set()
        self._notes: Counter[tuple[str, str]] = Counter()

    @property
    def notes(self) -> list[str]:
        """What was not as asked, one line each with the number of questions."""
        counted = sorted(self._notes.items())
        return [f"{_note(*key)} ({n} question{'s' if n > 1 else ''})" for key, n in counted]

    def retrieve(self, question: ParallelQuestion) -> dict[str, Passages]:
        """The passages of a question in every language it has, in its order of languages.

        ``gold`` of a passage says whether it answers the question, where the index knows of one that does in the
        languages that were searched; it is None elsewhere.

        Raises:
            CalmError: the question has no version in the pivot, or the index has no passages in it.
        """
        pivot = self._pivot(question)
        found: dict[tuple[str, bool], list[Passage]] = {}

        def ranked(language: str, deep: bool) -> list[Passage]:
            if (language, deep) not in found:
                found[language, deep] = self._search(question, language, deep=deep)
            return found[language, deep]

        return {language: self._passages(question, language, pivot, ranked) for language in question.versions}

    def _passages(
        self, question: ParallelQuestion, language: str, pivot: str, ranked: Callable[[str, bool], list[Passage]]
    ) -> Passages:
        query, has = self.options.query, language in self.index.languages
        searched = [language] if has else []
        if query == "own" and not has:
            searched = [pivot] if self.options.fallback == "pivot" else []
        elif query == "pivot":
            searched = [pivot]
        elif query == "both":
            searched = list(dict.fromkeys([*searched, pivot]))
        if not has and query != "pivot":
            self._notes[language, searched[0] if searched else ""] += 1
        if pivot in searched and pivot not in self.index.languages:
            raise CalmError(
                f"question {question.id}, {language}: the index has no passages in the pivot {pivot}; it has "
                f"{', '.join(self.index.languages)}: name one of them as pivot"
                + (", or do without with fallback none" if query == "own" else "")
            )
        if query == "both":
            best = self._fused([ranked(x, True) for x in searched], language)
        else:
            best = ranked(searched[0], False) if searched else []
        shown = [self.index.version(p, language) for p in best]
        gold = {x: self.index.gold(question.id, x) for x in {*searched, *(p.language for p in shown)}}
        if any(gold[x] for x in searched):
            self.known.add((question.id, language))
            shown = [p.model_copy(update={"gold": p.id in gold[p.language]}) for p in shown]
        return Passages(id=question.id, language=language, passages=shown)

    def _search(self, question: ParallelQuestion, language: str, *, deep: bool) -> list[Passage]:
        version = question.versions[language]
        text = "\n".join([version.question, *version.options]) if self.options.with_options else version.question
        k = max(self.options.k, DEPTH) if deep else self.options.k
        return self.index.search(text, language, k=k, method=self.options.method)

    def _fused(self, rankings: list[list[Passage]], language: str) -> list[Passage]:
        versions: dict[tuple[str, str], Passage] = {}
        for passage in (p for ranking in rankings for p in ranking):
            key = self.index.key(passage)
            if key not in versions or passage.language == language:
                versions[key] = passage
        best = fuse([[self.index.key(p) for p in ranking] for ranking in rankings])[: self.options.k]
        return [versions[key].model_copy(update={"score": round(score, 6)}) for key, score in best]

    def _pivot(self, question: ParallelQuestion) -> str:
        given, source = self.options.pivot, question.source_language
        if given is None:
            return source if source in question.versions else next(iter(question.versions))
        if given not in question.versions:
            have = ", ".join(question.versions)
            raise DataError(f"question {question.id} has no version in the pivot {given}; it has {have}")
        return given


def _note(language: str, instead: str) -> str:
    used = f"{instead}'s are used" if instead else "none are given"
    return f"{language}: no passages in the index, {used}"
