"""The stage that asks the model, with the backend of the recipe."""

from __future__ import annotations

from typing import Any

from calm_ext.errors import CalmError
from calm_ext.jsonl import read_jsonl
from calm_ext.models.backends import BACKENDS
from calm_ext.models.endings import FAILED, Endings
from calm_ext.pipeline.context import BaseStage, Outputs, Run, model_identity
from calm_ext.pipeline.schema import Recipe
from calm_ext.pipeline.stages.retrieve import grounding_of
from calm_ext.records import Generation


class Sample(BaseStage):
    """Write ``generations.jsonl``."""

    name = "sample"

    def check(self, run: Run, *, due: bool) -> None:
        """Refuse a backend that is not installed, and before hours of other work a server that does not answer."""
        backend = BACKENDS[run.recipe.sampling.backend]
        missing = backend.missing()
        if missing:
            raise CalmError(missing)
        if due and backend.remote and (not run.is_done(self) or self.lacks(run)):
            s = run.recipe.sampling
            with run.models.backend() as server:
                server.try_out(
                    scored=s.mode == "options",
                    temperature=s.temperature,
                    top_p=s.top_p,
                    max_new_tokens=s.max_new_tokens,
                )

    def lacks(self, run: Run) -> bool:
        """Whether a response is missing that would be asked for again: any if the run is to, else one that failed.

        What failed on the way is left where the vote has been held: a run that is finished does not train anew for it.
        """
        voted = any(stage.name == "vote" and run.is_done(stage) for stage in run.stages)
        if voted and not run.retry:
            return False
        found = read_jsonl(run.dir / "generations.jsonl", Generation, allow_empty=True)
        return any(g.n_missing and (run.retry or FAILED in (g.finish or ())) for g in found)

    def depends_on(self, run: Run) -> list[Any]:
        """The model, how it is asked, the questions, and the passages that are read."""
        found = [model_identity(run.recipe), sampling_identity(run.recipe), run.outputs_of("questions")]
        return [*found, run.outputs_of("retrieve")] if run.recipe.retrieval else found

    def plan(self, run: Run) -> str:
        """How many questions, languages and responses."""
        s, questions = run.recipe.sampling, run.source_questions
        scored = s.mode == "options"
        what = f"{questions[0].n_options} option scores" if scored else f"{s.n} responses"
        by = "" if s.backend == "hf" else f", by {s.backend}"
        return f"{len(questions)} questions × {len(questions[0].versions)} languages × {what}{by}"

    def run(self, run: Run) -> Outputs:
        """Ask the questions that are not answered yet."""
        from calm_ext.harness.sampler import sample

        if not run.dir.begin("sampling", run.inputs, "generations.jsonl"):
            run.say("the sampling settings have changed: old generations removed")
        s, questions = run.recipe.sampling, run.questions
        endings = Endings()
        with run.models.backend() as backend:
            asked = sample(
                backend,
                questions,
                run.dir / "generations.jsonl",
                mode=s.mode,
                style=s.resolved_style,
                n=s.n,
                temperature=s.temperature,
                top_p=s.top_p,
                max_new_tokens=s.max_new_tokens,
                seed=s.seed,
                chat_template=s.chat_template,
                priors=s.wants_priors,
                grounding=grounding_of(run),
                retry=run.retry,
                endings=endings,
                progress=run.reporter.progress("sampling", len(questions)),
            )
        if asked < len(questions):
            run.say(f"continued: {len(questions) - asked} questions were there already")
        for note in endings.notes():
            run.say(note)
        return Outputs(("generations.jsonl",))


def sampling_identity(recipe: Recipe) -> dict[str, Any]:
    """What of the recipe's sampling section decides what is sampled.

    Where a server is, how prompts are batched and how responses are read do not.

    (A model that lm-eval's own class must sample does depend on its batches. A larger batch does not begin its run
    anew all the same: what is sampled stays.)
    """
    values = recipe.sampling.model_dump(mode="json", exclude={"batch_size", "template_args", "thoughts", "normalize"})
    if recipe.sampling.wants_priors:
        values["priors"] = True  # options are scored without the question, too
    if recipe.sampling.template_args:
        values["template_args"] = recipe.sampling.template_args
    values["backend_args"] = BACKENDS[recipe.sampling.backend].identity(values["backend_args"])
    return values
