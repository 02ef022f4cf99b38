"""A study file read and checked, with the recipe that it names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from calm_ext.errors import RecipeError
from calm_ext.options import problem
from calm_ext.pipeline.bundled import find_bundled, find_recipe
from calm_ext.pipeline.recipe import read_mapping, read_recipe
from calm_ext.study.options import Claim, StudyOptions


class StudyFile(NamedTuple):
    """A study as it was read.

    Attributes:
        path: the file, for messages.
        text: as it stands there.
        options: its keys.
        recipe: the values of its recipe, not checked yet.
    """

    path: str
    text: str
    options: StudyOptions
    recipe: dict[str, Any]


def find_study(name: str) -> Path:
    """The file of a study: see :func:`~calm_ext.pipeline.bundled.find_bundled`."""
    return find_bundled(name, "study")


def read_study(path: str | os.PathLike[str]) -> StudyFile:
    """Read a study file and the recipe that it names.

    Raises:
        RecipeError: with every problem of the study, one a line.
        CalmError: the file or the recipe cannot be read.
    """
    where = str(path)
    text, values = read_mapping(path, absent="no such study file")
    try:
        options = StudyOptions.model_validate(values)
    except ValidationError as error:
        found = [problem(x, _known(x["loc"])) for x in error.errors(include_url=False)]
        raise RecipeError(where, list(dict.fromkeys(found))) from None
    return StudyFile(where, text, options, _recipe(options, Path(path).parent))


def _known(location: tuple[Any, ...]) -> list[str]:
    return list((Claim if location[:1] == ("claims",) and len(location) > 1 else StudyOptions).model_fields)


def _recipe(options: StudyOptions, folder: Path) -> dict[str, Any]:
    """The values of the recipe: those of the study, or of the file it names, beside the study or among the bundled."""
    if isinstance(options.recipe, dict):
        return {"name": options.name, **options.recipe}
    beside = folder / options.recipe
    return read_recipe(beside if beside.is_file() else find_recipe(options.recipe))
