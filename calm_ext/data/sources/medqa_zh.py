"""The Chinese-origin questions of :mod:`calm_ext.data.sources.medqa`."""

from __future__ import annotations

from collections.abc import Sequence

from calm_ext.data.parallel.align import Joined
from calm_ext.data.sources import medqa


def load(split: str, *, languages: Sequence[str], data_dir: str | None = None) -> Joined:
    """The questions of a split; see :func:`calm_ext.data.sources.medqa.load`."""
    return medqa.load(split, languages=languages, data_dir=data_dir, source_language="zh")
