"""Dawid-Skene: a sample knows the answer, or else it guesses (:func:`calm_ext.voting.evidence.dawid_skene`)."""

from __future__ import annotations

from calm_ext.voting.evidence import dawid_skene as fit
from calm_ext.voting.rules import Case, Verdict, rule


@rule("dawid_skene", "Dawid-Skene with guessing, every sample an independent witness")
def dawid_skene(case: Case) -> Verdict:
    """The most probable option, where a vote for one of several options with one text is shared among these."""
    return Verdict(fit(case.table.counts(share_equal=True), case.weights))
