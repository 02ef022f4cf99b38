"""The scores of options, as a backend gives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calm_ext.models.backends import Backend
from calm_ext.models.request import Lost

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance


def option_scores(backend: Backend, instances: Sequence[Instance]) -> list[list[Any]]:
    """For each request one (log-probability, greedy)."""
    return [[answer] for answer in backend.loglikelihood(list(instances), disable_tqdm=True)]


def of_all_options(scores: list[Any]) -> list[Any]:
    """The scores of a question's options in a language.

    Where one is lost, the reply alone that says why: the others cannot be compared without it.
    """
    lost = [x for x in scores if isinstance(x, Lost)]
    return [lost[0].reply] if lost else scores
