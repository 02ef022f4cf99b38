"""The one base of every class of options.

A section is declared once, as a class whose attributes have a type, a default and a docstring. The recipe schema, the
flags of the command line (:mod:`calm_ext.cli.options`) and ``docs/recipes.md`` are made from it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from calm_ext.errors import RecipeError

S = TypeVar("S", bound="Section")


class Section(BaseModel):
    """A part of a recipe: frozen, unknown keys forbidden; the docstring below an attribute describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    def replace(self: S, **changes: Any) -> S:
        """The same options with some changed; the new values are validated.

        Raises:
            pydantic.ValidationError: a value or name that is not allowed.
        """
        return type(self).model_validate({**dict(self), **changes})


class OneOf:
    """Marks a string that must be a name of a registry: ``rule: Annotated[str, OneOf(RULES)]``.

    Args:
        names: the registry, or any mapping or iterable whose items are the allowed names; read when it is needed.
    """

    def __init__(self, names: Mapping[str, Any] | Iterable[str]) -> None:
        self.names = names

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, value: str) -> str:
        known = list(self.names)
        if value not in known:
            hint = getattr(self.names, "hint", lambda _: "")(value)
            raise ValueError(f"input should be one of {', '.join(known)}{hint}")
        return value


def explain(item: Mapping[str, Any], known: Iterable[str], *, key: str) -> str:
    """One of pydantic's problems as a line: the key, what was wrong, and what was meant or is known.

    Args:
        item: of ``ValidationError.errors()``.
        known: the keys that the section has.
        key: how the message names the place.
    """
    if item["type"] == "extra_forbidden":
        names = list(known)
        close = difflib.get_close_matches(str(item["loc"][-1]), names, n=1)
        return f"{key}: unknown key; {f'did you mean {close[0]}?' if close else 'known here: ' + ', '.join(names)}"
    if item["type"] == "missing":
        return f"{key}: missing"
    message = item["msg"].removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]}, got {item['input']!r}"


def validated(section: type[S], values: Mapping[str, Any], *, where: str, name: Callable[[str], str] = str) -> S:
    """The options of a section from values that a user gave.

    Args:
        where: what the messages begin with.
        name: what messages call a key, as its flag.

    Raises:
        RecipeError: with every problem, one a line.
    """
    try:
        return section.model_validate(values)
    except ValidationError as error:
        items = error.errors(include_url=False)
        keys = [".".join([name(str(x["loc"][0])), *map(str, x["loc"][1:])]) if x["loc"] else "" for x in items]
        problems = [explain(x, section.model_fields, key=k) for x, k in zip(items, keys, strict=True)]
        raise RecipeError(where, [p.removeprefix(": ") for p in problems]) from None
