"""Which stages of a run are out of date: their results are of another recipe, or of other files, than the run's now.

The pipeline notes this in the manifest before it does anything; here it is only read, so that a report, a card, a merge
and a push need neither the model nor the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from calm_ext.disk.digests import sha256_of

#: Section of a recipe -> the stage whose results show what it was; the first that is finished.
_OWNERS: Mapping[str, Sequence[str]] = {
    "model": ("train", "sample", "before"),
    "babel": ("train", "sample", "before"),
    "data": ("questions",),
    "retrieval": ("retrieve",),
    "sampling": ("sample",),
    "vote": ("vote",),
    "pairs": ("pairs",),
    "training": ("train",),
    "evaluation": ("after", "before"),
}
#: In the place of a stage, for what is no stage's.
RECIPE = "recipe.yaml"


def outdated_stages(run: Path, manifest: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Stage -> why its results are out of date, in words; ``recipe.yaml`` where that file was changed since.

    The report itself is left out: whoever asks is about to write it.
    """
    noted = manifest.get("outdated")
    found = {
        str(stage): tuple(map(str, reasons)) if isinstance(reasons, list) else ()
        for stage, reasons in (noted.items() if isinstance(noted, dict) else ())
        if stage != "report"
    }
    recipe, written = run / "recipe.yaml", manifest.get("recipe")
    if isinstance(written, str) and recipe.is_file() and sha256_of(recipe) != written:
        found[RECIPE] = ("it was changed since the last `calm-ext align`",)
    return found


def outdated_words(outdated: Mapping[str, Sequence[str]]) -> list[str]:
    """One line a stage.

    >>> outdated_words({"train": ("training.beta was 0.1 and is 5.0", "stage pairs before it is out of date")})
    ['train: training.beta was 0.1 and is 5.0; stage pairs before it is out of date']
    """
    return [f"{stage}: {'; '.join(reasons)}" for stage, reasons in outdated.items()]


def recipe_as_made(
    recipe: Mapping[str, Any], stages: Mapping[str, Mapping[str, Any]], outdated: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The recipe with the values that the results were made with, where those of now are others."""
    made = {name: dict(part) if isinstance(part, Mapping) else part for name, part in recipe.items()}
    for name, owners in _OWNERS.items():
        owner = next((x for x in owners if x in stages), None)
        needs = stages[owner].get("needs") if owner and (owner in outdated or RECIPE in outdated) else None
        keys = needs.get("keys") if isinstance(needs, Mapping) else None
        for key, value in keys.items() if isinstance(keys, Mapping) else ():
            part, _, inner = str(key).partition(".")
            if part == name:
                made[name] = {**(made.get(name) or {}), inner: value}
    return made
