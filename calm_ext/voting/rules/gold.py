"""The gold answer wins: not a vote, but what a perfect vote would give, the upper bound of every other rule."""

from __future__ import annotations

from calm_ext.voting.evidence import Evidence
from calm_ext.voting.rules import Case, Verdict, rule


@rule("gold", "the gold answer wins: the supervised upper bound of the others", needs_gold=True)
def gold(case: Case) -> Verdict:
    """The gold answer with margin and probability 1; questions without one are undecided. Votes and weights are unused.

    Every language that was asked speaks for the gold answer with all its weight.
    """
    import numpy as np

    votes = case.votes
    answers = np.array([-1 if q.gold is None else q.gold for q in case.table.questions])
    known = answers >= 0
    is_gold = np.arange(votes.counts.shape[2]) == answers[:, None]  # (N, O)
    most = votes.asked.astype(float)
    evidence = Evidence(
        values=most[:, :, None] * is_gold[:, None, :],
        witness=most / most.sum(1, keepdims=True),
        most=most,
        weights=np.ones(len(votes.languages)),
    )
    return Verdict(evidence, decided=known, probability=np.where(known, 1.0, np.nan))
