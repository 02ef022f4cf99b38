"""Babel's questions in English, so that a reader can judge an answer.

Babel's words mean nothing: the world knows relations and values by number only. The words here are names for these
numbers, the same in every world, and no model ever sees them::

    >>> gloss("babel-s0-train-00000").question
    'The craft of Yijedd?'
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from calm_ext.babel.world import BabelConfig, build_world, questions
from calm_ext.records import ParallelQuestion

#: relation -> its values, by their numbers
NAMES = {
    "colour": "red blue green yellow white black brown pink",
    "food": "bread rice fish soup cheese beans honey apples",
    "craft": "baker potter weaver smith tailor mason painter cook",
    "animal": "cat horse goat owl fox bear otter swan",
    "home": "river forest island desert coast valley moor lake",
    "drink": "tea milk water juice coffee cider cocoa broth",
    "instrument": "drum flute harp violin horn bell lute organ",
    "season": "spring summer autumn winter monsoon harvest thaw frost",
}
_ID = re.compile(r"babel-s(\d+)-(train|test)-(\d+)")


class Gloss(NamedTuple):
    """A question and its options in English."""

    question: str
    options: tuple[str, ...]


def gloss(identity: str, texts: Mapping[str, str] | None = None) -> Gloss | None:
    """The English of a question of a world of the usual size; None where there is no such question.

    Args:
        identity: the question's id.
        texts: language -> the question as it was asked; another text than the world's means that it is not this one.
    """
    found = _ID.fullmatch(identity)
    if not found:
        return None
    config = BabelConfig(seed=int(found[1]))
    asked = _questions(config, found[2])
    if int(found[3]) >= len(asked):
        return None
    question = asked[int(found[3])]
    if any(x not in question.versions or question.versions[x].question != text for x, text in (texts or {}).items()):
        return None
    return _in_english(question, config)


@lru_cache(maxsize=8)
def _questions(config: BabelConfig, split: str) -> Sequence[ParallelQuestion]:
    return questions(config, "train" if split == "train" else "test")


def _in_english(question: ParallelQuestion, config: BabelConfig) -> Gloss:
    """By the words of the pivot: no word of a language stands for two things."""
    world = build_world(config)
    lexicon = world.lexicons[config.languages[0]]
    version = question.versions[lexicon.code]
    words = version.question.removesuffix("?").split()
    relation = next(i for i, word in enumerate(lexicon.relations) if word in words)
    entity = next(word for word in words if word in world.entities)
    name, values = list(NAMES.items())[relation]
    options = tuple(values.split()[lexicon.values[relation].index(option)] for option in version.options)
    return Gloss(f"The {name} of {entity}?", options)
