"""The reliability table: whether votes with an estimated probability of 80 % are right in 80 % of the cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calm_ext.metrics.intervals import wilson
from calm_ext.records import Ballot


def reliability(ballots: Sequence[Ballot], gold: Mapping[str, int | None], *, bins: int = 10) -> list[dict[str, Any]]:
    """The reliability table behind the calibration error: equal bins of probability, those that have questions.

    Returns:
        ``{"from", "to", "n", "probability", "right", "low", "high"}`` a bin: its mean probability, the share that is
        right, and the 95 % interval of that share (Wilson 1927).
    """
    found: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for ballot in ballots:
        answer = gold.get(ballot.id)
        if ballot.winner is not None and ballot.probability is not None and answer is not None:
            place = min(int(ballot.probability * bins), bins - 1)
            found[place].append((ballot.probability, ballot.winner == answer))
    rows = []
    for i, members in enumerate(found):
        if members:
            right = sum(r for _, r in members)
            low, high = wilson(right / len(members), len(members))
            mean = sum(p for p, _ in members) / len(members)
            rows.append(
                {"from": i / bins, "to": (i + 1) / bins, "n": len(members), "probability": mean,
                 "right": right / len(members), "low": low, "high": high}
            )  # fmt: skip
    return rows
