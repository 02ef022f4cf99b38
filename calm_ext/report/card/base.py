"""The base model of a run, as its card names it: its name on the hub, or its folder, and its licence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.models.paths import local_folder
from calm_ext.report.card.markdown import plain
from calm_ext.report.rundata import RunData
from calm_ext.report.words import is_number

HUB = "https://huggingface.co/"


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


def section(data: RunData, name: str) -> Mapping[str, Any]:
    """A section of the recipe; empty where there is none."""
    found = data.recipe.get(name)
    return found if isinstance(found, Mapping) else {}


def base_of(data: RunData, base_model: str | None = None) -> Base:
    """The base model of a run; its licence only as far as its own card, where that lies here, says so."""
    path = str(section(data, "model").get("path") or "")
    folder = local_folder(path)
    babel: dict[str, Any] = {
        k: v for k, v in section(data, "babel").items() if k in ("seed", "passages") and is_number(v)
    }
    on_hub = folder is None and path not in ("", "babel") and _is_hub_name(path)
    hub_id = base_model or (path if on_hub else None)
    if path == "babel":
        from calm_ext.babel import BabelConfig
        from calm_ext.babel.pretrain import cache_path

        folder = cache_path(BabelConfig(**babel))
        shown = f"Babel's model (seed {babel.get('seed', 0)})"
    else:
        shown = hub_id or f"{(folder or Path(path)).name or 'unknown'} (a local folder)"
    return Base(path, hub_id, shown, _licence(folder, hub_id))


def _is_hub_name(name: str) -> bool:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


def _licence(folder: Path | None, hub_id: str | None) -> dict[str, str]:
    """What the base model's own card says, or ``other``, with a link to it: a licence is never made up."""
    other = {"license": "other", "license_name": "inherited-from-base-model"}
    if hub_id:
        other["license_link"] = HUB + hub_id
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
    except Exception:  # a broken card of somebody else's says nothing
        return {}
    return card if isinstance(card, dict) else {}
