"""A language counts by how often it agrees with the other languages, above chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calm_ext.voting.evidence import cross_agreement, reliability, weighted
from calm_ext.voting.rules import Case, Verdict, rule

if TYPE_CHECKING:
    import numpy as np


@rule("leave_one_out", "a language counts by how often it agrees with the others")
def leave_one_out(case: Case) -> Verdict:
    """The option with the largest sum of shares, weighted by :func:`~calm_ext.voting.evidence.cross_agreement`."""
    return Verdict(weighted(case.votes, case.weights * case.learn(_reliability)))


def _reliability(case: Case) -> np.ndarray:
    return reliability(cross_agreement(case.votes), case.votes)
