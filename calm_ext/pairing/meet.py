"""Ballots and generations brought together, and the languages of many responses recognised at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from calm_ext.answers.thoughts import Marks
from calm_ext.disk.spill import Spill
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
    """The ballots by question, as JSON in a :class:`~calm_ext.disk.spill.Spill`, which other processes can read.

    Attributes:
        languages: all that voted.
    """

    def __init__(self, ballots: Iterable[tuple[str, Ballot]]) -> None:
        self._rows = Spill()
        self._last: dict[str, tuple[int, Ballot]] = {}
        languages = set[str]()
        for where, ballot in ballots:
            try:
                self._rows.add(ballot.id, f"{ballot.model_dump_json(exclude_defaults=True)}\n{where}".encode())
            except KeyError:
                there = f"question {ballot.id} has a ballot already at {self.where(ballot.id)}"
                raise DataError(f"{where}: {there}") from None
            languages.update(ballot.votes)
        self._rows.settle()
        self.languages = frozenset(languages)

    def find(self, question: str) -> tuple[int, Ballot] | None:
        """The place of a question's ballot among all, and the ballot; None where there is none."""
        found = self._last.get(question)
        if found is None and (row := self._rows.find(question)):
            if len(self._last) >= _LAST:
                del self._last[next(iter(self._last))]
            found = self._last[question] = row[0], _unpacked(row[1])
        return found

    def get(self, question: str) -> Ballot | None:
        """The ballot of a question; None where there is none."""
        found = self.find(question)
        return found[1] if found else None

    def where(self, question: str) -> str:
        """``file:line`` of the ballot of a question that has one."""
        found = self._rows.find(question)
        assert found is not None
        return found[1].partition(b"\n")[2].decode()

    def __iter__(self) -> Iterator[Ballot]:
        """All of them, in the order in which they came."""
        return (_unpacked(packed) for _, packed in self._rows.items())


def _unpacked(packed: bytes) -> Ballot:
    return Ballot.model_validate_json(packed.partition(b"\n")[0])


class SeesMore(Protocol):
    """What notes which questions and languages there are generations of."""

    def add(self, place: int, language: str) -> None:
        """Note one: the place of the question's ballot among all, and the language."""


class Seen:
    """Questions and languages that there were generations of: a bit for each."""

    def __init__(self) -> None:
        self._bits: dict[str, bytearray] = {}

    def add(self, place: int, language: str) -> None:
        """Note one: the place of the question's ballot among all, and the language."""
        bits = self._bits.setdefault(language, bytearray())
        if place >= 8 * len(bits):
            bits.extend(bytes(place // 8 + 1 - len(bits)))
        bits[place // 8] |= 1 << place % 8

    def __contains__(self, key: tuple[int, str]) -> bool:
        place, language = key
        bits = self._bits.get(language, b"")
        return place < 8 * len(bits) and bool(bits[place // 8] >> place % 8 & 1)


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
    seen: SeesMore,
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
        found = decided.find(generation.id)
        if found is None:
            continue
        place, ballot = found
        votes = ballot.votes.get(generation.language)
        if votes is None:
            continue
        seen.add(place, generation.language)
        expected = 1 if generation.option_logprobs is not None else len(generation.given)
        if len(votes) != expected:
            raise DataError(
                f"{decided.where(ballot.id)}: question {ballot.id} has {len(votes)} votes in {generation.language}, "
                f"but {expected} responses at {where}: the ballots are of other generations"
            )
        if ballot.winner is None or (style in ("cloze", "letters") and generation.option_logprobs is None):
            continue  # nothing was elected, or no score came
        n = len(generation.options)
        for index in (ballot.winner, *(v for v in votes if v is not None)):
            if not 0 <= index < n:
                raise DataError(
                    f"{decided.where(ballot.id)}: the winner or a vote of question {ballot.id} is {index}, not one of "
                    f"its {n} options ({where})"
                )
        if style == "explain" and n > len(LETTERS):
            raise DataError(f"{where}: question {ballot.id} has {n} options, there are letters for {len(LETTERS)}")
        if options.anchors == "all" and generation.option_logprobs is not None:
            _check_ranking(ballot, generation, decided.where(ballot.id))
        sides = None
        if generation.option_logprobs is None:
            sides = Sides(generation, votes, ballot.winner, options, style, thoughts, decided.languages)
        yield Asked(ballot, generation, tuple(votes), sides)


def all_seen(decided: Decided, seen: Seen) -> None:
    """Refuse ballots that there are no generations of.

    Raises:
        DataError: there are such.
    """
    for place, ballot in enumerate(decided):
        for language in ballot.votes:
            if (place, language) not in seen:
                raise DataError(
                    f"{decided.where(ballot.id)}: there are no generations of question {ballot.id} in {language}: the "
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
