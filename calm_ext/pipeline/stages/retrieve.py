"""The stage of a run that finds the passages for its questions, and what the other stages must know of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from calm_ext.data import SOURCES
from calm_ext.jsonl import atomic_write, finite, write_jsonl
from calm_ext.pipeline.directory import RunDirectory, sha256_of
from calm_ext.pipeline.recipe import digest
from calm_ext.pipeline.schema import Recipe
from calm_ext.records import ParallelQuestion
from calm_ext.retrieval.grounding import Grounder, Grounding, given_as_is, published_passages


def run_retrieve(
    recipe: Recipe,
    run: RunDirectory,
    questions: list[ParallelQuestion],
    say: Callable[[str], None],
    *,
    model_path: str,
    load_lm: Callable[[], Any],
    progress: Callable[[str, int], Callable[[int], None]],
) -> list[str]:
    """Find the passages of the asked questions, judged where the recipe says so; returns the files written.

    Args:
        load_lm: gives the language model; called where passages are to be judged.

    Raises:
        CalmError: the index cannot be used.
    """
    from calm_ext.harness.retrieved import tokens_of
    from calm_ext.retrieval.judge import judge

    settings = recipe.retrieval
    assert settings is not None
    trust = recipe.model.trust_remote_code
    spans, longest = tokens_of({"pretrained": model_path, "trust_remote_code": trust})
    answer = recipe.sampling.max_new_tokens if recipe.sampling.mode == "generate" else 64
    languages, options = list(questions[0].versions), recipe.data.load_options(babel_seed=recipe.babel.seed)
    given = None
    if settings.index == recipe.data.source:
        given = published_passages(settings.index, split_of(recipe), languages, options)
    grounder = Grounder(
        settings,
        spans=spans,
        style=recipe.sampling.resolved_style,
        room=longest - answer if longest else None,
        given=given,
        babel_seed=recipe.babel.seed,
    )
    found = grounder.ground(questions, progress=progress("searching", len(questions)))
    if settings.judge:
        found = judge(
            load_lm(),
            questions,
            found,
            threshold=settings.threshold,
            chat_template=recipe.sampling.chat_template,
            progress=progress("judging", len(questions)),
        )
    for note in found.notes:
        say(note)
    n = sum(len(p.passages) for p in found.found.values())
    say(f"{n} passages for {len(found.found)} questions and languages{_recall_words(found.quality)}")
    write_jsonl(run / "passages.jsonl", found.found.values())
    told = {"signature": found.signature, "notes": found.notes, "quality": found.quality}
    atomic_write(run / "retrieval.json", json.dumps(finite(told), indent=1, ensure_ascii=False) + "\n")
    return ["passages.jsonl", "retrieval.json"]


def _recall_words(quality: dict[str, Any]) -> str:
    overall = quality["overall"]
    if not overall["n_questions"]:
        return ""
    return f"; recall@{quality['k']} {overall['recall'][str(quality['k'])]:.3f}, MRR {overall['mrr']:.3f}"


def grounding_of(recipe: Recipe, run: RunDirectory, questions: list[ParallelQuestion]) -> Grounding | None:
    """The passages that the stage wrote; None where the recipe has no retrieval."""
    return given_as_is(str(run / "passages.jsonl"), questions) if recipe.retrieval else None


def check_retrieval(recipe: Recipe) -> None:
    """Refuse an index that cannot serve the recipe, before a model loads.

    Raises:
        CalmError: it cannot be opened, is damaged, or has no embeddings where they are asked for.
    """
    settings = recipe.retrieval
    if settings is not None and not (settings.index in SOURCES and SOURCES[settings.index].passages):
        Grounder(settings, spans=None, style=recipe.sampling.resolved_style, babel_seed=recipe.babel.seed)


def retrieval_metadata(recipe: Recipe) -> dict[str, Any]:
    """What the ``_rag`` tasks of an evaluation are told; the others do not look at it."""
    return recipe.retrieval.model_dump(exclude_none=True) if recipe.retrieval else {}


def retrieval_identity(recipe: Recipe) -> list[str] | None:
    """What passages depend on besides the questions and the model; None without retrieval.

    Raises:
        CalmError: the index cannot be used.
    """
    settings = recipe.retrieval
    if settings is None:
        return None
    folder = Path(settings.index)
    content = sha256_of(folder / "index.json") if (folder / "index.json").is_file() else settings.index
    return [digest(settings.model_dump(mode="json")), content]


def split_of(recipe: Recipe) -> str:
    """The split that is asked: the recipe's, else the training questions where the source has some."""
    entry = SOURCES[recipe.data.source]
    return recipe.data.split or ("train" if "train" in entry.splits else entry.splits[0])
