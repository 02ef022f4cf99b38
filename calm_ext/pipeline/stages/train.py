"""The stage of a run that trains, in a process of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from calm_ext.models.meter import Reading
from calm_ext.pipeline.directory import RunDirectory
from calm_ext.pipeline.schema import Recipe
from calm_ext.training.job import TrainingJob
from calm_ext.training.launch import launch


def run_train(
    recipe: Recipe, run: RunDirectory, inputs: str, say: Callable[[str], None], *, model_path: str
) -> tuple[list[str], Reading]:
    """Train; returns the files written, and the time and tokens of the model in the process that trained.

    Args:
        inputs: hash of what the training depends on; an older one is removed.
        model_path: folder or hub name of the base model.
    """
    if not run.begin("training", inputs, "training", "tracking"):
        say("the inputs are others than before: the old training was removed")
    held = json.loads((run / "heldout/votes.json").read_text(encoding="utf-8"))
    spent = launch(
        TrainingJob(
            model=model_path,
            pairs=run / "pairs.jsonl",
            output=run / "training",
            options=recipe.training,
            sampling=recipe.sampling,
            heldout=run / "heldout/questions.jsonl" if held else None,
            heldout_votes={question: votes for question, votes in held.items() if votes},
            heldout_pairs=run / "heldout/pairs.jsonl",
            heldout_passages=run / "passages.jsonl" if recipe.retrieval else None,
            trust_remote_code=recipe.model.trust_remote_code,
            run_name=run.path.resolve().name,
            tracking=run / "tracking",
        )
    )
    rows = map(json.loads, (run / "training/log.jsonl").read_text(encoding="utf-8").splitlines())
    warnings = [row["message"] for row in rows if row["kind"] == "warning"]
    summary = json.loads((run / "training/summary.json").read_text(encoding="utf-8"))
    chosen = summary["chosen_step"]
    if warnings:
        say(f"{len(warnings)} warnings, the first: {warnings[0]}")
    say("last checkpoint kept" if chosen is None else f"checkpoint of step {chosen} kept")
    _move(run / "training/adapter", run / "adapter")
    return ["adapter", "training/summary.json", "training/log.jsonl"], spent


def _move(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    source.rename(target)
