"""Anchors: a pair in a language that agrees with the vote, so that training holds what the language knows.

Pairs of disagreement alone push a model in the languages that are wrong, and nothing holds what is right in the others.
An anchor's *chosen* side gives the winner, its *rejected* side the runner-up:

- Where options were scored, the runner-up is the option that stands next after the winner in that language's own
  ranking, which the vote made and the ballot carries. Both sides are option texts, or letters, as in other pairs.
- Where responses were sampled, and all that could be read give the winner, it is the option that all languages together
  name most often after the winner. No response of the language gives it, so it is written in the task's format. Both
  sides must be of one form: chosen is a response only where it reads as a written answer would; else, and always where
  answers are explained, both sides are written.

An option whose text equals the winner's is never rejected.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from calm_ext.pairing.meet import Asked
from calm_ext.prompts import Style, answer_text, shown_letter
from calm_ext.records import Ballot, Generation


class Anchor(NamedTuple):
    """The two sides of an anchor, and the option that the rejected one gives."""

    chosen: str
    rejected: str
    answer: int


def answer_key(text: str) -> str:
    """What an option's text is compared by: two options alike in this are one answer.

    >>> answer_key(" Paris") == answer_key("PARIS")
    True
    """
    return text.strip().casefold()


def said_options(generation: Generation) -> list[str]:
    """What is said for each option where options were scored: its text, or its letter as the prompt shows it."""
    if generation.shown is None:
        return generation.options
    return [shown_letter(i, generation.shown) for i in range(len(generation.options))]


def other_answers(winner: int, texts: Sequence[str]) -> list[int]:
    """The options that are another answer than the winner."""
    won = answer_key(texts[winner])
    return [i for i, text in enumerate(texts) if answer_key(text) != won]


def runner_up(ballot: Ballot, texts: Sequence[str], *, seed: int) -> int | None:
    """The option that all languages together name most often after the winner; None where all options are one answer.

    Args:
        seed: of the draw between options that are named equally often.
    """
    assert ballot.winner is not None
    named = Counter(chain.from_iterable(ballot.votes.values()))
    others = other_answers(ballot.winner, texts)
    most = max((named[option] for option in others), default=0)
    first = [option for option in others if named[option] == most]

    def drawn(option: int) -> bytes:
        # By its text, not its place: the order of the options changes nothing.
        return hashlib.sha256(f"{seed}|{ballot.id}|{answer_key(texts[option])}".encode()).digest()

    return first[0] if len(first) == 1 else min(first, key=drawn, default=None)


def anchor_of(asked: Asked, style: Style, seed: int) -> Anchor | None:
    """The anchor of a language that agrees; None where all options are one answer.

    Args:
        asked: a question and language whose responses give the winner and nothing else.
        seed: of the draw between options that are named equally often.
    """
    ballot, generation, _, sides = asked
    winner, texts = ballot.winner, generation.options
    assert winner is not None
    if sides is None:
        others = other_answers(winner, texts)
        if not others:
            return None
        said = said_options(generation)
        second = next(i for i in ballot.rankings[generation.language] if i in others)
        return Anchor(said[winner], said[second], second)
    rival = runner_up(ballot, texts, seed=seed)
    if rival is None:
        return None
    written = [answer_text(generation.language, texts, i, style).lstrip() for i in (winner, rival)]
    alike = None if style == "explain" else next((x for x in sides.giving if x.strip() == written[0].strip()), None)
    if alike is None:
        return Anchor(written[0], written[1], rival)
    before, _, after = alike.partition(written[0].strip())
    return Anchor(alike, before + written[1].strip() + after, rival)
