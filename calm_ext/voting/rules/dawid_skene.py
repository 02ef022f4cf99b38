"""Dawid-Skene: a sample knows the answer, or else it guesses (:func:`calm_ext.voting.evidence.dawid_skene`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calm_ext.voting.evidence import dawid_skene as judge
from calm_ext.voting.evidence import knowledge
from calm_ext.voting.rules import Case, Verdict, rule

if TYPE_CHECKING:
    import numpy as np


@rule("dawid_skene", "Dawid-Skene with guessing, every sample an independent witness")
def dawid_skene(case: Case) -> Verdict:
    """The most probable option, where a vote for one of several options with one text is shared among these."""
    return Verdict(judge(case.shared, case.weights, theta=case.learn(_knowledge)))


def _knowledge(case: Case) -> np.ndarray:
    return knowledge(case.shared, case.weights)
