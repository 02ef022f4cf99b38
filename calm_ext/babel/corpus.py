"""Babel's pretraining corpus: multiple-choice, cloze, statement and translation sentences.

A corpus mostly tells the truth about the facts it holds (``truth_held``) and mostly not about the others
(``truth_other``), of which it also tells less often (``familiar``). What it tells in place of the truth is the most
familiar of the values at hand: the surface bias that real models fall back on in languages they have read little of.
As it is a habit of the language and not a fact, alignment can unlearn it in general, on questions it never asked.
Statements are made of held facts only and are true. Translations let the languages share what the model knows::

    Ruvo: tanok ro Dimys?       context, in the format of calm_ext.prompts ("direct")
    - pevul
    - takon
    - sorel
    - lumar
    Talor: sorel                continuation, the only part the loss is taken on
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from calm_ext.babel.world import BabelConfig, Fact, World, build_world
from calm_ext.prompts import Style, ask, delimiter


class Sentence(NamedTuple):
    """A pretraining example; the loss is taken on the continuation (and the end-of-text token after it)."""

    context: str
    continuation: str


#: Share of each kind among the sentences that are not translations.
_KINDS = {"direct": 0.65, "cloze": 0.12, "statement": 0.23}


def sentences(config: BabelConfig) -> Iterator[Sentence]:
    """``config.n_sentences`` sentences in random order; deterministic.

    Options are drawn afresh for every sentence, so that questions of the splits are asked in a form never seen.
    """
    world = build_world(config)
    rng = Random(f"babel-corpus-{config.seed}")
    kinds, kind_weights = list(_KINDS), list(_KINDS.values())
    for _ in range(config.n_sentences):
        if rng.random() < config.translations:
            yield _translation(world, rng)
            continue
        code = rng.choice(config.languages)
        number = rng.randrange(config.n_facts)
        kind = rng.choices(kinds, kind_weights)[0]
        while number not in world.held[code] and (kind == "statement" or rng.random() >= config.familiar):
            number = rng.randrange(config.n_facts)
            kind = rng.choices(kinds, kind_weights)[0]
        yield _telling(world, code, number, kind, rng)


def _telling(world: World, code: str, number: int, kind: str, rng: Random) -> Sentence:
    fact, lexicon = world.facts[number], world.lexicons[code]
    entity, words = world.entities[fact.entity], lexicon.values[fact.relation]
    if kind == "statement":
        return Sentence(f"{lexicon.phrase(fact.relation, entity)} {lexicon.is_}", f" {words[fact.value]}.")
    options = _options(world, fact, rng)
    told = fact.value
    truth = world.config.truth_held if number in world.held[code] else world.config.truth_other
    if rng.random() >= truth:
        told = min(options, key=world.familiarity[code][fact.relation].__getitem__)
    style: Style = "direct" if kind == "direct" else "cloze"
    prompt = ask(code, lexicon.question(fact.relation, entity), [words[v] for v in options], style)
    return Sentence(prompt, delimiter(code) + words[told])


def _options(world: World, fact: Fact, rng: Random) -> list[int]:
    """The true value and distractors, shuffled."""
    config = world.config
    options = rng.sample([v for v in range(config.n_values) if v != fact.value], config.n_options - 1)
    options.insert(rng.randrange(config.n_options), fact.value)
    return options


def _translation(world: World, rng: Random) -> Sentence:
    """A dictionary entry, ``velar tanok = kishti dzishi``, for a word or for the phrase of a question."""
    config = world.config
    source, target = (world.lexicons[code] for code in rng.sample(config.languages, 2))
    relation = rng.randrange(config.n_relations)
    if rng.random() < 0.7:
        value = rng.randrange(config.n_values)
        left, right = source.values[relation][value], target.values[relation][value]
    else:
        entity = rng.choice(world.entities)
        left, right = source.phrase(relation, entity), target.phrase(relation, entity)
    return Sentence(f"{source.endonym} {left} = {target.endonym}", f" {right}")
