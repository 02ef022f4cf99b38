"""calm-ext: cross-lingual consistency, measured and trained (CALM, arXiv 2501.18457).

``from calm_ext import read_answer, vote, build_pairs, score, compare`` works on lists of dicts, records, pandas
DataFrames and ``datasets.Dataset``; ``docs/api.md`` describes it.

Importing the package is cheap: its names are loaded when they are first used, and torch, transformers, lm_eval and trl
by the functions that need them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calm_ext.answers.read import read_answer
    from calm_ext.api.functions import build_pairs, compare, score, vote

__version__ = "0.1.0"

__all__ = ["build_pairs", "compare", "read_answer", "score", "vote"]

_PLACES = {"read_answer": "calm_ext.answers.read"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_PLACES.get(name, "calm_ext.api.functions")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
