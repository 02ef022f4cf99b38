"""What a recipe says of Babel."""

from __future__ import annotations

from pydantic import Field

from calm_ext.options import Section


class BabelOptions(Section):
    """Babel, where model.path or data.source is ``babel``.

    Attributes:
        seed: of its world and of its model's pretraining.
        passages: share of the pretraining sentences that come with passages to read; a model for retrieval needs some.
    """

    seed: int = 0
    passages: float = Field(0.0, ge=0, le=1)
