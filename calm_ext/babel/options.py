"""Babel in a recipe."""

from __future__ import annotations

from pydantic import Field

from calm_ext.options import Section


class BabelOptions(Section):
    """Babel, where model.path or data.source is ``babel``."""

    seed: int = 0
    """The seed of its world and of its model's pretraining."""
    passages: float = Field(0.0, ge=0, le=1)
    """Sentences with passages to read, as a share of the pretraining sentences, on top of these; a model for retrieval
    needs some."""
