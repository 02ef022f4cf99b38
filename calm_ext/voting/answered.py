"""What a vote needs of a generation, read in this process, or in several where a file is large."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from calm_ext.answers.read import read_responses
from calm_ext.answers.ready import compile_all
from calm_ext.answers.thoughts import Marks
from calm_ext.disk.shards import files_of
from calm_ext.errors import CalmError, DataError
from calm_ext.files.parallel import Piece, pieces_of, spread, workers
from calm_ext.jsonl import Numbered
from calm_ext.metrics.question import argmax
from calm_ext.models.endings import Endings
from calm_ext.prompts import Style
from calm_ext.records import Generation
from calm_ext.voting.letters import LetterScores, best_place
from calm_ext.voting.scores import OptionScores

Votes = tuple[int | None, ...]
Kind = Literal["responses", "option scores", "letter scores"]

# Bytes of a file that a process reads at once, at most.
_PIECE = 1 << 18
# Bytes in which most languages of a file come.
_BEGIN = 1 << 15


def read_votes(generation: Generation, *, style: Style, thoughts: Marks = ()) -> Votes:
    """The answer of each response that there is, or the best option per byte or letter where options were scored."""
    if generation.option_logprobs is not None and generation.shown is not None:
        letters = LetterScores.of(generation.shown, generation.option_logprobs)
        return (letters.shown[best_place(generation.id, generation.language, letters.logprobs)],)
    if generation.option_logprobs is not None:
        return (argmax(OptionScores.of(generation, "").normalised("byte")),)
    g = generation
    return read_responses(g.given, g.options, g.language, style=style, thoughts=thoughts, names=g.names)


def kind_of(generation: Generation) -> Kind:
    """What a generation holds."""
    if generation.option_logprobs is None:
        return "responses"
    return "option scores" if generation.shown is None else "letter scores"


class Answered(NamedTuple):
    """A generation without its texts.

    Attributes:
        n_options, gold, source, kind: as in the generation.
        equal: the groups of options that have one text.
        responses: for each response an empty text, or None where it is missing. finish: how it ended.
        votes: what each response that there is gives.
    """

    id: str
    language: str
    n_options: int
    gold: int | None
    source: str | None
    kind: Kind
    equal: list[list[int]]
    responses: Sequence[str | None] = ()
    finish: Sequence[str | None] | None = None
    votes: Votes = ()

    @property
    def is_missing(self) -> bool:
        """Whether nothing came that was asked for: neither a response nor a score of each option."""
        return bool(self.responses) and all(x is None for x in self.responses)

    @classmethod
    def of(cls, g: Generation) -> Answered:
        """What there is to know before any text is read."""
        n = len(g.options)
        return cls(g.id, g.language, n, g.answer, g.source_language, kind_of(g), _equal(g.options))


def _equal(options: Sequence[str]) -> list[list[int]]:
    """The groups of options that have one text."""
    if len(set(options)) == len(options):
        return []
    named = {text: [i for i, x in enumerate(options) if x == text] for text in options}
    return [group for group in named.values() if len(group) > 1]


def answered(
    generations: Iterable[tuple[str, Generation]], style: Style, thoughts: Marks
) -> Generator[tuple[str, Generation | Answered], None, None]:
    """The generations with their places; of a large file what several processes have read of them.

    Raises:
        DataError: a line of the file is no generation.
    """
    files = files_of(generations)
    if not files:
        yield from generations
    for file in files:
        yield from _of_file(file, style, thoughts)


def _of_file(
    generations: Numbered[Generation], style: Style, thoughts: Marks
) -> Generator[tuple[str, Generation | Answered], None, None]:
    if workers(generations.path)[0] < 2:
        yield from generations
        return
    reading = _Reading(generations, style, thoughts)
    begin = reading.begin()
    if not begin or begin[0].option_logprobs is not None:  # there is little to do to scores
        yield from generations
        return

    def ready() -> None:
        questions = {(g.language, len(g.options)): g.options for g in begin} if style == "explain" else {}
        for (language, _), options in questions.items():
            compile_all(options, language)

    yield from spread(generations.path, reading, generations.after, size=_PIECE, ready=ready)


class _Entered(Protocol):
    """What generations are entered in."""

    def enter(self, one: Generation | Answered, where: str, style: Style, thoughts: Marks) -> None:
        """Add one."""


def enter_all(
    table: _Entered,
    generations: Iterable[tuple[str, Generation]],
    style: Style,
    thoughts: Marks,
    endings: Endings | None,
) -> None:
    """Enter all generations in an empty table; see :meth:`calm_ext.voting.table.VoteTable.read`."""
    n = 0
    with closing(answered(generations, style, thoughts)) as found:
        for where, one in found:
            n += 1
            table.enter(one, where, style, thoughts)
            if endings is not None:
                endings.add(one.language, one.responses, one.finish)
    if not n:
        raise DataError("there are no generations to vote on")


@dataclass(frozen=True)
class _Reading:
    """What a process does with a piece of the file."""

    generations: Numbered[Generation]
    style: Style
    thoughts: Marks

    def begin(self) -> list[Generation]:
        """The first records of the file; none where the first ones have a mistake."""
        try:
            return [g for _, g in self.generations.part(next(pieces_of(self.generations.path, _BEGIN)))]
        except (CalmError, StopIteration, OSError):
            return []

    def __call__(self, piece: Piece) -> list[tuple[str, Generation | Answered]]:
        found: list[tuple[str, Generation | Answered]] = []
        for where, g in self.generations.part(piece):
            votes = read_votes(g, style=self.style, thoughts=self.thoughts) if g.option_logprobs is None else ()
            given = ["" if x is not None else None for x in g.responses]
            found.append((where, Answered.of(g)._replace(responses=given, finish=g.finish, votes=votes)))
        return found
