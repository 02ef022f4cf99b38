"""What is wrong with a recipe beyond its types: names that are not there, keys that do not go together."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from calm_ext.data import SOURCES
from calm_ext.errors import CalmError
from calm_ext.harness.evaluate import no_task, unknown_tasks
from calm_ext.harness.metadata import problems_of
from calm_ext.languages import LANGUAGES, code_hint, is_known, is_language, language_with_words
from calm_ext.models.backends import BACKENDS, BackendEntry
from calm_ext.models.options import SamplingOptions
from calm_ext.models.paths import local_folder
from calm_ext.options import problem
from calm_ext.pipeline.schema import Recipe
from calm_ext.prompts import BARE
from calm_ext.retrieval.options import bundled_indexes
from calm_ext.training.tracking import tracker_problems
from calm_ext.voting.rules import RULES


def language_problems(key: str, codes: Iterable[str]) -> list[str]:
    """Codes that are no languages, or come twice, one line each."""
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


def path_problems(path: str) -> list[str]:
    """What is wrong with a model's folder; nothing is said of names on the hub."""
    folder = None if path == "babel" else local_folder(path)
    if folder is None:
        return []
    if not folder.exists():
        return [f"model.path: no such folder: {path}"]
    if not (folder / "config.json").exists():
        return [f"model.path: {path} has no config.json, a Hugging Face model folder was expected"]
    return []


def sampling_problems(sampling: SamplingOptions) -> list[str]:
    """What of the section ``sampling`` does not go together."""
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


def _task_problems(tasks: Sequence[str]) -> list[str]:
    """Tasks of ours that are not there; whether another's is, its stage sees: lm-eval takes ten seconds to say it."""
    missing = unknown_tasks([task for task in tasks if task.startswith("calm_")])
    return [f"evaluation.tasks: {no_task(missing)}"] if missing else []


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
    elif recipe.model.path == "babel" and not recipe.babel.passages:
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


def problems_of_recipe(recipe: Recipe) -> list[str]:
    """What types cannot say."""
    found = path_problems(recipe.model.path)
    for key, codes in (
        ("data.languages", recipe.data.languages),
        ("evaluation.languages", recipe.evaluation.languages),
    ):
        found += language_problems(key, codes or [])
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
    found += [*_pairing_problems(recipe), *_retrieval_problems(recipe), *sampling_problems(recipe.sampling)]
    found += recipe.data.problems() + _task_problems(recipe.evaluation.tasks)
    found += problems_of(recipe.evaluation.metadata, recipe.evaluation.tasks, within="evaluation.metadata.")
    found += tracker_problems(recipe.training.report_to)
    return found + recipe.launch.problems()
