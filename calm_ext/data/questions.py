"""From a row of a benchmark's file to a question in one language."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from calm_ext.data.benchmark import Layout, OptionColumn
from calm_ext.data.expressions import Values, plain, substituted
from calm_ext.errors import DataError

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Read(NamedTuple):
    """A row that was read.

    Attributes:
        key: what identifies the question in every language.
        group: what questions have in common that are of one share of a split.
        number: its place, from 1; where: where it stands, for messages.
        question, options, answer: its content; the answer is None where it is not known.
    """

    key: str
    group: str
    number: int
    where: str
    question: str
    options: list[str]
    answer: int | None


class Incomplete(Exception):
    """A row that lacks something, which is left out; the message says what it lacks."""


def read_row(layout: Layout, values: Values, *, number: int, labelled: bool) -> Read:
    """The question of a row.

    Args:
        number: its place, from 1.
        labelled: whether it must have an answer.

    Raises:
        DataError: the row has other columns, or other values in them, than the layout says.
        Incomplete: the cells of its question, answer, or of all options but one are empty.
    """
    where = values.cell.where
    question = substituted(values.text(layout.question), layout.substitute)
    if not question:
        raise Incomplete("no question")
    places = [substituted(text, layout.substitute) for text in _options(layout, values)]
    options = [text for text in places if text]
    if len(options) < 2:
        raise Incomplete("fewer than two options")
    answer = _answer(layout, values, places) if labelled else None
    keys = [layout.key] if isinstance(layout.key, str) else layout.key
    key = f"{number - 1:05d}" if keys == ["row"] else "-".join(" ".join(values.text(k).split()) for k in keys)
    if not key.strip("-"):
        raise DataError(f"{where}: the key ({', '.join(keys)}) is empty")
    group = values.text(layout.together) if layout.together else key
    return Read(key, group, number, where, question, options, answer)


def _options(layout: Layout, values: Values) -> list[str]:
    """The options at their places; the empty string where a place has none."""
    if isinstance(layout.options, OptionColumn):
        return values.text(layout.options.column).split(layout.options.split)
    if isinstance(layout.options, list):
        return [values.text(x) for x in layout.options]
    value = values.value(layout.options)
    if isinstance(value, str) and value.lstrip().startswith("["):
        with contextlib.suppress(json.JSONDecodeError):  # said below
            value = json.loads(value)
    if not isinstance(value, (list, tuple)):
        raise DataError(f"{values.cell.where}: {layout.options} is {_short(value)}, a list of options was expected")
    return [plain(x) for x in value]


def _answer(layout: Layout, values: Values, places: Sequence[str]) -> int:
    """The index of the right option among the options that are not empty."""
    form, column = layout.answer.form, layout.answer.column
    there = [i for i, text in enumerate(places) if text]
    if column is None:
        place: int | None = 0 if form == "first" else there[-1]
    else:
        value = values.value(column)
        said = (str(int(value)) if isinstance(value, bool) else plain(value)).strip()
        if not said:
            raise Incomplete("no answer")
        place = _place(form, substituted(said, layout.substitute) if form == "text" else said, places)
        if place is None or not 0 <= place < len(places):
            expected = {
                "text": "the text of one of its options",
                "letter": f"a letter from A to {_LETTERS[min(len(places), 26) - 1]}",
            }.get(form, f"a number from {int(form == 'one_based')} to {len(places) - (form == 'zero_based')}")
            raise DataError(f"{values.cell.where}: {column} is {_short(said)}, {expected} was expected")
    if place not in there:
        raise Incomplete("no text for the right option")
    return there.index(place)


def _place(form: str, said: str, places: Sequence[str]) -> int | None:
    """The place that an answer names; None where it names none."""
    if form == "text":
        return places.index(said) if said in places else None
    if form == "letter":
        found = re.fullmatch(r"\(?([A-Za-z])[.)]?", said)
        return _LETTERS.index(found[1].upper()) if found else None
    found = re.fullmatch(r"([+-]?\d{1,9})(\.0*)?", said)
    return int(found[1]) - (form == "one_based") if found else None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
