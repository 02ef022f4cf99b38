"""The source language leads; where none does, the languages count by how they agree.

Of samples Dawid-Skene decides then, the samples of a language being one witness repeated; of scores the sum of the
probabilities, each language weighted by its agreement with the others.

The translations of a question share what is lost in translation, and a model that knows one language best errs in the
others alike: their agreement is not evidence against that language (docs/RESULTS.md). So the source, or else the
language that stands out (:func:`calm_ext.voting.sources.find_leaders`), decides, and the others settle what its samples
leave open.

Where none does, a language's n samples count as n / (1 + (n - 1) ρ_l) votes, their effective number (Kish 1965, Survey
Sampling, on cluster samples), where ρ_l is the part of the agreement between its samples that its agreement with other
languages does not explain (:func:`calm_ext.voting.evidence.effective_votes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from calm_ext.voting.evidence import (
    Evidence,
    cross_agreement,
    dawid_skene,
    effective_votes,
    either,
    knowledge,
    led,
    reliability,
    repetition,
    weighted,
)
from calm_ext.voting.rules import Case, Verdict, rule
from calm_ext.voting.sources import find_leaders

if TYPE_CHECKING:
    import numpy as np

    from calm_ext.voting.counts import Counts


@rule("correlated", "the source leads, or the language the model is surest in; else languages count by how they agree")
def correlated(case: Case) -> Verdict:
    """The option with the most evidence; a vote for one of several options with one text is shared among these."""
    found, shared = find_leaders(case), case.shared
    rows = found.columns >= 0
    if not rows.any():
        return Verdict(_unled(case), (), found.notes)
    ahead = led(shared, case.weights, found.columns)
    evidence = either(rows, ahead, ahead if rows.all() else _unled(case), shared)
    chances = _by_scores(shared, evidence, found.columns) if shared.scored else None
    return Verdict(evidence, found.languages, found.notes, probability=chances)


def _unled(case: Case) -> Evidence:
    """Of scores the sum of probabilities, weighted by agreement with the others as in ``leave_one_out``.

    A probability is no number of samples, which Dawid-Skene would take it for.
    """
    if case.votes.scored:
        return weighted(case.shared, case.weights * case.learn(_reliability))
    worth = effective_votes(case.votes, case.learn(_repetition))
    return dawid_skene(case.shared, case.weights, worth=worth, theta=case.learn(_knowledge))


def _reliability(case: Case) -> np.ndarray:
    return reliability(cross_agreement(case.shared), case.shared)


def _repetition(case: Case) -> np.ndarray:
    return repetition(case.votes)


def _knowledge(case: Case) -> np.ndarray:
    worth = effective_votes(case.votes, case.learn(_repetition))
    return knowledge(case.shared, case.weights, worth=worth)


def _by_scores(votes: Counts, evidence: Evidence, leader: np.ndarray) -> np.ndarray:
    """(N,) the larger of two chances that a winner is right: the leader's own, and the share of the others that agree.

    Scores are the model's own probabilities, which say more than agreement does: languages that do not know the answer
    do not make a leader less right (docs/RESULTS.md). NaN where no language leads.
    """
    import numpy as np

    rows = np.arange(len(leader))
    winners, _ = evidence.leads(votes.valid)
    own = votes.counts[rows, np.maximum(leader, 0), winners]
    others = votes.asked & (np.arange(len(votes.languages))[None, :] != leader[:, None])
    first = votes.counts[rows, :, winners] >= votes.counts.max(2) - 1e-12
    agree = (first & others).sum(1) / np.maximum(others.sum(1), 1)
    result: np.ndarray = np.where(leader >= 0, np.maximum(own, agree), np.nan)
    return result
