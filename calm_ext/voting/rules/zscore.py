"""Z-scores of the options' log-probabilities, so that no language counts more because its scores are sharper."""

from __future__ import annotations

from calm_ext.voting.evidence import weighted
from calm_ext.voting.rules import Case, Verdict, rule


@rule(
    "zscore",
    "z-scores of option scores per byte, so that no language counts more for being sharper",
    needs_scores=True,
)
def zscore(case: Case) -> Verdict:
    """The option with the largest sum of z-scores; margins are in standard deviations."""
    scores = weighted(case.table.counts(zscored=True), case.weights)
    return Verdict(scores._replace(witness=weighted(case.votes, case.weights).witness))
