"""Which response to translate for a language that has no right answer of its own, or for all languages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from calm_ext.answers.cues import grammar
from calm_ext.answers.read import explanation_of
from calm_ext.answers.thoughts import Marks, strip_thoughts
from calm_ext.pairing.options import PairingOptions
from calm_ext.pairing.sides import Sides
from calm_ext.prompts import Style
from calm_ext.records import Ballot, Generation


class Wanted(NamedTuple):
    """A translation to make, of what stands in ``source`` already if that is the language itself.

    Attributes:
        id: of the question.
        language: of the translation.
        source: of the explanation.
        cued: whether a cue is to stand before the explanation, as it does in the response.
    """

    id: str
    language: str
    source: str
    explanation: str
    cued: bool = False

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
    """What to translate, for each language that lacks a chosen response, or where they are pooled has one to reject.

    Of a language that lacks one it is the first explanation of the source language, or of the first that has one.

    Where they are pooled it is that of the last of all responses that give the winner, as in ``get_final_ans`` of the
    paper's code (https://github.com/wangym2/CALM, ``utils/votingfunc.py``), which is then put into each language with a
    response that gives another answer (``construct_DPO_data_``).
    """
    pooled = options.chosen == "pooled"
    donors: dict[str, tuple[str, str, bool]] = {}
    languages = frozenset(x for b in ballots.values() for x in b.votes)
    lacking: list[tuple[str, str]] = []
    for _, g in generations:
        ballot = ballots.get(g.id)
        if ballot is None or ballot.winner is None or g.option_logprobs is not None:
            continue
        sides = Sides(g, ballot.votes.get(g.language, []), ballot.winner, options, style, thoughts, languages)
        texts = reversed(sides.chosen) if pooled else sides.chosen
        found = ((explanation_of(t, g.language, thoughts=thoughts), t) for t in texts)
        explanation, text = next((x for x in found if x[0]), ("", ""))
        if explanation and (pooled or g.id not in donors or g.language == g.source_language):
            cued = pooled and _has_cue(text, g.language, thoughts)
            donors[g.id] = g.language, explanation, cued
        if sides.rejected if pooled else sides.lacks_chosen:
            lacking.append((g.id, g.language))
    for question, language in lacking:
        if question in donors:
            yield Wanted(question, language, *donors[question])


def _has_cue(text: str, language: str, thoughts: Marks) -> bool:
    """Whether a response begins with the cue of the explanation, which a prompt may end with already."""
    return grammar(language).explanation.match(strip_thoughts(text, thoughts).strip()) is not None
