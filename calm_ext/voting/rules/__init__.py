"""Vote rules: one file each, which a package of its own may add to (:mod:`calm_ext.plugins`).

A rule says how much each language speaks for each option; the option with the largest sum is elected. For example, the
votes of a language count twice where all its samples agree::

    @rule("unanimous", "a language counts twice where all its samples agree")
    def unanimous(case: Case) -> Verdict:
        evidence = weighted(case.votes, case.weights)
        agree = case.votes.counts.max(2, keepdims=True) == case.votes.n[:, :, None]
        return Verdict(evidence._replace(values=evidence.values * (1 + agree)))

A rule treats the options alike: permuting the options of a question permutes the winner and changes no probability.
Of very many questions it is called for one part after the other, so that what it needs to know of all questions, as how
reliable a language is, comes from :meth:`Case.learn`::

    def agreement(case: Case) -> np.ndarray:
        return reliability(cross_agreement(case.votes), case.votes)

    weighted(case.votes, case.weights * case.learn(agreement))

The sums that several rules share are in :mod:`calm_ext.voting.evidence`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from calm_ext.plugins import Registry

if TYPE_CHECKING:
    import numpy as np

    from calm_ext.voting.counts import Counts
    from calm_ext.voting.evidence import Evidence
    from calm_ext.voting.table import VoteTable

T = TypeVar("T")


@dataclass(frozen=True)
class Case:
    """What a rule judges: N questions in L languages, all that there are or, of very many, a part.

    Attributes:
        table: the questions and their votes.
        votes: the same as arrays, each sample counted as the option that it names.
        weights: (L,) what the user lets a language count, 1 by default; a rule multiplies its own weights by these.
        pivot: the language that stands in for a source that is not recorded.
        known: the questions to learn from; None where it is these.
    """

    table: VoteTable
    votes: Counts
    weights: np.ndarray
    pivot: str | None
    known: Case | None = None
    _learned: dict[Callable[[Case], Any], Any] = field(default_factory=dict)

    @cached_property
    def shared(self) -> Counts:
        """The votes, where one for one of several options with one text is shared among these."""
        return self.table.counts(share_equal=True)

    def learn(self, find: Callable[[Case], T]) -> T:
        """What a function finds in the questions to learn from; it is called once for all parts."""
        case = self.known or self
        if find not in case._learned:
            case._learned[find] = find(case)
        found: T = case._learned[find]
        return found


class Tally(NamedTuple):
    """A note that tells of how many questions it holds; the numbers of several parts are added."""

    before: str
    n: int
    after: str


class Verdict(NamedTuple):
    """What a rule finds.

    Attributes:
        evidence: how much each language speaks for each option.
        sources: the languages taken as sources.
        notes: what a reader should know, one line each; told once where several parts have one alike.
        decided: (N,) whether a question can have a winner; by default where any sample names an option.
        probability: (N,) that the winner is right, where the rule knows it; where it is NaN, and by default, it is
            estimated from agreement (:mod:`calm_ext.voting.calibration`).
    """

    evidence: Evidence
    sources: tuple[str, ...] = ()
    notes: tuple[str | Tally, ...] = ()
    decided: np.ndarray | None = None
    probability: np.ndarray | None = None


class Rule(NamedTuple):
    """A vote rule.

    Attributes:
        description: what it does, in one line.
        needs_scores: it counts option scores, so the options must have been scored instead of sampled.
        needs_gold: it sees gold answers; every other rule does without.
    """

    name: str
    description: str
    function: Callable[[Case], Verdict]
    needs_scores: bool = False
    needs_gold: bool = False


RULES: Registry[Rule] = Registry("vote rule", "calm_ext.voting.rules")


def rule(
    name: str, description: str, *, needs_scores: bool = False, needs_gold: bool = False
) -> Callable[[Callable[[Case], Verdict]], Callable[[Case], Verdict]]:
    """Enter a function in :data:`RULES`; see :class:`Rule`."""

    def enter(function: Callable[[Case], Verdict]) -> Callable[[Case], Verdict]:
        RULES.add(name, Rule(name, description, function, needs_scores, needs_gold))
        return function

    return enter
