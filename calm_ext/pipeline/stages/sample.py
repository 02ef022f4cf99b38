"""The stage that asks the model, with the backend of the recipe."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from calm_ext.disk.digests import sha256_of
from calm_ext.disk.lines import sign, sums_of
from calm_ext.disk.shards import Shards, written_shards
from calm_ext.errors import CalmError
from calm_ext.files.places import make_folder
from calm_ext.models.backends import BACKENDS
from calm_ext.models.endings import FAILED, Endings
from calm_ext.pipeline.context import BaseStage, Outputs, Run
from calm_ext.pipeline.needs import Needs, model_keys, model_world
from calm_ext.pipeline.schema import Recipe
from calm_ext.pipeline.stages.retrieve import grounding_of
from calm_ext.records import Generation, ParallelQuestion
from calm_ext.training.launch import get_ready

#: The one file of a run's generations; their shards lie beside where it would be.
GENERATIONS = "generations.jsonl"


class Sample(BaseStage):
    """Write ``generations.jsonl``, or its shards."""

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
        found = (g for _, g in Shards(run.dir / GENERATIONS, Generation))
        return any(g.n_missing and (run.retry or FAILED in (g.finish or ())) for g in found)

    def depends_on(self, run: Run) -> Needs:
        """The model, how it is asked, the questions, and the passages that are read."""
        identity = sampling_identity(run.recipe)
        more = [identity.pop(key, None) for key in ("backend_args", "priors")]  # the first may hold what is private
        return Needs(
            keys=model_keys(run.recipe) | {f"sampling.{key}": value for key, value in identity.items()},
            made=run.made_by("questions", "retrieve"),
            world=model_world(run.recipe),
            more=more,
        )

    def plan(self, run: Run) -> str:
        """How many questions, languages and responses."""
        s = run.recipe.sampling
        return _size(run, run.source_questions) + ("" if s.backend == "hf" else f", by {s.backend}")

    def run(self, run: Run) -> Outputs:
        """Ask the questions that are not answered yet."""
        from calm_ext.harness.sampler import sample

        output = run.dir / GENERATIONS
        shards = output.with_name(f"{output.stem}-{5 * '[0-9]'}{output.suffix}")
        files = (output, sums_of(output), shards, sums_of(shards))
        beside = (*(x.name for x in files), f".{output.name}.journal")
        if not run.dir.begin("sampling", run.inputs, *beside, keep=True):
            run.say("the sampling settings have changed: the old generations are put aside in sampling/old")
        self._require_sums(run, output)
        s, questions = run.recipe.sampling, run.questions
        if "train" in run.due:
            get_ready(
                run.models.path, accelerate_config=run.recipe.launch.accelerate_config, device=run.recipe.model.device
            )
        endings = Endings()
        with run.models.backend() as backend:
            asked = sample(
                backend,
                questions,
                output,
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
                shard_bytes=s.shard_bytes,
                retry=run.retry,
                endings=endings,
                progress=run.reporter.progress("questions", len(questions)),
                say=run.say,
            )
        if asked < len(questions):
            run.say(f"continued: {len(questions) - asked} questions were there already")
        run.say(_size(run, questions))
        for note in endings.notes():
            run.say(note)
        return Outputs(tuple(x.name for x in written_shards(output)))

    def _require_sums(self, run: Run, output: Path) -> None:
        """Generations whose lines nobody can check are gone on from only where they are those of the manifest."""
        entry = run.dir.manifest["stages"].get(self.name) or {"outputs": {}}
        files = written_shards(output)
        for number, path in enumerate(files):
            if sums_of(path).is_file() or not path.stat().st_size:
                continue
            if entry["outputs"].get(path.name) == sha256_of(path):
                sign(path)
                continue
            for own in files[number:]:  # what comes after it was written after it
                aside = make_folder(run.dir / "sampling/old") / f"unchecked-{own.name}"
                os.replace(own, aside)
                sums_of(own).unlink(missing_ok=True)
                run.say(f"the generations have no digests, and are not those of a finished stage: put aside as {aside}")
            return


def _size(run: Run, questions: Sequence[ParallelQuestion]) -> str:
    """How much is asked."""
    s = run.recipe.sampling
    what = f"{questions[0].n_options} option scores" if s.mode == "options" else f"{s.n} responses"
    return f"{len(questions)} questions × {len(questions[0].versions)} languages × {what}"


def sampling_identity(recipe: Recipe) -> dict[str, Any]:
    """What of the recipe's sampling section decides what is sampled.

    Where a server is, how prompts are batched, how responses are read and which files they stand in do not.

    (A model that lm-eval's own class must sample does depend on its batches. A larger batch does not begin its run
    anew all the same: what is sampled stays.)
    """
    values = recipe.sampling.model_dump(mode="json", exclude={"batch_size", "shard_mib", "thoughts", "normalize"})
    if recipe.sampling.wants_priors:
        values["priors"] = True  # options are scored without the question, too
    values["backend_args"] = BACKENDS[recipe.sampling.backend].identity(values["backend_args"])
    return values
