"""Questions judged by a rule, all at once or, of very many, one part after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from calm_ext.errors import CalmError
from calm_ext.voting.counts import Counts
from calm_ext.voting.evidence import Evidence
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.rules import RULES, Case, Verdict
from calm_ext.voting.stored import StoredTable
from calm_ext.voting.table import VoteTable

if TYPE_CHECKING:
    import numpy as np


class Part(NamedTuple):
    """Some questions, judged."""

    case: Case
    verdict: Verdict
    outcome: Outcomes


def judge(table: VoteTable | StoredTable, options: VotingOptions) -> Part:
    """What the rule makes of the questions that it learns from."""
    import numpy as np

    languages = table.languages
    unknown = [x for x in (*options.weights, *([options.pivot] if options.pivot else [])) if x not in languages]
    if unknown:
        have = ", ".join(languages)
        raise CalmError(
            f"there are no votes in {', '.join(unknown)}, which has a weight or is the pivot; votes: {have}"
        )
    if options.ties == "pivot" and options.pivot is None:
        raise CalmError("ties: pivot needs a pivot language")
    if options.min_languages > len(languages):
        raise CalmError(f"min_languages is {options.min_languages}, and there are {len(languages)} languages")
    weights = np.array([options.weights.get(x, 1.0) for x in languages])
    if not weights.any():
        raise CalmError("all languages have weight 0, so nobody votes")
    rule = RULES[options.rule]
    if rule.needs_scores and not table.scored:
        raise CalmError(
            f"vote rule {rule.name} needs option_logprobs, and the generations have samples; use another rule"
        )
    if rule.needs_gold and not table.has_gold:
        raise CalmError(f"vote rule {rule.name} needs gold answers, and no question has one; use another rule")
    return judged(Case(table.learned, table.learned.counts(), weights, options.pivot), options)


def judged(case: Case, options: VotingOptions) -> Part:
    """What the rule makes of some questions."""
    verdict = RULES[options.rule].function(case)
    return Part(case, verdict, outcomes(case.table, options, case.votes, verdict.evidence, verdict.decided))


def parts(table: VoteTable | StoredTable, options: VotingOptions, known: Part) -> Iterator[Part]:
    """All questions, in their order."""
    for block in table.blocks():
        if block is known.case.table:
            yield known
        else:
            yield judged(Case(block, block.counts(), known.case.weights, options.pivot, known.case), options)


class Outcomes(NamedTuple):
    """What N questions came to.

    Attributes:
        winners: (N,) -1 where there is none.
        margins, ties: (N,).
        supporters: (N,) languages that put the winner first.
    """

    winners: np.ndarray
    margins: np.ndarray
    ties: np.ndarray
    supporters: np.ndarray


def outcomes(
    table: VoteTable, options: VotingOptions, votes: Counts, evidence: Evidence, decided: np.ndarray | None
) -> Outcomes:
    """The winners by the evidence, before filters."""
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
    return Outcomes(winners, margins, ties, first.sum(1))


def _break_tie(tied: Sequence[int], table: VoteTable, votes: Counts, options: VotingOptions, row: int) -> int:
    if options.ties == "first":
        asked = (x for x, there in zip(votes.languages, votes.asked[row], strict=True) if there)
        return next((v for x in asked for v in table.votes[row].get(x, ()) if v is not None and v in tied), -1)
    if options.ties == "drop" or options.pivot is None:
        return -1
    own = votes.shares[row, votes.languages.index(options.pivot)]
    best = [o for o in tied if own[o] == max(own[tied])]
    return best[0] if len(best) == 1 else -1
