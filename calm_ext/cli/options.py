"""Command-line flags made from classes of options, so that none is declared twice.

A verb names the class and the keys that it takes::

    @click.command("vote")
    @flags(VotingOptions, into="options")
    def command(options: VotingOptions) -> None: ...

The name, type, bounds, default and help text of each flag come from the class.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from calm_ext.options import OneOf, Section, validated

F = TypeVar("F", bound=Callable[..., Any])


def flags(
    section: type[Section],
    *,
    into: str,
    only: Collection[str] | None = None,
    leave_out: Collection[str] = (),
    defaults: Mapping[str, Any] | None = None,
    names: Mapping[str, Sequence[str]] | None = None,
) -> Callable[[F], F]:
    """Add a flag for each key of a section; the command gets one object of it.

    Args:
        into: the command's parameter that receives the object.
        only: the keys to take; default: all.
        leave_out: keys that get no flag and keep their default.
        defaults: defaults of this verb that differ from the section's.
        names: key -> its flags, where they are not ``--`` and the key, as ``{"n": ["-n"]}``.
    """
    given = dict(defaults or {})
    keys = [k for k in section.model_fields if (only is None or k in only) and k not in leave_out]

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def command(*args: Any, **kwargs: Any) -> Any:
            values = {key: kwargs.pop(_parameter(section, key)) for key in keys}
            values = {k: v for k, v in values.items() if v is not None and v != ()}
            kwargs[into] = validated(section, {**given, **values}, where="", name=functools.partial(_flag, section))
            return function(*args, **kwargs)

        wrapped: Any = command
        for key in reversed(keys):
            wrapped = _option(section, key, given, (names or {}).get(key))(wrapped)
        result: F = wrapped
        return result

    return decorate


def _extra(field: FieldInfo, key: str) -> Any:
    return (field.json_schema_extra or {}).get(key) if isinstance(field.json_schema_extra, dict) else None


def _flag(section: type[Section], key: str) -> str:
    field = section.model_fields.get(key)
    name = (_extra(field, "flag") if field else None) or key
    return f"--{str(name).replace('_', '-')}"


def _parameter(section: type[Section], key: str) -> str:
    """The name under which click hands a flag's value over; apart from every other parameter of the verb."""
    return f"{section.__name__.lower()}_{key}"


def _option(
    section: type[Section], key: str, defaults: Mapping[str, Any], names: Sequence[str] | None
) -> Callable[[Any], Any]:
    field = section.model_fields[key]
    required = field.is_required() and key not in defaults
    default = None if required else defaults.get(key, field.get_default(call_default_factory=True))
    declared = [*(names or [_flag(section, key)]), _parameter(section, key)]
    text = " ".join((field.description or "").replace("``", "").split())
    kind = _without_none(field.annotation)
    if kind is bool:
        if default:
            declared[0] = f"{declared[0]}/--no-{declared[0].lstrip('-')}"
        return click.option(*declared, is_flag=True, default=None, help=text + ("  [default: on]" if default else ""))
    origin = get_origin(kind)
    if origin in (dict, list):
        keyed = origin is dict
        metavar = str(_extra(field, "metavar") or ("NAME=VALUE" if keyed else "VALUE"))
        callback = functools.partial(_pairs, metavar=metavar) if keyed else _items
        return click.option(*declared, multiple=True, metavar=metavar, callback=callback, required=required, help=text)
    shown = "" if default is None or default == "" else f"  [default: {_shown(default)}]"
    return click.option(
        *declared,
        type=_click_type(kind, field),
        help=text + shown,
        metavar=_extra(field, "metavar"),
        **({"required": True} if required else {"default": None}),  # click counts a default of None as a value
    )


def backend_arg(function: F) -> F:
    """``--backend-arg``: ``sampling.backend_args``, whose values are YAML."""
    return click.option(
        "--backend-arg",
        "backend_args",
        multiple=True,
        metavar="KEY=VALUE",
        help="For the backend, as base_url=http://localhost:8000/v1 (given once for each server) or "
        "gpu_memory_utilization=0.8.",
    )(function)


def template_arg(function: F) -> F:
    """``--template-arg``: ``sampling.template_args``, whose values are YAML."""
    return click.option(
        "--template-arg",
        "template_args",
        multiple=True,
        metavar="KEY=VALUE",
        help="For the chat template, as enable_thinking=false.",
    )(function)


def _items(_: click.Context, __: click.Parameter, values: Sequence[str]) -> list[str] | None:
    """The values of a list: a flag that is given several times, or once with commas."""
    return [item.strip() for value in values for item in value.split(",") if item.strip()] or None


def _pairs(_: click.Context, __: click.Parameter, values: Sequence[str], *, metavar: str) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{value}: {metavar} was expected")
        if name in found:
            raise click.BadParameter(f"{name} is given twice, {found[name]} and {text}")
        found[name] = text
    return found or None


def _shown(value: Any) -> str:
    return str(value)


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        kept = [x for x in get_args(annotation) if x is not type(None)]
        return kept[0] if len(kept) == 1 else Union[tuple(kept)]  # noqa: UP007
    return annotation


def _click_type(kind: Any, field: FieldInfo) -> Any:
    registry = next((m for m in field.metadata if isinstance(m, OneOf)), None)
    if registry is not None:
        return click.Choice(list(registry.names))
    if get_origin(kind) is Literal:
        return click.Choice([str(x) for x in get_args(kind)])
    if kind not in (int, float):
        return str
    low, high, open_low, open_high = None, None, False, False
    for bound in field.metadata:
        for name, value in ((n, getattr(bound, n, None)) for n in ("ge", "gt", "le", "lt")):
            if value is None:
                continue
            if name[0] == "g":
                low, open_low = value, name == "gt"
            else:
                high, open_high = value, name == "lt"
    if low is None and high is None:
        return kind
    if kind is int:
        return click.IntRange(low, high, min_open=open_low, max_open=open_high)
    return click.FloatRange(low, high, min_open=open_low, max_open=open_high)
