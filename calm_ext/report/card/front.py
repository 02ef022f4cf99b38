"""The model card of a run: ``README.md`` as the Hugging Face hub reads it.

The front matter is made and checked by huggingface_hub, the body is ``card.md.jinja``. Everything that a model, a data
set or a recipe says is escaped (:mod:`calm_ext.report.card.markdown`); the recipe is read as it is, also of other
versions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from calm_ext.data import SOURCES, Source
from calm_ext.jsonl import atomic_write
from calm_ext.languages import LANGUAGES
from calm_ext.report.card.body import context, languages_of, section, source_of
from calm_ext.report.card.markdown import plain, render
from calm_ext.report.collect import RunData
from calm_ext.report.words import is_number, metric_name, tasks_of

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

#: Stands for the repository until `calm-ext push` knows it.
REPO = "ORG/NAME"
#: The metrics that go into the model index, beside the accuracy of each language.
INDEXED = ("acc", "consistency", "all_correct", "kappa", "rankc", "answered")
_HUB = "https://huggingface.co/"

Relation = Literal["adapter", "merge"]


class Base(NamedTuple):
    """The base model.

    Attributes:
        path: as the recipe has it.
        hub_id: its name on the hub; None of Babel's and of a local folder.
        shown: its name for readers; of a local folder its last part only.
        licence: ``license``, ``license_name`` and ``license_link`` of the front matter.
    """

    path: str
    hub_id: str | None
    shown: str
    licence: dict[str, str]


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
    real = [x for x in languages_of(data, summary) if x in LANGUAGES and not LANGUAGES[x].invented]
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


def base_of(data: RunData, base_model: str | None = None) -> Base:
    """The base model of a run; its licence comes from its own card, where that is on this machine."""
    path = str(section(data, "model").get("path") or "")
    folder = Path(path).expanduser()
    babel: dict[str, Any] = {
        k: v for k, v in section(data, "babel").items() if k in ("seed", "passages") and is_number(v)
    }
    local = path == "babel" or path.startswith((".", "/", "~", "models/")) or folder.is_dir()
    hub_id = base_model or (path if path and not local and _is_hub_name(path) else None)
    if path == "babel":
        from calm_ext.babel import BabelConfig
        from calm_ext.babel.pretrain import cache_path

        folder = cache_path(BabelConfig(**babel))
        shown = f"Babel's model (seed {babel.get('seed', 0)})"
    else:
        shown = hub_id or f"{folder.name or 'unknown'} (a local folder)"
    return Base(path, hub_id, shown, _licence(folder if local else None, hub_id))


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
    prefix = _HUB + "datasets/"
    return source.url.removeprefix(prefix) if source.url.startswith(prefix) else None


def _is_hub_name(name: str) -> bool:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


def _licence(folder: Path | None, hub_id: str | None) -> dict[str, str]:
    """The licence that the base model's own card states, else ``other`` with a link to the card; never a guess."""
    other = {"license": "other", "license_name": "inherited-from-base-model"}
    if hub_id:
        other["license_link"] = _HUB + hub_id
    card = _card_of(folder, hub_id)
    found = {key: card.get(key) for key in ("license", "license_name", "license_link")}
    said = {k: plain(v, longest=200) for k, v in found.items() if isinstance(v, str) and v.strip()}
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,40}", said.get("license", "")):
        return other
    return said if said["license"] != "other" or "license_name" in said else other | said


def _card_of(folder: Path | None, hub_id: str | None) -> Mapping[str, Any]:
    """The front matter of the base model's card, from its folder or from the hub's cache; no network."""
    from huggingface_hub import metadata_load, try_to_load_from_cache

    found = folder / "README.md" if folder else None
    if found is None and hub_id:
        cached = try_to_load_from_cache(hub_id, "README.md")
        found = Path(cached) if isinstance(cached, str) else None
    if found is None or not found.is_file():
        return {}
    try:
        card = metadata_load(found)
    except Exception:  # somebody else's broken card states no licence
        return {}
    return card if isinstance(card, dict) else {}


def _tags(data: RunData, relation: Relation, *, multilingual: bool) -> list[str]:
    method = section(data, "training").get("method") or "dpo"
    tags = ["calm", "calm-ext", "cross-lingual-consistency", plain(method, longest=20), "trl"]
    tags += ["lora"] if relation == "adapter" else []
    tags += ["multilingual"] if multilingual else []
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
