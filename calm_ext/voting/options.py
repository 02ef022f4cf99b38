"""How to vote."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, field_validator

from calm_ext.languages.codes import LanguageCode
from calm_ext.options import OneOf, Section
from calm_ext.voting.rules import RULES


class VotingOptions(Section):
    """How the answer is elected (:mod:`calm_ext.voting.elect`)."""

    rule: Annotated[str, OneOf(RULES)] = "correlated"
    """The vote rule; they are listed at the end of `calm-ext vote --help`."""
    ties: Literal["drop", "pivot", "first"] = "drop"
    """Drop a tied question, let the pivot language decide, or take the first option named (the paper's code)."""
    pivot: LanguageCode | None = None
    """The language that decides ties, and the source language where none is recorded."""
    weights: dict[LanguageCode, float] = Field(
        default_factory=dict, json_schema_extra={"flag": "weight", "metavar": "LANGUAGE=NUMBER"}
    )
    """Multiplies the votes of a language; 1 by default."""
    min_margin: float = Field(0.0, ge=0, le=1)
    """Drop winners with a smaller margin, a share of all votes."""
    min_probability: float = Field(0.0, ge=0, le=1)
    """Drop winners whose estimated probability of being right is lower."""
    min_languages: int = Field(1, ge=1)
    """Drop winners that fewer languages put first."""
    keep_share: float = Field(1.0, gt=0, le=1)
    """Keep this share of the decided questions; `keep` says which."""
    keep: Literal["margin", "probability"] = "margin"
    """`margin`: those with the largest margins. `probability`: all questions on which the languages agree, and of the
    others the share that is right with the highest estimated probability."""

    @field_validator("weights")
    @classmethod
    def _weights_are_at_least_zero(cls, weights: dict[str, float]) -> dict[str, float]:
        if any(w < 0 for w in weights.values()):
            raise ValueError("a weight is negative")
        if not all(math.isfinite(w) for w in weights.values()):
            raise ValueError("a weight is a number, 0 or more")
        return weights

    def signature(self) -> str:
        """The part of a signature that names the vote."""
        weights = ".".join(f"{k}={v:g}" for k, v in sorted(self.weights.items())) or "equal"
        by = f"|by:{self.keep}" if self.keep != "margin" else ""
        return (
            f"vote:{self.rule}|ties:{self.ties}|pivot:{self.pivot or 'none'}|weights:{weights}"
            f"|margin:{self.min_margin:g}|probability:{self.min_probability:g}|languages:{self.min_languages}"
            f"|keep:{self.keep_share:g}{by}"
        )
