"""The ``babel`` section of a recipe."""

from __future__ import annotations

from pydantic import Field

from calm_ext.options import Section


class BabelOptions(Section):
    """Babel, where ``model.path`` or ``data.source`` is ``babel``."""

    seed: int = 0
    """Seed of the world and of its model's pretraining."""
    passages: float = Field(0.0, ge=0, le=1)
    """Share of the pretraining sentences that come with passages to read; a model for retrieval needs some."""
