"""A recipe run from questions to a report.

A stage is skipped where its inputs are what they were: the recipe keys that it reads, the world outside that it depends
on, and the content of the files that the stages before it wrote. Sampling and training continue where they were
interrupted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.disk.lock import held
from calm_ext.errors import CalmError
from calm_ext.files.places import make_folder
from calm_ext.models.device import peak_memory_mib
from calm_ext.models.meter import Reading, reading
from calm_ext.models.processes.following import follow
from calm_ext.models.processes.machines import leading
from calm_ext.pipeline.context import Run, Stage
from calm_ext.pipeline.ready import LOADS_MODEL, check_machine, check_packages
from calm_ext.pipeline.reporter import Reporter
from calm_ext.pipeline.schema import Recipe
from calm_ext.pipeline.stages import STAGES
from calm_ext.signature import versions


class PlannedStage(NamedTuple):
    """One line of a dry run: ``note`` says what the stage would do, with counts."""

    name: str
    note: str


class Pipeline:
    """The stages of a recipe, in order.

    Args:
        recipe: validated.
        run_dir: default ``runs/<name>``.
        reporter: where messages go; default nowhere.
        retry: ask again for responses that are missing.

    Attributes:
        stages: those that this recipe has.
        ran: names of the stages that ran this time and were not skipped.
    """

    def __init__(
        self, recipe: Recipe, run_dir: Path | None = None, *, reporter: Reporter | None = None, retry: bool = False
    ) -> None:
        self.context = Run(recipe, run_dir, stages=STAGES, reporter=reporter, retry=retry)
        self.dir = self.context.dir
        self.stages = self.context.stages
        self.ran: list[str] = []

    def run(self, *, stop_after: str | None = None) -> None:
        """Run the stages in order up to ``stop_after``, skipping those that are done.

        Raises:
            CalmError: the recipe has no such stage, another process writes the run, or a stage cannot be done; what was
                finished stays.
        """
        names = [s.name for s in self.stages]
        due = self._due(stop_after)
        check_packages(self.context.recipe)
        self._check_machine(due)
        for stage in self.stages:
            stage.check(self.context, due=stage in due)
        launch = self.context.recipe.launch
        with held(make_folder(self.dir.path), "align"), leading(self.dir.path, launch) as self.context.models.lead:
            self.dir.read()
            self.dir.open(order=names, recipe=self.context.recipe.to_yaml(), outdated=self._outdated())
            self.context.due = tuple(s.name for s in due)
            self.context.reporter.begin([s.name for s in due], self.dir.path)
            for stage in due:
                self.advance(stage)
                if self.ran[-1:] == [stage.name]:
                    self.dir.note_outdated(self._outdated())

    def _check_machine(self, due: Sequence[Stage]) -> None:
        """Refuse what the machine cannot do, unless every stage that would need it is done.

        Whether they are, the files of the model say, which take minutes to read: only where each stage was
        done before are they read. Where all are done, no framework is loaded.
        """
        loading = [s for s in due if s.name in LOADS_MODEL]
        if not loading or (self.dir.has_all(s.name for s in loading) and all(map(self.context.is_done, loading))):
            return
        check_machine(self.context.recipe, self.dir.path)

    def _outdated(self) -> dict[str, list[str]]:
        """Finished stage -> why it would be done again now, in words; those that are as they would be are left out."""
        run, found = self.context, dict[str, list[str]]()
        for stage in self.stages:
            entry = self.dir.manifest["stages"].get(stage.name)
            if entry is None:
                continue
            try:
                needs = stage.depends_on(run)
            except KeyError as error:
                found[stage.name] = [f"stage {error.args[0]}, which comes before it, is not finished"]
                continue
            except OSError as error:
                found[stage.name] = [f"{error.filename} cannot be read"]
                continue
            is_same = needs.identity(stage.name) == entry["inputs"]
            reasons = [] if is_same else needs.changes_since(entry.get("needs"))
            reasons += [f"stage {earlier} before it is out of date" for earlier in needs.made if earlier in found]
            if reasons:
                found[stage.name] = reasons
        return found

    def _due(self, stop_after: str | None) -> Sequence[Stage]:
        """The stages up to one; all without."""
        names = [s.name for s in self.stages]
        if stop_after is not None and stop_after not in names:
            raise CalmError(f"this recipe has no stage {stop_after!r}; it has {', '.join(names)}")
        return self.stages if stop_after is None else self.stages[: names.index(stop_after) + 1]

    def advance(self, stage: Stage) -> None:
        """Run one stage, unless it is done."""
        run = self.context
        run.current, needs = stage.name, stage.depends_on(run)
        inputs = needs.identity(stage.name)
        if self.dir.is_done(stage.name, inputs) and not stage.lacks(run):
            run.reporter.turn(stage.name, "skipped")
            return
        run.reporter.turn(stage.name, "starts")
        run.inputs = inputs
        started, counted = time.monotonic(), reading()
        outputs = stage.run(run)
        seconds = time.monotonic() - started
        self.ran.append(stage.name)
        facts = facts_of(seconds, reading().since(counted) + outputs.spent)
        self.dir.finish(stage.name, inputs, outputs.files, needs=needs.record(), **facts)
        run.reporter.turn(stage.name, "done", seconds)

    def plan(self, *, stop_after: str | None = None) -> list[PlannedStage]:
        """What a run would do, with counts; loads questions, but no model, and writes nothing.

        Raises:
            CalmError: the recipe has no stage ``stop_after``, or a stage could not be done.
        """
        due = self._due(stop_after)
        check_packages(self.context.recipe)
        for stage in self.stages:
            stage.check(self.context, due=False)
        again = self._again(due)
        done = {s.name: "" if s.name in again else ", done already" for s in due}
        return [PlannedStage(s.name, s.plan(self.context) + done[s.name]) for s in due]

    def _again(self, due: Sequence[Stage]) -> set[str]:
        """The stages that would run: those that are not done, and those that read what such a stage makes anew."""
        found = set[str]()
        for stage in due:
            try:
                made = set(stage.depends_on(self.context).made)
            except (KeyError, OSError):
                found.add(stage.name)
                continue
            if made & found or not self.context.is_done(stage) or stage.lacks(self.context):
                found.add(stage.name)
        return found


def take_part(recipe: Recipe, run_dir: Path | None, rank: int, *, say: Callable[[str], None]) -> None:
    """Do another machine's share of the run that the first one does, until that has come to its end.

    Args:
        recipe: the same as there.
        run_dir: the same as there; default ``runs/<name>``.
        rank: this machine's number, from 1.
        say: called with messages to the person.

    Raises:
        CalmError: this machine cannot do its share, or the run failed.
    """
    folder = Run(recipe, run_dir).dir.path
    check_packages(recipe)
    check_machine(recipe, folder)
    follow(folder, recipe.launch, rank, say=say)


def facts_of(seconds: float, model: Reading) -> dict[str, Any]:
    """What the manifest keeps of a stage that ran."""
    return {
        "seconds": round(seconds, 2),
        "model_seconds": round(model.seconds, 2),
        "tokens": model.tokens,
        "peak_memory_mib": round(peak_memory_mib()),
        "versions": versions(),
    }
