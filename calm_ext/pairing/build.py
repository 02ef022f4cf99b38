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

Texts are streamed: the generations are read once to decide which pairs there are, and once more to write them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from calm_ext.answers.thoughts import Marks
from calm_ext.pairing.anchors import anchor_of, answer_key, said_options
from calm_ext.pairing.balance import PairLengths, Row, select
from calm_ext.pairing.instructions import instructed
from calm_ext.pairing.meet import Asked, Decided, judged, met
from calm_ext.pairing.options import PairingOptions
from calm_ext.pairing.sides import alike, joined
from calm_ext.prompts import Style, answer_text
from calm_ext.records import ANCHOR, POOLED, Ballot, Generation, Pair

#: Why a response was left out, as verbs and stages say it behind its number.
FOREIGN = "chosen in another language"

Generations = Callable[[], Iterable[tuple[str, Generation]]]


class PairReport:
    """What became of the ballots and responses; filled while pairs are built."""

    def __init__(self) -> None:
        self.by_language: dict[str, Counter[str]] = {}
        self.lengths: dict[str, PairLengths] = {}
        self.left_out: Counter[str] = Counter()
        self.foreign: Counter[str] = Counter()
        self._known: Counter[bool] = Counter()
        self._right: Counter[bool] = Counter()

    def add_language(self, language: str) -> None:
        """A language there are generations of, with pairs or without."""
        if language not in self.by_language:
            self.by_language[language] = Counter()

    def count(self, pair: Pair, gold: int | None) -> None:
        """One pair more, of a question with this right answer, if it is known."""
        self.add_language(pair.language)
        self.by_language[pair.language][pair.origin] += 1
        if pair.language not in self.lengths:
            self.lengths[pair.language] = PairLengths()
        self.lengths[pair.language].add(len(pair.chosen), len(pair.rejected))
        if gold is not None:
            self._known[pair.is_anchor] += 1
            self._right[pair.is_anchor] += pair.chosen_answer == gold

    def summary(self) -> dict[str, object]:
        """Counts, lengths, and the share of pairs whose chosen answer is gold, None without gold.

        ``precision`` is that of all pairs, ``precision_without_anchors`` that of all but the anchors.
        """
        by_origin: Counter[str] = Counter()
        for origins in self.by_language.values():
            by_origin.update(origins)
        return {
            "n_pairs": by_origin.total(),
            "by_language": {x: origins.total() for x, origins in self.by_language.items()},
            "by_origin": dict(by_origin),
            "anchors": by_origin[ANCHOR],
            "precision": _share(self._right.total(), self._known.total()),
            "precision_without_anchors": _share(self._right[False], self._known[False]),
            "lengths": {x: row.summary() for x, row in self.lengths.items()},
            "left_out": dict(+self.left_out),
            "in_another_language": dict(+self.foreign),
        }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


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
    decided = Decided(ballots)
    keep = None
    if options.selects:
        trial = _all_pairs(decided, generations(), options, style, restated, PairReport(), thoughts)
        keep, left_out = select([_row(pair, texts) for pair, _, texts in trial], options)
        report.left_out.update(left_out)
    found = _all_pairs(decided, generations(), options, style, restated, report, thoughts)
    for number, (pair, gold, _) in enumerate(found):
        if keep is None or keep[number]:
            report.count(pair, gold)
            yield pair


def _row(pair: Pair, texts: Sequence[str]) -> Row:
    """What decides whether a pair is kept: its answers by the text of the option, in its language."""
    down = None if pair.rejected_answer is None else answer_key(texts[pair.rejected_answer])
    return Row(pair.language, pair.is_anchor, answer_key(texts[pair.chosen_answer]), down)


def _all_pairs(
    decided: Decided,
    generations: Iterable[tuple[str, Generation]],
    options: PairingOptions,
    style: Style,
    restated: Mapping[tuple[str, str], str] | None,
    report: PairReport,
    thoughts: Marks,
) -> Iterator[tuple[Pair, int | None, list[str]]]:
    """Pairs, gold answers, options; no limits. Repeated pairs and those with two equal sides would train nothing."""
    seen: set[int] = set()
    generations = instructed(generations, options.instructions)
    for asked in judged(met(decided, generations, options, style, report, thoughts), thoughts):
        for pair in _pairs_of(asked, options, style, restated or {}, report, thoughts):
            key = hash((pair.language, str(pair.prompt), pair.chosen, pair.rejected))
            if key in seen:
                report.left_out["repeated"] += 1
            else:
                seen.add(key)
                yield pair, asked.generation.answer, asked.generation.options


