"""The cells of a study: every combination of varied values with every seed and every fold, each a recipe."""

from __future__ import annotations

import copy
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.data import SOURCES
from calm_ext.disk.digests import digest
from calm_ext.errors import CalmError, RecipeError
from calm_ext.pipeline.context import Run
from calm_ext.pipeline.needs import section
from calm_ext.pipeline.recipe import changed_recipe, parse_recipe
from calm_ext.pipeline.schema import Recipe
from calm_ext.study.folds import Folds, make_folds
from calm_ext.study.options import Level, StudyOptions, label, number_of
from calm_ext.study.read import StudyFile

#: The tasks that ask the questions of a file; with folds those of a part.
OWN_QUESTIONS = "calm_local_xl"


class Cell(NamedTuple):
    """One run of a study.

    Attributes:
        name: of its folder below ``cells/``.
        vary, seed: key -> value, or label.
        fold: the part that it is measured on and did not train on; None without folds.
        recipe: what is run.
        sampled: with folds, the recipe whose questions are those of all parts: it is sampled once, and each fold takes
            the samples of the questions that it trains on.
        stages: names of the stages that are run; None: all.
    """

    name: str
    vary: dict[str, Any]
    seed: dict[str, Any]
    fold: int | None
    recipe: Recipe
    sampled: Recipe | None
    stages: tuple[str, ...] | None = None


class Grid(NamedTuple):
    """The cells in the order in which they are run, and the folds of each set of questions."""

    cells: list[Cell]
    folds: list[Folds]


@contextmanager
def planned_grid(study: StudyFile, folder: Path) -> Iterator[Grid]:
    """The grid of a study without writing into its folder: files of folds that are not there yet are temporary."""
    with tempfile.TemporaryDirectory(prefix="calm-study-") as temporary:
        yield make_grid(study, folder, write_into=Path(temporary))


def make_grid(study: StudyFile, folder: Path, *, write_into: Path | None = None) -> Grid:
    """Check the recipes of all cells, and write the questions of the folds below the study's folder.

    Cells come first that have something to do which others then share, sampling say; the seeds of one combination come
    together.

    Args:
        write_into: where files of folds are written that are not there yet; default: the study's folder.

    Raises:
        RecipeError: with every problem of every cell's recipe, one a line.
        CalmError: the questions cannot be loaded, or do not make so many folds.
    """
    options = study.options
    cells: list[Cell] = []
    found: dict[str, Folds] = {}
    problems: list[str] = []
    for levels in options.combinations():
        for seed in options.seed_values():
            name = _name(levels, seed, options)
            try:
                recipe = _recipe(study, levels, seed, name)
            except RecipeError as error:
                problems += [p for p in error.problems if p not in problems]
                continue
            vary = {key: level.value for key, level in levels.items()}
            if options.folds is None:
                cells.append(Cell(name, vary, seed, None, recipe, None))
                continue
            folds = _folds(recipe, options.folds, found, folder / "cells" / name)
            there = folds.folder(folder)
            files = folds.write(folder if write_into is None or (there / "questions.jsonl").is_file() else write_into)
            whole = _local(recipe, files / "questions.jsonl", folds, name)
            for k in range(options.folds):
                own = f"{name}_f{k}"
                part = _local(recipe, files / f"asked-{k}.jsonl", folds, own, measured=files / f"heldout-{k}.jsonl")
                cells.append(Cell(own, vary, seed, k, part, whole))
    if problems:
        raise RecipeError(study.path, problems)
    return Grid(_in_order(cells), list(found.values()))


def _recipe(study: StudyFile, levels: Mapping[str, Level], seed: Mapping[str, Any], name: str) -> Recipe:
    """The recipe of a combination, with all changes applied as ``--set`` of ``align`` does."""
    changes: dict[str, Any] = {f"evaluation.{key}": value for key, value in study.options.evaluate.items()}
    for level in levels.values():
        twice = [key for key in level.changes if key in changes and not key.startswith("evaluation.")]
        if twice:
            raise RecipeError(study.path, [f"vary: {twice[0]} is set by two of the varied keys"])
        changes |= level.changes
    changes |= {**seed, "name": name}
    overrides = [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in changes.items()]
    recipe = changed_recipe(
        copy.deepcopy(study.recipe), overrides, where=study.path, trust_remote_code=study.trust_remote_code
    )
    if study.options.folds is not None:
        _check_for_folds(recipe, study.path)
    return recipe


