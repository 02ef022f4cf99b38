"""Which response to translate for a language that has no right answer of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from calm_ext.answers.read import explanation_of
from calm_ext.answers.thoughts import Marks
from calm_ext.pairing.options import PairingOptions
from calm_ext.pairing.sides import Sides
from calm_ext.prompts import Style
from calm_ext.records import Ballot, Generation


class Wanted(NamedTuple):
    """A translation to make: ``explanation``, written in ``source``, into ``language``, for question ``id``."""

    id: str
    language: str
    source: str
    explanation: str

    @property
    def donor(self) -> str:
        """SHA-256 of the explanation."""
        return hashlib.sha256(self.explanation.encode()).hexdigest()


def wanted_translations(
    ballots: Mapping[str, Ballot],
    generations: Iterable[tuple[str, Generation]],
    options: PairingOptions,
    style: Style,
    thoughts: Marks = (),
) -> Iterator[Wanted]:
    """For each language that lacks a chosen response: the source's explanation, or that of the first that has one."""
    donors: dict[str, tuple[str, str]] = {}
    languages = frozenset(x for b in ballots.values() for x in b.votes)
    lacking: list[tuple[str, str]] = []
    for _, g in generations:
        ballot = ballots.get(g.id)
        if ballot is None or ballot.winner is None or g.option_logprobs is not None:
            continue
        sides = Sides(g, ballot.votes.get(g.language, []), ballot.winner, options, style, thoughts, languages)
        found = (explanation_of(t, g.language, thoughts=thoughts) for t in sides.chosen)
        explanation = next((e for e in found if e), None)
        if explanation and (g.id not in donors or g.language == g.source_language):
            donors[g.id] = g.language, explanation
        if sides.lacks_chosen:
            lacking.append((g.id, g.language))
    for question, language in lacking:
        if question in donors:
            yield Wanted(question, language, *donors[question])
