"""Babel's corpus of passages: a sentence for every fact, in the languages that have it.

The pivot has nearly all of them, each further language fewer, and the last none: as in real libraries, what a reader
can look up depends on the language. The passages of one fact have the same id in all languages, as translations do.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from calm_ext.babel.world import BabelConfig, Fact, World, build_world
from calm_ext.records import CorpusPassage


def passage_shares(config: BabelConfig) -> tuple[float, ...]:
    """Share of the facts that have a passage, per language, pivot first; the last has none.

    >>> passage_shares(BabelConfig())
    (0.95, 0.7125, 0.475, 0.2375, 0.0)
    """
    step = config.pivot_share / (config.n_languages - 1)
    return tuple(round(max(config.pivot_share - i * step, 0.0), 6) for i in range(config.n_languages))


def statement(world: World, code: str, fact: Fact) -> str:
    """The sentence that tells a fact in a language: ``tanok ro Dimys ke sorel.``"""
    lexicon = world.lexicons[code]
    phrase = lexicon.phrase(fact.relation, world.entities[fact.entity])
    return f"{phrase} {lexicon.is_} {lexicon.values[fact.relation][fact.value]}."


def corpus(config: BabelConfig, *, shares: Sequence[float] | None = None) -> list[CorpusPassage]:
    """All passages, language by language; each answers the question of its fact.

    Args:
        shares: one per language, pivot first; default: :func:`passage_shares`.
    """
    world = build_world(config)
    found = []
    for code, share in zip(config.languages, shares or passage_shares(config), strict=True):
        rng = Random(f"babel-passages-{config.seed}-{code}")
        for number in sorted(rng.sample(range(config.n_facts), round(share * config.n_facts))):
            train = number < config.n_train
            place = number if train else number - config.n_train
            question = f"babel-s{config.seed}-{'train' if train else 'test'}-{place:05d}"
            text = statement(world, code, world.facts[number])
            found.append(CorpusPassage(id=f"fact-{number:05d}", language=code, text=text, answers=[question]))
    return found
