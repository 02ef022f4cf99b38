"""The vote: from answers in several languages to one elected answer with a probability of being right.

A rule (:data:`calm_ext.voting.rules.RULES`) says how much each language speaks for each option; the option with the
largest sum is elected. The margin is its lead over the runner-up, as a share of what could be said for one option if
all samples named it. The margin is the strongest filter there is (docs/RESULTS.md). Where the probability comes from is
explained in :mod:`calm_ext.voting.calibration`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING, NamedTuple, overload

from calm_ext.errors import CalmError
from calm_ext.records import Ballot
from calm_ext.voting.calibration import Estimate, estimated, expected_agreement
from calm_ext.voting.counts import Counts
from calm_ext.voting.evidence import Evidence
from calm_ext.voting.letters import letter_notes
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.rules import RULES, Case, Verdict
from calm_ext.voting.table import VoteTable

if TYPE_CHECKING:
    import numpy as np


class Election(NamedTuple):
    """The outcome of a vote.

    Attributes:
        ballots: one a question, in the table's order; undecided and dropped questions have no winner. Each is made when
            it is asked for, so that those of a million questions need no memory.
        weights: language -> how much it counted; their mean is 1 where a rule learned them.
        sources: the languages taken as sources.
        notes: what a reader should know, one line each.
        estimate: how many of all questions the vote is right on, without gold; None where gold was used, or nothing was
            decided.
    """

    ballots: Sequence[Ballot]
    weights: dict[str, float]
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    estimate: Estimate | None


def elect(table: VoteTable, options: VotingOptions) -> Election:
    """Vote on all questions.

    Raises:
        CalmError: the rule needs option scores or gold answers and there are none; a language that is named is not
            there; ``ties`` is ``pivot`` without a pivot; all languages have weight 0.
    """
    import numpy as np

    votes, verdict = _judge(table, options)
    evidence = verdict.evidence
    outcome = _outcomes(table, options, votes, evidence, verdict.decided)
    won = outcome.winners >= 0
    chances = np.full(len(won), np.nan) if verdict.probability is None else np.where(won, verdict.probability, np.nan)
    if np.isnan(chances[won]).any():
        agreed = expected_agreement(votes, evidence, outcome.winners, outcome.margins)
        chances = np.where(np.isnan(chances), agreed, chances)
    keep = (outcome.winners >= 0) & (outcome.margins >= options.min_margin - 1e-9)
    keep &= np.nan_to_num(chances) >= options.min_probability - 1e-9
    keep &= outcome.supporters >= options.min_languages
    keep = _kept(table, options, outcome, chances, keep)
    weights = {x: float(evidence.weights[i]) for i, x in enumerate(votes.languages)}
    winners = np.where(keep, outcome.winners, -1)
    ballots = _Ballots(table, outcome._replace(winners=winners), chances, weights)
    compared = [table.normalized.note] if table.normalized and table.normalized.note else []
    notes = (*compared, *letter_notes(table.letters), *_not_asked(votes), *verdict.notes)
    gold = RULES[options.rule].needs_gold
    estimate = None if gold else estimated(votes, winners, chances)
    return Election(ballots, weights, verdict.sources, notes, estimate)


class _Ballots(Sequence[Ballot]):
    """The ballots of a table, each made when it is asked for.

    Args:
        outcome: the winners that are kept.
        chances: (N,) that they are right; NaN where that is not known.
    """

    def __init__(self, table: VoteTable, outcome: _Outcomes, chances: np.ndarray, weights: Mapping[str, float]) -> None:
        self._table, self._outcome, self._chances = table, outcome, chances
        self._weights = {x: round(w, 6) for x, w in weights.items()}

    def __len__(self) -> int:
        return len(self._table)

    @overload
    def __getitem__(self, at: int) -> Ballot: ...
    @overload
    def __getitem__(self, at: slice) -> list[Ballot]: ...
    def __getitem__(self, at: int | slice) -> Ballot | list[Ballot]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        i = range(len(self))[at]
        table, won, chance = self._table, int(self._outcome.winners[i]), float(self._chances[i])
        return Ballot(
            id=table.questions[i].id,
            winner=won if won >= 0 else None,
            margin=float(self._outcome.margins[i]),
            probability=None if isnan(chance) else round(chance, 6),
            tie=bool(self._outcome.ties[i]),
            votes={x: list(answers) for x, answers in table.votes[i].items()},
            weights={x: self._weights[x] for x in table.votes[i]},
            rankings={x: table.ranking(i, x) for x in table.scores[i]},
        )


def votes_of_others(table: VoteTable, options: VotingOptions) -> dict[str, dict[str, int]]:
    """question id -> language -> the option that the *other* languages elect; undecided ones are left out.

    This judges a language's answer without a gold label and without counting that language's own vote. Filters do not
    apply.
    """
    votes, verdict = _judge(table, options)
    dropping = options.replace(ties="drop")
    found: dict[str, dict[str, int]] = {q.id: {} for q in table.questions}
    for column, language in enumerate(votes.languages):
        rest_options = dropping if options.ties == "pivot" and options.pivot == language else options
        outcome = _outcomes(
            table, rest_options, votes.without(column), verdict.evidence.without(column), verdict.decided
        )
        for i, question in enumerate(table.questions):
            if votes.asked[i, column] and outcome.winners[i] >= 0:
                found[question.id][language] = int(outcome.winners[i])
    return found


# --- the arithmetic ---------------------------------------------------------------------------------------------------


def _judge(table: VoteTable, options: VotingOptions) -> tuple[Counts, Verdict]:
    """The votes as arrays, and what the rule makes of them."""
    import numpy as np

    votes = table.counts()
    unknown = [x for x in (*options.weights, *([options.pivot] if options.pivot else [])) if x not in votes.languages]
    if unknown:
        have = ", ".join(votes.languages)
        raise CalmError(
            f"there are no votes in {', '.join(unknown)}, which has a weight or is the pivot; votes: {have}"
        )
    if options.ties == "pivot" and options.pivot is None:
        raise CalmError("ties: pivot needs a pivot language")
    if options.min_languages > len(votes.languages):
        raise CalmError(f"min_languages is {options.min_languages}, and there are {len(votes.languages)} languages")
    weights = np.array([options.weights.get(x, 1.0) for x in votes.languages])
    if not weights.any():
        raise CalmError("all languages have weight 0, so nobody votes")
    rule = RULES[options.rule]
    if rule.needs_scores and not table.scored:
        raise CalmError(
            f"vote rule {rule.name} needs option_logprobs, and the generations have samples; use another rule"
        )
    if rule.needs_gold and all(q.gold is None for q in table.questions):
        raise CalmError(f"vote rule {rule.name} needs gold answers, and no question has one; use another rule")
    return votes, rule.function(Case(table, votes, weights, options.pivot))


def _not_asked(votes: Counts) -> list[str]:
    """A note where questions lack languages that others have."""
    lacking = {x: int(n) for x, n in zip(votes.languages, (~votes.asked).sum(0), strict=True) if n}
    if not lacking:
        return []
    n = int((~votes.asked).any(1).sum())
    by_language = ", ".join(f"{x} in {k}" for x, k in lacking.items())
    return [f"{n} of {len(votes.asked)} questions lack a language ({by_language}); the others vote on them"]


def _kept(
    table: VoteTable, options: VotingOptions, outcome: _Outcomes, chances: np.ndarray, keep: np.ndarray
) -> np.ndarray:
    """(N,) which of the questions to keep are within ``keep_share``.

    By margin, it is a share of all of them. By probability, it is a share of those on which the languages differ: where
    all agree there is nothing to learn that would have to be sure, and what is known there is worth holding.
    """
    import numpy as np

    if options.keep_share == 1:
        return keep
    if options.keep == "margin":
        at, worth = np.flatnonzero(keep), [-outcome.margins]
    else:
        at, worth = np.flatnonzero(keep & ~_agreed(table, outcome.winners)), [-outcome.margins, -chances]
    if not len(at):
        return keep
    order = np.lexsort([x[at] for x in worth])  # the last one counts most; equal ones stay in order
    left = keep.copy()
    left[at[order[max(round(options.keep_share * len(at)), 1) :]]] = False
    return left


def _agreed(table: VoteTable, winners: np.ndarray) -> np.ndarray:
    """(N,) whether every language names the winner at least as often as any other option, or names none at all."""
    counts = table.counts(share_equal=True).counts
    own = counts[range(len(winners)), :, winners]
    agreed: np.ndarray = (own >= counts.max(2) - 1e-9).all(1)
    return agreed


class _Outcomes(NamedTuple):
    winners: np.ndarray  # (N,) -1 where there is none
    margins: np.ndarray  # (N,)
    ties: np.ndarray  # (N,)
    supporters: np.ndarray  # (N,) languages that put the winner first


def _outcomes(
    table: VoteTable, options: VotingOptions, votes: Counts, evidence: Evidence, decided: np.ndarray | None
) -> _Outcomes:
    import numpy as np

    winners, margins = evidence.leads(votes.valid)
    winners = np.where((votes.counts != 0).any((1, 2)) if decided is None else decided, winners, -1)
    ties = (margins < 1e-9) & (winners >= 0)
    sums = evidence.values.sum(1)
    for i in np.flatnonzero(ties):
        best = sums[i, winners[i]]
        tied = np.flatnonzero(votes.valid[i] & (np.abs(sums[i] - best) <= 1e-9 * max(abs(best), 1.0)))
        winners[i] = _break_tie(tied.tolist(), table, votes, options, int(i))
    best = np.where(votes.valid[:, None, :], evidence.values, -np.inf).max(2)
    own = evidence.values[np.arange(len(winners)), :, winners]
    first = (own >= best - 1e-9) & (best > 0) & votes.asked
    return _Outcomes(winners, margins, ties, first.sum(1))


def _break_tie(tied: Sequence[int], table: VoteTable, votes: Counts, options: VotingOptions, row: int) -> int:
    if options.ties == "first":
        asked = (x for x, there in zip(votes.languages, votes.asked[row], strict=True) if there)
        return next((v for x in asked for v in table.votes[row].get(x, ()) if v is not None and v in tied), -1)
    if options.ties == "drop" or options.pivot is None:
        return -1
    own = votes.shares[row, votes.languages.index(options.pivot)]
    best = [o for o in tied if own[o] == max(own[tied])]
    return best[0] if len(best) == 1 else -1
