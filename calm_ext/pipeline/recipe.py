"""Recipes: typed, unknown keys forbidden, every problem reported at once and before a model loads.

A recipe is a YAML file. Overrides are dotted keys, ``training.beta=0.2``, whose values are YAML too.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from calm_ext.errors import DataError, RecipeError
from calm_ext.files.texts import read_text, read_yaml
from calm_ext.files.writing import atomic_write
from calm_ext.models.options import SamplingOptions
from calm_ext.options import problem
from calm_ext.pipeline.overrides import leave_out_method_keys, override
from calm_ext.pipeline.problems import language_problems, path_problems, problems_of_recipe, sampling_problems
from calm_ext.pipeline.schema import Recipe
from calm_ext.pipeline.trust import trusted
from calm_ext.training.options import TrainingOptions, options_class


def load_recipe(
    path: str | os.PathLike[str], *, overrides: Iterable[str] = (), trust_remote_code: bool | None = False
) -> Recipe:
    """Read a recipe, apply ``key=value`` overrides, and check all of it.

    Args:
        trust_remote_code: whether the person at the keyboard lets the model run code of its own, which a recipe can
            only wish for; None does not ask, for a recipe that is not run.

    An override of ``training.method`` leaves out the keys of ``training`` that belong to the file's own method, so that
    methods can be compared by that one key.

    Raises:
        RecipeError: with every problem, one a line.
    """
    return changed_recipe(read_recipe(path), overrides, where=str(path), trust_remote_code=trust_remote_code)


def read_recipe(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The values of a recipe file, not checked yet.

    Raises:
        RecipeError: it cannot be read, or is no YAML mapping.
    """
    return read_mapping(path, absent="no such file; `calm-ext recipes ls` lists those that come along")[1]


def read_mapping(path: str | os.PathLike[str], *, absent: str) -> tuple[str, dict[str, Any]]:
    """The text of a YAML file, and its keys with their values, not checked yet.

    Args:
        absent: what is said where there is no such file.

    Raises:
        RecipeError: it cannot be read, or is no YAML mapping.
    """
    source = Path(path)
    try:
        text = read_text(source)
        values = read_yaml(text, str(source))
    except FileNotFoundError:
        raise RecipeError(str(source), [absent]) from None
    except DataError as error:
        where, _, what = str(error).partition(": ")
        raise RecipeError(where, [what if source.suffix in _YAML else f"{what}; {_SHOWN}"]) from None
    if not isinstance(values, dict):
        raise RecipeError(str(source), [f"{'is empty' if values is None else 'has no keys'}; {_SHOWN}"])
    return text, values


_YAML = (".yaml", ".yml")
_SHOWN = "YAML with keys such as name: was expected, as `calm-ext recipes show demo` prints"


def changed_recipe(
    values: dict[str, Any], overrides: Iterable[str], *, where: str, trust_remote_code: bool | None = False
) -> Recipe:
    """The recipe of some values and ``key=value`` overrides, which are applied in place; see :func:`load_recipe`."""
    overrides = list(overrides)
    if any(item.startswith("training.method=") for item in overrides):
        leave_out_method_keys(values, overrides)
    problems = [p for p in (override(values, item) for item in overrides) if p]
    if problems:
        raise RecipeError(where, problems)
    try:
        recipe = parse_recipe(values, where=where)
    except RecipeError as error:
        keys = [item.partition("=")[0].strip() for item in overrides]
        given = tuple(x for key in keys for x in (f"{key}:", f"{key}."))
        marked = [f"{p} (by --set)" if p.startswith(given) else p for p in error.problems]
        raise RecipeError(where, marked) from None
    return recipe if trust_remote_code is None else trusted(recipe, given=trust_remote_code, where=where)


def parse_recipe(values: Mapping[str, Any], *, where: str = "recipe") -> Recipe:
    """A recipe from its values; see :func:`load_recipe`."""
    if {"vary", "seeds", "claims"} & values.keys() and "recipe" in values:
        raise RecipeError(where, [f"is a study; `calm-ext study {where}` runs it"])
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        problems = [_explain(item, values) for item in error.errors(include_url=False)]
        raise RecipeError(where, [*problems, *_loose_problems(values)]) from None
    problems = problems_of_recipe(recipe)
    if problems:
        raise RecipeError(where, problems)
    return recipe


def with_arguments(
    sampling: SamplingOptions,
    *,
    verb: str,
    backend_args: Iterable[str] = (),
    template_args: Iterable[str] = (),
) -> SamplingOptions:
    """Sampling options with ``key=value`` arguments of their backend and of the chat template, checked as in a recipe.

    Args:
        verb: whose flags they are.

    Raises:
        RecipeError: with every problem, one a line.
    """
    changes: dict[str, dict[str, Any]] = {"backend_args": {}, "template_args": {}}
    problems = []
    for key, items in (("backend_args", backend_args), ("template_args", template_args)):
        flag = f"--{key.removesuffix('s').replace('_', '-')}"
        problems += _arguments(changes[key], items, flag=flag)
    if not problems:
        sampling = sampling.replace(**changes)
        problems = sampling_problems(sampling)
    if problems:
        raise RecipeError(f"calm-ext {verb}", problems)
    return sampling


def _arguments(values: dict[str, Any], items: Iterable[str], *, flag: str) -> list[str]:
    """Set ``key=value`` arguments; one that is given several times is a list, as ``base_url``. Returns problems."""
    several: dict[str, list[Any]] = {}
    problems = []
    for item in items:
        key = item.partition("=")[0]
        problem = override(values, item, flag=flag)
        if problem:
            problems.append(problem)
        elif "." not in key:
            given = several.setdefault(key, [])
            given.append(values[key])
            values[key] = given if len(given) > 1 else given[0]
    return problems


def save_recipe(recipe: Recipe, path: str | os.PathLike[str]) -> None:
    """Write the resolved recipe."""
    atomic_write(path, recipe.to_yaml())


# --- problems ---------------------------------------------------------------------------------------------------------


def _known_keys(location: tuple[Any, ...], values: Mapping[str, Any]) -> list[str]:
    section: Any = Recipe
    for part in location:
        field = section.model_fields.get(part)
        section = field.annotation if field else None
        # a section that may be None
        section = next((x for x in get_args(section) if isinstance(x, type) and issubclass(x, BaseModel)), section)
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            return []
        if issubclass(section, TrainingOptions):
            section = options_class(values.get(part))
    return list(section.model_fields)


def _explain(item: Any, values: Mapping[str, Any]) -> str:
    """A problem of a recipe in words."""
    if item["type"] != "extra_forbidden":
        return problem(item, [])
    known = _known_keys(item["loc"][:-1], values)
    key = str(item["loc"][-1])
    elsewhere = [f"{name}.{key}" for name in known if len(item["loc"]) == 1 and key in _known_keys((name,), values)]
    return f"{key}: unknown key; did you mean {elsewhere[0]}?" if elsewhere else problem(item, known)


def _loose_problems(values: Mapping[str, Any]) -> list[str]:
    """Language and path problems, which can be found even where other keys have a wrong type."""
    found = []
    for section in ("model", "data", "evaluation"):
        part = values.get(section)
        if not isinstance(part, Mapping):
            continue
        languages = part.get("languages")
        if isinstance(languages, list):
            found += language_problems(f"{section}.languages", [x for x in languages if isinstance(x, str)])
        if section == "model" and isinstance(part.get("path"), str):
            found += path_problems(part["path"])
    return found
