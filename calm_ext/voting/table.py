"""What was answered, in the form a vote is counted in: from generations, one by one, to a small table.

Texts are read and forgotten, so that a file of any length can be voted on (benchmarks/vote_speed.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp, sqrt
from typing import TYPE_CHECKING, NamedTuple

from calm_ext.answers.read import read_answer
from calm_ext.answers.thoughts import Marks
from calm_ext.errors import DataError
from calm_ext.metrics.question import argmax, per_byte
from calm_ext.prompts import Style
from calm_ext.records import Generation

if TYPE_CHECKING:
    import numpy as np

Votes = tuple[int | None, ...]

UNKNOWN, ABSENT = -1, -2


def read_votes(generation: Generation, *, style: Style, thoughts: Marks = ()) -> Votes:
    """The answer of each response, or the best option by score per byte where the options were scored."""
    if generation.option_logprobs is not None:
        return (argmax(per_byte(generation.option_logprobs, generation.options)),)
    options, language = generation.options, generation.language
    return tuple(read_answer(t, options, language, style=style, thoughts=thoughts) for t in generation.responses)


class QuestionRow(NamedTuple):
    """A question of a :class:`VoteTable`: what is the same in all languages.

    Attributes:
        where: where it was first seen, for messages.
    """

    id: str
    n_options: int
    gold: int | None
    source: str | None
    where: str


class VoteTable:
    """The votes on all questions.

    Attributes:
        questions: in order of first appearance.
        votes: parallel to ``questions``: language -> the index read from each response.
        scores: parallel to ``questions``: language -> log-probability of each option per byte (nats), times the mean
            number of bytes of the options, where options were scored; else empty.
        equal_options: language -> where questions stand two of whose options have one text.
        equal: parallel to ``questions``: language -> the groups of options that have one text there.
    """

    def __init__(self) -> None:
        self.questions: list[QuestionRow] = []
        self.votes: list[dict[str, Votes]] = []
        self.scores: list[dict[str, list[float]]] = []
        self.equal_options: dict[str, list[str]] = {}
        self.equal: list[dict[str, list[list[int]]]] = []
        self._place: dict[str, int] = {}
        self._first: tuple[int | None, str] | None = None

    @classmethod
    def read(cls, generations: Iterable[tuple[str, Generation]], *, style: Style, thoughts: Marks = ()) -> VoteTable:
        """The table of generations, each with where it stands (``file:line``), in any order.

        Args:
            thoughts: marks of thoughts besides the known ones (:mod:`calm_ext.answers.thoughts`).

        Raises:
            DataError: see :meth:`add`; there is no generation.
        """
        table = cls()
        for where, generation in generations:
            table.add(generation, where, style=style, thoughts=thoughts)
        if not table.questions:
            raise DataError("there are no generations to vote on")
        return table

    def add(self, generation: Generation, where: str, *, style: Style, thoughts: Marks = ()) -> None:
        """Read one generation.

        Raises:
            DataError: its question came in this language before, or with other options or another answer in another
                language, or the number of responses is not that of the others.
        """
        g = generation
        self._check_kind(g, where)
        at = self._place.get(g.id)
        if at is None:
            self._place[g.id] = at = len(self.questions)
            self.questions.append(QuestionRow(g.id, len(g.options), g.answer, g.source_language, where))
            self.votes.append({})
            self.scores.append({})
            self.equal.append({})
        known = self.questions[at]
        if g.language in self.votes[at]:
            raise DataError(f"{where}: question {g.id} comes twice in {g.language}")
        if (known.n_options, known.gold) != (len(g.options), g.answer):
            other = next(iter(self.votes[at]))
            raise DataError(
                f"{where}: question {g.id} has other options or another answer in {g.language} than in {other} "
                f"({known.where})"
            )
        if g.source_language != known.source:
            raise DataError(
                f"{where}: question {g.id} was written in {g.source_language}, but in {known.source} at {known.where}"
            )
        self.votes[at][g.language] = read_votes(g, style=style, thoughts=thoughts)
        if g.option_logprobs is not None:
            size = sum(len(text.encode()) for text in g.options) / len(g.options)
            self.scores[at][g.language] = [rate * size for rate in per_byte(g.option_logprobs, g.options)]
        if len(set(g.options)) < len(g.options):
            self.equal_options.setdefault(g.language, []).append(where)
            named = {text: [i for i, x in enumerate(g.options) if x == text] for text in g.options}
            self.equal[at][g.language] = [group for group in named.values() if len(group) > 1]

    def _check_kind(self, g: Generation, where: str) -> None:
        kind = None if g.option_logprobs is not None else len(g.responses)
        if self._first is None:
            self._first = kind, where
        elif kind != self._first[0]:
            mine, other = ("option scores" if k is None else f"{k} responses" for k in (kind, self._first[0]))
            raise DataError(
                f"{where}: question {g.id} has {mine} in {g.language}, but there are {other} at {self._first[1]}: "
                f"every question and language needs the same number"
            )

    def __len__(self) -> int:
        return len(self.questions)

    @property
    def scored(self) -> bool:
        """Whether options were scored instead of sampled."""
        return self._first is not None and self._first[0] is None

    @property
    def languages(self) -> list[str]:
        """All languages, in order of first appearance."""
        return list(dict.fromkeys(x for votes in self.votes for x in votes))

    @property
    def gold(self) -> dict[str, int | None]:
        """question id -> gold answer."""
        return {q.id: q.gold for q in self.questions}

    def counts(self, *, zscored: bool = False, share_equal: bool = False) -> Counts:
        """The table as arrays.

        Args:
            zscored: where options were scored, their z-scores per byte over the options instead of probabilities.
            share_equal: a sample that names one of several options with one text names each of them by its share:
                which letter it takes says nothing in that language.
        """
        import numpy as np

        languages = {x: i for i, x in enumerate(self.languages)}
        width = max(q.n_options for q in self.questions)
        counts = np.zeros((len(self), len(languages), width))
        asked = np.zeros((len(self), len(languages)), dtype=bool)
        for i, votes in enumerate(self.votes):
            for language, answers in votes.items():
                column = languages[language]
                asked[i, column] = True
                if self.scores[i]:
                    scores = self.scores[i][language]
                    row = _zscores(scores) if zscored else _softmax(scores)
                    counts[i, column, : len(row)] = row
                else:
                    for answer in answers:
                        if answer is not None:
                            counts[i, column, answer] += 1
                for group in self.equal[i].get(language, ()) if share_equal else ():
                    counts[i, column, group] = counts[i, column, group].mean()
        valid = np.arange(width)[None, :] < np.array([q.n_options for q in self.questions])[:, None]
        source = np.array([UNKNOWN if q.source is None else languages.get(q.source, ABSENT) for q in self.questions])
        n = (self._first[0] if self._first else None) or 1
        return Counts(list(languages), counts, asked, valid, source, n, self.scored)


class Counts(NamedTuple):
    """Votes as arrays, for N questions, L languages and O options (the most that a question has).

    Attributes:
        languages: L codes.
        counts: (N, L, O) samples of a language that name an option; probabilities where options were scored.
        asked: (N, L) whether the question was asked in the language.
        valid: (N, O) whether the question has so many options.
        source: (N,) the column of the language a question was written in, :data:`UNKNOWN`, or :data:`ABSENT` where it
            is known and was not asked.
        n: samples of each question and language; 1 where options were scored.
        scored: whether counts are probabilities.
    """

    languages: list[str]
    counts: np.ndarray
    asked: np.ndarray
    valid: np.ndarray
    source: np.ndarray
    n: int
    scored: bool

    @property
    def read(self) -> np.ndarray:
        """(N, L) samples that could be read; 1 where options were scored."""
        result: np.ndarray = self.counts.sum(axis=2)
        return result

    @property
    def shares(self) -> np.ndarray:
        """(N, L, O) shares of the samples that could be read; 0 where none could."""
        import numpy as np

        read = self.read[:, :, None]
        result: np.ndarray = np.divide(self.counts, read, out=np.zeros_like(self.counts), where=read > 0)
        return result


def _softmax(scores: Sequence[float]) -> list[float]:
    top = max(scores)
    powers = [exp(x - top) for x in scores]
    total = sum(powers)
    return [p / total for p in powers]


def _zscores(scores: Sequence[float]) -> list[float]:
    mean = sum(scores) / len(scores)
    deviation = sqrt(sum((s - mean) ** 2 for s in scores) / len(scores))
    return [(s - mean) / deviation if deviation else 0.0 for s in scores]
