"""The pairs of one question in one language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from calm_ext.answers.thoughts import Marks
from calm_ext.pairing.anchors import anchor_of, answer_key, said_options
from calm_ext.pairing.meet import Asked
from calm_ext.pairing.options import PairingOptions
from calm_ext.pairing.sides import alike, joined
from calm_ext.prompts import Style, answer_text
from calm_ext.records import ANCHOR, POOLED, Generation

#: Why a response was left out, as verbs and stages say it behind its number.
FOREIGN = "chosen in another language"


class Built(NamedTuple):
    """A pair.

    Attributes:
        fields: of :class:`~calm_ext.records.Pair`.
        gold: the right answer to its question, where it is known.
        up, down: the options that chosen and rejected give, by their texts; None where what is rejected gives none.
    """

    fields: dict[str, Any]
    gold: int | None
    up: str
    down: str | None


class Log(Protocol):
    """What is told what was left out."""

    def add_language(self, language: str) -> None:
        """A language there are generations of."""

    def leave_out(self, reason: str, n: int = 1) -> None:
        """Responses or pairs that were left out, for a reason."""

    def add_foreign(self, language: str, n: int) -> None:
        """Responses that give the winner in another language than their question's."""


def pairs_of(
    asked: Asked,
    options: PairingOptions,
    style: Style,
    restated: Mapping[tuple[str, str], str],
    log: Log,
    thoughts: Marks,
) -> Iterator[Built]:
    """The pairs of a question in a language; some may come twice.

    Args:
        restated, thoughts: as :func:`calm_ext.pairing.build.build_pairs` takes them.
    """
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
            log.leave_out("anchors without another answer")
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
                log.leave_out(FOREIGN, sides.n_foreign)
                log.add_foreign(language, sides.n_foreign)
            if sides.n_contradicting:
                log.leave_out("chosen that contradict themselves", sides.n_contradicting)
            if sides.lacks_chosen:
                origin = options.fallback
                chosen = _fallback(ballot.id, winner, generation, options, style, restated)
    if not chosen:
        log.leave_out("times a language had no chosen response")
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
            log.leave_out("with nothing but a thought")
            continue
        if _too_uneven(best, text, options):
            log.leave_out("too uneven in length")
            continue
        built += 1
        fields = {
            "id": ballot.id,
            "language": language,
            "prompt": generation.prompt,
            "chosen": best,
            "rejected": text,
            "chosen_answer": winner,
            "rejected_answer": answer,
            "margin": ballot.margin,
            "origin": origin,
            "probability": ballot.probability,
        }
        texts = generation.options
        yield Built(fields, generation.answer, texts[winner], None if answer is None else texts[answer])


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
