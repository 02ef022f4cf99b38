"""The questions of Babel (:mod:`calm_ext.babel`): ``train`` are those CALM asks, ``test`` are held out."""

from __future__ import annotations

from collections.abc import Sequence

from calm_ext.babel.world import Split
from calm_ext.data.parallel.align import Joined


def load(split: Split, *, languages: Sequence[str], seed: int = 0) -> Joined:
    """The questions of the world with that seed; parallel by construction."""
    from calm_ext.babel import BabelConfig, questions

    return Joined(questions(BabelConfig(seed=seed), split))
