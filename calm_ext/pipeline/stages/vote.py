"""The stage that elects an answer for each question."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from calm_ext.answers.thoughts import marks_signature
from calm_ext.disk.shards import Shards
from calm_ext.errors import CalmError, RunError
from calm_ext.files.writing import atomic_write
from calm_ext.jsonl import write_jsonl
from calm_ext.pipeline.context import BaseStage, Outputs, Run
from calm_ext.pipeline.needs import Needs, asking_keys, keys_of, some_keys
from calm_ext.pipeline.schema import Recipe
from calm_ext.pipeline.stages.sample import GENERATIONS
from calm_ext.records import Generation
from calm_ext.voting.elect import elect
from calm_ext.voting.quality import vote_summary
from calm_ext.voting.rules import RULES
from calm_ext.voting.stored import StoredTable


class Vote(BaseStage):
    """Write ``ballots.jsonl``, and ``vote.json``: what was found on the way."""

    name = "vote"

    def check(self, run: Run, *, due: bool) -> None:
        """Refuse a rule that needs gold answers where no question has one."""
        n, of = _unlabelled(run)
        if n == of:
            rule, source = run.recipe.vote.rule, run.recipe.data.source
            raise CalmError(
                f"vote.rule: {rule} needs gold answers, and none of the {of} questions of {source} has one; use "
                f"another rule"
            )

    def depends_on(self, run: Run) -> Needs:
        """The rule and its options, how responses are read and scores compared, and the generations."""
        r = run.recipe
        return Needs(keys=keys_of(r.vote, "vote") | asking_keys(r) | compared_keys(r), made=run.made_by("sample"))

    def plan(self, run: Run) -> str:
        """The rule and its options."""
        said = run.recipe.vote.signature() + marks_signature(run.recipe.sampling.thoughts)
        if not RULES[run.recipe.vote.rule].needs_gold:
            return said
        n, of = _unlabelled(run)
        return f"{said}; supervised: the targets are gold labels" + (f", which {n} of {of} questions lack" if n else "")

    def run(self, run: Run) -> Outputs:
        """Elect.

        Raises:
            RunError: the vote decided nothing.
        """
        table = vote_table(run)
        election = elect(table, run.recipe.vote)
        write_jsonl(run.dir / "ballots.jsonl", election.ballots)
        for note in election.notes:
            run.say(note)
        summary = vote_summary(election.ballots, {}, election.estimate)
        decided, right = summary["n_decided"], summary["estimated_accuracy"]
        estimate = f", {right * summary['n_questions'] / decided:.0%} of them right by estimate" if right else ""
        if election.estimate and election.estimate.doubt:
            estimate += f" (not calibrated here: {election.estimate.doubt})"
        run.say(f"{decided} of {summary['n_questions']} questions decided, {summary['n_ties']} ties{estimate}")
        if not decided:
            raise RunError("the vote decided no question: lower vote.min_margin or vote.min_languages, or sample more")
        found = {
            "supervised": RULES[run.recipe.vote.rule].needs_gold,
            "sources": list(election.sources),
            "notes": list(election.notes),
            **table.scoring(),
            "learned_from": election.learned_from,
            "estimate": election.estimate._asdict() if election.estimate else None,
        }
        atomic_write(run.dir / "vote.json", json.dumps(found, ensure_ascii=False, indent=2) + "\n")
        return Outputs(("ballots.jsonl", "vote.json"))


def _unlabelled(run: Run) -> tuple[int, int | None]:
    """How many questions have no gold answer, and how many there are; the latter None where the rule needs none."""
    if not RULES[run.recipe.vote.rule].needs_gold:
        return 0, None
    questions = run.source_questions
    return sum(q.answer is None for q in questions), len(questions)


def compared_keys(recipe: Recipe) -> dict[str, Any]:
    """How scores of options are compared, where options are scored."""
    return some_keys(recipe.sampling, "sampling", "normalize") if recipe.sampling.mode == "options" else {}


def generations(run: Run) -> Iterable[tuple[str, Generation]]:
    """The generations of a run, each with its place (``file:line``)."""
    return Shards(run.dir / GENERATIONS, Generation)


def vote_table(run: Run) -> StoredTable:
    """The answers that the generations of a run give."""
    s = run.recipe.sampling
    return StoredTable.read(generations(run), style=s.resolved_style, thoughts=s.thoughts, normalize=s.normalize)
