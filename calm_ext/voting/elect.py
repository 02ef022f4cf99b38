"""The vote: from answers in several languages to one elected answer with a probability of being right.

A rule (:data:`calm_ext.voting.rules.RULES`) says how much each language speaks for each option; the option with the
largest sum is elected. The margin is its lead over the runner-up, as a share of what could be said for one option if
all samples named it. The margin is the strongest filter there is (docs/RESULTS.md). Where the probability comes from is
explained in :mod:`calm_ext.voting.calibration`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING, NamedTuple, overload

from calm_ext.records import Ballot
from calm_ext.voting.calibration import Estimate, estimated, expected_agreement
from calm_ext.voting.counts import Counts
from calm_ext.voting.judge import Part, judge, outcomes, parts
from calm_ext.voting.letters import letter_notes
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.rules import RULES, Tally
from calm_ext.voting.stored import StoredTable
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
        learned_from: how many questions showed what is common to all of them; None where all did.
    """

    ballots: Sequence[Ballot]
    weights: dict[str, float]
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    estimate: Estimate | None
    learned_from: int | None


def elect(table: VoteTable | StoredTable, options: VotingOptions) -> Election:
    """Vote on all questions.

    Of a table that is not in memory the rule learns from a part (:mod:`calm_ext.voting.stored`), and judges one part
    after the other: no more of it is in memory than these two, and some 30 bytes a question.

    Raises:
        CalmError: the rule needs option scores or gold answers and there are none; a language that is named is not
            there; ``ties`` is ``pivot`` without a pivot; all languages have weight 0.
    """
    import numpy as np

    known = judge(table, options)
    found = _Found(len(table))
    for part in parts(table, options, known):
        found.add(part, options)
    won = found.winners >= 0
    chances = found.chances
    chances[~won] = np.nan
    own = known.outcome
    if np.isnan(chances[won]).any():
        curve = expected_agreement(known.case.votes, known.verdict.evidence, own.winners, own.margins)
        rows = np.flatnonzero(won & np.isnan(chances))
        chances[rows] = curve(found.margins[rows])
    keep = won & (found.margins >= options.min_margin - 1e-9)
    keep &= np.nan_to_num(chances) >= options.min_probability - 1e-9
    keep &= found.supporters >= options.min_languages
    _thin(found, keep, options)
    found.winners[~keep] = -1
    languages = known.case.votes.languages
    weights = {x: float(known.verdict.evidence.weights[i]) for i, x in enumerate(languages)}
    learned_from = len(table.learned) if len(table.learned) < len(table) else None
    notes = (*_of_table(table, learned_from), *found.lacking(languages), *found.notes())
    estimate = None
    if not RULES[options.rule].needs_gold and keep.any():
        mean = float(np.nan_to_num(chances[keep]).sum() / len(keep)) if learned_from else None
        rows_ = table.learned_rows
        estimate = estimated(known.case.votes, found.winners[rows_], chances[rows_], mean=mean)
    sources = tuple(x for x in languages if x in found.sources)
    return Election(_Ballots(table, found, weights), weights, sources, notes, estimate, learned_from)


def _of_table(table: VoteTable | StoredTable, learned_from: int | None) -> list[str]:
    """What a reader should know of the table."""
    notes = [table.normalized.note] if table.normalized and table.normalized.note else []
    notes += letter_notes(table.letters)
    if learned_from:
        common = "what is common to all questions (how far a language is to be trusted, how often a winner is right)"
        notes.append(f"{common} is learned from {learned_from} of {len(table)}, drawn by a hash of their ids")
    return notes


class _Ballots(Sequence[Ballot]):
    """The ballots of a table, each made when it is asked for.

    Args:
        found: the winners that are kept, and the chances that they are right; NaN where that is not known.
    """

    def __init__(self, table: VoteTable | StoredTable, found: _Found, weights: Mapping[str, float]) -> None:
        self._table, self._found = table, found
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
        row = range(len(self))[at]
        first, table = self._table.block(row)
        i, won, chance = row - first, int(self._found.winners[row]), float(self._found.chances[row])
        return Ballot(
            id=table.questions[i].id,
            winner=won if won >= 0 else None,
            margin=float(self._found.margins[row]),
            probability=None if isnan(chance) else round(chance, 6),
            tie=bool(self._found.ties[row]),
            votes={x: list(answers) for x, answers in table.votes[i].items()},
            weights={x: self._weights[x] for x in table.votes[i]},
            rankings={x: table.ranking(i, x) for x in table.scores[i]},
        )


def votes_of_others(table: VoteTable | StoredTable, options: VotingOptions) -> dict[str, dict[str, int]]:
    """All of :func:`each_vote_of_others` by question."""
    return dict(each_vote_of_others(table, options))


