"""The stage of a run that asks the model, through the backend that the recipe names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calm_ext.errors import CalmError
from calm_ext.models.backends import BACKENDS, Backend
from calm_ext.pipeline.directory import RunDirectory
from calm_ext.pipeline.schema import Recipe
from calm_ext.pipeline.stages.retrieve import grounding_of
from calm_ext.records import ParallelQuestion


def sampling_identity(recipe: Recipe) -> dict[str, Any]:
    """What of the recipe's sampling section decides what is sampled: not where a server is, nor how it is batched.

    (A model that lm-eval's own class must sample does depend on its batches. Its run is not begun anew for that either:
    what is sampled stays.)
    """
    values = recipe.sampling.model_dump(mode="json", exclude={"batch_size"})
    values["backend_args"] = BACKENDS[recipe.sampling.backend].identity(values["backend_args"])
    return values


def check_backend(recipe: Recipe) -> None:
    """Refuse a backend that is not installed, before anything is loaded.

    Raises:
        CalmError: what to install.
    """
    missing = BACKENDS[recipe.sampling.backend].missing()
    if missing:
        raise CalmError(missing)


def run_sample(
    recipe: Recipe,
    run: RunDirectory,
    questions: list[ParallelQuestion],
    inputs: str,
    say: Callable[[str], None],
    *,
    load_backend: Callable[[], Backend],
    progress: Callable[[str, int], Callable[[int], None]],
) -> list[str]:
    """Ask the questions that are not answered yet; returns the files written.

    Args:
        inputs: hash of what the answers depend on; older ones are removed.
        load_backend: loads what samples.
        progress: makes a progress bar of a label and a total.
    """
    from calm_ext.harness.sampler import sample

    if not run.begin("sampling", inputs, "generations.jsonl"):
        say("the recipe asks otherwise than before: old generations removed")
    s = recipe.sampling
    with load_backend() as backend:
        asked = sample(
            backend,
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
    if asked < len(questions):
        say(f"continued: {len(questions) - asked} questions were there already")
    return ["generations.jsonl"]
