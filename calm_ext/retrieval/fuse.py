"""Several rankings made one: reciprocal rank fusion (Cormack, Clarke and Buettcher 2009, SIGIR)."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import TypeVar

T = TypeVar("T", bound=Hashable)

#: k of the paper.
CONSTANT = 60

#: How deep rankings are fused, whatever is asked for: so the first three of five are the three that three give.
DEPTH = 100


def fuse(rankings: Sequence[Sequence[T]], *, constant: int = CONSTANT) -> list[tuple[T, float]]:
    """Items of any ranking with their fused scores, best first.

    score(d) = Σ over the rankings that have d of 1 / (constant + rank of d), ranks from 1. Items with the same score
    stand by their best rank, then by the first ranking that has it there.

    >>> [(item, round(score, 4)) for item, score in fuse([["a", "b"], ["b", "c"]])]
    [('b', 0.0325), ('a', 0.0164), ('c', 0.0161)]
    """
    ranks: dict[T, list[tuple[int, int]]] = {}
    for number, ranking in enumerate(rankings):
        for rank, item in enumerate(ranking, 1):
            ranks.setdefault(item, []).append((rank, number))
    # fsum is exact, so the order of the rankings cannot change a score.
    scores = {item: math.fsum(1 / (constant + rank) for rank, _ in own) for item, own in ranks.items()}
    return sorted(scores.items(), key=lambda pair: (-pair[1], min(ranks[pair[0]])))
