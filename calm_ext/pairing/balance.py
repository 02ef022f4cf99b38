"""Which pairs are kept where there are too many, and how long their two sides are."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from calm_ext.pairing.options import PairingOptions


class Row(NamedTuple):
    """What decides whether a pair is kept.

    Attributes:
        is_anchor: the language agrees with the vote already.
        chosen, rejected: the answers by their texts in the language; None where what is rejected gives no answer.
    """

    language: str
    is_anchor: bool
    chosen: str
    rejected: str | None


def select(rows: Sequence[Row], options: PairingOptions) -> tuple[list[bool], Counter[str]]:
    """Which pairs are kept under all limits, and how many each limit leaves out.

    First answers are balanced, then languages are capped, then anchors are thinned, each among the pairs that are left.
    """
    kept, left_out = list(range(len(rows))), Counter[str]()

    def limit(reason: str, keep: Callable[[list[Row]], list[bool]]) -> None:
        nonlocal kept
        rest = [i for i, good in zip(kept, keep([rows[i] for i in kept]), strict=True) if good]
        left_out[reason] += len(kept) - len(rest)
        kept = rest

    o = options
    if o.balance == "answer":
        limit("that reject an answer more often than it is chosen", lambda own: balanced(own, seed=o.seed))
    if o.max_per_language is not None or o.max_ratio is not None:
        capped = {"most": o.max_per_language, "ratio": o.max_ratio, "seed": o.seed}
        limit("by the caps", lambda own: choose([r.language for r in own], **capped))  # type: ignore[arg-type]
    ratio = o.anchor_ratio
    if ratio is not None:
        limit("anchors beyond the ratio", lambda own: thinned(own, ratio=ratio, seed=o.seed))
    chosen = set(kept)
    return [i in chosen for i in range(len(rows))], left_out


def balanced(rows: Sequence[Row], *, seed: int) -> list[bool]:
    """Which pairs to keep so that no answer of a language is rejected more often than it is chosen there.

    An answer that is chosen c times, and r times rejected, loses r - c of the pairs that reject it (one rejection may
    stay where c falls to 0), and an answer that is never chosen loses none. A pair that goes chooses some answer, too,
    whose count falls with it: those go first whose chosen answer has most to spare, of equal ones a random one, and
    the counts are looked at again until they hold.

    For example, Paris is chosen once and rejected three times, each time for Rome, so that two of these pairs go;
    Rome is then chosen once and rejected once. Bern is never chosen, and its rejection stays:

    >>> pairs = [("Rome", "Paris")] * 3 + [("Paris", "Rome"), ("Oslo", "Bern")]
    >>> kept = balanced([Row("en", False, up, down) for up, down in pairs], seed=0)
    >>> sum(kept[:3]), kept[3:]
    (1, [True, True])
    """
    draw = random.Random(f"{seed}|balance")
    order = [draw.random() for _ in rows]
    ups = Counter((r.language, r.chosen) for r in rows)
    downs = Counter((r.language, r.rejected) for r in rows if r.rejected is not None)
    rejecting: dict[tuple[str, str], list[int]] = {}
    for i, row in enumerate(rows):
        if row.rejected is not None and (row.language, row.rejected) in ups:
            rejecting.setdefault((row.language, row.rejected), []).append(i)
    kept = [True] * len(rows)
    waiting = sorted(rejecting)
    while waiting:
        answer = waiting.pop()
        while downs[answer] > max(1, ups[answer]):
            spare = [((x := (rows[i].language, rows[i].chosen)), ups[x] - downs[x], i) for i in rejecting[answer]]
            loser, _, at = max(spare, key=lambda s: (s[1], order[s[2]]))
            kept[at] = False
            rejecting[answer].remove(at)
            downs[answer] -= 1
            ups[loser] -= 1
            if loser in rejecting:
                waiting.append(loser)
    return kept


def thinned(rows: Sequence[Row], *, ratio: float, seed: int) -> list[bool]:
    """Which pairs to keep so that anchors are at most ``ratio`` times all other pairs, evenly over the languages.

    A language that has fewer anchors than its part leaves the rest to the others.

    >>> rows = [Row("en", True, "a", "b")] * 9 + [Row("fr", True, "a", "b")] + [Row("ja", False, "a", "b")] * 4
    >>> kept = thinned(rows, ratio=1, seed=0)
    >>> sum(kept[:9]), kept[9], sum(kept[10:])
    (3, True, 4)
    """
    anchors: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        if row.is_anchor:
            anchors.setdefault(row.language, []).append(i)
    kept = [not row.is_anchor for row in rows]
    left = math.floor(ratio * sum(kept))
    # The smallest first; where the parts do not come out even, chance decides which language gets one more.
    rng = random.Random(f"{seed}|anchors")
    drawn = {language: rng.random() for language in anchors}
    waiting = sorted(anchors, key=lambda x: (len(anchors[x]), drawn[x]))
    for n, language in enumerate(waiting):
        own = anchors[language]
        part = min(len(own), left // (len(waiting) - n))
        left -= part
        for i in rng.sample(own, part):
            kept[i] = True
    return kept


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
