"""What was answered, in the form a vote is counted in: from generations, one by one, to a small table.

Texts are read and forgotten, so that a file of any length can be voted on (benchmarks/vote_speed.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import closing
from math import exp, sqrt
from typing import Any, NamedTuple, TypeVar

from calm_ext.answers.thoughts import Marks
from calm_ext.errors import DataError
from calm_ext.metrics.question import argmax
from calm_ext.models.endings import Endings
from calm_ext.prompts import Style
from calm_ext.records import Generation
from calm_ext.voting.answered import Answered, Kind, Votes, answered, read_votes
from calm_ext.voting.counts import ABSENT, UNKNOWN, Counts
from calm_ext.voting.letters import Bias, LetterScores, corrected
from calm_ext.voting.scores import Choice, Normalize, OptionScores, choose

R = TypeVar("R", bound="dict[str, Any]")


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


class Rows(dict[int, R]):
    """What some rows of a table have; the others have an empty dict, which takes no room."""

    def __missing__(self, row: int) -> R:
        return {}  # type: ignore[return-value]

    def of(self, row: int) -> R:
        """That of a row, to be added to."""
        return self.setdefault(row, {})  # type: ignore[arg-type]


class VoteTable:
    """The votes on all questions.

    Attributes:
        questions: in order of first appearance.
        votes: parallel to ``questions``: language -> the index read from each response.
        scores: row of a question: language -> score of each option, normalised (nats), where options were
            scored; else empty.
        normalized: how these are normalised, and why; None where options were not scored.
        letters: language -> how evenly letters are answered, before and after the correction; empty where no letters
            were scored.
        equal_options: language -> where questions stand two of whose options have one text.
        equal: row of a question: language -> the groups of options that have one text there.
    """

    def __init__(self) -> None:
        self.questions: list[QuestionRow] = []
        self.votes: list[dict[str, Votes]] = []
        self.scores: Rows[dict[str, list[float]]] = Rows()
        self.normalized: Choice | None = None
        self.letters: dict[str, Bias] = {}
        self.equal_options: dict[str, list[str]] = {}
        self.equal: Rows[dict[str, list[list[int]]]] = Rows()
        self._place: dict[str, int] = {}
        self._raw: Rows[dict[str, OptionScores]] = Rows()
        self._alike: dict[Votes, Votes] = {}
        self._lettered: dict[str, dict[str, LetterScores]] = {}
        self._first: tuple[Kind, str] | None = None

    @classmethod
    def read(
        cls,
        generations: Iterable[tuple[str, Generation]],
        *,
        style: Style,
        thoughts: Marks = (),
        normalize: Normalize = "auto",
        endings: Endings | None = None,
    ) -> VoteTable:
        """The table of generations, each with where it stands (``file:line``), in any order.

        Args:
            generations: those of a large file (:func:`calm_ext.jsonl.read_numbered`) are read in several processes.
            style: how responses are read.
            thoughts: marks of thoughts besides the known ones (:mod:`calm_ext.answers.thoughts`).
            normalize: how scores of options are made comparable (:mod:`calm_ext.voting.scores`); letters are of one
                length, and are freed of the model's liking for a letter instead (:mod:`calm_ext.voting.letters`).
            endings: counts how the responses ended.

        Raises:
            DataError: see :meth:`add`; there is no generation; ``normalize`` needs what is not recorded.
        """
        table = cls()
        with closing(answered(generations, style, thoughts)) as found:
            for where, one in found:
                if isinstance(one, Generation):
                    table.add(one, where, style=style, thoughts=thoughts)
                else:
                    table._enter(one, where, one.votes)
                if endings is not None:
                    endings.add(one.language, one.responses, one.finish)
        if not table.questions:
            raise DataError("there are no generations to vote on")
        if table.scored:
            table.normalise(normalize)
        return table

    def normalise(self, how: Normalize) -> None:
        """Normalise the scores of options, and take the best in each language for its vote."""
        for language, own in self._lettered.items():
            found, self.letters[language] = corrected(language, own)
            for identity, letters in found.items():
                at = self._place[identity]
                self.scores.of(at)[language], self.votes[at][language] = letters.scores, (letters.answer,)
        if self._lettered:
            idle = how not in ("auto", "sum")
            self.normalized = Choice("sum", {}, f"normalize {how} does not apply to letters: sums" if idle else None)
            return
        self.normalized = choose(list(self._raw.values())) if how == "auto" else Choice(how)
        for i, raw in self._raw.items():
            for language, scores in raw.items():
                self.scores.of(i)[language] = scores.normalised(self.normalized.how)
                self.votes[i][language] = (argmax(self.scores[i][language]),)

    def add(self, generation: Generation, where: str, *, style: Style, thoughts: Marks = ()) -> None:
        """Read one generation.

        Raises:
            DataError: its question came in this language before, or with other options or another answer in another
                language; or its options were scored and those of others were not.
        """
        g = generation
        at = self._enter(Answered.of(g)._replace(responses=g.responses), where, ())
        if g.option_logprobs is not None and g.shown is not None:
            self._lettered.setdefault(g.language, {})[g.id] = LetterScores.of(g.shown, g.option_logprobs)
        elif g.option_logprobs is not None:
            self._raw.of(at)[g.language] = OptionScores.of(g, where)
        else:
            self.votes[at][g.language] = self._shared(read_votes(g, style=style, thoughts=thoughts))

    def _enter(self, one: Answered, where: str, votes: Votes) -> int:
        """The place of a question whose votes in a language are entered, when it fits what is there.

        Raises:
            DataError: it does not.
        """
        identity, language, n_options, gold, source, kind = one[:6]
        if one.is_missing:
            pass  # it may have been to come in either way
        elif self._first is None:
            self._first = kind, where
        elif kind != self._first[0]:
            raise DataError(
                f"{where}: question {identity} has {kind} in {language}, but there are {self._first[0]} at "
                f"{self._first[1]}: a vote counts one or the other"
            )
        at = self._place.get(identity)
        if at is None:
            self._place[identity] = at = len(self.questions)
            self.questions.append(QuestionRow(identity, n_options, gold, source, where))
            self.votes.append({})
        known = self.questions[at]
        if language in self.votes[at]:
            raise DataError(f"{where}: question {identity} comes twice in {language}")
        if (known.n_options, known.gold) != (n_options, gold):
            other = next(iter(self.votes[at]))
            raise DataError(
                f"{where}: question {identity} has other options or another answer in {language} than in {other} "
                f"({known.where})"
            )
        if source != known.source:
            raise DataError(
                f"{where}: question {identity} was written in {source}, but in {known.source} at {known.where}"
            )
        self.votes[at][language] = self._shared(votes)
        if one.equal:
            self.equal_options.setdefault(language, []).append(where)
            self.equal.of(at)[language] = one.equal
        return at

    def _shared(self, votes: Votes) -> Votes:
        """The same votes as they came elsewhere: of a million tuples most are alike."""
        return self._alike.setdefault(votes, votes)

    def __len__(self) -> int:
        return len(self.questions)

    @property
    def scored(self) -> bool:
        """Whether options, or their letters, were scored instead of sampled."""
        return self._first is not None and self._first[0] != "responses"

    def ranking(self, row: int, language: str) -> list[int]:
        """The options of a question by their scores in a language, the vote first; a hash orders equal scores."""
        question, scores = self.questions[row], self.scores[row][language]
        first = self.votes[row][language][0]

        def key(option: int) -> tuple[bool, float, bytes]:
            drawn = hashlib.sha256(f"{question.id}|{language}|{option}".encode()).digest()
            return option != first, -scores[option], drawn

        return sorted(range(len(scores)), key=key)

    def scoring(self) -> dict[str, Any]:
        """How scores were made comparable, as ``vote --json`` and vote.json say it; None for what does not apply."""
        by = self.normalized
        return {
            "normalize": {"by": by.how, "agreement": dict(by.agreement)} if by else None,
            "letter_bias": {x: bias._asdict() for x, bias in self.letters.items()} or None,
        }

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
            zscored: where options were scored, z-scores over the options instead of probabilities.
            share_equal: a sample that names one of several options with one text names each of them by its share:
                which letter it takes says nothing in that language.
        """
        import numpy as np

        languages = {x: i for i, x in enumerate(self.languages)}
        width = max(q.n_options for q in self.questions)
        counts = np.zeros((len(self), len(languages), width))
        n = np.ones((len(self), len(languages)))
        asked = np.zeros((len(self), len(languages)), dtype=bool)
        for i, votes in enumerate(self.votes):
            for language, answers in votes.items():
                column = languages[language]
                asked[i, column] = bool(answers)
                n[i, column] = max(len(answers), 1)
                if language in self.scores[i]:
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
        return Counts(list(languages), counts, asked, valid, source, n, self.scored)


def _softmax(scores: Sequence[float]) -> list[float]:
    top = max(scores)
    powers = [exp(x - top) for x in scores]
    total = sum(powers)
    return [p / total for p in powers]


def _zscores(scores: Sequence[float]) -> list[float]:
    mean = sum(scores) / len(scores)
    deviation = sqrt(sum((s - mean) ** 2 for s in scores) / len(scores))
    return [(s - mean) / deviation if deviation else 0.0 for s in scores]
