"""The stage that builds preference pairs, and sets questions aside by which training is watched."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from calm_ext.disk.spill import Kept
from calm_ext.errors import RunError
from calm_ext.files.writing import atomic_write
from calm_ext.jsonl import finite, read_jsonl, read_numbered, write_jsonl
from calm_ext.pairing.build import PairReport, build_pairs
from calm_ext.pairing.exercises import build_exercises
from calm_ext.pairing.groups import build_groups
from calm_ext.pairing.instructions import instructed
from calm_ext.pairing.translate import restate_missing
from calm_ext.pipeline.context import BaseStage, Outputs, Run
from calm_ext.pipeline.needs import Needs, asking_keys, folder_of_model, keys_of, model_keys, model_world, some_keys
from calm_ext.pipeline.stages.vote import compared_keys, generations, vote_table
from calm_ext.records import Ballot, Group, ParallelQuestion
from calm_ext.training.methods import METHODS
from calm_ext.training.options import GroupOptions, TrainingOptions
from calm_ext.voting.elect import each_vote_of_others
from calm_ext.voting.rules import RULES

#: What methods that train on something else than pairs are given.
GROUPS, EXERCISES = "groups.jsonl", "exercises.jsonl"


class Pairs(BaseStage):
    """Write ``pairs.jsonl``, its numbers in ``pairs.json``, and ``heldout/`` with what is kept out of training.

    That is questions, votes and pairs.
    """

    name = "pairs"

    def depends_on(self, run: Run) -> Needs:
        """How pairs are built, how responses are read, which questions are held out, the ballots, the generations.

        The votes of the other languages, by which training is watched, are elected again: the options that they heed
        may change them where the ballots stay.
        """
        r = run.recipe
        keys = keys_of(r.pairs, "pairs") | asking_keys(r) | compared_keys(r)
        keys |= some_keys(r.training, "training", "heldout_share")
        keys |= some_keys(r.vote, "vote", "rule", "ties", "pivot", "weights")
        if isinstance(r.training, GroupOptions):
            keys |= some_keys(r.training, "training", "completions", "max_options")
        world: dict[str, Any] = {}
        if r.pairs.fallback == "translate":
            keys |= some_keys(r.sampling, "sampling", "max_new_tokens") | model_keys(r)
            world = folder_of_model(r.pairs.translator) if r.pairs.translator else model_world(r)
        made = run.made_by("questions", "sample", "vote")
        return Needs(keys=keys, made=made, world=world, more=[written_beside(r.training)])

    def plan(self, run: Run) -> str:
        """How many pairs there can be, and how many questions are held out."""
        r, questions = run.recipe, run.source_questions
        held = sum(is_heldout(q.id, r.training.heldout_share) for q in questions)
        each = 1 if r.sampling.mode == "options" else r.pairs.max_per_question
        most = (len(questions) - held) * len(questions[0].versions) * each
        return f"at most {most} pairs; {held} questions held out"

    def run(self, run: Run) -> Outputs:
        """Build them.

        Raises:
            RunError: there is no pair to train on.
        """
        r, folder = run.recipe, run.dir
        watched, n_held = set(), 0
        for _, b in _ballots(run, held=True):
            n_held += 1
            if b.winner is not None:
                watched.add(b.id)
        reports = {False: PairReport(), True: PairReport()}
        restated = None
        if r.pairs.fallback == "translate":
            restated = _restated(run, reports[False])
        for is_held, name in ((False, "pairs.jsonl"), (True, "heldout/pairs.jsonl")):
            pairs = build_pairs(
                _ballots(run, held=is_held),
                lambda: generations(run),
                r.pairs,
                style=r.sampling.resolved_style,
                restated=restated,
                report=reports[is_held],
                thoughts=r.sampling.thoughts,
            )
            write_jsonl(folder / name, pairs)
        beside = written_beside(r.training)
        others: Mapping[str, dict[str, int]] = {}
        if watched or beside == EXERCISES:
            every = each_vote_of_others(vote_table(run), r.vote)
            others = Kept((name, own) for name, own in every if beside == EXERCISES or name in watched)
        if beside == GROUPS:
            write_jsonl(folder / GROUPS, _groups(run, restated))
        elif beside == EXERCISES:
            _write_exercises(run, others)
        _write_heldout(run, watched, others)
        summary = reports[False].summary()
        _say(run, summary, n_held)
        if not summary["n_pairs"] and not beside:
            if summary["left_out"]:
                raise RunError(f"there is no pair to train on: left out were {_reasons(summary)}")
            why = "the model agrees with its own vote on every decided question"
            hint = "; pairs.anchors: all makes pairs of these, too" if r.pairs.anchors == "none" else ""
            raise RunError(f"there is no pair to train on: {why}{hint}")
        atomic_write(folder / "pairs.json", json.dumps(finite(summary), indent=1) + "\n")
        return Outputs(("pairs.jsonl", "pairs.json", "heldout", *([beside] if beside else [])))


def _ballots(run: Run, *, held: bool) -> Iterator[tuple[str, Ballot]]:
    """The ballots of questions that are kept out of training, or of the others, each with its place."""
    share = run.recipe.training.heldout_share
    for where, ballot in read_numbered(run.dir / "ballots.jsonl", Ballot):
        if is_heldout(ballot.id, share) == held:
            yield where, ballot


def written_beside(training: TrainingOptions) -> str | None:
    """The file that the stage writes for a method that trains on something else than pairs."""
    if isinstance(training, GroupOptions):
        return GROUPS
    return EXERCISES if METHODS[training.method].eats == "questions" else None


def _groups(run: Run, restated: dict[tuple[str, str], str] | None) -> Iterator[Group]:
    """The questions as groups, for methods that compare all answers in all languages."""
    r = run.recipe
    assert isinstance(r.training, GroupOptions)
    return build_groups(
        _ballots(run, held=False),
        generations(run),
        r.pairs,
        style=r.sampling.resolved_style,
        completions=r.training.completions,
        max_options=r.training.max_options,
        restated=restated,
        thoughts=r.sampling.thoughts,
    )


def _write_exercises(run: Run, others: Mapping[str, dict[str, int]]) -> None:
    """The questions that the vote decided, for methods that sample answers and reward them.

    Raises:
        RunError: there is none.
    """
    left_out: Counter[str] = Counter()
    exercises = build_exercises(
        _ballots(run, held=False),
        instructed(generations(run), run.recipe.pairs.instructions),
        others,
        gold=RULES[run.recipe.vote.rule].needs_gold,
        left_out=left_out,
    )
    n = write_jsonl(run.dir / EXERCISES, exercises)
    reasons = "".join(f", {k} {reason} left out" for reason, k in (+left_out).items())
    run.say(f"{n} prompts to be answered in training{reasons}")
    if not n:
        raise RunError("there is no question to train on: the vote decided none that is not held out")


def is_heldout(question_id: str, share: float) -> bool:
    """Whether a question is kept out of the pairs: decided by a hash of its id, so the same in every run."""
    number = int.from_bytes(hashlib.sha256(question_id.encode()).digest()[:8], "big")
    return number / 2**64 < share


def _write_heldout(run: Run, decided: set[str], others: Mapping[str, dict[str, int]]) -> None:
    """The held-out questions that the vote decided, and for each language the vote of the other languages."""
    votes = {question: own for question, own in others.items() if question in decided}
    atomic_write(run.dir / "heldout/votes.json", json.dumps(votes, indent=1) + "\n")
    questions = read_jsonl(run.dir / "questions.jsonl", ParallelQuestion)
    write_jsonl(run.dir / "heldout/questions.jsonl", (q for q in questions if q.id in decided))


def _say(run: Run, summary: Any, n_heldout: int) -> None:
    by_language = ", ".join(f"{x} {n}" for x, n in sorted(summary["by_language"].items()))
    run.say(f"{summary['n_pairs']} pairs ({by_language}), {n_heldout} questions held out")
    if summary["left_out"]:
        run.say(f"left out: {_reasons(summary)}")


def _reasons(summary: Any) -> str:
    return ", ".join(f"{n} {reason}" for reason, n in summary["left_out"].items())


def _restated(run: Run, report: PairReport) -> dict[tuple[str, str], str]:
    """(question id, language) -> the chosen text of a language that has none for the winner, or where pooled of all."""
    r = run.recipe
    bars: dict[int, Callable[[int], None]] = {}

    def progress(done: int, total: int) -> None:
        if total not in bars:
            bars[total] = run.reporter.progress("translate", total)
        bars[total](done)

    restated, refused = restate_missing(
        {b.id: b for b in read_jsonl(run.dir / "ballots.jsonl", Ballot)},
        lambda: generations(run),
        run.models.restater(),
        style=r.sampling.resolved_style,
        options=r.pairs,
        cache=run.dir / "translations.jsonl",
        by=f"{r.pairs.translator or r.model.path} {r.sampling.max_new_tokens}",
        thoughts=r.sampling.thoughts,
        progress=progress,
    )
    for reason, n in refused.items():
        report.left_out[f"translations: {reason}"] = n
    return restated
