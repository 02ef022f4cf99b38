"""What a vote says of every option, not of the winner alone: soft targets for training.

A ballot estimates the probability p that its winner is right. The rest, 1 - p, goes to the other options by the votes
they got: with v_o the mean over languages of the share of a language's answers that name option o, and K options,

    t_winner = p        t_o = (1 - p) (v_o + 1/K) / sum over the other options of (v + 1/K)

No other option gets more than the winner: what lies above p is shared by all options evenly, the winner included.
"""

from __future__ import annotations

from calm_ext.records import Ballot


def soft_targets(ballot: Ballot, n_options: int) -> list[float]:
    """The probability of each option of a decided question; they sum to 1.

    A winner without an estimated probability, as by the rule ``gold``, has 1.

    >>> votes = {"en": [0], "fr": [0], "de": [2]}
    >>> ballot = Ballot(id="q", winner=0, margin=0.3, probability=0.8, votes=votes, weights={})
    >>> [round(t, 3) for t in soft_targets(ballot, 3)]
    [0.8, 0.067, 0.133]
    """
    winner = ballot.winner
    assert winner is not None
    p = 1.0 if ballot.probability is None else max(ballot.probability, 1 / n_options)
    named = [1 / n_options] * n_options
    for answers in ballot.votes.values():
        for answer in answers:
            if answer is not None:
                named[answer] += 1 / len(answers) / len(ballot.votes)
    rest = sum(named) - named[winner]
    targets = [p if o == winner else (1 - p) * v / rest for o, v in enumerate(named)]
    excess = sum(max(t - p, 0) for t in targets)
    return [min(t, p) + excess / n_options for t in targets]
