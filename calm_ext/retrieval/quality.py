"""How good retrieval is, where the corpus says which passages answer a question: recall@k and MRR, per language.

Over the questions of a language with known gold passages:

- recall@k is the share for which at least one gold passage is among the first k. (This is also called success or hit
  rate: of several gold passages one is enough, since one is what a reader needs.)
- MRR, over the first k, is the mean of 1 / rank of the first gold passage, 0 where none is among them.

A question whose gold passages are not known is counted apart and is in neither; of no question both are NaN.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import Any

from calm_ext.errors import CalmError
from calm_ext.records import Passages


def measure(
    found: Iterable[Passages], *, k: int | None = None, known: Collection[tuple[str, str]] = ()
) -> dict[str, Any]:
    """Recall at 1 to k and MRR per language, and over all questions and languages together.

    Args:
        found: as the retriever gives them, with ``gold`` set where it is known.
        k: how deep; default: as many as the longest list has.
        known: (question id, language) with known gold (``Retriever.known``): so a question for which no passage at all
            was found counts as a miss, where its empty list could not tell.

    Returns:
        ``{"k", "languages": {language: {"n_questions", "without_gold", "recall": {"1": …, …}, "mrr"}}, "overall"}``,
        ``overall`` with the same keys over all pairs of a question and a language.

    Raises:
        CalmError: k is below 1.

    >>> from calm_ext.records import Passage
    >>> hit = [Passage(id=x, language="en", text=x, gold=x == "b") for x in "ab"]
    >>> measure([Passages(id="q", language="en", passages=hit)])["languages"]["en"]
    {'n_questions': 1, 'without_gold': 0, 'recall': {'1': 0.0, '2': 1.0}, 'mrr': 0.5}
    """
    if k is not None and k < 1:
        raise CalmError(f"k is {k}; recall is measured at 1 or deeper")
    ranks: dict[str, list[float]] = {}
    unknown: dict[str, int] = {}
    longest = 1
    for own in found:
        ranks.setdefault(own.language, [])
        unknown.setdefault(own.language, 0)
        longest = max(longest, len(own.passages))
        if any(p.gold is not None for p in own.passages) or (own.id, own.language) in known:
            places = (rank for rank, p in enumerate(own.passages, 1) if p.gold)
            ranks[own.language].append(next(places, math.inf))
        else:
            unknown[own.language] += 1
    depth = k or longest
    every = [rank for own in ranks.values() for rank in own]
    return {
        "k": depth,
        "languages": {x: _summary(own, unknown[x], depth) for x, own in ranks.items()},
        "overall": _summary(every, sum(unknown.values()), depth),
    }


def _summary(ranks: list[float], without: int, k: int) -> dict[str, Any]:
    def mean(values: Iterable[float]) -> float:
        return math.fsum(values) / len(ranks) if ranks else math.nan

    return {
        "n_questions": len(ranks),
        "without_gold": without,
        "recall": {str(j): mean(float(rank <= j) for rank in ranks) for j in range(1, k + 1)},
        "mrr": mean(1 / rank if rank <= k else 0.0 for rank in ranks),
    }
