"""Per-question values as a table, and all metrics from its means: of the questions, and of resamples of them.

A metric of a set of questions is made of means of columns, so that it is resampled as the means are. Besides the
metrics there are columns for this alone: ``#0``, ``#1``, …, the share of the languages that gave that option, which
kappa is made of; and ``&`` columns, whether both languages of a pair are right (:func:`with_pairs`), for
``overlap_right``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from calm_ext.errors import DataError
from calm_ext.metrics.answered import Answered
from calm_ext.metrics.names import SET_LEVEL, family_of, metric_names
from calm_ext.metrics.stats import RESAMPLES, mean_blocks

if TYPE_CHECKING:
    import numpy as np


class Table(NamedTuple):
    """Per-question values of a set of questions.

    Attributes:
        names: of the columns: metrics, then ``#0``, ``#1``, …
        values: shape (questions, columns); NaN where a question has no such value.
    """

    names: list[str]
    values: np.ndarray

    def column(self, name: str) -> np.ndarray:
        """Values of one metric, shape (questions,)."""
        column: np.ndarray = self.values[:, self.names.index(name)]
        return column


def table(questions: Sequence[Answered], languages: Sequence[str], *, skip_unlabelled: bool = False) -> Table:
    """The per-question values.

    Where only some questions have a gold answer, the others count as not right, 1[answer = gold] being 0 for them, or
    are left out of accuracy with ``skip_unlabelled``. Where none has, there is no accuracy.

    Raises:
        DataError: there is no question.
    """
    import numpy as np

    if not questions:
        raise DataError("there is no question to score")
    labelled = any(q.gold is not None for q in questions)
    first = questions[0]
    found = {x for q in questions for x, known in q.faithful.items() if known is not None}
    names = metric_names(
        languages,
        scored=first.scores is not None,
        unnormalised=first.unnormalised is not None,
        labelled=labelled,
        pivots={q.pivot for q in questions if q.pivot},
        judged=[x for x in languages if x in found],
        twin=first.twin,
    )
    named = {a for q in questions for a in q.answers.values() if a is not None}
    options = [f"#{i}" for i in range(max(named) + 1 if named else 0)]
    columns = [*(n for n in names if n not in SET_LEVEL), *options]
    rows = np.full((len(questions), len(columns)), math.nan)
    place = {name: i for i, name in enumerate(columns)}
    for row, question in zip(rows, questions, strict=True):
        unlabelled = question.gold is None and labelled and not skip_unlabelled
        for name, value in (question._replace(gold=-1) if unlabelled else question).metrics().items():
            row[place[name]] = value
        row[len(columns) - len(options) :] = 0.0
        for answer in question.answers.values():
            if answer is not None:
                row[place[f"#{answer}"]] += 1 / len(question.answers)
    return Table(columns, rows)


def with_pairs(values: Table) -> Table:
    """The table with a column for each pair of languages that have an accuracy: 1 where both are right, else 0.

    Its name is ``&`` and the places of the two accuracies, as in ``&3,5``.
    """
    import numpy as np

    places = [i for i, name in enumerate(values.names) if family_of(name)[0] == "acc"]
    pairs = list(combinations(places, 2))
    if not pairs:
        return values
    first, second = np.array(pairs).T
    both = values.values[:, first] * values.values[:, second]
    return Table([*values.names, *(f"&{i},{j}" for i, j in pairs)], np.hstack([values.values, both]))


def from_means(names: Sequence[str], means: np.ndarray) -> dict[str, np.ndarray]:
    """metric -> values, from means of the columns of a :class:`Table`, shape (…, columns).

    Kappa, ``acc_worst`` and ``overlap_right`` are added where the columns that they are made of are there; NaN where
    they are undefined (:mod:`calm_ext.metrics.sets`).
    """
    import numpy as np

    result = {name: means[..., i] for i, name in enumerate(names) if not name.startswith(("#", "&"))}
    if "consistency" in result:
        shares = [i for i, name in enumerate(names) if name.startswith("#")]
        by_chance = (means[..., shares] ** 2).sum(axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            kappa = (result["consistency"] - by_chance) / (1 - by_chance)
        result["kappa"] = np.where((by_chance < 1 - 1e-12) & bool(shares), kappa, math.nan)
    right = [i for i, name in enumerate(names) if family_of(name)[0] == "acc"]
    if len(right) > 1:
        result["acc_worst"] = means[..., right].min(axis=-1)
    pairs = [i for i, name in enumerate(names) if name.startswith("&")]
    if pairs:
        first, second = np.array([[int(x) for x in names[i][1:].split(",")] for i in pairs]).T
        both = means[..., pairs]
        either = means[..., first] + means[..., second] - both
        there = either > 1e-12
        shares_of = np.divide(both, either, out=np.zeros_like(both), where=there)
        with np.errstate(invalid="ignore", divide="ignore"):
            result["overlap_right"] = shares_of.sum(axis=-1) / there.sum(axis=-1)
    return result


def means_of(values: Table) -> dict[str, float]:
    """metric -> its mean over the questions that have it, and the metrics of the set."""
    import numpy as np

    paired = with_pairs(values)
    there = ~np.isnan(paired.values)
    count = there.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(there, paired.values, 0.0).sum(axis=0) / count
    return {name: float(v) for name, v in from_means(paired.names, means).items()}


def resampled_metrics(
    values: Table, *, seed: int = 0, resamples: int = RESAMPLES, clusters: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """metric -> its value in each resample of the questions, or of their clusters, shape (resamples,)."""
    import numpy as np

    paired = with_pairs(values)
    drawn = mean_blocks(paired.values, seed=seed, resamples=resamples, clusters=clusters)
    blocks = [from_means(paired.names, means) for means in drawn]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