def _check_for_folds(recipe: Recipe, where: str) -> None:
    problems = []
    if not any(task.startswith(OWN_QUESTIONS) for task in recipe.evaluation.tasks):
        problems.append(f"evaluate.tasks: folds are measured by tasks {OWN_QUESTIONS}*, and there is none")
    if recipe.evaluation.metadata.keys() & {"path", "spec"}:
        problems.append("evaluate.metadata: path and spec are set by the folds")
    index = recipe.retrieval.index if recipe.retrieval else ""
    if index in SOURCES and SOURCES[index].passages:
        problems.append(f"retrieval.index: {index} has its passages by question, not by fold; build an index of texts")
    if problems:
        raise RecipeError(where, problems)


def _folds(recipe: Recipe, k: int, known: dict[str, Folds], folder: Path) -> Folds:
    """The folds of a recipe's questions, in the languages that are asked and those that are measured."""
    measured = recipe.evaluation.languages or []
    babel = section(recipe.babel) if recipe.data.source == "babel" else None
    key = digest(section(recipe.data), babel, recipe.sampling.resolved_style == "open", measured)
    if key not in known:
        joined = Run(recipe, folder).source_joined
        asked = list(joined.questions[0].versions)
        if any(x not in asked for x in measured):
            languages = list(dict.fromkeys([*asked, *measured]))
            joined = Run(
                recipe.replace(data=recipe.data.replace(languages=languages)), folder
            ).source_joined  # in more languages there may be fewer questions
        unlabelled = sum(q.answer is None for q in joined.questions)
        if unlabelled:
            raise CalmError(f"folds: {unlabelled} questions have no gold answer, and are to be measured on; choose a "
                            f"split that has them")  # fmt: skip
        known[key] = make_folds(joined.questions, k, together=joined.groups)
    return known[key]


def _local(recipe: Recipe, path: Path, folds: Folds, name: str, *, measured: Path | None = None) -> Recipe:
    """The recipe with the questions of a file, in the languages that it asked before, measured on another file."""
    values = recipe.model_dump()
    first = folds.questions[0].versions
    languages = recipe.data.languages or [x for x in first if x in (recipe.data.described.languages or first)]
    values["name"] = name
    values["data"] |= {"source": "local", "path": str(path), "languages": list(languages)}
    values["data"] |= {"split": None, "limit": None, "spec": None, "args": {}}
    if measured is not None:
        values["evaluation"]["metadata"] = {**values["evaluation"]["metadata"], "path": str(measured)}
    return parse_recipe(values)


def _in_order(cells: list[Cell]) -> list[Cell]:
    """First a cell of each kind of model, questions and sampling; in what follows nothing waits for another cell."""
    seen: Counter[str] = Counter()
    ranked = []
    for cell in cells:
        r = cell.sampled or cell.recipe
        parts = (r.model, r.babel, r.data, r.retrieval, r.sampling, r.evaluation)
        key = digest(*map(section, parts))
        ranked.append((seen[key], cell))
        seen[key] += 1
    return [cell for _, cell in sorted(ranked, key=lambda item: item[0])]


# --- names ------------------------------------------------------------------------------------------------------------


def _name(levels: Mapping[str, Level], seed: Mapping[str, Any], options: StudyOptions) -> str:
    """The name of a combination with a seed, as ``sft_limit-40_s1``; unique, and fit for a folder."""
    parts = [level_name(key, level.value) for key, level in levels.items()]
    if options.seeds:
        values = list(next(iter(options.seeds.values())))
        chosen = next(iter(seed.values()))
        parts.append(f"s{chosen}" if isinstance(chosen, int) else f"s{values.index(chosen)}")
    return "_".join(parts) or "run"


def level_name(key: str, value: Any) -> str:
    """A value of a varied key within the name of a file.

    ``sft`` of a label, ``limit-40`` of a key's value; where other characters stand in it, it ends in a hash.
    """
    text = label(value)
    if "+" in text and len(text) <= 30:
        text = text.replace("+", "-")
    if "." in key or number_of(text) is not None:
        text = f"{key.rpartition('.')[2].replace('_', '-')}-{text}"
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-.")
    if plain == text and len(plain) <= 40:
        return plain
    return f"{plain[:30].strip('-.') or 'value'}-{digest(key, text)[:6]}"
