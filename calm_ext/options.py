"""The one base of every class of options.

A section is declared once, as a class whose attributes have a type, a default and a docstring. The recipe schema, the
flags of the command line (:mod:`calm_ext.cli.options`) and ``docs/recipes.md`` are made from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

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
