"""The model card of a run: ``README.md`` as the Hugging Face hub reads it.

The front matter is made and checked by huggingface_hub, the body is ``card.md.jinja``. Everything that a model, a data
set or a recipe says is escaped (:mod:`calm_ext.report.card.markdown`); the recipe is read as it is, also of other
versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from calm_ext.data import SOURCES, Source
from calm_ext.files.writing import atomic_write
from calm_ext.languages import get_language, is_language
from calm_ext.metrics.names import metric_name
from calm_ext.report.card.base import HUB, base_of, section
from calm_ext.report.card.body import context, languages_of, source_of
from calm_ext.report.card.markdown import plain, render
from calm_ext.report.collect import RunData
from calm_ext.report.words import is_number, tasks_of

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

#: Stands for the repository until `calm-ext push` knows it.
REPO = "ORG/NAME"
#: The metrics that go into the model index, beside the accuracy of each language.
INDEXED = ("acc", "consistency", "all_correct", "kappa", "rankc", "answered")

Relation = Literal["adapter", "merge"]


def write_card(data: RunData, summary: Mapping[str, Any]) -> Path:
    """Write ``README.md`` of a run, whole or half-way; returns its path."""
    path = data.path / "README.md"
    atomic_write(path, render_card(data, summary))
    return path


def render_card(
    data: RunData,
    summary: Mapping[str, Any],
    *,
    repo: str = REPO,
    base_model: str | None = None,
    relation: Relation = "adapter",
) -> str:
    """The card: front matter and body.

    Args:
        summary: of :func:`calm_ext.report.collect.summarize`.
        repo: where it is published.
        base_model: the hub name of the base model, where the recipe has a local folder.
        relation: whether the repository holds the adapter, or base and adapter merged.
    """
    from huggingface_hub import ModelCardData

    base = base_of(data, base_model)
    tasks = tasks_of(summary)
    known = [get_language(x) for x in languages_of(data, summary) if is_language(x)]
    real = list(dict.fromkeys(x.code.split("-")[0] for x in known if not x.invented))  # the hub takes no script, region
    front: dict[str, Any] = {
        "language": real or None,
        **base.licence,
        "library_name": "peft" if relation == "adapter" else "transformers",
        "pipeline_tag": "text-generation",
        "base_model": base.hub_id,
        "tags": _tags(data, relation, multilingual=len(real) > 1),
        "datasets": datasets_of(data) or None,
        "model_name": plain(data.name, longest=96),
        "eval_results": [x for name, task in tasks.items() for x in _results(name, task)] or None,
    }
    if base.hub_id:
        front["base_model_relation"] = relation
    if not front["eval_results"]:
        del front["eval_results"], front["model_name"]
    yaml = ModelCardData(**front).to_yaml(line_break="\n")
    body = render("card.md.jinja", context(data, summary, base=base, repo=repo, relation=relation))
    return f"---\n{yaml}\n---\n\n{body}"


def datasets_of(data: RunData) -> list[str]:
    """The data sets of the questions, as far as they have a name on the hub."""
    source = source_of(data)
    name = hub_dataset(source[1]) if source else None
    return [name] if name else []


def hub_dataset(source: Source) -> str | None:
    """The name of a source's data set on the hub; None where it is published elsewhere.

    >>> hub_dataset(SOURCES["xcsqa"]), hub_dataset(SOURCES["medqa"])
    ('INK-USC/xcsr', None)
    """
    prefix = HUB + "datasets/"
    return source.url.removeprefix(prefix) if source.url.startswith(prefix) else None


def _tags(data: RunData, relation: Relation, *, multilingual: bool) -> list[str]:
    method = section(data, "training").get("method") or "dpo"
    tags = ["calm", "calm-ext", "cross-lingual-consistency", plain(method, longest=20), "trl"]
    tags += ["lora"] if relation == "adapter" else []
    tags += ["multilingual"] if multilingual else []
    tags += ["supervised"] if data.voting.get("supervised") else []
    return tags + (["retrieval-augmented"] if data.retrieval else [])


def _results(name: str, task: Mapping[str, Any]) -> list[EvalResult]:
    """The aligned model's results in one task, each with its 95 % interval."""
    from huggingface_hub import EvalResult

    known = max((x for x in SOURCES if name.startswith(f"calm_{x}_")), key=len, default=None)
    dataset = hub_dataset(SOURCES[known]) if known else None
    languages = [plain(x, longest=20) for x in task["languages"]]
    shared = {"questions": task.get("n_questions"), "languages": languages, "signature": plain(task["signature"])}
    metrics = [*INDEXED, *(f"acc_{x}" for x in task["languages"])] if task["languages"] else list(task["after"])
    found = []
    for metric in metrics:
        value, bounds = task["after"].get(metric), task["ci95"]["after"].get(metric)
        if not is_number(value):
            continue
        interval = [round(x, 4) for x in bounds] if bounds and all(is_number(x) for x in bounds) else None
        found.append(
            EvalResult(
                task_type="text-generation",
                task_name="Multiple-choice question answering" if task["languages"] else None,
                dataset_type=dataset or plain(name, longest=96),
                dataset_name=plain(name, longest=96),
                dataset_config=plain(name, longest=96),
                dataset_args={k: v for k, v in shared.items() if v} or None,
                metric_type="accuracy" if metric.startswith("acc") else plain(metric, longest=40),
                metric_name=plain(metric_name(metric), longest=96),
                metric_value=round(value, 4),
                metric_args={"ci95": interval} if interval else None,
            )
        )
    return found
