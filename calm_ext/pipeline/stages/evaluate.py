"""The two stages that evaluate the model through lm-eval, before and after training."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from calm_ext.data import SOURCES
from calm_ext.errors import CalmError
from calm_ext.harness.metadata import ASKED
from calm_ext.metrics.names import metric_name
from calm_ext.pipeline.context import BaseStage, Outputs, Run
from calm_ext.pipeline.needs import (
    Needs,
    data_world,
    file_world,
    folder_of_model,
    index_world,
    keys_of,
    model_keys,
    model_world,
    some_keys,
)
from calm_ext.pipeline.schema import Recipe
from calm_ext.pipeline.stages.retrieve import retrieval_metadata
from calm_ext.report.words import is_number, number


class Evaluate(BaseStage):
    """Write ``eval/before`` or ``eval/after``.

    Args:
        when: ``after`` evaluates with the adapter.
    """

    def __init__(self, when: Literal["before", "after"]) -> None:
        self.name = self.when = when

    def check(self, run: Run, *, due: bool) -> None:
        """Refuse tasks that lm-eval does not have."""
        if self.when == "after":
            return  # the same tasks
        from calm_ext.harness.evaluate import no_task, unknown_tasks

        missing = unknown_tasks(run.recipe.evaluation.tasks)
        if missing:
            raise CalmError(f"evaluation.tasks: {no_task(missing)}")

    def depends_on(self, run: Run) -> Needs:
        """The model, the tasks, how they are asked and the files that they read; afterwards the adapter, too."""
        r = run.recipe
        given = task_metadata(run)
        made = run.made_by("questions") if given.pop(ASKED, None) else {}
        made |= run.made_by("train") if self.when == "after" else {}
        return Needs(
            keys=model_keys(r)
            | keys_of(r.evaluation, "evaluation", but=("batch_size",))
            | keys_of(r.retrieval, "retrieval")
            | some_keys(r.sampling, "sampling", "chat_template", "template_args", "thoughts"),
            made=made,
            world=model_world(r) | _read_by_tasks(r, given),
            more=[given],
        )

    def plan(self, run: Run) -> str:
        """The tasks."""
        e = run.recipe.evaluation
        limit = f" (limit {e.limit})" if e.limit else ""
        source, asked = run.recipe.data.source, _sources_of(e.tasks)
        others = f"; none of them asks questions of data.source {source}" if source not in asked else ""
        if others and source in ("local", "columns"):
            others += ", calm_local_xl_mc does"
        return ", ".join(e.tasks) + limit + ("" if any(t.startswith("calm_asked") for t in e.tasks) else others)

    def run(self, run: Run) -> Outputs:
        """Evaluate all tasks."""
        from calm_ext.harness.evaluate import evaluate

        r, e = run.recipe, run.recipe.evaluation
        adapter = run.dir / "adapter" if self.when == "after" else None
        found = evaluate(
            run.models.lm(batch_size=e.batch_size, adapter=adapter),
            e.tasks,
            run.dir / f"eval/{self.when}",
            model_name=r.model.path + (f"+{r.name}" if adapter else ""),
            metadata=task_metadata(run) | _model_of(run),
            limit=e.limit,
            num_fewshot=e.num_fewshot,
            chat_template=r.sampling.chat_template,
            seed=e.seed,
            identity=run.inputs,
            say=run.say,
        )
        for task, values in found.get("results", {}).items():
            if said := _said(values):
                run.say(f"{task}: {said}")
        return Outputs((f"eval/{self.when}",))


def _model_of(run: Run) -> dict[str, Any]:
    """What tasks with passages read: whose tokenizer cuts these, and where the model of dense search computes."""
    r = run.recipe
    if r.retrieval is None:
        return {}
    return {"pretrained": run.models.path} | ({"device": r.model.device} if r.model.device else {})


def _said(values: Mapping[str, Any]) -> str:
    """The accuracy and the consistency of a task, by what lm-eval has of it; empty where it has neither."""
    found = {name: values.get(f"{name},none") for name in ("acc", "consistency")}
    return ", ".join(f"{metric_name(name)} {number(v)}" for name, v in found.items() if is_number(v))


def _read_by_tasks(recipe: Recipe, given: Mapping[str, Any]) -> dict[str, Any]:
    """The files that the tasks of calm-ext read: questions, indexes, passages.

    Args:
        given: the metadata of the tasks.
    """
    tasks = recipe.evaluation.tasks
    found: dict[str, Any] = {}
    for name in _sources_of(tasks):
        found |= data_world(name, given.get("data_dir"), spec=given.get("spec") if name == "columns" else None)
    for key in ("path", "spec", "passages"):
        found |= file_world(given.get(key))
    if any("_rag" in task for task in tasks):
        found |= index_world(given.get("index") or os.environ.get("CALM_INDEX"))
        found |= folder_of_model(given.get("dense_model"))
    return found


def _sources_of(tasks: Sequence[str]) -> list[str]:
    """The sources whose questions the tasks ask; of a group of tasks all that there are."""
    ours = [task for task in tasks if task.startswith("calm")]
    names = [name for name in SOURCES if any(task.startswith(f"calm_{name}_") for task in ours)]
    if any(task.startswith("calm_local_") for task in ours):
        names.append("columns")
    known = all(any(task.startswith(f"calm_{name}_") for name in (*SOURCES, ASKED)) for task in ours)
    return names if known else list(SOURCES)


def task_metadata(run: Run) -> dict[str, Any]:
    """The metadata that lm-eval hands to our tasks: languages, data and retrieval of the recipe."""
    e, d = run.recipe.evaluation, run.recipe.data
    languages = e.languages or d.languages
    given: dict[str, Any] = {"languages": languages, "data_dir": d.data_dir, "babel_seed": run.recipe.babel.seed}
    given |= SOURCES[d.source].to_metadata(d.args)
    if any(task.startswith("calm_local_xl") for task in e.tasks):
        given |= {"path": d.path, "spec": d.spec}
    if any(task.startswith("calm_asked_xl") for task in e.tasks):
        given |= {ASKED: str(run.dir / "questions.jsonl")}
    if run.recipe.sampling.thoughts:
        given["thoughts"] = [list(pair) for pair in run.recipe.sampling.thoughts]
    return {k: v for k, v in given.items() if v is not None} | retrieval_metadata(run.recipe) | e.metadata
