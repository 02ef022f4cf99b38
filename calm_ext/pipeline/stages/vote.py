"""The stages of a run that make the trainer's data: the vote and the pairs, and what training is watched by."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from calm_ext.errors import RunError
from calm_ext.jsonl import atomic_write, read_jsonl, read_numbered, write_jsonl
from calm_ext.pairing.build import PairReport, build_pairs
from calm_ext.pipeline.directory import RunDirectory
from calm_ext.pipeline.plan import is_heldout
from calm_ext.pipeline.schema import Recipe
from calm_ext.records import Ballot, Generation, ParallelQuestion
from calm_ext.voting.elect import elect, votes_of_others
from calm_ext.voting.quality import vote_summary
from calm_ext.voting.table import VoteTable

if TYPE_CHECKING:
    from calm_ext.pairing.translate import Restater

Say = Callable[[str], None]


def run_vote(recipe: Recipe, run: RunDirectory, say: Say) -> list[str]:
    """Elect an answer for each question; returns the files written.

    Raises:
        RunError: the vote decided nothing.
    """
    table = _table(recipe, run)
    election = elect(table, recipe.vote)
    write_jsonl(run / "ballots.jsonl", election.ballots)
    for note in election.notes:
        say(note)
    told = vote_summary(election.ballots, {})
    right = told["estimated_accuracy"]
    estimate = f", {right * told['n_questions'] / told['n_decided']:.0%} of them right by estimate" if right else ""
    say(f"{told['n_decided']} of {told['n_questions']} questions decided, {told['n_ties']} ties{estimate}")
    if not told["n_decided"]:
        raise RunError("the vote decided no question: lower vote.min_margin or vote.min_languages, or sample more")
    return ["ballots.jsonl"]


def run_pairs(
    recipe: Recipe, run: RunDirectory, say: Say, *, restater: Callable[[], Restater], progress: Any
) -> list[str]:
    """Build the pairs for training and for the questions that are held out of it; returns the files written.

    Args:
        restater: loads what translates; called where the recipe asks for it.
        progress: makes a progress bar of a label and a total.

    Raises:
        RunError: there is no pair to train on.
    """
    options, style = recipe.pairs, recipe.sampling.resolved_style
    cast = list(read_numbered(run / "ballots.jsonl", Ballot))
    held = {b.id for _, b in cast if is_heldout(b.id, recipe.training.heldout_share)}
    reports = {False: PairReport(), True: PairReport()}
    restated = None
    if options.fallback == "translate":
        restated = _restate({b.id: b for _, b in cast}, recipe, run, restater, progress, reports[False])
    for is_held, name in ((False, "pairs.jsonl"), (True, "heldout/pairs.jsonl")):
        part = [(where, b) for where, b in cast if (b.id in held) == is_held]
        pairs = build_pairs(part, _stream(run), options, style=style, restated=restated, report=reports[is_held])
        write_jsonl(run / name, pairs)
    decided = {b.id for _, b in cast if b.id in held and b.winner is not None}
    others = votes_of_others(_table(recipe, run), recipe.vote) if decided else {}
    judged = {question: votes for question, votes in others.items() if question in decided}
    atomic_write(run / "heldout/votes.json", json.dumps(judged, indent=1) + "\n")
    questions = read_jsonl(run / "questions.jsonl", ParallelQuestion)
    write_jsonl(run / "heldout/questions.jsonl", (q for q in questions if q.id in decided))
    told = reports[False].summary()
    counts: Any = told["by_language"]
    by_language = ", ".join(f"{x} {n}" for x, n in sorted(counts.items()))
    left_out: Any = told["left_out"]
    say(f"{told['n_pairs']} pairs ({by_language}), {len(held)} questions held out")
    if left_out:
        say("left out: " + ", ".join(f"{n} {reason}" for reason, n in left_out.items()))
    if not told["n_pairs"]:
        raise RunError("there is no pair to train on: the model agrees with its own vote on every decided question")
    return ["pairs.jsonl", "heldout"]


def _stream(run: RunDirectory) -> Callable[[], Iterable[tuple[str, Generation]]]:
    return lambda: read_numbered(run / "generations.jsonl", Generation)


def _table(recipe: Recipe, run: RunDirectory) -> VoteTable:
    return VoteTable.read(_stream(run)(), style=recipe.sampling.resolved_style)


def _restate(
    ballots: dict[str, Ballot],
    recipe: Recipe,
    run: RunDirectory,
    restater: Callable[[], Restater],
    progress: Any,
    report: PairReport,
) -> dict[tuple[str, str], str]:
    from calm_ext.pairing.translate import restate_missing

    bars: dict[int, Callable[[int], None]] = {}

    def told(done: int, total: int) -> None:
        if total not in bars:
            bars[total] = progress("translate", total)
        bars[total](done)

    restated, refused = restate_missing(
        ballots,
        _stream(run),
        restater(),
        style=recipe.sampling.resolved_style,
        options=recipe.pairs,
        cache=run / "translations.jsonl",
        by=f"{recipe.pairs.translator or recipe.model.path} {recipe.sampling.max_new_tokens}",
        progress=told,
    )
    for reason, n in refused.items():
        report.left_out[f"translations: {reason}"] = n
    return restated
