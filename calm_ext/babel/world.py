"""Babel's world: invented languages, entities, relations, and who knows what.

A fact is an entity, a relation and a value: ``(Karido, colour, red)``. Everything is an index here; only
:class:`Lexicon` knows the words. Entities have one name in all languages, as proper names do; relations and values
have a word of their own in each. The corpus of each language *holds* a share of the facts, nearly all in the pivot
and fewer in every further language. Where a language's corpus errs, and on facts it does not hold it mostly does, it
errs by a bias: it gives the value most familiar in that language (:attr:`World.familiarity`). A question is a fact
with three other values of the relation as distractors::

    >>> len(build_world(BabelConfig()).facts)
    480
    >>> list(questions(BabelConfig(), "train")[0].versions)
    ['qaa', 'qab', 'qac', 'qad', 'qae']
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from random import Random
from types import MappingProxyType
from typing import Literal, NamedTuple

from calm_ext.babel.words import WordMaker
from calm_ext.errors import CalmError
from calm_ext.languages import get_language
from calm_ext.languages.babel import BABEL_CODES
from calm_ext.records import ParallelQuestion, Version

Split = Literal["train", "test"]


@dataclass(frozen=True, kw_only=True)
class BabelConfig:
    """Everything a world and its model are made from; the same config gives the same model on the same machine.

    Attributes:
        seed: of the world, the corpus and the weights.
        n_languages: 2 to 8; the first is the pivot.
        n_entities, n_relations: the fact table has a row for every entity and relation.
        n_values: values a relation can take.
        n_options: options of a question, the right one among them.
        n_train: facts asked by the split "train"; all others are "test".
        shares: share of the facts held by the corpus of each language, pivot first; None spreads them evenly
            from ``pivot_share`` to ``weakest_share``.
        truth_held, truth_other: how often a corpus tells the truth about a fact it holds, and about one it does not;
            otherwise it gives the most familiar of the values at hand.
        familiar: how often a corpus tells of a fact it does not hold, relative to one it does.
        translations: share of the corpus that translates words or statements.
        passages: sentences with passages to read, as a share of ``n_sentences``, that come on top of these; the default
            model reads none.
        n_sentences: size of the corpus.
        hidden_size, n_layers, n_heads, intermediate_size: of the Llama model.
        batch_size: sentences per optimiser step; n_sentences / batch_size steps are made.
        learning_rate: peak, reached after a short warm-up, then decayed to 0 by a cosine.
    """

    seed: int = 0
    n_languages: int = 5
    n_entities: int = 60
    n_relations: int = 8
    n_values: int = 8
    n_options: int = 4
    n_train: int = 320
    shares: tuple[float, ...] | None = None
    pivot_share: float = 0.95
    weakest_share: float = 0.35
    truth_held: float = 0.88
    truth_other: float = 0.3
    familiar: float = 0.7
    translations: float = 0.1
    passages: float = 0.0
    n_sentences: int = 80_000
    hidden_size: int = 96
    n_layers: int = 3
    n_heads: int = 4
    intermediate_size: int = 256
    batch_size: int = 64
    learning_rate: float = 3e-3

    def __post_init__(self) -> None:
        """Refuse a configuration from which no world can be built.

        Raises:
            CalmError: naming the field and its limits.
        """
        if self.shares is not None:
            object.__setattr__(self, "shares", tuple(self.shares))
        counts = ("n_entities", "n_relations", "n_sentences", "hidden_size", "n_layers", "n_heads", "batch_size")
        for name in counts:
            if getattr(self, name) < 1:
                raise CalmError(f"{name}={getattr(self, name)} must be at least 1")
        if not 2 <= self.n_languages <= len(BABEL_CODES):
            raise CalmError(f"Babel has 2 to {len(BABEL_CODES)} languages, not n_languages={self.n_languages}")
        if not 2 <= self.n_options <= self.n_values:
            raise CalmError(f"n_options={self.n_options} must be 2 to n_values={self.n_values}")
        if not 0 < self.n_train < self.n_facts:
            raise CalmError(f"n_train={self.n_train} must leave some of the {self.n_facts} facts for the test split")
        if self.shares is not None and len(self.shares) != self.n_languages:
            raise CalmError(f"{len(self.shares)} shares for {self.n_languages} languages")
        shares = (*self.language_shares, self.truth_held, self.truth_other, self.translations, self.passages)
        if not all(0 <= share <= 1 for share in shares):
            raise CalmError(f"shares, truth_held, truth_other, translations, passages must be 0 to 1, not {shares}")
        if not 0 < self.familiar <= 1:
            raise CalmError(f"familiar={self.familiar} must be above 0 and at most 1")
        if self.hidden_size % self.n_heads:
            raise CalmError(f"hidden_size={self.hidden_size} is not a multiple of n_heads={self.n_heads}")

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes, pivot first."""
        return BABEL_CODES[: self.n_languages]

    @property
    def n_facts(self) -> int:
        """Rows of the fact table."""
        return self.n_entities * self.n_relations

    @property
    def corpus_size(self) -> int:
        """Sentences of the corpus, those with passages included."""
        return self.n_sentences + round(self.n_sentences * self.passages)

    @property
    def language_shares(self) -> tuple[float, ...]:
        """Share of the facts held per language, in the order of :attr:`languages`."""
        if self.shares is not None:
            return self.shares
        step = (self.pivot_share - self.weakest_share) / (self.n_languages - 1)
        return tuple(round(self.pivot_share - i * step, 6) for i in range(self.n_languages))

    @property
    def content_hash(self) -> str:
        """16 hexadecimal digits that change with any field; ``passages`` counts only where it is above 0."""
        fields = asdict(self)
        if not self.passages:
            del fields["passages"]
        text = json.dumps(fields, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Fact(NamedTuple):
    """One row of the fact table; indices into the world's entities, relations and the relation's values."""

    entity: int
    relation: int
    value: int


class Lexicon(NamedTuple):
    """The words of one language.

    Attributes:
        code: of the language.
        endonym: its own name, which marks it in translations.
        relations: relation -> word.
        values: relation -> value -> word.
        of, is_: the two function words.
        order: template of the phrase "the {rel} {of} {ent}" in the language's word order.
    """

    code: str
    endonym: str
    relations: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    of: str
    is_: str
    order: str

    def phrase(self, relation: int, entity: str) -> str:
        """The words for "the relation of the entity", in the language's word order."""
        return self.order.format(rel=self.relations[relation], of=self.of, ent=entity)

    def question(self, relation: int, entity: str) -> str:
        """The question for a fact, without options."""
        return self.phrase(relation, entity) + "?"


@dataclass(frozen=True)
class World:
    """A whole world.

    Attributes:
        config: what it was built from.
        entities: names, shared by all languages.
        lexicons: code -> words.
        facts: the fact table, shuffled; the first ``config.n_train`` are the split "train".
        held: code -> indices of the facts that the language's corpus holds.
        familiarity: code -> relation -> value -> rank, 0 the most familiar.
    """

    config: BabelConfig
    entities: tuple[str, ...]
    lexicons: Mapping[str, Lexicon]
    facts: tuple[Fact, ...]
    held: Mapping[str, frozenset[int]]
    familiarity: Mapping[str, tuple[tuple[int, ...], ...]]


_ORDERS = ("{rel} {of} {ent}", "{ent} {of} {rel}", "{of} {ent} {rel}", "{rel} {ent} {of}")


def _shuffled(rng: Random, n: int) -> tuple[int, ...]:
    order = list(range(n))
    rng.shuffle(order)
    return tuple(order)


@lru_cache(maxsize=16)
def build_world(config: BabelConfig) -> World:
    """The world of a config; pure and deterministic."""
    rng = Random(f"babel-world-{config.seed}")
    maker = WordMaker(rng, reserved=_cue_words())
    entities = tuple(maker.name() for _ in range(config.n_entities))
    lexicons = {}
    for position, code in enumerate(config.languages):
        lexicons[code] = Lexicon(
            code=code,
            endonym=get_language(code).endonym,
            relations=tuple(maker.word(code) for _ in range(config.n_relations)),
            values=tuple(tuple(maker.word(code) for _ in range(config.n_values)) for _ in range(config.n_relations)),
            of=maker.particle(code),
            is_=maker.particle(code),
            order=_ORDERS[position % len(_ORDERS)],
        )
    facts = [
        Fact(entity, relation, rng.randrange(config.n_values))
        for entity in range(config.n_entities)
        for relation in range(config.n_relations)
    ]
    rng.shuffle(facts)
    parts = (range(config.n_train), range(config.n_train, config.n_facts))
    held = {
        code: frozenset(i for part in parts for i in rng.sample(part, round(share * len(part))))
        for code, share in zip(config.languages, config.language_shares, strict=True)
    }
    familiarity = {
        code: tuple(_shuffled(rng, config.n_values) for _ in range(config.n_relations)) for code in config.languages
    }
    return World(
        config=config,
        entities=entities,
        lexicons=MappingProxyType(lexicons),
        facts=tuple(facts),
        held=MappingProxyType(held),
        familiarity=MappingProxyType(familiarity),
    )


def _cue_words() -> set[str]:
    rows = [get_language(code) for code in BABEL_CODES]
    return {word for row in rows for word in (row.question, row.explanation, row.answer, row.passage, row.endonym)}


def questions(config: BabelConfig, split: Split) -> list[ParallelQuestion]:
    """The questions of a split, one per fact, in every language of the world.

    The position of the right option is balanced: each index occurs equally often, give or take one.

    Args:
        config: of the world.
        split: "train", the facts CALM asks about, or "test", the other facts, kept from alignment.

    Returns:
        ``n_train`` or ``n_facts - n_train`` questions with ids like ``babel-s0-train-00012``.

    Raises:
        CalmError: no such split.
    """
    world = build_world(config)
    if split == "train":
        facts = world.facts[: config.n_train]
    elif split == "test":
        facts = world.facts[config.n_train :]
    else:
        raise CalmError(f"Babel has the splits train and test, not {split!r}")
    rng = Random(f"babel-questions-{config.seed}-{split}")
    positions = [i % config.n_options for i in range(len(facts))]
    rng.shuffle(positions)
    result = []
    for number, (fact, answer) in enumerate(zip(facts, positions, strict=True)):
        options = rng.sample([v for v in range(config.n_values) if v != fact.value], config.n_options - 1)
        options.insert(answer, fact.value)
        versions = {
            code: Version(
                question=lexicon.question(fact.relation, world.entities[fact.entity]),
                options=[lexicon.values[fact.relation][v] for v in options],
            )
            for code, lexicon in world.lexicons.items()
        }
        result.append(
            ParallelQuestion(
                id=f"babel-s{config.seed}-{split}-{number:05d}",
                answer=answer,
                source_language=config.languages[0],
                versions=versions,
            )
        )
    return result
