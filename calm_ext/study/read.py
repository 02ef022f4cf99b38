"""A study file read and checked, with the recipe that it names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from calm_ext.errors import CalmError, DataError, RecipeError
from calm_ext.files.texts import read_yaml
from calm_ext.options import problem
from calm_ext.pipeline.bundled import find_recipe, recipes_dir
from calm_ext.pipeline.recipe import read_recipe
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


def study_names() -> list[str]:
    """The studies that come along, without ``.yaml``."""
    return sorted(p.stem for p in (recipes_dir() / "studies").glob("*.yaml"))


def find_study(name: str) -> Path:
    """A path as it stands, or else the study of that name that comes along.

    Raises:
        CalmError: there is neither; names what there is.
    """
    path = Path(name)
    if path.is_file():
        return path
    if path.parent == Path(".") and path.name.removesuffix(".yaml") in study_names():
        return recipes_dir() / "studies" / f"{path.name.removesuffix('.yaml')}.yaml"
    raise CalmError(f"{name}: no such study file; these come along: {', '.join(study_names())}")


def read_study(path: str | os.PathLike[str]) -> StudyFile:
    """Read a study file and the recipe that it names.

    Raises:
        RecipeError: with every problem of the study, one a line.
        CalmError: the file or the recipe cannot be read.
    """
    where = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CalmError(f"{where}: no such study file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CalmError(f"{where}: cannot be read ({error})") from None
    try:
        values = read_yaml(text, where)
    except DataError as error:
        place, _, what = str(error).partition(": ")
        raise RecipeError(place, [what]) from None
    if not isinstance(values, dict):
        raise RecipeError(where, ["a mapping of keys was expected"])
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
