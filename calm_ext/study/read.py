"""A study file read and checked, with the recipe that it names."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from calm_ext.errors import RecipeError
from calm_ext.files.secrets import clean
from calm_ext.models.trust import FLAG
from calm_ext.options import problem
from calm_ext.pipeline.bundled import bundled_names, find_bundled, find_recipe
from calm_ext.pipeline.overrides import leave_out_method_keys, override
from calm_ext.pipeline.recipe import read_mapping, read_recipe
from calm_ext.study.options import Claim, StudyOptions


class StudyFile(NamedTuple):
    """A study as it was read.

    Attributes:
        path: the file, for messages.
        text: as it stands there, and what the command line set.
        options: its keys.
        recipe: the values of its recipe, not checked yet.
        trust_remote_code: as of :func:`~calm_ext.pipeline.recipe.load_recipe`.
        overrides: what the command line set.
    """

    path: str
    text: str
    options: StudyOptions
    recipe: dict[str, Any]
    trust_remote_code: bool | None = False
    overrides: tuple[str, ...] = ()

    def command(self, folder: Path) -> str:
        """The command that runs the study in a folder."""
        path = Path(self.path)
        own = path.stem in bundled_names("study") and find_bundled(path.stem, "study") == path
        words = [path.stem if own else self.path, *(x for item in self.overrides for x in ("--set", item))]
        if folder != Path("runs") / self.options.name:
            words += ["--run", str(folder)]
        if self.trust_remote_code:
            words.append(FLAG)
        return clean(" ".join(["calm-ext study", *map(shlex.quote, words)]))


def find_study(name: str) -> Path:
    """The file of a study: see :func:`~calm_ext.pipeline.bundled.find_bundled`."""
    return find_bundled(name, "study")


def read_study(
    path: str | os.PathLike[str], *, overrides: Sequence[str] = (), trust_remote_code: bool = False
) -> StudyFile:
    """Read a study file and the recipe that it names.

    Args:
        overrides: ``key=value`` each, keys of the recipe, for all cells; what the study varies comes after them.
        trust_remote_code: whether the person at the keyboard lets models run code of their own.

    Raises:
        RecipeError: with every problem of the study, one a line.
        CalmError: the file or the recipe cannot be read.
    """
    where = str(path)
    text, values = read_mapping(path, absent="no such study file")
    if "recipe" not in values and {"model", "data", "training", "evaluation"} & values.keys():
        raise RecipeError(where, [f"is a recipe, not a study; `calm-ext align {where}` runs it"])
    try:
        options = StudyOptions.model_validate(values)
    except ValidationError as error:
        found = [problem(x, _known(x["loc"])) for x in error.errors(include_url=False)]
        raise RecipeError(where, list(dict.fromkeys(found))) from None
    recipe = _recipe(options, Path(path).parent)
    leave_out_method_keys(recipe, overrides)
    problems = [x for x in (override(recipe, item) for item in overrides) if x]
    if problems:
        raise RecipeError(where, problems)
    set_here = "".join(f"# --set {item}\n" for item in overrides)
    return StudyFile(where, text + set_here, options, recipe, trust_remote_code, tuple(overrides))


def _known(location: tuple[Any, ...]) -> list[str]:
    return list((Claim if location[:1] == ("claims",) and len(location) > 1 else StudyOptions).model_fields)


def _recipe(options: StudyOptions, folder: Path) -> dict[str, Any]:
    """The values of the recipe: those of the study, or of the file it names, beside the study or among the bundled."""
    if isinstance(options.recipe, dict):
        return {"name": options.name, **options.recipe}
    beside = folder / options.recipe
    return read_recipe(beside if os.path.isfile(beside) else find_recipe(options.recipe))