def _pairs_of(
    asked: Asked,
    options: PairingOptions,
    style: Style,
    restated: Mapping[tuple[str, str], str],
    report: PairReport,
    thoughts: Marks,
) -> Iterator[Pair]:
    ballot, generation, votes, sides = asked
    winner = ballot.winner
    assert winner is not None
    language = generation.language
    origin = "native"
    rejected: list[tuple[str, int | None]]
    if _agrees(asked):
        if options.anchors == "none":
            return
        anchor = anchor_of(asked, style, options.seed)
        if anchor is None:
            report.left_out["anchors without another answer"] += 1
            return
        origin, chosen, rejected = ANCHOR, [anchor.chosen], [(anchor.rejected, anchor.answer)]
    elif sides is None:
        own, said = votes[0], said_options(generation)
        chosen = [said[winner]]
        rejected = [] if own is None else [(said[own], own)]
    else:
        rejected = sides.rejected
        if not rejected:
            return
        if options.chosen == "pooled":
            origin = POOLED
            chosen = _fallback(ballot.id, winner, generation, options, style, restated)
        else:
            chosen = sides.chosen
            if sides.n_foreign:
                report.left_out[FOREIGN] += sides.n_foreign
                report.foreign[language] += sides.n_foreign
            if sides.n_contradicting:
                report.left_out["chosen that contradict themselves"] += sides.n_contradicting
            if sides.lacks_chosen:
                origin = options.fallback
                chosen = _fallback(ballot.id, winner, generation, options, style, restated)
    if not chosen:
        report.left_out["times a language had no chosen response"] += 1
        return
    chosen, rejected = list(dict.fromkeys(chosen)), list(dict.fromkeys(rejected))
    built = 0
    for text, answer in rejected:
        if built == options.max_per_question:
            return
        best = chosen[built % len(chosen)]
        if options.max_length_ratio is not None:
            best = min(chosen, key=lambda c: abs(len(c) - len(text)))
        best, text = (joined(generation.prompt, x, language) for x in alike(best, text, options.thoughts, thoughts))
        if best.strip() == text.strip():
            continue  # two options of one text
        if not (best.strip() and text.strip()):
            report.left_out["with nothing but a thought"] += 1
            continue
        if _too_uneven(best, text, options):
            report.left_out["too uneven in length"] += 1
            continue
        built += 1
        yield Pair(
            id=ballot.id,
            language=language,
            prompt=generation.prompt,
            chosen=best,
            rejected=text,
            chosen_answer=winner,
            rejected_answer=answer,
            margin=ballot.margin,
            origin=origin,
            probability=ballot.probability,
        )


def _agrees(asked: Asked) -> bool:
    """Whether the language gives the winner and nothing else; two options of one text are one answer."""
    if asked.sides is not None:
        return asked.sides.agrees
    own, winner, texts = asked.votes[0], asked.ballot.winner, asked.generation.options
    assert winner is not None
    return own is not None and answer_key(texts[own]) == answer_key(texts[winner])


def _fallback(
    question: str,
    winner: int,
    generation: Generation,
    options: PairingOptions,
    style: Style,
    restated: Mapping[tuple[str, str], str],
) -> list[str]:
    """What is chosen where no response of the language gives the winner, or where it is not to come from these."""
    if options.fallback == "skip":
        return []
    if options.fallback == "translate":
        text = restated.get((question, generation.language))
        return [text] if text else []
    return [answer_text(generation.language, generation.options, winner, style).lstrip()]


def _too_uneven(chosen: str, rejected: str, options: PairingOptions) -> bool:
    if options.max_length_ratio is None:
        return False
    short, long = sorted((len(chosen.strip()), len(rejected.strip())))
    return long > options.max_length_ratio * max(short, 1)


def pair_summary(pairs: Iterable[Pair], gold: Mapping[str, int | None]) -> dict[str, object]:
    """:meth:`PairReport.summary` of pairs that are there already."""
    report = PairReport()
    for pair in pairs:
        report.count(pair, gold.get(pair.id))
    return report.summary()
