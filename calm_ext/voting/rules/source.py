"""The source language of a question counts as much as all its translations together.

What is lost in translation is lost in all translations of a source, so these are one witness and the source another.
"""

from __future__ import annotations

from calm_ext.voting.evidence import weighted
from calm_ext.voting.rules import Case, Verdict, rule
from calm_ext.voting.sources import find_sources


@rule("source", "the language a question was written in counts as much as all its translations")
def source(case: Case) -> Verdict:
    """The option with the largest sum of shares of two witnesses, the source and the translations."""
    found = find_sources(case)
    return Verdict(weighted(case.votes, case.weights, source=found.columns), found.languages, found.notes)
