"""The questions of Babel (:mod:`calm_ext.babel`): ``train`` are those CALM asks, ``test`` are held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from calm_ext.data.parallel.rows import Joined
from calm_ext.data.source import Source
from calm_ext.options import Section
from calm_ext.records import CorpusPassage

if TYPE_CHECKING:
    from calm_ext.babel.world import Split


class WorldOptions(Section):
    """Which world is asked about."""

    seed: int = 0
    """The seed of the world."""


def load(split: Split, *, languages: Sequence[str], seed: int) -> Joined:
    """The questions of the world with that seed; parallel by construction."""
    from calm_ext.babel import BabelConfig, questions

    return Joined(questions(BabelConfig(seed=seed), split))


def load_corpus(*, seed: int) -> list[CorpusPassage]:
    """A sentence for every fact of the world, in the languages that have it."""
    from calm_ext.babel.passages import corpus
    from calm_ext.babel.world import BabelConfig

    return corpus(BabelConfig(seed=seed))


SOURCE = Source(
    name="babel",
    load=load,
    splits=("test", "train"),
    languages=("qaa", "qab", "qac", "qad", "qae"),
    title="Babel, the embedded miniature world, 4 options",
    available=("qaa", "qab", "qac", "qad", "qae"),
    licence="Apache-2.0",
    citation="calm-ext",
    options=WorldOptions,
    any_language=True,
    metadata_names={"seed": "babel_seed"},  # lm-eval puts a seed of its own into a task's metadata
    corpus=load_corpus,
)
