"""The vote: from answers in several languages to one elected answer, with no gold label.

A language l gives each option o a share p_l(o): of its samples that could be read, or, where the sampler scored the
options, of probability. Options are elected by S(o) = sum over l of w_l · p_l(o); the margin is the lead of the winner
over the runner-up in S / sum of w_l, between 0 and 1, and the strongest filter there is (docs/RESULTS.md).

Rules:

- ``majority`` (the paper): p_l is the share of the *n* samples of l that name o; abstentions are votes for nobody. Of
  option scores, p_l is the softmax over options of log p(o), the limit of many samples.
- ``zscore``: for option scores. p_l is the z-score over options of log p(o) per byte, so that a language counts by how
  it ranks the options and not by how sharp its distribution is. Margins are then in standard deviations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp, sqrt
from typing import Literal, NamedTuple

from calm_ext.answers import read_answer
from calm_ext.errors import CalmError, DataError
from calm_ext.metrics import argmax, per_byte
from calm_ext.prompts import Style
from calm_ext.records import Ballot, Generation

Rule = Literal["majority", "zscore"]
Ties = Literal["drop", "pivot", "first"]


class VoteOptions(NamedTuple):
    """How to vote.

    Attributes:
        rule: see the module.
        ties: ``drop`` the question, let the ``pivot`` language decide, or take the ``first`` option that was named
            (the paper's code).
        pivot: the language that decides ties.
        weights: language -> weight, 1 where not given.
        min_margin: winners with a smaller margin are dropped.
        min_languages: winners that fewer languages put first are dropped.
        keep_share: of the questions with a winner, keep this share, those with the largest margins.
    """

    rule: Rule = "majority"
    ties: Ties = "drop"
    pivot: str | None = None
    weights: Mapping[str, float] = {}
    min_margin: float = 0.0
    min_languages: int = 1
    keep_share: float = 1.0

    def signature(self) -> str:
        """The part of a signature that names the vote."""
        weights = ".".join(f"{k}={v:g}" for k, v in sorted(self.weights.items())) or "equal"
        return (
            f"vote:{self.rule}|ties:{self.ties}|weights:{weights}|margin:{self.min_margin:g}"
            f"|languages:{self.min_languages}|keep:{self.keep_share:g}"
        )


def group_by_question(generations: Iterable[Generation], *, where: str = "generations") -> list[list[Generation]]:
    """The generations of each question together, in order of first appearance.

    Raises:
        DataError: a language comes twice for a question, or two languages have different numbers of options or golds.
    """
    groups: dict[str, list[Generation]] = {}
    for generation in generations:
        group = groups.setdefault(generation.id, [])
        for other in group:
            if other.language == generation.language:
                raise DataError(f"{where}: question {generation.id} comes twice in {generation.language}")
        if group and (len(group[0].options), group[0].answer) != (len(generation.options), generation.answer):
            raise DataError(
                f"{where}: question {generation.id} has other options or another answer in {generation.language} "
                f"than in {group[0].language}"
            )
        group.append(generation)
    return list(groups.values())


def read_votes(generation: Generation, *, style: Style) -> list[int | None]:
    """The answer of each response, or the best option by score per byte where the options were scored."""
    if generation.option_logprobs is not None:
        return [argmax(per_byte(generation.option_logprobs, generation.options))]
    return [read_answer(r, generation.options, generation.language, style=style) for r in generation.responses]


def shares(generation: Generation, votes: Sequence[int | None], *, rule: Rule) -> list[float]:
    """p_l(o) for each option (see the module).

    Raises:
        CalmError: the rule needs option scores and there are none.
    """
    n = len(generation.options)
    if generation.option_logprobs is None:
        if rule == "zscore":
            raise CalmError(
                f"vote rule zscore needs option_logprobs, question {generation.id} has samples; use majority"
            )
        return [sum(v == o for v in votes) / len(votes) for o in range(n)]
    if rule == "majority":
        top = max(generation.option_logprobs)
        powers = [exp(x - top) for x in generation.option_logprobs]
        return [p / sum(powers) for p in powers]
    scores = per_byte(generation.option_logprobs, generation.options)
    mean = sum(scores) / n
    deviation = sqrt(sum((s - mean) ** 2 for s in scores) / n)
    return [(s - mean) / deviation if deviation else 0.0 for s in scores]


def elect(group: Sequence[Generation], options: VoteOptions, *, style: Style) -> Ballot:
    """The vote on one question; filters other than ``keep_share`` applied."""
    votes = {g.language: read_votes(g, style=style) for g in group}
    by_language = {g.language: shares(g, votes[g.language], rule=options.rule) for g in group}
    weights = {language: options.weights.get(language, 1.0) for language in votes}
    n = len(group[0].options)
    total = sum(weights.values())
    sums = [sum(weights[x] * p[o] for x, p in by_language.items()) for o in range(n)]
    order = sorted(range(n), key=lambda o: -sums[o])
    winner: int | None = order[0]
    margin = (sums[order[0]] - sums[order[1]]) / total
    tied = [o for o in order if abs(sums[o] - sums[order[0]]) < 1e-9]
    tie = len(tied) > 1
    named = any(v is not None for vs in votes.values() for v in vs)
    if not named:
        winner = None
    elif tie:
        winner = _break_tie(tied, votes, by_language, options)
    if winner is not None:
        supporters = sum(argmax(p) == winner and max(p) > 0 for p in by_language.values())
        if margin < options.min_margin or supporters < options.min_languages:
            winner = None
    return Ballot(id=group[0].id, winner=winner, margin=margin, tie=tie, votes=votes, weights=weights)


def _break_tie(
    tied: Sequence[int],
    votes: Mapping[str, Sequence[int | None]],
    by_language: Mapping[str, Sequence[float]],
    options: VoteOptions,
) -> int | None:
    if options.ties == "drop":
        return None
    if options.ties == "first":
        return next((v for vs in votes.values() for v in vs if v in tied), None)
    if options.pivot is None or options.pivot not in by_language:
        raise CalmError(f"ties: pivot needs a pivot language that is there, not {options.pivot!r}")
    pivot = by_language[options.pivot]
    best = max(pivot[o] for o in tied)
    winners = [o for o in tied if pivot[o] == best]
    return winners[0] if len(winners) == 1 else None


def vote(groups: Iterable[Sequence[Generation]], options: VoteOptions, *, style: Style) -> list[Ballot]:
    """The ballots of all questions; ``keep_share`` applied, undecided questions kept with winner None."""
    ballots = [elect(group, options, style=style) for group in groups]
    if options.keep_share < 1:
        decided = sorted((b.margin for b in ballots if b.winner is not None), reverse=True)
        keep = round(options.keep_share * len(decided))
        cut = decided[keep - 1] if keep else float("inf")
        ballots = [b if b.winner is None or b.margin >= cut else b.model_copy(update={"winner": None}) for b in ballots]
    return ballots


def votes_of_others(group: Sequence[Generation], options: VoteOptions, *, style: Style) -> dict[str, int]:
    """language -> the option that the vote of the *other* languages elects; undecided ones are left out.

    By it a language's answer can be judged without gold and without having voted for itself.
    """
    free = options._replace(min_margin=0.0, min_languages=1)
    result = {}
    for generation in group:
        others = [g for g in group if g is not generation]
        if free.ties == "pivot" and free.pivot == generation.language:
            winner = elect(others, free._replace(ties="drop"), style=style).winner
        else:
            winner = elect(others, free, style=style).winner
        if winner is not None:
            result[generation.language] = winner
    return result


def vote_summary(ballots: Sequence[Ballot], gold: Mapping[str, int | None]) -> dict[str, float | int | None]:
    """Counts of a vote, and its accuracy where gold is known (an undecided question counts as wrong).

    ``accuracy_kept`` is over the questions with a winner only.
    """
    decided = [b for b in ballots if b.winner is not None]
    known = [b for b in ballots if gold.get(b.id) is not None]
    right = sum(b.winner == gold[b.id] for b in known)
    kept = [b for b in known if b.winner is not None]
    return {
        "n_questions": len(ballots),
        "n_decided": len(decided),
        "n_ties": sum(b.tie for b in ballots),
        "mean_margin": sum(b.margin for b in decided) / len(decided) if decided else None,
        "accuracy": right / len(known) if known else None,
        "accuracy_kept": right / len(kept) if kept else None,
    }
