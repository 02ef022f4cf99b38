"""One cell of a study, run as a recipe is, except that what another cell did already is taken over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from calm_ext.disk.digests import digest
from calm_ext.disk.shards import Shards
from calm_ext.errors import CalmError
from calm_ext.jsonl import write_jsonl
from calm_ext.models.meter import Reading
from calm_ext.pipeline.context import Stage
from calm_ext.pipeline.directory import RunDirectory
from calm_ext.pipeline.reporter import Reporter
from calm_ext.pipeline.run import Pipeline, facts_of
from calm_ext.pipeline.schema import Recipe
from calm_ext.records import Generation
from calm_ext.study.grid import Cell
from calm_ext.study.sharing import claimed

#: The stages that are done once for the folds of a combination: the samples of all questions.
SAMPLED = ("questions", "retrieve", "sample")
#: What is written for each cell by itself.
OWN = ("report",)


class SharingPipeline(Pipeline):
    """The stages of a recipe in a folder of a study; what another run of the study did with the same inputs is linked.

    Args:
        place: the folder, from the study's on.

    Raises:
        CalmError: the recipe wants several machines.
    """

    def __init__(self, recipe: Recipe, study: Path, place: str, *, reporter: Reporter | None = None) -> None:
        if recipe.launch.machines > 1:
            path, machines = recipe.launch.accelerate_config, recipe.launch.machines
            raise CalmError(
                f"launch.accelerate_config: {path} has num_machines {machines}, and a study runs on one; "
                f"take recipes/accelerate/multi-gpu.yaml, or leave it out"
            )
        super().__init__(recipe, study / place, reporter=reporter)
        self.study, self.place = study, place

    def advance(self, stage: Stage) -> None:
        """Run one stage, unless it is done here or elsewhere."""
        run = self.context
        if stage.name in OWN:
            super().advance(stage)
            return
        run.current, inputs = stage.name, run.inputs_of(stage)
        with claimed(self.study, stage.name, inputs, waiting=lambda: run.say("waits for a cell that does it")) as claim:
            if not self.dir.is_done(stage.name, inputs):
                if claim.owner not in ("", self.place) and self._adopt(stage.name, inputs, claim.owner):
                    run.say(f"shared, done by {Path(claim.owner).name}")
                    return
                self.dir.own(stage.name)
                self.do(stage, inputs)
            else:
                run.reporter.turn(stage.name, "skipped")
            if "shared_from" not in self.dir.manifest["stages"][stage.name]:
                claim.owner = self.place

    def do(self, stage: Stage, inputs: str) -> None:
        """Do a stage that nobody has done."""
        super().advance(stage)

    def _adopt(self, stage: str, inputs: str, owner: str) -> bool:
        if not (self.study / owner / "manifest.json").is_file():
            return False
        other = RunDirectory(self.study / owner, name=Path(owner).name)
        return self.dir.adopt(stage, other, inputs, shared_from=owner)


class CellPipeline(SharingPipeline):
    """The stages of a cell; with folds, samples are taken from those of all questions."""

    def __init__(self, cell: Cell, study: Path, *, reporter: Reporter | None = None) -> None:
        super().__init__(cell.recipe, study, f"cells/{cell.name}", reporter=reporter)
        self.cell = cell
        if cell.stages is not None:
            self.stages = tuple(s for s in self.stages if s.name in cell.stages)

    def do(self, stage: Stage, inputs: str) -> None:
        """Do a stage; take the samples of a fold's questions where all questions are sampled."""
        if stage.name != "sample" or self.cell.sampled is None:
            super().do(stage, inputs)
            return
        run = self.context
        asked = {q.id for q in run.questions}
        whole = SampledPipeline(self.cell.sampled, self.study, reporter=run.reporter)
        with claimed(self.study, "sampled", digest(whole.place), waiting=lambda: run.say("waits for the samples")):
            whole.run()
        run.current = stage.name
        samples = (g for _, g in Shards(whole.dir / "generations.jsonl", Generation))
        n = write_jsonl(self.dir / "generations.jsonl", (g for g in samples if g.id in asked))
        run.say(f"{n} of the samples of all questions taken")
        facts = facts_of(0.0, Reading()) | {"sliced_from": whole.place}
        self.dir.finish(stage.name, inputs, ["generations.jsonl"], **facts)
        self.ran.append(stage.name)


class SampledPipeline(SharingPipeline):
    """The samples of all questions, which the folds of one combination and seed share."""

    def __init__(self, recipe: Recipe, study: Path, *, reporter: Reporter | None = None) -> None:
        super().__init__(recipe, study, f"sampled/{recipe.name}", reporter=reporter)
        self.stages = tuple(s for s in self.stages if s.name in SAMPLED)

    def _due(self, stop_after: str | None) -> Sequence[Stage]:
        return self.stages


def is_finished(cell: Cell, study: Path) -> bool:
    """Whether every stage of a cell is done, with the inputs that it would have now."""
    if not (study / "cells" / cell.name / "manifest.json").is_file():
        return False
    pipeline = CellPipeline(cell, study)
    return all(pipeline.context.is_done(stage) for stage in pipeline.stages)
