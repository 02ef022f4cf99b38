"""What a recipe says of the vote."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from calm_ext.options import Section


class VotingOptions(Section):
    """How the answer is elected (:mod:`calm_ext.voting.elect`).

    Attributes:
        rule: ``majority`` (the paper), ``correlated``, …: what a vote counts (:data:`calm_ext.voting.elect.RULES`).
        ties, pivot, weights, min_margin, min_probability, min_languages, keep_share: see
            :class:`calm_ext.voting.elect.VoteOptions`.
    """

    rule: Literal["majority", "self_consistency", "leave_one_out", "source", "dawid_skene", "correlated", "zscore"] = (
        "correlated"
    )
    ties: Literal["drop", "pivot", "first"] = "drop"
    pivot: str | None = None
    weights: dict[str, float] = Field(default_factory=dict)
    min_margin: float = Field(0.0, ge=0)
    min_probability: float = Field(0.0, ge=0, le=1)
    min_languages: int = Field(1, ge=1)
    keep_share: float = Field(1.0, gt=0, le=1)
