"""From ballots to preference pairs: chosen gives the elected answer, rejected a different one.

Pairs for language l of a question with a winner: *chosen* is a response of l that gives the winner (``native``); where
l has none, the language is skipped (``skip``), or the winning option is written in the task's format (``answer_only``),
or another language's response is put into l (``translate``, :mod:`calm_ext.pairing.translate`). In the paper's way
(``pooled``) one response of all that give the winner is put into every language, and chosen there.
Responses that are surely in another language than l are not chosen (:mod:`calm_ext.metrics.fidelity`).
*Rejected* are l's responses that give another answer; abstentions are neither, unless ``reject_unparsed``. Where
options were scored instead of sampled, l's responses are its option texts, or their letters as the prompt shows them,
and rejected is the option that l itself prefers.

Where l agrees with the vote there is nothing of this kind, and what l knows may be unlearned; ``anchors`` make a pair
there, too (:mod:`calm_ext.pairing.anchors`).

Texts are streamed: the generations are read once to decide which pairs there are, and once more to write them; those of
a large file by several processes (:mod:`calm_ext.files.parallel`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

from calm_ext.answers.ready import compile_cues
from calm_ext.answers.thoughts import Marks
from calm_ext.disk.shards import files_of
from calm_ext.disk.spill import Numbers
from calm_ext.files.parallel import Piece, spread
from calm_ext.jsonl import Numbered
from calm_ext.metrics.fidelity import Judge
from calm_ext.pairing.anchors import answer_key
from calm_ext.pairing.balance import Row, select
from calm_ext.pairing.instructions import instructed
from calm_ext.pairing.meet import Decided, Seen, SeesMore, all_seen, judged, met
from calm_ext.pairing.options import PairingOptions
from calm_ext.pairing.outcome import PairReport, pair_summary
from calm_ext.pairing.question import FOREIGN, Built, Log, pairs_of
from calm_ext.prompts import Style
from calm_ext.records import Ballot, Generation, Pair

__all__ = ["FOREIGN", "Generations", "PairReport", "build_pairs", "pair_summary"]

Generations = Callable[[], Iterable[tuple[str, Generation]]]

# Bytes of a file that a process reads at once, at most: languages are recognised faster in many texts.
_PIECE = 1 << 19


def build_pairs(
    ballots: Iterable[tuple[str, Ballot]],
    generations: Generations,
    options: PairingOptions,
    *,
    style: Style,
    restated: Mapping[tuple[str, str], str] | None = None,
    report: PairReport | None = None,
    thoughts: Marks = (),
) -> Iterator[Pair]:
    """The pairs of all ballots that have a winner, in the order of the generations.

    Args:
        ballots: each with its place (``file:line``).
        generations: opens the stream of the generations, each with its place; it may be opened twice.
        restated: (question id, language) -> the chosen text where the fallback is ``translate``.
            Where chosen responses are pooled, all of them.
        report: filled with what was built and what was left out.
        thoughts: marks of thoughts besides the known ones (:mod:`calm_ext.answers.thoughts`).

    Raises:
        DataError: a ballot of a question or language that the generations do not have, or with another number of votes.
    """
    report = report if report is not None else PairReport()
    job = _Job(Decided(ballots), options, style, restated or {}, thoughts)
    keep = None
    if options.selects:
        keep, left_out = select([_row(pair, built) for pair, built in job.pairs(generations(), PairReport())], options)
        report.left_out.update(left_out)
    for number, (pair, built) in enumerate(job.pairs(generations(), report)):
        if keep is None or keep[number]:
            report.count(pair, built.gold)
            yield pair


def _row(pair: Pair, built: Built) -> Row:
    """What decides whether a pair is kept: its answers by the text of the option, in its language."""
    down = None if built.down is None else answer_key(built.down)
    return Row(pair.language, pair.is_anchor, answer_key(built.up), down)


@dataclass(frozen=True)
class _Job:
    """What all pairs are built from, but for the generations."""

    decided: Decided
    options: PairingOptions
    style: Style
    restated: Mapping[tuple[str, str], str]
    thoughts: Marks

    def pairs(self, generations: Iterable[tuple[str, Generation]], report: PairReport) -> Iterator[tuple[Pair, Built]]:
        """All pairs; no limits. Repeated pairs and those with two equal sides would train nothing."""
        known = Numbers()
        seen = Seen()

        with closing(self.found(generations, report, seen)) as found:
            for one in found:
                if isinstance(one, _Notes):
                    one.tell(report, seen)
                    continue
                pair = Pair(**one.fields)
                key = hash((pair.language, str(pair.prompt), pair.chosen, pair.rejected))
                if known.add(key):
                    yield pair, one
                else:
                    report.leave_out("repeated")
        all_seen(self.decided, seen)

    def found(
        self, generations: Iterable[tuple[str, Generation]], report: PairReport, seen: Seen
    ) -> Generator[Built | _Notes, None, None]:
        """What is built of all generations, here or in other processes."""
        files = files_of(generations)
        if not files:
            yield from self.built(generations, report, seen)
        for file in files:
            yield from self.of_file(file, report, seen)

    def of_file(
        self, file: Numbered[Generation], report: PairReport, seen: Seen
    ) -> Generator[Built | _Notes, None, None]:
        """What is built of a file."""

        def here(after: int) -> Iterator[Built]:
            return self.built(file.after(after), report, seen)

        return spread(file.path, _Part(self, file), here, size=_PIECE, ready=self.ready)

    def ready(self) -> None:
        """Load what forked processes would all load: patterns, and the classifier of languages."""
        languages = self.decided.languages
        if self.style == "explain" and self.options.drop_contradictions:
            for language in languages:
                compile_cues(language)
        if self.style == "explain" and self.options.fidelity:
            Judge.of(languages).load()

    def built(self, generations: Iterable[tuple[str, Generation]], log: Log, seen: SeesMore) -> Iterator[Built]:
        """The pairs of some generations, repeated ones too."""
        stream = instructed(generations, self.options.instructions)
        asked = met(self.decided, stream, self.options, self.style, log, seen, self.thoughts)
        for one in judged(asked, self.thoughts):
            yield from pairs_of(one, self.options, self.style, self.restated, log, self.thoughts)


class _Notes(NamedTuple):
    """What another process has to tell a report between two pairs.

    Attributes:
        left_out: reasons and how many. foreign: languages and how many. languages, seen: as in the report.
    """

    left_out: list[tuple[str, int]]
    foreign: list[tuple[str, int]]
    languages: tuple[str, ...] = ()
    seen: tuple[tuple[int, str], ...] = ()

    def tell(self, report: PairReport, seen: Seen) -> None:
        """Tell it."""
        for language in self.languages:
            report.add_language(language)
        for reason, n in self.left_out:
            report.leave_out(reason, n)
        for language, n in self.foreign:
            report.add_foreign(language, n)
        for place, language in self.seen:
            seen.add(place, language)


class _Log:
    """What a process notes instead of telling a report, among the pairs that it builds."""

    def __init__(self) -> None:
        self.languages: dict[str, None] = {}
        self.seen: dict[tuple[int, str], None] = {}
        self.found: list[Built | _Notes] = []

    def add_language(self, language: str) -> None:
        """A language there are generations of."""
        self.languages[language] = None

    def add(self, place: int, language: str) -> None:
        """A question and a language there are generations of."""
        self.seen[place, language] = None

    def leave_out(self, reason: str, n: int = 1) -> None:
        """Responses or pairs that were left out, for a reason."""
        self.found.append(_Notes([(reason, n)], []))

    def add_foreign(self, language: str, n: int) -> None:
        """Responses that give the winner in another language than their question's."""
        self.found.append(_Notes([], [(language, n)]))


@dataclass(frozen=True)
class _Part:
    """What a process does with a piece of the file."""

    job: _Job
    generations: Numbered[Generation]

    def __call__(self, piece: Piece) -> list[Built | _Notes]:
        log = _Log()
        for built in self.job.built(self.generations.part(piece), log, log):
            log.found.append(built)
        return [_Notes([], [], tuple(log.languages), tuple(log.seen)), *log.found]
