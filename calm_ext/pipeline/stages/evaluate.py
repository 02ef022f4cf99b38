"""The two stages that evaluate the model through lm-eval, before and after training."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from calm_ext.data import SOURCES
from calm_ext.errors import CalmError
from calm_ext.harness.metadata import ASKED
from calm_ext.pipeline.context import BaseStage, Outputs, Run, model_identity, section, template_identity
from calm_ext.pipeline.directory import sha256_of
from calm_ext.pipeline.stages.retrieve import retrieval_identity, retrieval_metadata


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
        from calm_ext.harness.evaluate import named, unknown_tasks

        missing = unknown_tasks(run.recipe.evaluation.tasks)
        if missing:
            raise CalmError(f"evaluation.tasks: lm-eval has no task {named(missing)}; `lm_eval ls tasks` lists them")

    def depends_on(self, run: Run) -> list[Any]:
        """The model, the tasks and how they are asked; afterwards the trained adapter, too."""
        r = run.recipe
        model = model_identity(r)
        given = task_metadata(run)
        asked = [run.outputs_of("questions")] if given.pop(ASKED, None) else []
        found = [model, section(r.evaluation), given, r.sampling.chat_template, *template_identity(r)]
        # Of a file that is not there loading says so.
        found += [sha256_of(Path(given[x])) for x in ("path", "spec") if x in given and Path(given[x]).is_file()]
        passages = retrieval_identity(r)
        if passages:
            found.append(passages)
        found += asked
        return [*found, run.outputs_of("train")] if self.when == "after" else found

    def plan(self, run: Run) -> str:
        """The tasks."""
        e = run.recipe.evaluation
        return ", ".join(e.tasks) + (f" (limit {e.limit})" if e.limit else "")

    def run(self, run: Run) -> Outputs:
        """Evaluate all tasks."""
        from calm_ext.harness.evaluate import evaluate

        r, e = run.recipe, run.recipe.evaluation
        adapter = run.dir / "adapter" if self.when == "after" else None
        evaluate(
            run.models.lm(batch_size=e.batch_size, adapter=adapter),
            e.tasks,
            run.dir / f"eval/{self.when}",
            model_name=r.model.path + (f"+{r.name}" if adapter else ""),
            metadata=task_metadata(run) | ({"pretrained": run.models.path} if r.retrieval else {}),
            limit=e.limit,
            num_fewshot=e.num_fewshot,
            chat_template=r.sampling.chat_template,
            seed=e.seed,
        )
        return Outputs((f"eval/{self.when}",))


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
