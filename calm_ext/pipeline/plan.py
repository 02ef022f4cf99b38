"""What a recipe comes to: the questions it holds out, and the counts of a dry run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from calm_ext.pipeline.schema import Recipe
from calm_ext.records import ParallelQuestion


class PlannedStage(NamedTuple):
    """One line of a dry run: ``note`` says what it would do, with counts."""

    name: str
    note: str


def is_heldout(question_id: str, share: float) -> bool:
    """Whether a question is kept out of the pairs: decided by a hash of its id, so the same in every run."""
    number = int.from_bytes(hashlib.sha256(question_id.encode()).digest()[:8], "big")
    return number / 2**64 < share


def describe(recipe: Recipe, questions: Sequence[ParallelQuestion], *, report: Path) -> dict[str, str]:
    """stage -> what it would do."""
    r = recipe
    languages = len(questions[0].versions)
    held = sum(is_heldout(q.id, r.training.heldout_share) for q in questions)
    scored = r.sampling.mode == "options"
    what = f"{questions[0].n_options} option scores" if scored else f"{r.sampling.n} responses"
    by = "" if r.sampling.backend == "hf" else f", by {r.sampling.backend}"
    asked = f"{len(questions)} questions × {languages} languages"
    tasks = ", ".join(r.evaluation.tasks) + (f" (limit {r.evaluation.limit})" if r.evaluation.limit else "")
    most = (len(questions) - held) * languages * (1 if scored else r.pairs.max_per_question)
    g = r.retrieval
    return {
        "questions": f"{asked} from {r.data.source}",
        "retrieve": f"{g.k} passages a question from {g.index}, {g.method}, query {g.query}, {g.budget} tokens each"
        + (", judged by the model" if g.judge else "")
        if g
        else "",
        "before": tasks,
        "sample": f"{asked} × {what}{by}",
        "vote": r.vote.signature(),
        "pairs": f"at most {most} pairs; {held} questions held out",
        "train": r.training.words(),
        "after": tasks,
        "report": str(report),
    }
