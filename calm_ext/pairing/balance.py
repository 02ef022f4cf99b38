"""Which pairs are kept where there are too many, and how long their two sides are."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence


def choose(languages: Sequence[str], *, most: int | None, ratio: float | None, seed: int) -> list[bool]:
    """Which of the pairs to keep so that no language has too many.

    Args:
        languages: of each pair.
        most: pairs of a language.
        ratio: most pairs of a language as a multiple of the smallest one's.

    >>> sum(choose(["en"] * 2 + ["ja"] * 9, most=None, ratio=2, seed=0))
    6
    """
    places: dict[str, list[int]] = {}
    for i, language in enumerate(languages):
        places.setdefault(language, []).append(i)
    cap = len(languages) if most is None else most
    if ratio is not None and places:
        cap = min(cap, math.floor(ratio * min(len(p) for p in places.values())))
    kept = [False] * len(languages)
    for language, own in places.items():
        rng = random.Random(f"{seed}|{language}")
        for i in own if len(own) <= cap else rng.sample(own, cap):
            kept[i] = True
    return kept


class PairLengths:
    """Lengths of chosen and rejected texts, in characters.

    DPO learns to write longer where the chosen side is longer (Park et al. 2024, arXiv 2403.19159): the report
    shows how much.
    """

    def __init__(self) -> None:
        self.n = self.chosen = self.rejected = self.longer = self.even = 0

    def add(self, chosen: int, rejected: int) -> None:
        """One pair more."""
        self.n += 1
        self.chosen += chosen
        self.rejected += rejected
        self.longer += chosen > rejected
        self.even += chosen == rejected

    def summary(self) -> dict[str, float]:
        """Mean lengths, and the share of pairs whose chosen side is the longer one (half where equal)."""
        return {
            "chosen": self.chosen / self.n,
            "rejected": self.rejected / self.n,
            "chosen_longer": (self.longer + self.even / 2) / self.n,
        }
