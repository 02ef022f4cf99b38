"""The per-question metrics of a samples file of lm-eval, read without its texts.

A line, as lm-eval writes it for a cross-lingual task (shortened)::

    {"doc_id": 0, "doc": {"id": "q1", …}, "target": "1", "arguments": {…}, "resps": […], …, "filter": "none",
     "metrics": ["acc", "acc_en", …, "kappa"], "doc_hash": "…", …, "acc": 0.5, …, "kappa": {"en": 1, "fr": null}}

Prompts and responses are most of a line, and nothing here needs them: a line of this form is decoded from ``"metrics"``
on, for a quote inside a text is escaped, so that these characters can be nothing but the key. Any other line, and a
line with passages, is decoded as a whole. That the samples have as many questions as the results, and the same means,
is checked in :mod:`.read`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from calm_ext.errors import DataError

if TYPE_CHECKING:
    import numpy as np

_HEAD = re.compile(rb'\{"doc_id": \d+, "doc": \{"id": ("(?:[^"\\]|\\.)*")[,}]')
_METRICS = b', "metrics": ['
_MOST_OPTIONS = 1000


class Columns(NamedTuple):
    """Per-question values of one evaluation.

    Attributes:
        names: of the columns: metrics, then ``#0``, ``#1``, …, the share of the languages that gave that option, which
            kappa is made of (:func:`calm_ext.metrics.measure.with_kappa`).
        ids: of the questions, in the order of the file.
        values: shape (questions, columns); NaN where a question has no such value.
        asked: a hash of the questions and their wording, passages apart; equal where the same was asked.
        read: the same with the passages.
    """

    names: tuple[str, ...]
    ids: list[str]
    values: np.ndarray
    asked: str
    read: str


def read_columns(path: Path, *, passages: bool = False) -> Columns:
    """Read the metrics of a samples file.

    Args:
        passages: the questions were asked with passages, which are then no part of what a question is.

    Raises:
        DataError: the file or a line of it cannot be used, a question comes twice, or there is none.
    """
    identities: dict[str, tuple[str, str]] = {}
    rows: list[list[Any]] = []
    answers: list[list[Any]] = []
    names: list[str] = []
    try:
        with path.open("rb") as handle:
            for number, line in enumerate(handle, 1):
                if line.isspace():
                    continue
                identity, row, known, whole = _sample(line, f"{path}:{number}", passages)
                if identity in identities:
                    raise DataError(f"{path}:{number}: question {identity[:80]} comes twice")
                identities[identity] = (known, whole)
                names = names or row["metrics"]
                if row["metrics"] != names:
                    raise DataError(f"{path}:{number}: has other metrics than the lines before it")
                rows.append([row[m] for m in names if m != "kappa"])
                given = row.get("kappa")
                answers.append(list(given.values()) if isinstance(given, dict) else [])
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except KeyError as error:
        raise DataError(f"{path}:{number}: has no value of {error.args[0]!r}") from None
    if not rows:
        raise DataError(f"{path}: is empty")
    values = _array(rows, str(path))
    shares = _shares(answers, str(path))
    import numpy as np

    plain = [m for m in names if m != "kappa"]
    return Columns(
        (*plain, *(f"#{i}" for i in range(shares.shape[1]))),
        list(identities),
        np.hstack([values, shares]),
        _digest(f"{i}\0{known}" for i, (known, _) in identities.items()),
        _digest(f"{i}\0{whole}" for i, (_, whole) in identities.items()),
    )


def _sample(line: bytes, where: str, passages: bool) -> tuple[str, Mapping[str, Any], str, str]:
    """Question id, its metrics, and hashes of the question without and with its passages."""
    try:
        head, at = _HEAD.match(line), line.rfind(_METRICS)
        if head and at > 0 and not passages:
            row = json.loads(b"{" + line[at + 2 :])
            if isinstance(row.get("doc_hash"), str):
                return json.loads(head[1]), _checked(row, where), row["doc_hash"], row["doc_hash"]
        row = json.loads(line)
    except (ValueError, RecursionError):  # also of bytes that are not UTF-8
        hint = "" if line.endswith(b"\n") else " (the last line has no end: was the file cut off?)"
        raise DataError(f"{where}: not a JSON object{hint}") from None
    doc = row.get("doc") if isinstance(row, dict) else None
    if not isinstance(doc, dict) or "id" not in doc:
        raise DataError(f"{where}: is not a sample of a cross-lingual task")
    known = hashlib.sha256(json.dumps({k: v for k, v in doc.items() if k != "passages"}).encode()).hexdigest()
    whole = row.get("doc_hash")
    if isinstance(whole, str) and not passages:
        known = whole
    return str(doc["id"]), _checked(row, where), known, whole if isinstance(whole, str) else known


def _checked(row: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    names = row.get("metrics")
    if not isinstance(names, list) or not names or not all(isinstance(m, str) for m in names):
        raise DataError(f"{where}: is not a sample of a cross-lingual task (no metrics)")
    return row


def _array(rows: Sequence[Sequence[Any]], where: str) -> np.ndarray:
    """Values, None and infinities as NaN, shape (questions, metrics)."""
    import numpy as np

    try:
        values = np.array(rows, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{where}: a metric of a question is no number") from None
    values[~np.isfinite(values)] = math.nan
    return values


def _shares(answers: Sequence[Sequence[Any]], where: str) -> np.ndarray:
    """The share of the languages that gave each option, shape (questions, options); no column without answers."""
    import numpy as np

    if not all(answers):
        return np.zeros((len(answers), 0))
    try:
        given = np.array(answers, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{where}: the answers of a question (kappa) are no indices of options") from None
    known = given[~np.isnan(given)]
    if len(known) and (known.min() < 0 or known.max() >= _MOST_OPTIONS or (known % 1).any()):
        raise DataError(f"{where}: the answers of a question (kappa) are no indices of options")
    n = int(known.max()) + 1 if len(known) else 0
    return np.stack([(given == i).mean(axis=1) for i in range(n)], axis=1) if n else np.zeros((len(answers), 0))


def _digest(parts: Iterable[str]) -> str:
    """Of the parts in whatever order: several processes write their questions one after the other."""
    found = hashlib.sha256()
    for part in sorted(parts):
        found.update(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest())
    return found.hexdigest()[:12]
