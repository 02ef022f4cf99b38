"""Every sample counts the same: the vote of the paper (Wang et al. 2025, arXiv 2501.18457)."""

from __future__ import annotations

from calm_ext.voting.evidence import weighted
from calm_ext.voting.rules import Case, Verdict, rule


@rule("majority", "all samples count the same (the paper)")
def majority(case: Case) -> Verdict:
    """The option that most samples name."""
    return Verdict(weighted(case.votes, case.weights))
