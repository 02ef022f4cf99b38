"""What was answered, in the form a vote is counted in: from generations, one by one, to a small table.

Texts are read and forgotten. Where there are very many questions, most of the table is kept in a temporary file
(:mod:`calm_ext.voting.stored`), so that a file of any length can be voted on (benchmarks/vote_speed.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from calm_ext.answers.thoughts import Marks
from calm_ext.errors import DataError
from calm_ext.metrics.question import argmax
from calm_ext.models.endings import Endings
from calm_ext.prompts import Style
from calm_ext.records import Generation
from calm_ext.voting.answered import Answered, Kind, Votes, enter_all, read_votes
from calm_ext.voting.counts import Counts, counts_of
from calm_ext.voting.letters import Bias, LetterScores, Liking, corrected, liking
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


class EqualOptions(NamedTuple):
    """In a language, how many questions have two options of one text, and where the first of them stands."""

    n: int
    first: str


class VoteTable:
    """The votes on questions, all of them or a part of a :class:`calm_ext.voting.stored.StoredTable`.

    Attributes:
        questions: in order of first appearance.
        votes: parallel to ``questions``: language -> the index read from each response.
        scores: row of a question: language -> score of each option, normalised (nats), where options were
            scored; else empty.
        normalized: how these are normalised, and why; None where options were not scored.
        letters: language -> how evenly letters are answered, before and after the correction; empty where no letters
            were scored.
        likings: language -> the liking for letters that is taken out of the scores.
        equal_options: language -> questions two of whose options have one text; those without such have none.
        equal: row of a question: language -> the groups of options that have one text there.
    """

    def __init__(self) -> None:
        self.questions: list[QuestionRow] = []
        self.votes: list[dict[str, Votes]] = []
        self.scores: Rows[dict[str, list[float]]] = Rows()
        self.normalized: Choice | None = None
        self.letters: dict[str, Bias] = {}
        self.likings: dict[str, Liking] = {}
        self.equal_options: dict[str, EqualOptions] = {}
        self.equal: Rows[dict[str, list[list[int]]]] = Rows()
        self._place: dict[str, int] = {}
        self._raw: Rows[dict[str, OptionScores]] = Rows()
        self._alike: dict[Votes, Votes] = {}
        self._lettered: dict[str, dict[str, LetterScores]] = {}
        self._first: tuple[Kind, str] | None = None
        self._columns: tuple[str, ...] = ()

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
        enter_all(table, generations, style, thoughts, endings)
        if table.scored:
            table.normalise(normalize)
        return table

    def enter(self, one: Generation | Answered, where: str, style: Style, thoughts: Marks) -> None:
        """Add a generation, or what was read of one; raises as :meth:`add`."""
        if isinstance(one, Generation):
            self.add(one, where, style=style, thoughts=thoughts)
        else:
            self._enter(one, where, one.votes)

    def normalise(self, how: Normalize, *, like: VoteTable | None = None) -> None:
        """Normalise the scores of options, and take the best in each language for its vote.

        Args:
            like: what they show of all questions is taken from this table, which was normalised, and not from this one.
        """
        for language, own in self._lettered.items():
            self.likings[language] = like.likings.get(language, {}) if like else liking(own)
            found, self.letters[language] = corrected(language, own, self.likings[language])
            for identity, letters in found.items():
                at = self._place[identity]
                self.scores.of(at)[language], self.votes[at][language] = letters.scores, (letters.answer,)
        if self._lettered:
            idle = how not in ("auto", "sum")
            self.normalized = Choice("sum", {}, f"normalize {how} does not apply to letters: sums" if idle else None)
            return
        if like is not None and like.normalized is not None:
            self.normalized = like.normalized
        else:
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
            known_equal = self.equal_options.get(language, EqualOptions(0, where))
            self.equal_options[language] = known_equal._replace(n=known_equal.n + 1)
            self.equal.of(at)[language] = one.equal
        return at

    def _shared(self, votes: Votes) -> Votes:
        """The same votes as they came elsewhere: of a million tuples most are alike."""
        return self._alike.setdefault(votes, votes)

    def __len__(self) -> int:
        return len(self.questions)

    def __contains__(self, identity: str) -> bool:
        return identity in self._place

    def pack(self, row: int) -> bytes:
        """A question before scores are normalised, for :meth:`unpack`; without its id."""
        q, raw = self.questions[row], {x: tuple(s) for x, s in self._raw[row].items()}
        letters = {x: own[q.id] for x, own in self._lettered.items() if q.id in own}
        return json.dumps([q[1:], self.votes[row], raw, letters, self.equal[row]]).encode()

    def unpack(self, identity: str, packed: bytes) -> None:
        """Add a question that was packed."""
        (n_options, gold, source, where), votes, raw, letters, equal = json.loads(packed)
        at = self._place[identity] = len(self.questions)
        self.questions.append(QuestionRow(identity, n_options, gold, source, where))
        self.votes.append({x: self._shared(tuple(own)) for x, own in votes.items()})
        for language, (logprobs, n_bytes, n_tokens, priors, stands) in raw.items():
            tokens, unread = n_tokens and tuple(n_tokens), priors and tuple(priors)
            self._raw.of(at)[language] = OptionScores(tuple(logprobs), tuple(n_bytes), tokens, unread, stands)
        for language, (shown, logprobs) in letters.items():
            self._lettered.setdefault(language, {})[identity] = LetterScores(tuple(shown), tuple(logprobs))
        if equal:
            self.equal[at] = equal

    def part(self, languages: Sequence[str]) -> VoteTable:
        """An empty table for some of the questions of a table with these languages."""
        part = VoteTable()
        part._first, part._columns = self._first, tuple(languages)
        return part

    def clear(self) -> None:
        """Forget the questions, but not what kind of votes they had."""
        for rows in (self.questions, self.votes, self.scores, self.equal, self._place, self._raw, self._alike):
            rows.clear()
        self._lettered.clear()

    @property
    def learned(self) -> VoteTable:
        """The questions from which a vote learns: all of them."""
        return self

    @property
    def learned_rows(self) -> slice | Sequence[int]:
        """Which of the questions these are."""
        return slice(None)

    def blocks(self) -> Iterator[VoteTable]:
        """The questions in parts, in their order: in one."""
        yield self

    def block(self, row: int) -> tuple[int, VoteTable]:
        """The part that a question is in, and the row of the part's first question."""
        return 0, self

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
        return list(self._columns or dict.fromkeys(x for votes in self.votes for x in votes))

    @property
    def gold(self) -> dict[str, int | None]:
        """question id -> gold answer."""
        return {q.id: q.gold for q in self.questions}

    @property
    def has_gold(self) -> bool:
        """Whether any question has a gold answer."""
        return any(q.gold is not None for q in self.questions)

    def counts(self, *, zscored: bool = False, share_equal: bool = False) -> Counts:
        """The table as arrays.

        Args:
            zscored: where options were scored, z-scores over the options instead of probabilities.
            share_equal: a sample that names one of several options with one text names each of them by its share:
                which letter it takes says nothing in that language.
        """
        return counts_of(self, zscored=zscored, share_equal=share_equal)
