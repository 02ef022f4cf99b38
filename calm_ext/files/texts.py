"""YAML and JSON that people write: one reader of each, for which a key that comes twice is an error."""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import Any

import yaml

from calm_ext.errors import DataError


class _Unique(yaml.constructor.SafeConstructor):
    """PyYAML's safe constructor, but a mapping with a key twice is refused, where PyYAML keeps the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping of a node.

        Raises:
            yaml.MarkedYAMLError: a key comes twice.
        """
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                continue  # the base class refuses it
            line = key_node.start_mark.line + 1
            if key in seen:
                said = f"the key {key!r} comes twice (before in line {seen[key]})"
                raise yaml.MarkedYAMLError(problem=said, problem_mark=key_node.start_mark)
            seen[key] = line
        return super().construct_mapping(node, deep)


class _Loader(_Unique, yaml.SafeLoader):
    """The parser in Python: slow, and exact about the place of a mistake."""


class _Fast(_Unique, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The parser in C where it is installed: ten times faster, and it may name the line after the mistake."""


def read_yaml(text: str, where: str) -> Any:
    """The value of a YAML text.

    Args:
        where: what messages call it: a file, or a flag.

    Raises:
        DataError: it is not YAML, or a key comes twice; the message begins with ``where:line``.
    """
    try:
        try:
            return yaml.load(text, _Fast)
        except yaml.YAMLError:
            return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{where}:{mark.line + 1}" if mark else where
        problem = " ".join(str(error.problem or error.context or error).split())
        raise DataError(f"{place}: {problem if 'comes twice' in problem else f'not YAML ({problem})'}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # also of dates that do not exist
        reason = getattr(error, "reason", None) or next(iter(str(error).splitlines()), type(error).__name__)
        raise DataError(f"{where}: not YAML ({reason})") from None


def read_object(text: str, where: str) -> dict[str, Any]:
    """The JSON object of a text that a user gave.

    Raises:
        DataError: it is not JSON, no object, or a key comes twice.
    """
    try:
        value = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise DataError(f"{where} is not JSON ({error.msg})") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: {error}") from None
    if not isinstance(value, dict):
        raise DataError(f'{where}: a JSON object was expected, as \'{{"languages": ["en", "sw"]}}\'')
    return value


def unique(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of its keys and values, for ``object_pairs_hook``.

    Raises:
        ValueError: a key comes twice.
    """
    found = dict(items)
    if len(found) < len(items):
        keys = [key for key, _ in items]
        raise ValueError(f"the key {next(k for k in keys if keys.count(k) > 1)!r} comes twice")
    return found
