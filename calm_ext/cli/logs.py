"""The options of the verbs that read logs of other people's tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from calm_ext.cli.options import flags
from calm_ext.results.log_options import LogOptions

F = TypeVar("F", bound=Callable[..., Any])


def log_options(function: F) -> F:
    """The flags of :class:`calm_ext.results.log_options.LogOptions`; the command gets them as ``logs``."""
    return flags(LogOptions, into="logs")(function)
