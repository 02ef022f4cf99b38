"""The stage that trains the adapter, in a process of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from calm_ext.pipeline.context import BaseStage, Outputs, Run, asking, model_identity, section
from calm_ext.pipeline.recipe import Recipe
from calm_ext.pipeline.stages.pairs import EXERCISES, GROUPS, written_beside
from calm_ext.training.job import TrainingJob
from calm_ext.training.launch import launch
from calm_ext.training.methods import METHODS


class Train(BaseStage):
    """Write ``adapter/`` and the log and summary in ``training/``."""

    name = "train"

    def depends_on(self, run: Run) -> list[Any]:
        """The model, the training options, how held-out questions are asked, the pairs, and passages that were read."""
        r = run.recipe
        found = [model_identity(r), section(r.training), asking(r), r.sampling.max_new_tokens, run.outputs_of("pairs")]
        if r.sampling.mode == "options":
            found.append(run.outputs_of("vote"))  # how scores were compared
        return [*found, run.outputs_of("retrieve")] if r.retrieval else found

    def plan(self, run: Run) -> str:
        """The method and its main options."""
        return run.recipe.training.words()

    def run(self, run: Run) -> Outputs:
        """Train, continuing where an earlier run with the same inputs stopped."""
        r, folder = run.recipe, run.dir
        run.models.release()  # the training process needs the memory
        if not folder.begin("training", run.inputs, "training", "tracking"):
            run.say("the inputs have changed: the old training was removed")
        beside = written_beside(r.training)
        votes = json.loads((folder / "heldout/votes.json").read_text(encoding="utf-8"))
        spent = launch(
            TrainingJob(
                model=run.models.path,
                pairs=folder / "pairs.jsonl",
                groups=folder / GROUPS if beside == GROUPS else None,
                questions=folder / EXERCISES if beside == EXERCISES else None,
                output=folder / "training",
                options=r.training,
                sampling=r.sampling,
                heldout=folder / "heldout/questions.jsonl" if votes else None,
                heldout_votes={question: own for question, own in votes.items() if own},
                heldout_pairs=folder / "heldout/pairs.jsonl",
                heldout_passages=folder / "passages.jsonl" if r.retrieval else None,
                normalize=_normalize(run),
                advice=_advice(r),
                trust_remote_code=r.model.trust_remote_code,
                run_name=folder.path.resolve().name,
                tracking=folder / "tracking",
            )
        )
        rows = map(json.loads, (folder / "training/log.jsonl").read_text(encoding="utf-8").splitlines())
        warnings = [row["message"] for row in rows if row["kind"] == "warning"]
        chosen = json.loads((folder / "training/summary.json").read_text(encoding="utf-8"))["chosen_step"]
        if warnings:
            run.say(f"{len(warnings)} warnings, the first: {warnings[0]}")
        run.say("last checkpoint kept" if chosen is None else f"checkpoint of step {chosen} kept")
        _move(folder / "training/adapter", folder / "adapter")
        return Outputs(("adapter", "training/summary.json", "training/log.jsonl"), spent)


def _normalize(run: Run) -> Any:
    """How the vote compared scores of options, with ``auto`` resolved; ``byte`` where it compared none.

    A run of a version without ``vote.json`` compared per byte, too.
    """
    path = run.dir / "vote.json"
    found = json.loads(path.read_text(encoding="utf-8")).get("normalize") if path.is_file() else None
    return found["by"] if found else "byte"


def _advice(recipe: Recipe) -> list[str]:
    """What else the recipe can set so that agreeing answers are kept: pairs for them, where it has that key."""
    trains_on_pairs = METHODS[recipe.training.method].eats in ("pairs", "chosen")
    return ["pairs.anchors: all"] if trains_on_pairs and recipe.pairs.anchors == "none" else []


def _move(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    source.rename(target)
