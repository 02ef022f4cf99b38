"""YAML and JSON that people write: one reader of each, for which a key that comes twice is an error.

Such a file may come from a stranger. Nothing in it makes an object of Python, none of it is repeated by aliases without
end, and it is small: see :data:`MOST_CHARACTERS`, :data:`MOST_VALUES` and :data:`calm_ext.files.decode.MOST_LEVELS`.
"""

from __future__ import annotations

import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from calm_ext.errors import DataError
from calm_ext.files.decode import MOST_LEVELS, decoded, short, texts_in
from calm_ext.files.places import check_file

#: Length of a YAML file; the longest that comes with calm-ext has some 10,000 characters.
MOST_CHARACTERS = 4_000_000
#: Values of a YAML file, those that aliases repeat counted each time.
MOST_VALUES = 200_000
# The parser in Python, which is exact about the place of a mistake, takes a second for so many characters.
_EXACT = 50_000
# Digits of a number.
_LONGEST_NUMBER = 400


class _Refused(yaml.MarkedYAMLError):
    """What is YAML, and is refused."""


class _Unique(yaml.constructor.SafeConstructor):
    """PyYAML's safe constructor, but a mapping with a key twice is refused, where PyYAML keeps the last one.

    Only what JSON has is made: dates stay texts, and sets, pairs and bytes are refused.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping of a node.

        Raises:
            _Refused: a key comes twice.
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
                said = f"the key {short(repr(key))} comes twice (before in line {seen[key]})"
                raise _Refused(problem=said, problem_mark=key_node.start_mark)
            seen[key] = line
        return super().construct_mapping(node, deep)

    def number(self, node: yaml.ScalarNode) -> Any:
        """A number of no more digits than anybody writes; YAML's 1:30:00 is one, too."""
        if len(node.value) > _LONGEST_NUMBER:
            said = f"a number of {len(node.value)} characters, which nobody means"
            raise _Refused(problem=said, problem_mark=node.start_mark)
        make = self.construct_yaml_int if node.tag.endswith("int") else self.construct_yaml_float
        return make(node)

    def refused(self, node: yaml.Node) -> Any:
        """A tag that is none of a text, number, yes or no, list or mapping."""
        tag = str(node.tag).removeprefix("tag:yaml.org,2002:")[:80]
        raise _Refused(problem=f"the tag {tag!r} has no meaning here", problem_mark=node.start_mark)


class _Loader(_Unique, yaml.SafeLoader):
    """The parser in Python: slow, and exact about the place of a mistake."""


class _Fast(_Unique, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The parser in C where it is installed: ten times faster, and it may name the line after the mistake."""


def _register() -> None:
    standard = "tag:yaml.org,2002:"
    makers: dict[str | None, Any] = {None: _Unique.refused, f"{standard}timestamp": _Unique.construct_yaml_str}
    makers |= {f"{standard}{name}": _Unique.number for name in ("int", "float")}
    makers |= {f"{standard}{name}": _Unique.refused for name in ("binary", "set", "omap", "pairs")}
    loader: Any
    for loader in (_Loader, _Fast):
        for tag, make in makers.items():
            loader.add_constructor(tag, make)


_register()


def read_yaml(text: str, where: str) -> Any:
    """The value of a YAML text, made of what JSON has; a date stays a text.

    Args:
        where: what messages call it: a file, or a flag.

    Raises:
        DataError: it is not YAML, a key comes twice, or it is too large; the message begins with ``where:line``.
    """
    if len(text) > MOST_CHARACTERS:
        raise DataError(f"{where}: has {len(text):,} characters; at most {MOST_CHARACTERS:,} are read")
    try:
        try:
            value = _value(text, _Fast)
        except yaml.YAMLError:
            if len(text) > _EXACT:
                raise
            value = _value(text, _Loader)
        if any("\ud800" <= c <= "\udfff" for part in texts_in(value) for c in part):
            raise ValueError("half a character, \\ud800 to \\udfff")
        return value
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{where}:{mark.line + 1}" if mark else where
        problem = " ".join(str(error.problem or error.context or error).split())[:200]
        raise DataError(f"{place}: {problem if isinstance(error, _Refused) else f'not YAML ({problem})'}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = getattr(error, "reason", None) or next(iter(str(error).splitlines()), type(error).__name__)
        raise DataError(f"{where}: not YAML ({reason})") from None


def _value(text: str, loader: Any) -> Any:
    _measure(text, loader)
    return yaml.load(text, loader)


def _measure(text: str, loader: Any) -> None:
    """Refuse a text that would become too large or too deep, before anything is made of it."""
    sizes: dict[str | None, int] = {}  # of the values that have an anchor
    levels: dict[str | None, int] = {}
    event: Any  # PyYAML's own types know one of its two kinds of marks only
    open_: list[tuple[str | None, int, int]] = []  # anchor, values before it, levels below it
    count = 0
    for event in yaml.parse(text, loader):
        below, mark = 0, event.start_mark
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in [anchor for anchor, _, _ in open_]:
                raise _Refused(problem="an alias repeats a value within itself", problem_mark=mark)
            count += sizes.get(event.anchor, 1)
            below = levels.get(event.anchor, 0)
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
            if event.anchor:
                sizes[event.anchor], levels[event.anchor] = 1, 0
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, count, 0))
            count += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before, below = open_.pop()
            below += 1
            if anchor:
                sizes[anchor], levels[anchor] = count - before, below
        else:
            continue
        if open_ and below > open_[-1][2]:
            open_[-1] = (*open_[-1][:2], below)
        if count > MOST_VALUES:
            said = f"has more than {MOST_VALUES:,} values, those that aliases repeat counted each time"
            raise _Refused(problem=said, problem_mark=mark)
        if len(open_) + below > MOST_LEVELS:
            said = f"lists and mappings are nested more than {MOST_LEVELS} levels deep"
            raise _Refused(problem=said, problem_mark=mark)


def read_text(path: Path) -> str:
    """The text of a file that a person wrote, UTF-8, of at most :data:`MOST_CHARACTERS` bytes.

    Raises:
        DataError: it is no file, too large, not UTF-8, or cannot be read.
        FileNotFoundError: there is none.
    """
    try:
        check_file(path)
        size = path.stat().st_size
        if size > MOST_CHARACTERS:
            raise DataError(f"{path}: has {size:,} bytes; at most {MOST_CHARACTERS:,} are read")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: cannot be read (it is not UTF-8: {error.reason})") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({str(error.strerror or error).lower()})") from None
    except ValueError as error:  # a null character in the path
        raise DataError(f"{path}: cannot be read ({error})") from None


def read_object(text: str, where: str) -> dict[str, Any]:
    """The JSON object of a text that a user gave.

    Raises:
        DataError: it is not JSON, no object, or a key comes twice.
    """
    try:
        value = decoded(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{where} is not JSON ({error.msg})") from None
    except ValueError as error:
        raise DataError(f"{where}: {error}") from None
    if not isinstance(value, dict):
        raise DataError(f'{where}: a JSON object was expected, as \'{{"languages": ["en", "sw"]}}\'')
    return value
