"""The stages of a run, one file a stage, and :data:`STAGES`, their one list."""

from __future__ import annotations

from calm_ext.pipeline.context import Stage
from calm_ext.pipeline.stages.evaluate import Evaluate
from calm_ext.pipeline.stages.pairs import Pairs
from calm_ext.pipeline.stages.questions import Questions
from calm_ext.pipeline.stages.report import Report
from calm_ext.pipeline.stages.retrieve import Retrieve
from calm_ext.pipeline.stages.sample import Sample
from calm_ext.pipeline.stages.train import Train
from calm_ext.pipeline.stages.vote import Vote

#: All stages, in the order in which they run.
STAGES: tuple[Stage, ...] = (
    Questions(),
    Retrieve(),
    Evaluate("before"),
    Sample(),
    Vote(),
    Pairs(),
    Train(),
    Evaluate("after"),
    Report(),
)
