"""What a study would do: the stages that run, and those that are done or shared; how long that takes by what is known.

A stage is known by the hash of its inputs, as in a run. The outputs of stages that have not run yet stand in it by the
hash of what they will be made from, so that cells which agree in all that a stage depends on have the same hash.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.files.decode import read_table
from calm_ext.pipeline.context import Run
from calm_ext.study.cell import OWN, CellPipeline, SampledPipeline, SharingPipeline
from calm_ext.study.grid import Cell


class _Imagined(Run):
    """A run whose stages' outputs are the hashes of their inputs; nothing of it is ever done."""

    _known: dict[str, str]

    def outputs_of(self, stage: str) -> dict[str, str]:
        """The hash of a stage's inputs, in the place of those of its outputs."""
        if not hasattr(self, "_known"):
            self._known = {}
        if stage not in self._known:
            self._known[stage] = self.inputs_of(next(s for s in self.stages if s.name == stage))
        return {"": self._known[stage]}


class PlannedRun(NamedTuple):
    """One folder of the study.

    Attributes:
        place: from the study's folder on.
        stages: stage -> ``done``, ``runs``, ``shared``, or ``taken`` from the samples of all questions.
        cell: None of the samples that folds share.
    """

    place: str
    stages: dict[str, str]
    cell: Cell | None

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return set(self.stages.values()) == {"done"}


class Plan(NamedTuple):
    """All folders of a study in order, and the mean seconds of each stage that ran already."""

    runs: list[PlannedRun]
    seconds: dict[str, float]

    @property
    def counts(self) -> dict[str, Counter[str]]:
        """stage -> how often it runs, is shared, …"""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for run in self.runs:
            for stage, what in run.stages.items():
                found[stage][what] += 1
        return dict(found)

    def expected(self, *, jobs: int = 1, without: Sequence[str] = ()) -> float | None:
        """Seconds that the stages will take that are to run; None where one of them has never run.

        Args:
            without: folders that are finished since the plan was made.
        """
        return expected(self.runs, self.seconds, jobs=jobs, without=without)

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "cells": [{"run": r.place, "stages": r.stages} for r in self.runs],
            "stages": {stage: dict(n) for stage, n in self.counts.items()},
            "seconds": self.seconds,
            "expected_seconds": self.expected(),
        }


def expected(
    runs: Sequence[PlannedRun], seconds: Mapping[str, float], *, jobs: int, without: Sequence[str] = ()
) -> float | None:
    """Seconds that the stages to run of some folders take in so many processes; see :meth:`Plan.expected`."""
    total = 0.0
    for run in (r for r in runs if r.place not in without):
        for stage, what in run.stages.items():
            if what == "runs":
                if stage not in seconds:
                    return None
                total += seconds[stage]
    return total / jobs


def make_plan(cells: Sequence[Cell], study: Path) -> Plan:
    """What is to be done of the cells, in their order; nothing is written."""
    runs: list[tuple[SharingPipeline, Cell | None]] = []
    names = set()
    for each in cells:
        if each.sampled is not None and each.sampled.name not in names:
            names.add(each.sampled.name)
            runs.append((SampledPipeline(each.sampled, study), None))
        runs.append((CellPipeline(each, study), each))
    keys = [_keys(pipeline) for pipeline, _ in runs]
    done = [{s.name: p.context.is_done(s) for s in p.stages} for p, _ in runs]
    there = {key for own, is_done in zip(keys, done, strict=True) for name, key in own.items() if is_done[name]}
    planned = []
    for (pipeline, cell), own, is_done in zip(runs, keys, done, strict=True):
        stages = {}
        for name, key in own.items():
            if is_done[name]:
                stages[name] = "done"
            elif name not in OWN and key in there:
                stages[name] = "shared"
            else:
                taken = name == "sample" and cell is not None and cell.sampled is not None
                stages[name] = "taken" if taken else "runs"
            there.add(key)
        if cell is not None or set(stages.values()) != {"shared"}:
            planned.append(PlannedRun(pipeline.place, stages, cell))
    return Plan(planned, mean_seconds(study))


def _keys(pipeline: SharingPipeline) -> dict[str, str]:
    """stage -> a hash that is the same where stages will have the same inputs."""
    run = pipeline.context
    every = _Imagined(run.recipe, run.dir.path, stages=run.stages)
    return {stage.name: every.outputs_of(stage.name)[""] for stage in pipeline.stages}


def mean_seconds(study: Path) -> dict[str, float]:
    """stage -> the mean time that it took where it ran, in seconds."""
    found = defaultdict(list)
    for manifest in sorted(study.glob("*/*/manifest.json")):
        for stage, entry in read_table(manifest)["stages"].items():
            if not entry.keys() & {"shared_from", "sliced_from"}:
                found[stage].append(float(entry["seconds"]))
    return {stage: sum(values) / len(values) for stage, values in found.items()}
