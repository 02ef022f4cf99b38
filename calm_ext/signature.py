"""The reproducibility string that travels with every number (after sacrebleu's signatures, Post 2018)."""

from __future__ import annotations

from functools import lru_cache
from importlib import metadata

from calm_ext import __version__


@lru_cache(maxsize=32)
def version_of(package: str) -> str:
    """Installed version of a distribution, ``-`` where there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "-"


def versions() -> dict[str, str]:
    """Versions of the packages that the numbers depend on."""
    names = ("lm_eval", "torch", "transformers", "trl", "peft", "accelerate", "datasets")
    return {"calm-ext": __version__, **{name: version_of(name) for name in names}}


def signature(**parts: object) -> str:
    """``key:value`` pairs joined by bars, in the order given, ending with the versions that matter.

    >>> signature(task="t", langs="en.fr").startswith("task:t|langs:en.fr|calm-ext:")
    True
    """
    named = [f"{key}:{value}" for key, value in parts.items() if value is not None]
    return "|".join([*named, f"calm-ext:{__version__}", f"lm_eval:{version_of('lm_eval')}"])
