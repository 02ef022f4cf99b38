"""The per-question metrics of a samples file as one table, read without its texts.

Whoever uses them with a results file checks that the samples have as many questions as it, and the same means.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from calm_ext.errors import DataError
from calm_ext.metrics.names import SET_LEVEL
from calm_ext.records.base import MOST_OPTIONS
from calm_ext.results.clusters import ClusterKey
from calm_ext.results.samples import scan_samples

if TYPE_CHECKING:
    import numpy as np


class Columns(NamedTuple):
    """Per-question values of one evaluation.

    Attributes:
        names: of the columns: metrics, then ``#0``, ``#1``, …, the share of the languages that gave that option, which
            kappa is made of (:func:`calm_ext.metrics.tables.from_means`). What a sample records of metrics of the
            whole set (:data:`calm_ext.metrics.names.SET_LEVEL`) is no column.
        ids: of the questions, in the order of the file.
        values: shape (questions, columns); NaN where a question has no such value.
        asked: a hash of the questions, their wording and their clusters, passages apart; equal where the same was
            asked.
        read: the same with the passages.
        clusters: what each question has in common with others, a passage say, in the order of ``ids``; None where each
            stands for itself.
    """

    names: tuple[str, ...]
    ids: list[str]
    values: np.ndarray
    asked: str
    read: str
    clusters: list[str] | None = None


def read_columns(path: Path, *, passages: bool = False, cluster: ClusterKey | None = None) -> Columns:
    """Read the metrics of a samples file.

    Args:
        passages: the questions were asked with passages, which are then no part of what a question is.
        cluster: which questions belong together.

    Raises:
        ClusterError: the key does not give the cluster of a question.
        DataError: the file or a line of it cannot be used, a question comes twice, or there is none.
    """
    identities: dict[str, tuple[str, str]] = {}
    rows: list[list[Any]] = []
    answers: list[list[Any]] = []
    names: list[str] = []
    clusters: list[str] = []
    for sample in scan_samples(path):
        if sample.id in identities:
            raise DataError(f"{sample.where}: question {sample.id[:80]} comes twice")
        whole = sample.doc_hash or sample.question_hash
        identities[sample.id] = (sample.question_hash if passages else whole, whole)
        metrics = sample.metrics
        names = names or _plain_names(sample.where, metrics)
        if list(metrics) != names:
            raise DataError(f"{sample.where}: has other metrics than the lines before it")
        rows.append([value for name, value in metrics.items() if name not in SET_LEVEL])
        answers.append(list(sample.answers.values()) if sample.answers else [])
        if cluster:
            needs_doc = cluster.pattern is None  # the rest is read without the texts
            clusters.append(cluster.of_doc(sample.id, sample.doc if needs_doc else {}, sample.where))
    if not rows:
        raise DataError(f"{path}: is empty")
    values = _array(rows, str(path))
    shares = _shares(answers, str(path))
    together = dict(zip(identities, clusters, strict=True)) if cluster else {}
    import numpy as np

    plain = [m for m in names if m not in SET_LEVEL]
    return Columns(
        (*plain, *(f"#{i}" for i in range(shares.shape[1]))),
        list(identities),
        np.hstack([values, shares]),
        digest(f"{i}\0{known}\0{together.get(i, '')}" for i, (known, _) in identities.items()),
        digest(f"{i}\0{whole}" for i, (_, whole) in identities.items()),
        clusters if cluster else None,
    )


def _plain_names(where: str, metrics: Iterable[str]) -> list[str]:
    """The names, none of which may be taken for a column of ours."""
    names = list(metrics)
    ours = [name for name in names if name.startswith(("#", "&"))]
    if ours:
        raise DataError(f"{where}: has a metric named {ours[0][:80]!r}")
    return names


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
    if len(known) and (known.min() < 0 or known.max() >= MOST_OPTIONS or (known % 1).any()):
        raise DataError(f"{where}: the answers of a question (kappa) are no indices of options")
    n = int(known.max()) + 1 if len(known) else 0
    return np.stack([(given == i).mean(axis=1) for i in range(n)], axis=1) if n else np.zeros((len(answers), 0))


def digest(parts: Iterable[str]) -> str:
    """A hash of the parts in whatever order: several processes write their questions one after the other."""
    found = hashlib.sha256()
    for part in sorted(parts):
        found.update(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest())
    return found.hexdigest()[:12]
