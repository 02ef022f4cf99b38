"""The vote: from answers in several languages to one elected answer with a probability of being right, without gold.

A rule (:data:`RULES`) says how much each language speaks for each option; the option with the largest sum is elected.
The margin is its lead over the runner-up, as a share of what could be said for one option if all samples named it; for
``zscore`` it is in standard deviations. The margin is the strongest filter there is (docs/RESULTS.md). How the rules
work, and where the probability comes from, is told in :mod:`calm_ext.voting.evidence`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from calm_ext.errors import CalmError
from calm_ext.prompts import Style
from calm_ext.records import Ballot, Generation
from calm_ext.voting import evidence as estimators
from calm_ext.voting.evidence import Evidence
from calm_ext.voting.table import ABSENT, UNKNOWN, Counts, VoteTable

if TYPE_CHECKING:
    import numpy as np

Rule = Literal[
    "majority", "zscore", "self_consistency", "leave_one_out", "source", "dawid_skene", "correlated"
]  # fmt: skip
Ties = Literal["drop", "pivot", "first"]

#: rule -> what it does, in a line.
RULES: Mapping[str, str] = {
    "majority": "all samples count the same (the paper)",
    "self_consistency": "a language counts by how often its samples agree with each other",
    "leave_one_out": "a language counts by how often it agrees with the others",
    "source": "the language a question was written in counts as much as all its translations",
    "dawid_skene": "Dawid-Skene with guessing, every sample an independent witness",
    "correlated": "Dawid-Skene where samples of a language, and translations of a source, repeat each other",
    "zscore": "z-scores of option scores per byte, so that no language counts more for being sharper",
}


class VoteOptions(NamedTuple):
    """How to vote.

    Attributes:
        rule: see :data:`RULES`.
        ties: ``drop`` the question, let the ``pivot`` language decide, or take the ``first`` option that was named
            (the paper's code).
        pivot: the language that decides ties, and the source language where none is recorded.
        weights: language -> weight that multiplies its votes, 1 where not given.
        min_margin: winners with a smaller margin are dropped.
        min_probability: winners whose probability of being right is estimated lower are dropped.
        min_languages: winners that fewer languages put first are dropped.
        keep_share: of the questions with a winner, keep this share, those with the largest margins.
    """

    rule: Rule = "correlated"
    ties: Ties = "drop"
    pivot: str | None = None
    weights: Mapping[str, float] = {}
    min_margin: float = 0.0
    min_probability: float = 0.0
    min_languages: int = 1
    keep_share: float = 1.0

    def signature(self) -> str:
        """The part of a signature that names the vote."""
        weights = ".".join(f"{k}={v:g}" for k, v in sorted(self.weights.items())) or "equal"
        return (
            f"vote:{self.rule}|ties:{self.ties}|pivot:{self.pivot or 'none'}|weights:{weights}"
            f"|margin:{self.min_margin:g}|probability:{self.min_probability:g}|languages:{self.min_languages}"
            f"|keep:{self.keep_share:g}"
        )


class Election(NamedTuple):
    """The outcome of a vote.

    Attributes:
        ballots: one a question, in the table's order; undecided and dropped questions have no winner.
        weights: language -> how much it counted; their mean is 1 where a rule learned them.
        sources: the languages taken as sources.
        notes: what a reader should know, one line each.
    """

    ballots: list[Ballot]
    weights: dict[str, float]
    sources: tuple[str, ...]
    notes: tuple[str, ...]


def vote(groups: Iterable[Sequence[Generation]], options: VoteOptions, *, style: Style) -> list[Ballot]:
    """The ballots of all questions; undecided questions are kept, with winner None."""
    numbered = ((f"generation {g.id} in {g.language}", g) for group in groups for g in group)
    return elect(VoteTable.read(numbered, style=style), options).ballots


def elect(table: VoteTable, options: VoteOptions) -> Election:
    """Vote on all questions.

    Raises:
        CalmError: the rule needs option scores and there are none; a language that is named is not there; ``ties`` is
            ``pivot`` without a pivot.
    """
    import numpy as np

    votes, evidence, told = _evidence(table, options)
    outcome = _outcomes(table, options, votes, evidence)
    chances = estimators.expected_agreement(votes, evidence, outcome.winners, outcome.margins)
    keep = (outcome.winners >= 0) & (outcome.margins >= options.min_margin - 1e-9)
    keep &= np.nan_to_num(chances) >= options.min_probability - 1e-9
    keep &= outcome.supporters >= options.min_languages
    if options.keep_share < 1 and keep.any():
        at = np.flatnonzero(keep)
        best = at[np.argsort(-outcome.margins[at], kind="stable")[: max(round(options.keep_share * len(at)), 1)]]
        keep = np.isin(np.arange(len(keep)), best)
    weights = {x: float(evidence.weights[i]) for i, x in enumerate(votes.languages)}
    rounded = {x: round(w, 6) for x, w in weights.items()}
    ballots = [
        Ballot(
            id=question.id,
            winner=int(outcome.winners[i]) if keep[i] else None,
            margin=float(outcome.margins[i]),
            probability=None if np.isnan(chances[i]) else round(float(chances[i]), 6),
            tie=bool(outcome.ties[i]),
            votes={x: list(answers) for x, answers in table.votes[i].items()},
            weights={x: rounded[x] for x in table.votes[i]},
        )
        for i, question in enumerate(table.questions)
    ]
    return Election(ballots, weights, told.sources, told.notes)


def votes_of_others(table: VoteTable, options: VoteOptions) -> dict[str, dict[str, int]]:
    """question id -> language -> the option that the *other* languages elect; undecided ones are left out.

    By it a language's answer can be judged without gold and without having voted for itself. Filters do not apply.
    """
    votes, evidence, _ = _evidence(table, options)
    free = options._replace(min_languages=1)
    found: dict[str, dict[str, int]] = {q.id: {} for q in table.questions}
    for column, language in enumerate(votes.languages):
        alone = free._replace(ties="drop") if free.ties == "pivot" and free.pivot == language else free
        counts = votes.counts.copy()
        counts[:, column] = 0
        asked = votes.asked.copy()
        asked[:, column] = False
        rest = votes._replace(counts=counts, asked=asked)
        outcome = _outcomes(table, alone, rest, evidence.without(column))
        for i, question in enumerate(table.questions):
            if votes.asked[i, column] and outcome.winners[i] >= 0:
                found[question.id][language] = int(outcome.winners[i])
    return found


# --- the arithmetic ---------------------------------------------------------------------------------------------------


class _Told(NamedTuple):
    sources: tuple[str, ...]
    notes: tuple[str, ...]


def _evidence(table: VoteTable, options: VoteOptions) -> tuple[Counts, Evidence, _Told]:
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
    if not all(0 <= w < float("inf") for w in options.weights.values()):
        raise CalmError("a weight is a number, 0 or more")
    given = np.array([options.weights.get(x, 1.0) for x in votes.languages])
    if not given.any():
        raise CalmError("all languages have weight 0, so nobody votes")
    rule = options.rule
    if rule == "zscore":
        if not table.scored:
            raise CalmError(
                "vote rule zscore needs option_logprobs, and the generations have samples; use another rule"
            )
        scores = estimators.weighted(table.counts(zscored=True), given)
        return votes, scores._replace(witness=estimators.weighted(votes, given).witness), _Told((), ())
    if rule == "majority":
        return votes, estimators.weighted(votes, given), _Told((), ())
    if rule == "self_consistency":
        own = estimators.self_consistency(votes)
        return votes, estimators.weighted(votes, given * estimators.reliability(own, votes)), _Told((), ())
    if rule == "leave_one_out":
        across = estimators.cross_agreement(votes)
        return votes, estimators.weighted(votes, given * estimators.reliability(across, votes)), _Told((), ())
    if rule == "dawid_skene":
        return votes, estimators.dawid_skene(table.counts(share_equal=True), given), _Told((), ())
    source, told = _sources(votes, options.pivot)
    if rule == "source":
        return votes, estimators.weighted(votes, given, source=source), told
    worth = estimators.effective_votes(votes)
    shared = table.counts(share_equal=True)
    return votes, estimators.dawid_skene(shared, given, worth=worth, source=source), told


def _sources(votes: Counts, pivot: str | None) -> tuple[np.ndarray, _Told]:
    """(N,) the source of each question: as recorded, else the pivot, else the language that agrees most with itself.

    A source that is recorded and was not asked leaves translations only, which count the same.
    """
    import numpy as np

    source = votes.source.copy()
    missing = source == UNKNOWN
    notes = []
    if missing.any() and len(votes.languages) > 1:
        guess = votes.languages.index(pivot) if pivot else estimators.infer_source(votes)
        source[missing] = ABSENT if guess is None else guess
        if not pivot:
            taken = f"{votes.languages[guess]} is taken, which agrees most with itself" if guess is not None else ""
            notes.append(
                f"no source language is recorded of {int(missing.sum())} questions: "
                f"{taken or 'all languages count the same'} (--pivot names another)"
            )
    if (votes.source == ABSENT).any():
        notes.append(f"{int((votes.source == ABSENT).sum())} questions were written in a language that was not asked")
    return source, _Told(tuple(votes.languages[i] for i in np.unique(source) if i >= 0), tuple(notes))


class _Outcomes(NamedTuple):
    winners: np.ndarray  # (N,) -1 where there is none
    margins: np.ndarray  # (N,)
    ties: np.ndarray  # (N,)
    supporters: np.ndarray  # (N,) languages that put the winner first


def _outcomes(table: VoteTable, options: VoteOptions, votes: Counts, evidence: Evidence) -> _Outcomes:
    import numpy as np

    winners, margins = evidence.leads(votes.valid)
    winners = np.where((votes.counts != 0).any((1, 2)), winners, -1)
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


def _break_tie(tied: Sequence[int], table: VoteTable, votes: Counts, options: VoteOptions, row: int) -> int:
    if options.ties == "first":
        asked = (x for x, there in zip(votes.languages, votes.asked[row], strict=True) if there)
        return next((v for x in asked for v in table.votes[row].get(x, ()) if v is not None and v in tied), -1)
    if options.ties == "drop" or options.pivot is None:
        return -1
    own = votes.shares[row, votes.languages.index(options.pivot)]
    best = [o for o in tied if own[o] == max(own[tied])]
    return best[0] if len(best) == 1 else -1
