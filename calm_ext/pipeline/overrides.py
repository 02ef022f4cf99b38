"""Keys of a recipe that a command line sets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

from calm_ext.errors import DataError
from calm_ext.files.secrets import mask
from calm_ext.files.texts import read_yaml
from calm_ext.training.options import options_class


def leave_out_method_keys(values: dict[str, Any], overrides: Iterable[str]) -> None:
    """Remove the keys that the file's training method does not share with all methods, where an override names another.

    Also those that the other method has by the same name: its β is another one.
    """
    changed: dict[str, Any] = {"training": {}}
    problems = [override(changed, item) for item in overrides if item.startswith("training.")]
    own = values.get("training")
    if any(problems) or not isinstance(own, dict):
        return
    before, after = (options_class(x) for x in (own, changed["training"]))
    if before is not after:
        values["training"] = {k: v for k, v in own.items() if k not in before.own_keys()}


def override(values: dict[str, Any], item: str, *, flag: str = "--set") -> str | None:
    """Set one dotted key; returns a problem, or None."""
    key, equals, text = item.partition("=")
    item = mask(item)  # it stands in messages
    if not equals or not key:
        return f"{flag} {item}: key=value was expected{', as training.beta=0.2' if flag == '--set' else ''}"
    try:
        value = read_yaml(text, f"{flag} {item}")
    except DataError as error:
        return f"{flag} {item}: the value is not YAML" if "not YAML" in str(error) else str(error)
    if isinstance(value, str):  # YAML 1.1 reads 1e-4 as a string
        with contextlib.suppress(ValueError):
            value = float(value)
    *parents, last = key.split(".")
    place = values
    for parent in parents:
        if place.get(parent) is None:  # not there, or a section that is switched off
            place[parent] = {}
        inner = place[parent]
        if not isinstance(inner, dict):
            return f"{flag} {item}: {parent} is not a section"
        place = inner
    place[last] = value
    return None
