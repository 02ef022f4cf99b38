"""Babel's pretraining corpus: multiple-choice, cloze, statement and translation sentences.

A corpus mostly tells the truth about the facts it holds (``truth_held``) and mostly errs about the others
(``truth_other``), which it also mentions less often (``familiar``). Where it errs, it gives the most familiar of the
values at hand: the surface bias that real models fall back on in languages they have read little of. This bias is a
habit of the language and not a fact, so alignment can unlearn it in general, also on questions it never asked.
Statements are made of held facts only and are true. Translations let the languages share what the model knows::

    Ruvo: tanok ro Dimys?       context, in the format of calm_ext.prompts ("direct")
    - pevul
    - takon
    - sorel
    - lumar
    Talor: sorel                continuation, the only part the loss is taken on

With ``config.passages`` above 0, some multiple-choice sentences begin with one to three passages, in the format of
retrieved ones: each states a fact, mostly in the language itself, sometimes in the pivot's, as in real libraries.
Mostly the fact that is asked for is among them, and then the answer follows it nine times in ten; where it is not, the
answer is the one that the language would give without passages. Passages are true for some of the facts that the corpus
holds, and made up for all others. So the model learns to look a fact up (less well in another language) and to ignore
passages beside the point, but learns no fact that its corpus is meant to lack.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from calm_ext.babel.passages import statement
from calm_ext.babel.world import BabelConfig, Fact, World, build_world
from calm_ext.prompts import Style, ask, delimiter


class Sentence(NamedTuple):
    """A pretraining example; the loss is taken on the continuation (and the end-of-text token after it)."""

    context: str
    continuation: str


#: Share of each kind among the sentences that are not translations.
_KINDS = {"direct": 0.65, "cloze": 0.12, "statement": 0.23}

#: With passages: their largest number, how often the fact asked for is among them, how often they are in the pivot's
#: language, how often the answer follows the passage, how often a passage tells the truth about a fact that the corpus
#: holds, and the share of questions without their options.
_MOST, _AMONG, _IN_PIVOT, _FOLLOWED, _TRUE, _CLOZE = 3, 0.7, 0.25, 0.9, 0.5, 0.15


def sentences(config: BabelConfig) -> Iterator[Sentence]:
    """``config.corpus_size`` sentences in random order; deterministic.

    Options are drawn afresh for every sentence, so that questions of the splits are asked in a form never seen.
    """
    world = build_world(config)
    rng = Random(f"babel-corpus-{config.seed}")
    kinds, kind_weights = list(_KINDS), list(_KINDS.values())
    for _ in range(config.corpus_size):
        reads = config.passages > 0 and rng.random() < config.passages / (1 + config.passages)
        if not reads and rng.random() < config.translations:
            yield _translation(world, rng)
            continue
        code = rng.choice(config.languages)
        number = rng.randrange(config.n_facts)
        if reads:
            yield _telling(world, code, number, "cloze" if rng.random() < _CLOZE else "direct", rng, reads=True)
            continue
        kind = rng.choices(kinds, kind_weights)[0]
        while number not in world.held[code] and (kind == "statement" or rng.random() >= config.familiar):
            number = rng.randrange(config.n_facts)
            kind = rng.choices(kinds, kind_weights)[0]
        yield _telling(world, code, number, kind, rng)


def _telling(world: World, code: str, number: int, kind: str, rng: Random, *, reads: bool = False) -> Sentence:
    fact, lexicon = world.facts[number], world.lexicons[code]
    entity, words = world.entities[fact.entity], lexicon.values[fact.relation]
    if kind == "statement":
        return Sentence(f"{lexicon.phrase(fact.relation, entity)} {lexicon.is_}", f" {words[fact.value]}.")
    options = _options(world, fact, rng)
    value = fact.value
    truth = world.config.truth_held if number in world.held[code] else world.config.truth_other
    if rng.random() >= truth:
        value = min(options, key=world.familiarity[code][fact.relation].__getitem__)
    style: Style = "direct" if kind == "direct" else "cloze"
    passages: list[str] = []
    if reads:
        true = number in world.held[code] and rng.random() < _TRUE
        passages, said = _passages(world, code, fact, [fact.value] if true else options, rng)
        if said is not None and rng.random() < _FOLLOWED:
            value = said
    prompt = ask(code, lexicon.question(fact.relation, entity), [words[v] for v in options], style, passages)
    return Sentence(prompt, delimiter(code) + words[value])


def _passages(world: World, code: str, fact: Fact, values: list[int], rng: Random) -> tuple[list[str], int | None]:
    """Sentences to read, and which of the values they give the fact, None where it is not among them.

    The others are of its entity or of its relation, as those that a search finds.
    """
    config = world.config
    language = config.languages[0] if rng.random() < _IN_PIVOT else code
    shown = []
    for _ in range(rng.randint(1, _MOST)):
        entity, relation = fact.entity, fact.relation
        if rng.random() < 0.5:
            entity = rng.choice([e for e in range(config.n_entities) if e != entity] or [entity])
        else:
            relation = rng.choice([r for r in range(config.n_relations) if r != relation] or [relation])
        shown.append(Fact(entity, relation, rng.randrange(config.n_values)))
    said = rng.choice(values) if rng.random() < _AMONG else None
    if said is not None:
        shown[rng.randrange(len(shown))] = fact._replace(value=said)
    return [statement(world, language, f) for f in shown], said


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
