"""What the verbs that read many results share: ``leaderboard`` and ``view``."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def name_option(function: F) -> F:
    """``--name PATH=NAME``: what the models of a result file or folder are called; the command gets ``names``."""
    return click.option(
        "--name", "names", multiple=True, metavar="PATH=NAME", callback=_names,
        help="Call the model whose results are in this file or folder so; may be given several times.",
    )(function)  # fmt: skip


def _names(_: click.Context, __: click.Parameter, values: Sequence[str]) -> dict[Path, str]:
    found: dict[Path, str] = {}
    for value in values:
        # A path may have an equals sign, and so may a name: the longest path that is there is meant.
        cuts = [i for i, c in enumerate(value) if c == "=" and value[:i] and value[i + 1 :].strip()]
        at = next((i for i in reversed(cuts) if Path(value[:i]).exists()), cuts[0] if cuts else None)
        if at is None:
            raise click.BadParameter(f"{value}: PATH=NAME was expected")
        path, name = Path(value[:at]), value[at + 1 :].strip()
        if path in found:
            raise click.BadParameter(f"{path} is given twice, {found[path]} and {name}")
        found[path] = name
    return found


@contextmanager
def board_reading() -> Iterator[None]:
    """Read many results in one thread and without the search for cycles.

    On a busy machine the threads of numpy wait for each other, and took 40 times as long. Reading makes millions of
    small objects and no cycles; the search for them took a quarter of its time.
    """
    if "numpy" not in sys.modules:
        for library in ("OPENBLAS", "MKL", "OMP"):
            os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
