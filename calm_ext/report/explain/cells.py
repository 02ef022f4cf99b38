"""The answers of a part as arrays: a cell is a question in a language, with its answer before and after.

A question that several models answered, as the seeds of a study do, has a row for each of them.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

from calm_ext.metrics.design import Design
from calm_ext.metrics.question import question_metrics
from calm_ext.report.explain.parts import Part

if TYPE_CHECKING:
    import numpy as np

#: outcome of a cell -> what it is called
OUTCOMES = {
    "kept": "stayed right",
    "won": "became right",
    "lost": "became wrong",
    "other": "still wrong, another answer",
    "same": "still wrong, same answer",
}
UNLABELLED = {"changed": "changed", "unchanged": "unchanged"}


def outcome(before: int | None, after: int | None, gold: int | None) -> str:
    """What became of an answer: a key of :data:`OUTCOMES`, or of :data:`UNLABELLED` where gold is not known.

    An answer that could not be read is wrong, and the same as another one that could not be read.

    >>> [outcome(*x, 2) for x in ((2, 2), (None, 2), (2, 0), (0, 1), (0, None), (None, None))]
    ['kept', 'won', 'lost', 'other', 'other', 'same']
    >>> outcome(1, 1, None)
    'unchanged'
    """
    if gold is None:
        return "unchanged" if before == after else "changed"
    if before == gold:
        return "kept" if after == gold else "lost"
    return "won" if after == gold else "same" if before == after else "other"


class Cells:
    """The cells of a part; arrays have the shape (rows, languages) unless they say otherwise.

    Attributes:
        part: where they are from.
        design: the question, the cluster and the seed of each row.
        before, after: index of the answer, -1 where none could be read.
        gold: index of the right option, -1 where it is not known; shape (rows,).
        known: whether the right option is known; shape (rows,).
    """

    def __init__(self, part: Part) -> None:
        import numpy as np

        self.part = part
        self.design = Design(
            [r.id for r in part.rows], [(r.group, r.id if r.group is None else "") for r in part.rows],
            [r.seed for r in part.rows],
        )  # fmt: skip

        def column(values: dict[str, int | None]) -> list[int]:
            return [-1 if (v := values[x]) is None else v for x in part.languages]

        self.before = np.array([column(r.before) for r in part.rows])
        self.after = np.array([column(r.after) for r in part.rows])
        self.gold = np.array([-1 if r.gold is None else r.gold for r in part.rows])
        self.known: np.ndarray = self.gold >= 0

    @cached_property
    def right(self) -> tuple[np.ndarray, np.ndarray]:
        """Whether each answer is right, before and after; False where the right one is not known."""
        gold = self.gold[:, None]
        return (self.before == gold) & (gold >= 0), (self.after == gold) & (gold >= 0)

    @property
    def changed(self) -> np.ndarray:
        """Whether each answer is another one after."""
        return self.before != self.after

    @cached_property
    def gain(self) -> np.ndarray:
        """right after - right before, -1, 0 or 1; NaN where the right option is not known."""
        import numpy as np

        old, new = self.right
        return np.where(self.known[:, None], new.astype(float) - old, np.nan)

    def metric(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """A metric of :func:`~calm_ext.metrics.question.question_metrics`, before and after; shape (rows,) each.

        NaN where a question does not have it.
        """
        import numpy as np

        before, after = self._metrics
        return np.array([m.get(name, np.nan) for m in before]), np.array([m.get(name, np.nan) for m in after])

    @cached_property
    def _metrics(self) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
        rows = self.part.rows
        return (
            [question_metrics(r.before, r.gold, r.pivot) for r in rows],
            [question_metrics(r.after, r.gold, r.pivot) for r in rows],
        )


def outcome_counts(part: Part) -> dict[str, dict[str, int]]:
    """``all`` and each language -> outcome -> number of answers.

    Where right answers are known, questions without one are left out.
    """
    names = OUTCOMES if part.has_gold else UNLABELLED
    found: dict[str, Counter[str]] = {x: Counter() for x in ("all", *part.languages)}
    for row in part.rows:
        if row.gold is None and part.has_gold:
            continue
        for language in part.languages:
            what = outcome(row.before[language], row.after[language], row.gold)
            found[language][what] += 1
            found["all"][what] += 1
    return {x: {name: counts[name] for name in names} for x, counts in found.items()}
