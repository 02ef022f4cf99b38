"""From ballots to exercises: questions that a model in training answers, one a language, with what rewards it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from calm_ext.pairing.meet import Decided
from calm_ext.records import Ballot, Exercise, Generation

#: Why a question is left out, as a stage says it behind its number.
UNDECIDED = "questions that the vote did not decide"
ALONE = "times the other languages elected nothing"


def build_exercises(
    ballots: Iterable[tuple[str, Ballot]],
    generations: Iterable[tuple[str, Generation]],
    others: Mapping[str, Mapping[str, int]],
    *,
    gold: bool,
    left_out: Counter[str],
) -> Iterator[Exercise]:
    """The exercises of all ballots that have a winner, in the order of the generations.

    Args:
        ballots: each with its place (``file:line``).
        others: question id -> language -> the option that the other languages elected.
        gold: write the gold answer, where there is one.
        left_out: filled with what is left out, by reason.

    Raises:
        DataError: two ballots of one question.
    """
    decided = Decided(ballots)
    left_out[UNDECIDED] += sum(ballot.winner is None for ballot in decided)
    for _, generation in generations:
        ballot = decided.get(generation.id)
        if ballot is None or ballot.winner is None:
            continue
        target = others.get(generation.id, {}).get(generation.language)
        if target is None:
            left_out[ALONE] += 1
            continue
        yield Exercise(
            id=generation.id,
            language=generation.language,
            prompt=generation.prompt,
            options=generation.options,
            names=generation.names,
            target=target,
            gold=generation.answer if gold else None,
        )
