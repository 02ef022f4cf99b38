"""The stage that finds the passages for the questions, and what the other stages need of it."""

from __future__ import annotations

import json
from typing import Any

from calm_ext.data import SOURCES
from calm_ext.files.writing import atomic_write
from calm_ext.jsonl import finite, write_jsonl
from calm_ext.pipeline.context import BaseStage, Outputs, Run
from calm_ext.pipeline.needs import (
    Needs,
    asking_keys,
    folder_of_model,
    index_world,
    keys_of,
    model_keys,
    model_world,
    own_data_world,
    some_keys,
)
from calm_ext.pipeline.schema import Recipe
from calm_ext.retrieval.grounding import Grounder, Grounding, given_as_is, published_passages


class Retrieve(BaseStage):
    """Write ``passages.jsonl`` and ``retrieval.json``; only where the recipe has retrieval."""

    name = "retrieve"

    def applies(self, recipe: Recipe) -> bool:
        """Where the recipe has a section ``retrieval``."""
        return recipe.retrieval is not None

    def check(self, run: Run, *, due: bool) -> None:
        """Refuse an index that cannot be opened, is damaged, or has no embeddings where they are asked for."""
        settings = run.recipe.retrieval
        if settings is not None and not (settings.index in SOURCES and SOURCES[settings.index].passages):
            style, seed = run.recipe.sampling.resolved_style, run.recipe.babel.seed
            Grounder(settings, spans=None, style=style, babel_seed=seed)

    def depends_on(self, run: Run) -> Needs:
        """The settings and the index, the model whose tokens are counted, how it is asked, the questions."""
        r = run.recipe
        published = own_data_world(r) if r.retrieval and r.retrieval.index == r.data.source else {}
        return Needs(
            keys=keys_of(r.retrieval, "retrieval")
            | model_keys(r)
            | asking_keys(r)
            | some_keys(r.sampling, "sampling", "max_new_tokens")
            | some_keys(r.babel, "babel", "seed"),
            made=run.made_by("questions"),
            world=retrieval_world(r) | model_world(r) | published,
        )

    def plan(self, run: Run) -> str:
        """How many passages, from where, and how they are found."""
        g = run.recipe.retrieval
        assert g is not None
        found = f"{g.k} passages a question from {g.index}, {g.method}, query {g.query}, {g.budget} tokens each"
        return found + (", judged by the model" if g.judge else "")

    def run(self, run: Run) -> Outputs:
        """Find the passages, and let the model judge them where the recipe says so."""
        from calm_ext.retrieval.judge import judge

        r, settings, questions = run.recipe, run.recipe.retrieval, run.questions
        assert settings is not None
        found = _grounder(run, list(questions[0].versions)).ground(
            questions, progress=run.reporter.progress("searching", len(questions))
        )
        if settings.judge:
            found = judge(
                run.models.lm(batch_size=r.sampling.batch_size),
                questions,
                found,
                threshold=settings.threshold,
                chat_template=r.sampling.chat_template,
                progress=run.reporter.progress("judging", len(questions)),
            )
        for note in found.notes:
            run.say(note)
        n = sum(len(p.passages) for p in found.found.values())
        run.say(f"{n} passages for {len(found.found)} questions and languages{_recall(found.quality)}")
        write_jsonl(run.dir / "passages.jsonl", found.found.values())
        about = {"signature": found.signature, "notes": found.notes, "quality": found.quality}
        atomic_write(run.dir / "retrieval.json", json.dumps(finite(about), indent=1, ensure_ascii=False) + "\n")
        return Outputs(("passages.jsonl", "retrieval.json"))


def _grounder(run: Run, languages: list[str]) -> Grounder:
    """What finds the passages, in the tokens and the room of the recipe's model."""
    from calm_ext.harness.retrieved import tokens_of

    r, settings = run.recipe, run.recipe.retrieval
    assert settings is not None
    spans, longest = tokens_of({"pretrained": run.models.path, "trust_remote_code": r.model.trust_remote_code})
    answer = r.sampling.max_new_tokens if r.sampling.mode == "generate" else 64
    own = settings.index == r.data.source
    return Grounder(
        settings,
        spans=spans,
        style=r.sampling.resolved_style,
        room=longest - answer if longest else None,
        given=published_passages(settings.index, run.split, languages, run.source_options) if own else None,
        babel_seed=r.babel.seed,
        device=r.model.device,
    )


def _recall(quality: dict[str, Any]) -> str:
    overall = quality["overall"]
    if not overall["n_questions"]:
        return ""
    return f"; recall@{quality['k']} {overall['recall'][str(quality['k'])]:.3f}, MRR {overall['mrr']:.3f}"


def grounding_of(run: Run) -> Grounding | None:
    """The passages that the stage wrote; None where the recipe has no retrieval."""
    return given_as_is(str(run.dir / "passages.jsonl"), run.questions) if run.recipe.retrieval else None


def retrieval_metadata(recipe: Recipe) -> dict[str, Any]:
    """What the ``_rag`` tasks of an evaluation get; the others do not look at it."""
    return recipe.retrieval.model_dump(exclude_none=True) if recipe.retrieval else {}


def retrieval_world(recipe: Recipe) -> dict[str, Any]:
    """The files of the index, and of the model of its embeddings where the recipe names one."""
    settings = recipe.retrieval
    return index_world(settings.index) | folder_of_model(settings.dense_model) if settings else {}
