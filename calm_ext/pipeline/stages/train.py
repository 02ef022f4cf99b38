"""The stage that trains the adapter, in a process of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from calm_ext.models.meter import Reading
from calm_ext.pipeline.context import BaseStage, Outputs, Run
from calm_ext.pipeline.needs import Needs, asking_keys, file_world, keys_of, model_keys, model_world, some_keys
from calm_ext.pipeline.recipe import Recipe
from calm_ext.pipeline.stages.pairs import EXERCISES, GROUPS, written_beside
from calm_ext.training.checkpoints import finished_adapter
from calm_ext.training.job import TrainingJob
from calm_ext.training.launch import launch
from calm_ext.training.methods import METHODS

#: Keys that change nothing of the adapter: who is told of training, and what is computed twice to save memory.
#: (The share that is held out is the pairs' matter.)
_IDLE = ("report_to", "gradient_checkpointing", "heldout_share")

#: The key of one process as earlier versions named it, so that what they trained is up to date.
_ONE_PROCESS = {"training.accelerate_config": None}


class Train(BaseStage):
    """Write ``adapter/`` and the log and summary in ``training/``."""

    name = "train"

    def depends_on(self, run: Run) -> Needs:
        """The model, the training options, how held-out questions are asked, the pairs, and passages that were read."""
        r = run.recipe
        vote = ["vote"] if r.sampling.mode == "options" else []  # how scores were compared
        return Needs(
            keys=model_keys(r)
            | keys_of(r.training, "training", but=_IDLE)
            | (keys_of(r.launch, "launch") if r.launch.accelerate_config else _ONE_PROCESS)
            | asking_keys(r)
            | some_keys(r.sampling, "sampling", "max_new_tokens", "seed"),
            made=run.made_by("pairs", *vote, "retrieve"),
            world=model_world(r) | file_world(r.launch.accelerate_config),
        )

    def plan(self, run: Run) -> str:
        """The method and its main options."""
        return f"{run.recipe.training.words()}, {run.recipe.launch.words()}"

    def run(self, run: Run) -> Outputs:
        """Train, continuing where an earlier run with the same inputs stopped."""
        r, folder = run.recipe, run.dir
        run.models.release()  # the training process needs the memory
        output, tracking = _places(run)
        if output != folder / "training":
            run.say("the inputs have changed: it is trained anew, and the old adapter stays until that is done")
        folder.begin(output.name, run.inputs, output.name, tracking.name)
        beside = written_beside(r.training)
        votes = json.loads((folder / "heldout/votes.json").read_text(encoding="utf-8"))
        job = TrainingJob(
            model=run.models.path,
            pairs=folder / "pairs.jsonl",
            groups=folder / GROUPS if beside == GROUPS else None,
            questions=folder / EXERCISES if beside == EXERCISES else None,
            output=output,
            accelerate_config=r.launch.accelerate_config,
            options=r.training,
            sampling=r.sampling,
            heldout=folder / "heldout/questions.jsonl" if votes else None,
            heldout_votes={question: own for question, own in votes.items() if own},
            heldout_pairs=folder / "heldout/pairs.jsonl",
            heldout_passages=folder / "passages.jsonl" if r.retrieval else None,
            normalize=_normalize(run),
            advice=_advice(r),
            device=r.model.device,
            trust_remote_code=r.model.trust_remote_code,
            run_name=folder.path.resolve().name,
            tracking=tracking,
        )
        spent = Reading()
        if finished_adapter(output, [folder / "adapter"]) is None:  # else the run was killed when it had been moved
            spent = launch(job, say=run.say, trained=run.reporter.trained, lead=run.models.lead)
            _move(output / "adapter", folder / "adapter")
        _move(output, folder / "training")
        _move(folder / "tracking.next", folder / "tracking")
        rows = map(json.loads, (folder / "training/log.jsonl").read_text(encoding="utf-8").splitlines())
        warned = sum(row["kind"] == "warning" for row in rows)
        chosen = json.loads((folder / "training/summary.json").read_text(encoding="utf-8"))["chosen_step"]
        if warned:
            run.say(f"{warned} warnings; training/log.jsonl has all of them")
        run.say("last checkpoint kept" if chosen is None else f"checkpoint of step {chosen} kept")
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


def _places(run: Run) -> tuple[Path, Path]:
    """Where to train, and where trackers write: beside what another training left, which stays until the end of this.

    Only then are the old files replaced: whoever reads the run before finds adapter, log and summary of one training.
    """
    folder = run.dir
    is_next = not folder.belongs("training", run.inputs) and (
        folder.belongs("training.next", run.inputs) or folder.has("train")
    )
    suffix = ".next" if is_next else ""
    return folder / f"training{suffix}", folder / f"tracking{suffix}"


def _move(source: Path, target: Path) -> None:
    if source != target and source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        source.rename(target)
