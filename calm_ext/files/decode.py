"""The one decoder of JSON, for what programs and strangers wrote.

What is valid JSON and still cannot be worked with is refused here, so that no reader meets it: a key that comes twice,
half a character, values nested deeper than :data:`MOST_LEVELS`. A whole number larger than any float is infinite.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from calm_ext.errors import DataError
from calm_ext.files.places import check_file

#: Levels of lists and tables within each other; what follows them, as pydantic and json do, calls itself at each.
MOST_LEVELS = 100

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_LONE = re.compile("[\ud800-\udfff]")


def unique(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of its keys and values, for ``object_pairs_hook``.

    Raises:
        ValueError: a key comes twice.
    """
    found = dict(items)
    if len(found) < len(items):
        seen: set[str] = set()
        twice = next(key for key, _ in items if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {short(twice)!r} comes twice")
    return found


def whole(digits: str) -> int | float:
    """A whole number of JSON; infinite where it is larger than any float, with which it could not be compared."""
    return int(digits) if len(digits) < 300 else float(digits)


_STRICT = json.JSONDecoder(object_pairs_hook=unique, parse_int=whole).decode
_LOOSE = json.JSONDecoder(parse_int=whole).decode


def decoded(text: str | bytes, *, strict: bool = True) -> Any:
    """The value of a JSON text.

    Args:
        strict: refuse a key that comes twice, and half a character. Else, for the files of other programs, the last
            of the keys counts, and U+FFFD stands for the character.

    Raises:
        ValueError: it is not JSON (``json.JSONDecodeError``, ``UnicodeDecodeError``), or cannot be worked with.
    """
    plain = (text if isinstance(text, str) else text.decode()).removeprefix("\ufeff")  # a mark that editors write
    try:
        value = (_STRICT if strict else _LOOSE)(plain)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if plain.count("[") + plain.count("{") > MOST_LEVELS:
        _check_levels(value)
    if "\\u" in plain and _HALF.search(plain) and any(map(_LONE.search, texts_in(value))):
        if strict:
            raise ValueError("has half a character (an unpaired surrogate, \\ud800 to \\udfff)")
        return _mended(value)
    return value


_TOO_DEEP = f"lists and tables are nested more than {MOST_LEVELS} levels deep"


def _check_levels(value: Any) -> None:
    level = [value]
    for _ in range(MOST_LEVELS + 1):
        if not level:
            return
        inner = (v.values() if isinstance(v, dict) else v for v in level if isinstance(v, (dict, list)))
        level = [x for values in inner for x in values if isinstance(x, (dict, list))]
    raise ValueError(_TOO_DEEP)


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_mended(key): _mended(inner) for key, inner in value.items()}
    return [_mended(inner) for inner in value] if isinstance(value, list) else value


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts_in(key)
            yield from texts_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from texts_in(inner)


def short(text: object, most: int = 80) -> str:
    """A text as messages quote it: in one line, and its beginning where it is long."""
    plain = str(text)
    plain = " ".join(plain[: 4 * most].split()) if len(plain) > most or "\n" in plain else plain
    return plain if len(plain) <= most else f"{plain[:most]}…"


def read_table(path: Path, *, again: str = "") -> dict[str, Any]:
    """The JSON object of a file that a program wrote.

    Args:
        again: how another one is made, at the end of messages.

    Raises:
        DataError: it cannot be read, or is no JSON object; the message begins with the path, where known with the line.
    """
    hint = f"; {again}" if again else ""
    try:
        check_file(path)
        value = decoded(path.read_bytes(), strict=False)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: is not JSON ({error.msg}){hint}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 ({error.reason}){hint}") from None
    except ValueError as error:
        raise DataError(f"{path}: is not JSON that can be read ({error}){hint}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({str(error.strerror or error).lower()}){hint}") from None
    if not isinstance(value, dict):
        raise DataError(f"{path}: a JSON object was expected{hint}")
    return value
