"""What a recipe says of pairs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from calm_ext.options import Section


class PairingOptions(Section):
    """How pairs are built.

    Attributes:
        fallback, reject_unparsed, drop_contradictions, max_per_question, max_per_language, max_ratio, max_length_ratio,
            seed: see :class:`calm_ext.pairing.build.PairOptions`.
        translator: folder of the model that translates where ``fallback`` is ``translate``; default: the model itself.
    """

    fallback: Literal["skip", "answer_only", "translate"] = "answer_only"
    translator: str | None = None
    reject_unparsed: bool = False
    drop_contradictions: bool = True
    max_per_question: int = Field(2, ge=1)
    max_per_language: int | None = Field(None, ge=1)
    max_ratio: float | None = Field(None, ge=1)
    max_length_ratio: float | None = Field(None, ge=1)
    seed: int = 0
