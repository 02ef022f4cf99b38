"""The one base of every class of options.

A section is declared once, as a class whose attributes have a type, a default and a docstring. The recipe schema, the
flags of the command line (:mod:`calm_ext.cli.options`) and ``docs/recipes.md`` are made from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from calm_ext.errors import RecipeError
from calm_ext.files.decode import short
from calm_ext.files.expected import did_you_mean, expected, got, nearest

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
            raise ValueError(f"one of {', '.join(known)} was expected{did_you_mean(value, known)}")
        return value


def problem(
    item: Mapping[str, Any], known: Sequence[str], *, within: str = "", name: Callable[[str], str] = str
) -> str:
    """An error of pydantic in one line, with the nearest key where one is unknown.

    Args:
        item: of ``ValidationError.errors()``.
        known: the keys at its place.
        within: what the key stands in, as ``training.``.
        name: what the message calls a key of the section, as its flag.
    """
    location = item["loc"]
    key = within + short(".".join([name(str(x)) for x in location[:1]] + [str(x) for x in location[1:]]))
    if item["type"] == "extra_forbidden":
        meant = nearest(str(location[-1]), known)
        hint = f"did you mean {meant}?" if meant else f"known here: {', '.join(known)}"
        return f"{key}: unknown key; {hint}"
    words, place = expected(item), f"{key}: " if key else ""
    if item["type"] in ("missing", "too_short", "too_long", "string_too_short"):
        return place + words
    if item["type"] == "value_error" and isinstance(item["input"], Mapping):
        return place + words  # of a whole section, which would be repeated at length
    return place + words + got(item["input"])


def validated(section: type[S], values: Mapping[str, Any], *, where: str, name: Callable[[str], str] = str) -> S:
    """The options of a section from values that a user gave.

    Args:
        where: what the messages begin with; nothing where the key says it, as a flag does.
        name: what messages call a key, as its flag.

    Raises:
        RecipeError: with every problem, one a line.
    """
    try:
        return section.model_validate(values)
    except ValidationError as error:
        known = list(section.model_fields)
        raise RecipeError(where, [problem(x, known, name=name) for x in error.errors(include_url=False)]) from None
