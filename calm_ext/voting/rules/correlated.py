"""Dawid-Skene where samples of one language are one witness repeated, and so are translations of one source.

A language's n samples count as n / (1 + (n - 1) ρ_l) votes, their effective number (Kish 1965, Survey Sampling, on
cluster samples), where ρ_l is the part of the agreement between its samples that its agreement with other languages
does not explain (:func:`calm_ext.voting.evidence.effective_votes`). The translations of a source are scaled to weigh as
much as the source.
"""

from __future__ import annotations

from calm_ext.voting.evidence import dawid_skene, effective_votes
from calm_ext.voting.rules import Case, Verdict, rule
from calm_ext.voting.sources import find_sources


@rule("correlated", "Dawid-Skene where samples of a language, and translations of a source, repeat each other")
def correlated(case: Case) -> Verdict:
    """The most probable option, where a vote for one of several options with one text is shared among these."""
    found = find_sources(case.votes, case.pivot)
    shared = case.table.counts(share_equal=True)
    evidence = dawid_skene(shared, case.weights, worth=effective_votes(case.votes), source=found.columns)
    return Verdict(evidence, found.languages, found.notes)
