"""Ballots and generations brought together, and the languages of many responses recognised at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from calm_ext.answers.thoughts import Marks
from calm_ext.errors import DataError
from calm_ext.pairing.options import PairingOptions
from calm_ext.pairing.sides import Sides
from calm_ext.prompts import LETTERS, Style
from calm_ext.records import Ballot, Generation
from calm_ext.voting.answered import Votes

# Characters of responses that are read ahead, each generation counted for 500 more.
_AHEAD = 1_500_000
# Ballots that are kept as objects: a question comes again in its next language.
_LAST = 256


class _Languages(Protocol):
    """What counts the languages."""

    def add_language(self, language: str) -> None:
        """A language there are generations of."""


class Decided:
    """The ballots by question, as JSON: as objects those of a million questions would take four gigabytes.

    Attributes:
        where: question id -> ``file:line``.
        languages: all that voted.
    """

    def __init__(self, ballots: Iterable[tuple[str, Ballot]]) -> None:
        self.where: dict[str, str] = {}
        self._packed: dict[str, bytes] = {}
        self._last: dict[str, Ballot] = {}
        languages = set[str]()
        for where, ballot in ballots:
            if ballot.id in self._packed:
                raise DataError(f"{where}: question {ballot.id} has a ballot already at {self.where[ballot.id]}")
            self._packed[ballot.id] = ballot.model_dump_json(exclude_defaults=True).encode()
            self.where[ballot.id] = where
            languages.update(ballot.votes)
        self.languages = frozenset(languages)

    def get(self, question: str) -> Ballot | None:
        """The ballot of a question; None where there is none."""
        found = self._last.get(question)
        if found is None and question in self._packed:
            if len(self._last) >= _LAST:
                del self._last[next(iter(self._last))]
            found = self._last[question] = Ballot.model_validate_json(self._packed[question])
        return found

    def __iter__(self) -> Iterator[Ballot]:
        """All of them, in the order in which they came."""
        return (Ballot.model_validate_json(packed) for packed in self._packed.values())


class Seen:
    """Questions and languages that there were generations of: a number of bits for each question."""

    def __init__(self) -> None:
        self._bits: dict[str, int] = {}
        self._places: dict[str, int] = {}

    def add(self, question: str, language: str) -> None:
        """Note one."""
        place = self._places.setdefault(language, len(self._places))
        self._bits[question] = self._bits.get(question, 0) | 1 << place

    def __contains__(self, key: tuple[str, str]) -> bool:
        question, language = key
        place = self._places.get(language)
        return place is not None and bool(self._bits.get(question, 0) >> place & 1)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for question, bits in self._bits.items():
            yield from ((question, language) for language, place in self._places.items() if bits >> place & 1)


class Asked(NamedTuple):
    """A generation of a question with a winner; ``sides`` is None where options were scored."""

    ballot: Ballot
    generation: Generation
    votes: Votes
    sides: Sides | None


def met(
    decided: Decided,
    generations: Iterable[tuple[str, Generation]],
    options: PairingOptions,
    style: Style,
    log: _Languages,
    seen: Seen,
    thoughts: Marks,
) -> Iterator[Asked]:
    """The generations of questions with a winner, when ballot and generation have been found to fit.

    Args:
        log: collects the languages of all generations. seen: filled with those that there is a ballot of.

    Raises:
        DataError: a ballot and the generations do not fit.
    """
    for where, generation in generations:
        log.add_language(generation.language)
        ballot = decided.get(generation.id)
        if ballot is None:
            continue
        votes = ballot.votes.get(generation.language)
        if votes is None:
            continue
        seen.add(generation.id, generation.language)
        expected = 1 if generation.option_logprobs is not None else len(generation.given)
        if len(votes) != expected:
            raise DataError(
                f"{decided.where[ballot.id]}: question {ballot.id} has {len(votes)} votes in {generation.language}, "
                f"but {expected} responses at {where}: the ballots are of other generations"
            )
        if ballot.winner is None or (style in ("cloze", "letters") and generation.option_logprobs is None):
            continue  # nothing was elected, or no score came
        n = len(generation.options)
        for index in (ballot.winner, *(v for v in votes if v is not None)):
            if not 0 <= index < n:
                raise DataError(
                    f"{decided.where[ballot.id]}: the winner or a vote of question {ballot.id} is {index}, not one of "
                    f"its {n} options ({where})"
                )
        if style == "explain" and n > len(LETTERS):
            raise DataError(f"{where}: question {ballot.id} has {n} options, there are letters for {len(LETTERS)}")
        if options.anchors == "all" and generation.option_logprobs is not None:
            _check_ranking(ballot, generation, decided.where[ballot.id])
        sides = None
        if generation.option_logprobs is None:
            sides = Sides(generation, votes, ballot.winner, options, style, thoughts, decided.languages)
        yield Asked(ballot, generation, tuple(votes), sides)


def all_seen(decided: Decided, seen: Seen) -> None:
    """Refuse ballots that there are no generations of.

    Raises:
        DataError: there are such.
    """
    for ballot in decided:
        for language in ballot.votes:
            if (ballot.id, language) not in seen:
                raise DataError(
                    f"{decided.where[ballot.id]}: there are no generations of question {ballot.id} in {language}: the "
                    f"ballots are of other generations"
                )


def _check_ranking(ballot: Ballot, generation: Generation, where: str) -> None:
    """Anchors reject the runner-up by the scores that the vote compared, which only the vote knows."""
    n, language = len(generation.options), generation.language
    ranking = ballot.rankings.get(language)
    if ranking is None:
        raise DataError(
            f"{where}: question {ballot.id} has no ranking of its options in {language}, which anchors need; vote on "
            f"the generations again"
        )
    if sorted(ranking) != list(range(n)):
        raise DataError(f"{where}: the ranking of question {ballot.id} in {language} is no order of its {n} options")


def judged(asked: Iterator[Asked], thoughts: Marks) -> Iterator[Asked]:
    """The same, read ahead as far as memory allows, so that the languages of many responses are recognised at once."""
    wrong: DataError | None = None
    while wrong is None:
        chunk: list[Asked] = []
        size = 0
        try:
            while size < _AHEAD and (one := next(asked, None)):
                chunk.append(one)
                size += 500 + sum(map(len, one.generation.given))
        except DataError as error:
            wrong = error  # what stands before it comes first
        if not chunk and wrong is None:
            return
        Sides.judge((one.sides for one in chunk if one.sides), thoughts)
        yield from chunk
    raise wrong