def each_vote_of_others(table: VoteTable | StoredTable, options: VotingOptions) -> Iterator[tuple[str, dict[str, int]]]:
    """Question ids, each with language -> the option that the *other* languages elect; undecided ones are left out.

    This judges a language's answer without a gold label and without counting that language's own vote. Filters do not
    apply.
    """
    dropping = options.replace(ties="drop")
    for part in parts(table, options, judge(table, options)):
        votes, verdict = part.case.votes, part.verdict
        found: list[dict[str, int]] = [{} for _ in part.case.table.questions]
        for column, language in enumerate(votes.languages):
            rest_options = dropping if options.ties == "pivot" and options.pivot == language else options
            rest, evidence = votes.without(column), verdict.evidence.without(column)
            outcome = outcomes(part.case.table, rest_options, rest, evidence, verdict.decided)
            for i, own in enumerate(found):
                if votes.asked[i, column] and outcome.winners[i] >= 0:
                    own[language] = int(outcome.winners[i])
        yield from zip((q.id for q in part.case.table.questions), found, strict=True)


class _Found:
    """What is found of N questions, part by part.

    Attributes:
        winners: (N,) -1 where there is none. margins, ties: (N,). supporters: (N,) languages that put the winner first.
        chances: (N,) that the winner is right, where the rule knows it, else NaN.
        agreed: (N,) whether all languages agree, where it matters.
        sources: languages taken as sources.
    """

    def __init__(self, n: int) -> None:
        import numpy as np

        self.winners, self.supporters = np.empty(n, np.int32), np.empty(n, np.int32)
        self.margins, self.chances = np.empty(n), np.full(n, np.nan)
        self.ties, self.agreed = np.empty(n, bool), np.zeros(n, bool)
        self.sources: set[str] = set()
        self._notes: dict[str | tuple[str, str], int] = {}
        self._done = 0
        self._lacking: Counter[int] = Counter()
        self._lack_some = 0

    def add(self, part: Part, options: VotingOptions) -> None:
        """The next questions."""
        outcome, verdict, asked = part.outcome, part.verdict, part.case.votes.asked
        rows = slice(self._done, self._done + len(outcome.winners))
        self._done = rows.stop
        self.winners[rows], self.supporters[rows] = outcome.winners, outcome.supporters
        self.margins[rows], self.ties[rows] = outcome.margins, outcome.ties
        if verdict.probability is not None:
            self.chances[rows] = verdict.probability
        if options.keep_share < 1 and options.keep == "probability":
            self.agreed[rows] = _agreed(part.case.shared, outcome.winners)
        self.sources.update(verdict.sources)
        for note in verdict.notes:
            key = (note.before, note.after) if isinstance(note, Tally) else note
            self._notes[key] = self._notes.get(key, 0) + (note.n if isinstance(note, Tally) else 0)
        self._lacking.update({i: int(n) for i, n in enumerate((~asked).sum(0)) if n})
        self._lack_some += int((~asked).any(1).sum())

    def notes(self) -> list[str]:
        """What the rule says."""
        return [key if isinstance(key, str) else f"{key[0]}{n}{key[1]}" for key, n in self._notes.items()]

    def lacking(self, languages: Sequence[str]) -> list[str]:
        """A note where questions lack languages that others have."""
        if not self._lacking:
            return []
        by_language = ", ".join(f"{languages[i]} in {n}" for i, n in sorted(self._lacking.items()))
        whole = len(self.winners)
        return [f"{self._lack_some} of {whole} questions lack a language ({by_language}); the others vote on them"]


def _thin(found: _Found, keep: np.ndarray, options: VotingOptions) -> None:
    """Clear those of the questions to keep (N,) that are not within ``keep_share``.

    By margin, it is a share of all of them. By probability, it is a share of those on which the languages differ: where
    all agree there is nothing to learn that would have to be sure, and what is known there is worth holding.
    """
    import numpy as np

    if options.keep_share == 1:
        return
    if options.keep == "margin":
        at, worth = np.flatnonzero(keep), [found.margins]
    else:
        at, worth = np.flatnonzero(keep & ~found.agreed), [found.margins, found.chances]
    if len(at):
        order = np.lexsort([-x[at] for x in worth])  # the last one counts most; equal ones stay in order
        keep[at[order[max(round(options.keep_share * len(at)), 1) :]]] = False


def _agreed(shared: Counts, winners: np.ndarray) -> np.ndarray:
    """(N,) whether every language names the winner at least as often as any other option, or names none at all."""
    own = shared.counts[range(len(winners)), :, winners]
    agreed: np.ndarray = (own >= shared.counts.max(2) - 1e-9).all(1)
    return agreed
