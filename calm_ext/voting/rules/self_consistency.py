"""A language counts by how often two of its samples agree, above chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calm_ext.voting.evidence import reliability, self_agreement, weighted
from calm_ext.voting.rules import Case, Verdict, rule

if TYPE_CHECKING:
    import numpy as np


@rule("self_consistency", "a language counts by how often its samples agree with each other")
def self_consistency(case: Case) -> Verdict:
    """The option with the largest sum of shares, weighted by :func:`~calm_ext.voting.evidence.self_agreement`."""
    return Verdict(weighted(case.votes, case.weights * case.learn(_reliability)))


def _reliability(case: Case) -> np.ndarray:
    return reliability(self_agreement(case.votes), case.votes)
