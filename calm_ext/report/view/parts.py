"""Lists that are too long to load at once, in parts of less than half a megabyte.

A page that is opened from disk may not fetch files, but it may load scripts. So a part is a script of one call,
``calmPart("0/heads-1", […]);``, and its name is where it stands below ``data/``. A list is cut where a part is full;
the page knows the places at which the parts start, and loads the one that has the item that it needs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

#: bytes of a part's items together; a part is at most this and its one item more than it
BUDGET = 400_000
#: characters that are left of a text where even a single item is too large
_LEAST = 40

#: A text, or its beginning and how many characters follow.
Text = str | list[Any]


def encoded(value: Any) -> str:
    r"""JSON in UTF-8, which is JavaScript, too; half a character (an unpaired surrogate) becomes ``?``.

    >>> encoded(["a\ud800", "水"])
    '["a?","水"]'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace").decode("utf-8")


class Parts:
    """Writes one list in parts."""

    def __init__(self, data: Path, name: str, *, most: int | None = None) -> None:
        """``data``: the folder of all parts. ``name``: of the list, as ``0/heads``. ``most``: items in a part."""
        self._data, self._name, self._most = data, name, most
        self._items: list[str] = []
        self._size, self._n = 0, 0
        self.starts: list[int] = []

    def add(self, item: Any) -> None:
        """Append an item."""
        self._append(encoded(item))

    def add_fitting(self, make: Callable[[int], Any], longest: int) -> None:
        """Append an item whose texts are cut to a number of characters, fewer where it is larger than a part.

        Args:
            make: number of characters -> the item.
        """
        text = encoded(make(longest))
        while len(text.encode()) > BUDGET and longest > _LEAST:
            longest = max(_LEAST, longest // 2)
            text = encoded(make(longest))
        self._append(text)

    def _append(self, text: str) -> None:
        size = len(text.encode()) + 1
        if self._items and (self._size + size > BUDGET or len(self._items) == self._most):
            self._write()
        self._items.append(text)
        self._size += size

    def _write(self) -> None:
        path = self._data / f"{self._name}-{len(self.starts)}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = ",\n".join(self._items)
        path.write_text(f'calmPart("{self._name}-{len(self.starts)}",[{content}]);\n', encoding="utf-8")
        self.starts.append(self._n)
        self._n += len(self._items)
        self._items, self._size = [], 0

    def close(self) -> list[int]:
        """Write what is left; the index of the first item of each part."""
        if self._items:
            self._write()
        return self.starts


def read_list(data: Path, name: str, starts: Mapping[str, Sequence[int]]) -> list[Any]:
    """A list that :class:`Parts` wrote.

    Args:
        data: the folder of all parts.
        name: of the list, as ``0/heads``.
        starts: last part of a list's name -> the index of the first item of each part, as the page has them.

    Returns:
        Its items; none where a part is missing or is none.
    """
    items: list[Any] = []
    for k in range(len(starts.get(name.rpartition("/")[2], ()))):
        head = f'calmPart("{name}-{k}",'
        try:
            text = (data / f"{name}-{k}.js").read_text(encoding="utf-8")
            items += json.loads(text.removeprefix(head).removesuffix(");\n"))
        except (OSError, ValueError):
            return []
    return items


def cut(text: str, longest: int) -> Text:
    """A text, cut where it is longer than a number of characters.

    >>> cut("abc", 5), cut("abcdef", 4)
    ('abc', ['abcd', 2])
    """
    text = text.strip()
    return text if len(text) <= longest else [text[:longest], len(text) - longest]


def cut_middle(text: str, longest: int) -> Text:
    """As :func:`cut`, but a third of what is kept is the end, where models give their answer.

    >>> cut_middle("abcdefghij", 6)
    ['abcd', 4, 'ij']
    """
    text = text.strip()
    if len(text) <= longest:
        return text
    end = longest // 3
    return [text[: longest - end], len(text) - longest, text[len(text) - end :]]
