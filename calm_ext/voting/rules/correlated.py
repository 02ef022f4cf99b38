"""One language leads where the model is surest in it; elsewhere Dawid-Skene, samples of a language being one witness.

The translations of a question share what is lost in translation, and a model that knows one language best errs in the
others alike: their agreement is not evidence against that language (docs/RESULTS.md). So a language that stands out
(:func:`calm_ext.voting.sources.find_leaders`) decides, and the others settle what its samples leave open.

Where none does, a language's n samples count as n / (1 + (n - 1) ρ_l) votes, their effective number (Kish 1965, Survey
Sampling, on cluster samples), where ρ_l is the part of the agreement between its samples that its agreement with other
languages does not explain (:func:`calm_ext.voting.evidence.effective_votes`).
"""

from __future__ import annotations

from calm_ext.voting.evidence import dawid_skene, effective_votes, either, led
from calm_ext.voting.rules import Case, Verdict, rule
from calm_ext.voting.sources import find_leaders


@rule("correlated", "the language the model is surest in leads; without one, Dawid-Skene for samples that repeat")
def correlated(case: Case) -> Verdict:
    """The most probable option, where a vote for one of several options with one text is shared among these."""
    found = find_leaders(case.votes, case.pivot)
    shared = case.table.counts(share_equal=True)
    equal = dawid_skene(shared, case.weights, worth=effective_votes(case.votes))
    rows = found.columns >= 0
    if not rows.any():
        return Verdict(equal, (), found.notes)
    evidence = either(rows, led(shared, case.weights, found.columns), equal, shared)
    return Verdict(evidence, found.languages, found.notes)
