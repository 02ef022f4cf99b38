"""Recipes: typed, unknown keys forbidden, every problem reported at once and before a model loads.

A recipe is a YAML file. Overrides are dotted keys, ``training.beta=0.2``, whose values are YAML too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from calm_ext.data import SOURCES
from calm_ext.errors import CalmError, DataError, RecipeError
from calm_ext.files.texts import read_text, read_yaml
from calm_ext.files.writing import atomic_write
from calm_ext.harness.metadata import problems_of
from calm_ext.languages import LANGUAGES, code_hint, is_known, is_language, language_with_words
from calm_ext.models.backends import BACKENDS, BackendEntry
from calm_ext.models.options import SamplingOptions
from calm_ext.models.paths import local_folder
from calm_ext.options import problem
from calm_ext.pipeline.overrides import leave_out_method_keys, override
from calm_ext.pipeline.schema import Recipe
from calm_ext.pipeline.trust import trusted
from calm_ext.prompts import BARE
from calm_ext.retrieval.options import bundled_indexes
from calm_ext.training.options import TrainingOptions, options_class
from calm_ext.training.tracking import tracker_problems
from calm_ext.voting.rules import RULES


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
        raise RecipeError(where, [what]) from None
    if not isinstance(values, dict):
        raise RecipeError(str(source), ["a mapping of keys was expected"])
    return text, values


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
    recipe = parse_recipe(values, where=where)
    return recipe if trust_remote_code is None else trusted(recipe, given=trust_remote_code, where=where)


def parse_recipe(values: Mapping[str, Any], *, where: str = "recipe") -> Recipe:
    """A recipe from its values; see :func:`load_recipe`."""
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        problems = [_explain(item, values) for item in error.errors(include_url=False)]
        raise RecipeError(where, [*problems, *_loose_problems(values)]) from None
    problems = _problems(recipe)
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
        problems += [p for p in (override(changes[key], item, flag=flag) for item in items) if p]
    if not problems:
        sampling = sampling.replace(**changes)
        problems = _sampling_problems(sampling)
    if problems:
        raise RecipeError(f"calm-ext {verb}", problems)
    return sampling


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
    known = _known_keys(item["loc"][:-1], values) if item["type"] == "extra_forbidden" else []
    return problem(item, known)


def _loose_problems(values: Mapping[str, Any]) -> list[str]:
    """Language and path problems, which can be found even where other keys have a wrong type."""
    found = []
    for section in ("model", "data", "evaluation"):
        part = values.get(section)
        if not isinstance(part, Mapping):
            continue
        languages = part.get("languages")
        if isinstance(languages, list):
            found += _language_problems(f"{section}.languages", [x for x in languages if isinstance(x, str)])
        if section == "model" and isinstance(part.get("path"), str):
            found += _path_problems(part["path"])
    return found


def _language_problems(key: str, codes: Iterable[str]) -> list[str]:
    codes = list(codes)
    found = [
        f"{key}: no language {c!r}{code_hint(c)}; `calm-ext languages` lists those with cue words"
        for c in dict.fromkeys(codes)
        if not is_language(c)
    ]
    return found + [f"{key}: {c!r} is listed twice" for c in dict.fromkeys(codes) if codes.count(c) > 1]


def _without_words(codes: Iterable[str], use: str) -> list[str]:
    found = []
    for code in filter(is_language, codes):
        try:
            language_with_words(code, use=use)
        except CalmError as error:
            found.append(f"data.languages: {error}")
    return found


def _path_problems(path: str) -> list[str]:
    folder = None if path == "babel" else local_folder(path)
    if folder is None:
        return []
    if not folder.exists():
        return [f"model.path: no such folder: {path}"]
    if not (folder / "config.json").exists():
        return [f"model.path: {path} has no config.json, a Hugging Face model folder was expected"]
    return []


def _sampling_problems(sampling: SamplingOptions) -> list[str]:
    found = _backend_problems(BACKENDS[sampling.backend], sampling.backend_args)
    return found + sampling.mode_problems() + sampling.template_problems()


def _backend_problems(entry: BackendEntry, arguments: Mapping[str, Any]) -> list[str]:
    if arguments and entry.options is not None and not entry.options.model_fields:
        return [f"sampling.backend_args: are given, but sampling.backend is {entry.name}, which takes none"]
    try:
        entry.parse(arguments)
    except ValidationError as error:
        keys = list(entry.options.model_fields) if entry.options else []
        return [problem(x, keys, within="sampling.backend_args.") for x in error.errors(include_url=False)]
    return []


def _pairing_problems(recipe: Recipe) -> list[str]:
    folder = recipe.pairs.translator
    found = [f"pairs.{p}" for p in recipe.pairs.problems(recipe.sampling.resolved_style)]
    if folder and recipe.pairs.fallback != "translate":
        found.append("pairs.translator: is given, but pairs.fallback is not translate")
    if recipe.pairs.instructions and recipe.retrieval:
        found.append("pairs.instructions: do not go with retrieval, whose passages stand in the prompts")
    if folder and not (Path(folder) / "config.json").is_file():
        found.append(f"pairs.translator: no model folder: {folder} (translation never uses the network)")
    return found


def _retrieval_problems(recipe: Recipe) -> list[str]:
    r, found = recipe.retrieval, []
    if r is None:
        elsewhere = recipe.evaluation.metadata.keys() & {"index", "passages"} or os.environ.get("CALM_INDEX")
        lacking = [t for t in recipe.evaluation.tasks if re.match(r"calm_medqa(_zh)?_xl_rag", t) and not elsewhere]
        return [f"evaluation.tasks: {t} needs an index; give retrieval.index" for t in lacking]
    if r.index not in bundled_indexes() and not (Path(r.index) / "index.json").is_file():
        found.append(f"retrieval.index: no index in {r.index} (`calm-ext index build` makes one); bundled: "
                     f"{', '.join(bundled_indexes())}")  # fmt: skip
    if r.index in SOURCES and SOURCES[r.index].passages and recipe.data.source != r.index:
        found.append(
            f"retrieval.index: {r.index} has passages for its own questions only; set data.source to {r.index}"
        )
    if recipe.model.path == "babel" and not recipe.babel.passages:
        found.append("babel.passages: is 0, so Babel's model would know no passages; 0.5, say")
    languages = recipe.data.languages or []
    invented = [x for x in languages if is_known(x) and LANGUAGES[x].invented]
    if r.judge and (invented or recipe.data.source == "babel"):
        found.append("retrieval.judge: Babel's languages know no yes and no")
    if r.judge and recipe.evaluation.num_fewshot and any("_rag" in t for t in recipe.evaluation.tasks):
        found.append(
            "evaluation.num_fewshot: passages of few-shot questions are not judged; set retrieval.judge: false"
        )
    return found


def languages_not_asked(recipe: Recipe, languages: Sequence[str]) -> list[str]:
    """Keys that name a language that is not asked, or do not go with the number of languages, one line each.

    Args:
        languages: those of the questions; of a file of one's own they are known when it is read.
    """
    found, asked, pivot = [], ", ".join(languages), recipe.retrieval.pivot if recipe.retrieval else None
    weighted = [(f"vote.weights.{code}", code) for code in recipe.vote.weights]
    worded = [(f"pairs.instructions.{code}", code) for code in recipe.pairs.instructions]
    for key, code in [("vote.pivot", recipe.vote.pivot), *weighted, *worded, ("retrieval.pivot", pivot)]:
        if code is not None and code not in languages:
            found.append(f"{key}: {code!r} is not one of data.languages ({asked})")
    if recipe.vote.min_languages > len(languages):
        found.append(f"vote.min_languages: {recipe.vote.min_languages} of {len(languages)} languages")
    return found + _training_problems(recipe, len(languages))


def _training_problems(recipe: Recipe, n_languages: int | None) -> list[str]:
    gold = RULES[recipe.vote.rule].needs_gold
    anchored = recipe.pairs.anchors == "all"
    return recipe.training.problems(recipe.sampling, gold=gold, n_languages=n_languages, anchored=anchored)


def _problems(recipe: Recipe) -> list[str]:
    """What types cannot say."""
    found = _path_problems(recipe.model.path)
    for key, codes in (
        ("data.languages", recipe.data.languages),
        ("evaluation.languages", recipe.evaluation.languages),
    ):
        found += _language_problems(key, codes or [])
    languages = recipe.data.languages or SOURCES[recipe.data.source].languages
    if recipe.sampling.resolved_style not in BARE:
        found += _without_words(languages or [], f"sampling.style {recipe.sampling.resolved_style}")
    if languages:
        found += languages_not_asked(recipe, languages)
    else:
        found += _training_problems(recipe, None)
    if recipe.vote.ties == "pivot" and recipe.vote.pivot is None:
        found.append("vote.pivot: missing, vote.ties is pivot")
    if RULES[recipe.vote.rule].needs_scores and recipe.sampling.mode != "options":
        found.append(f"vote.rule: {recipe.vote.rule} needs sampling.mode options")
    found += [*_pairing_problems(recipe), *_retrieval_problems(recipe), *_sampling_problems(recipe.sampling)]
    found += recipe.data.problems()
    found += problems_of(recipe.evaluation.metadata, recipe.evaluation.tasks, within="evaluation.metadata.")
    found += tracker_problems(recipe.training.report_to)
    config = recipe.training.accelerate_config
    if config and not Path(config).is_file():
        found.append(f"training.accelerate_config: no such file: {config}")
    return found
