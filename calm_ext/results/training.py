"""The shapes of what a run's training wrote: its log and its summary, before anything is made of them.

Only the keys that reports read are checked; others, as a newer trainer may write them, are left as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from calm_ext.errors import DataError
from calm_ext.jsonl import explain

Number = float | None


class _Row(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class _Check(_Row):
    step: int
    agreement: Number = None
    consistency: Number = None
    answered: Number = None
    chosen_nll: Number = None
    kept: Number = None
    kept_error: Number = None
    n: Number = None
    lost: list[str] = []
    kept_by_language: dict[str, list[int]] = {}


class _Answers(_Row):
    step: int
    answers: dict[str, dict[str, int | None]] = {}


class _Warning(_Row):
    step: int | None = None
    message: str


class _Step(_Row):
    step: Number


class _Summary(_Row):
    checks: list[_Check] | None = None
    chosen_step: int | None = None
    seconds: Number = None
    loss: Number = None
    n_pairs: Number = None
    n_pairs_dropped: Number = None
    peak_memory_mib: Number = None
    peak_gpu_memory_mib: Number = None
    dtype: str | None = None
    eats: str | None = None


class _Stage(_Row):
    seconds: Number = None
    peak_memory_mib: Number = None
    finished: str | None = None
    versions: dict[str, str] | None = None
    in_model: Number = None


_KINDS: dict[str, type[_Row]] = {"check": _Check, "answers": _Answers, "warning": _Warning, "train": _Step}


def check_log_row(row: dict[str, Any], where: str) -> None:
    """Refuse a line of a training log that is not as the trainer writes it.

    Raises:
        DataError: begins with ``where``.
    """
    kind = row.get("kind")
    _check(_KINDS.get(kind, _Row) if isinstance(kind, str) else _Warning, row, where)


def check_summary(values: dict[str, Any], path: Path) -> dict[str, Any]:
    """The summary of a training, which may be empty.

    Raises:
        DataError: it is not as the trainer writes it.
    """
    _check(_Summary, values, str(path))
    return values


def check_stages(values: Any, path: Path) -> dict[str, dict[str, Any]]:
    """The stages of a manifest.

    Raises:
        DataError: they are no table by stage, or what is said of one is of another kind.
    """
    if not isinstance(values, dict):
        raise DataError(f"{path}: its stages are not a table by stage")
    for name, entry in values.items():
        _check(_Stage, entry, f"{path}: stages.{name}")
    return values


def _check(kind: type[_Row], values: Any, where: str) -> None:
    try:
        kind.model_validate(values)
    except ValidationError as error:
        raise DataError(f"{where}: {explain(error)}") from None
