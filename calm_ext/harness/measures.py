"""The metrics of our tasks as lm-eval takes them: their names, the item of a question for each, their aggregation.

lm-eval prints every metric in one table, in the order of the alphabet, so of the metrics of one language only
``acc_<language>`` is in it; the others are left to the verbs that read the samples (``calm-ext metrics`` and others).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from lm_eval.api.metrics import mean

from calm_ext.metrics.answered import Answered
from calm_ext.metrics.measure import bias_warnings
from calm_ext.metrics.names import AGAINST_PIVOT, LOWER_IS_BETTER, PARTIAL, family_of, metric_names
from calm_ext.metrics.question import pivot_of
from calm_ext.metrics.sets import acc_worst, fleiss_kappa, overlap_right
from calm_ext.metrics.stats import mean_of_defined

logger = logging.getLogger(__name__)


class Measures(NamedTuple):
    """The metrics of a task.

    Attributes:
        task: its name, for messages.
        names: in order: the headline, the languages, the rest.
        pivots: the languages that are the pivot of a question.
        everywhere: whether every question has a pivot.
        chosen: whether the model chooses among options, which it may do by their places.
    """

    task: str
    names: list[str]
    pivots: list[str]
    everywhere: bool
    chosen: bool

    @classmethod
    def of(
        cls,
        task: str,
        languages: Sequence[str],
        sources: Sequence[str | None],
        *,
        scored: bool,
        unnormalised: bool,
        chosen: bool,
    ) -> Measures:
        """The metrics of questions in these languages.

        Args:
            sources: the source language of each question, where it is recorded.
            scored, unnormalised: as in :func:`calm_ext.metrics.names.metric_names`.
            chosen: False in style ``open``.
        """
        found = [pivot_of(languages, source) for source in dict.fromkeys(sources)]
        pivots = [x for x in dict.fromkeys(found) if x is not None]
        names = metric_names(languages, scored=scored, unnormalised=unnormalised, pivots=pivots)
        names = [n for n in names if family_of(n)[0] in ("acc", "")]
        return cls(task, names, pivots, None not in found, chosen)

    def items(self, question: Answered) -> dict[str, Any]:
        """The item of every metric, on every rank; None where the question has no such value."""
        values = {**question.metrics(), **question.set_items()}
        return {name: values.get(name) for name in self.names}

    def aggregation(self) -> dict[str, Callable[..., float]]:
        """The mean over questions; of metrics of the whole set a function of all items."""
        partial = PARTIAL if self.everywhere else (*PARTIAL, *AGAINST_PIVOT)
        found: dict[str, Callable[..., float]] = dict.fromkeys(self.names, mean)
        found |= dict.fromkeys(partial, mean_of_defined)
        found["kappa"], found["acc_worst"], found["overlap_right"] = self._kappa, acc_worst, overlap_right
        return {name: found[name] for name in self.names}

    def _kappa(self, answers: Sequence[dict[str, int | None]]) -> float:
        for warning in bias_warnings(answers) if self.chosen else []:
            logger.warning("%s: %s", self.task, warning)
        return fleiss_kappa(answers)

    def higher_is_better(self) -> dict[str, bool]:
        """Of every metric."""
        return {name: name not in LOWER_IS_BETTER for name in self.names}
