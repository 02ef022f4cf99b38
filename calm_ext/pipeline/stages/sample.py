"""The stage of a run that asks the model, with whatever engine the recipe names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from calm_ext.errors import CalmError
from calm_ext.models.options import ApiOptions
from calm_ext.pipeline.directory import RunDirectory
from calm_ext.pipeline.schema import Recipe
from calm_ext.pipeline.stages.retrieve import grounding_of
from calm_ext.records import ParallelQuestion

if TYPE_CHECKING:
    from calm_ext.models.backends.engines import Engine


def sampling_identity(recipe: Recipe) -> dict[str, Any]:
    """What of the recipe's sampling section decides what is sampled: not where a server is, nor how it is batched.

    (A model that lm-eval's own class must sample does depend on its batches. Its run is not begun anew for that either:
    what is sampled stays.)
    """
    values = recipe.sampling.model_dump(mode="json", exclude={"batch_size"})
    if recipe.sampling.backend == "api":
        given = values["backend_args"]
        values["backend_args"] = {k: v for k, v in given.items() if k not in ApiOptions.TRANSPORT}
    return values


def check_backend(recipe: Recipe) -> None:
    """Refuse a backend that is not installed, before anything is loaded.

    Raises:
        CalmError: what to install.
    """
    if recipe.sampling.backend != "hf":
        from calm_ext.models.backends.engines import missing_package

        missing = missing_package(recipe.sampling.backend)
        if missing:
            raise CalmError(missing)


def run_sample(
    recipe: Recipe,
    run: RunDirectory,
    questions: list[ParallelQuestion],
    inputs: str,
    say: Callable[[str], None],
    *,
    load_lm: Callable[[], Any],
    load_engine: Callable[[], Engine],
    progress: Callable[[str, int], Callable[[int], None]],
) -> list[str]:
    """Ask the questions that are not answered yet; returns the files written.

    Args:
        inputs: hash of what the answers depend on; older ones are removed.
        load_lm, load_engine: of backend ``hf``, and of the others.
        progress: makes a progress bar of a label and a total.
    """
    from calm_ext.harness.sampler import sample

    if not run.begin("sampling", inputs, "generations.jsonl"):
        say("the recipe asks otherwise than before: old generations removed")
    s = recipe.sampling
    engine = None if s.backend == "hf" else load_engine()
    try:
        asked = sample(
            engine or load_lm(),
            questions,
            run / "generations.jsonl",
            mode=s.mode,
            style=s.resolved_style,
            n=s.n,
            temperature=s.temperature,
            top_p=s.top_p,
            max_new_tokens=s.max_new_tokens,
            seed=s.seed,
            chat_template=s.chat_template,
            grounding=grounding_of(recipe, run, questions),
            progress=progress("sampling", len(questions)),
        )
    finally:
        if engine:
            engine.close()
    if asked < len(questions):
        say(f"continued: {len(questions) - asked} questions were there already")
    return ["generations.jsonl"]
