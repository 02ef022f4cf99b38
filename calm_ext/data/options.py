"""What a recipe says of its questions."""

from __future__ import annotations

from pydantic import Field

from calm_ext.options import Section


class DataOptions(Section):
    """The questions that are asked; no gold label is used.

    Attributes:
        source: a data source (``calm-ext data ls``).
        languages: codes; default: the source's own.
        split, limit: which questions, and how many of them.
        data_dir: directory or base URL of the source's files; default ``$CALM_DATA_DIR``.
        path: the questions JSONL of source ``local``.
    """

    source: str = "babel"
    languages: list[str] | None = Field(None, min_length=2)
    split: str | None = None
    limit: int | None = Field(None, ge=1)
    data_dir: str | None = None
    path: str | None = None
