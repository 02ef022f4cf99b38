"""How good a vote is: precision at coverage, calibration, and what each language had to do with it."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from calm_ext.records import Ballot
from calm_ext.voting.calibration import Estimate

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def coverage_curve(decided: Sequence[tuple[float, float]], n: int) -> dict[str, float | None]:
    """share of ``n`` questions kept -> how many of these are right.

    Args:
        decided: (margin, 1 or 0 for right, or the probability of it) of the questions with a winner; the others are
            kept last and count as wrong.

    >>> coverage_curve([(0.9, 1.0), (0.8, 1.0), (0.1, 0.0)], 4)["0.5"]
    1.0
    """
    return _curve(array("d", (x for x, _ in decided)), array("d", (x for _, x in decided)), n)


def _curve(margins: array[float], right: array[float], n: int) -> dict[str, float | None]:
    """See :func:`coverage_curve`; a million questions take some 30 MB."""
    import numpy as np

    order = np.argsort(-np.array(margins), kind="stable")
    ranked = array("d", np.array(right)[order].tobytes())
    curve: dict[str, float | None] = {}
    for share in COVERAGES:
        keep = round(share * n)
        curve[_key(share)] = sum(islice(ranked, keep)) / keep if keep else None
    return curve


def expected_calibration_error(estimates: Iterable[tuple[float, float]], *, bins: int = 10) -> float:
    """Mean distance between probability and accuracy over equal bins of probability, weighted by their size.

    Source: Naeini et al. 2015; Guo et al. 2017, arXiv 1706.04599, eq. 3.

    >>> expected_calibration_error([(0.75, True), (0.75, True), (0.75, True), (0.75, False)])
    0.0
    """
    difference, n = [0.0] * bins, 0
    for probability, right in estimates:
        difference[min(int(probability * bins), bins - 1)] += probability - right
        n += 1
    return sum(map(abs, difference)) / n


def vote_summary(
    ballots: Iterable[Ballot], gold: Mapping[str, int | None], estimate: Estimate | None = None
) -> dict[str, Any]:
    """What a vote came to: estimates, which need no gold, and measurements where there is some.

    ``accuracy`` is over all questions with gold, where an undecided one counts as wrong; ``accuracy_kept`` over those
    with a winner. ``precision_at_coverage`` keeps the share of all questions with the largest margins; it is measured
    where there is gold and estimated where there is none; ``estimated_precision_at_coverage`` is always the estimate.
    ``ece`` is the expected calibration error of the probabilities. With an estimate there are also
    ``estimated_accuracy_range``, ``calibrated`` (whether nothing speaks against it) and ``calibration_doubt``.
    """
    languages, n, n_decided, n_ties, known, margins = _Languages(), 0, 0, 0, 0, 0.0
    kept, right = array("d"), array("d")  # of the decided with gold: margin, and 1 or 0 for right
    certain, chances = array("d"), array("d")  # of those with a probability: margin and probability
    both, rights = array("d"), array("d")  # of those with gold and a probability: probability, and 1 or 0 for right
    for b in ballots:  # once: they may be made as they are read
        n += 1
        truth = gold.get(b.id)
        languages.add(b, truth)
        n_ties += b.tie
        known += truth is not None
        if b.winner is None:
            continue
        n_decided += 1
        margins += b.margin
        if truth is not None:
            kept.append(b.margin)
            right.append(b.winner == truth)
        if b.probability is not None:
            certain.append(b.margin)
            chances.append(b.probability)
        if truth is not None and b.probability is not None:
            both.append(b.probability)
            rights.append(b.winner == truth)
    estimated = _curve(certain, chances, n) if certain else dict.fromkeys(map(_key, COVERAGES))
    measured = _curve(kept, right, known)
    rows = languages.rows()
    return {
        "n_questions": n,
        "n_decided": n_decided,
        "n_ties": n_ties,
        "mean_margin": margins / n_decided if n_decided else None,
        "answered": {x: row["answered"] for x, row in rows.items()},
        "accuracy": sum(right) / known if known else None,
        "accuracy_kept": sum(right) / len(kept) if kept else None,
        "estimated_accuracy": sum(chances) / n if chances else None,
        **(estimate.summary() if estimate else {}),
        "ece": expected_calibration_error(zip(both, rights, strict=True)) if both else None,
        "precision_at_coverage": measured if known else estimated,
        "estimated_precision_at_coverage": estimated,
        "languages": {x: {k: v for k, v in row.items() if k != "answered"} for x, row in rows.items()},
    }


class _Languages:
    """language -> accuracy of its samples (None without gold), their agreement with winners, weight, share answered.

    A sample that could not be read is not right, and agrees with nobody.
    """

    def __init__(self) -> None:
        self.sums: dict[str, Counter[str]] = {}

    def add(self, ballot: Ballot, truth: int | None) -> None:
        """Count a ballot."""
        for language, answers in ballot.votes.items():
            row = self.sums.setdefault(language, Counter())
            n = len(answers)
            row["samples"] += n
            row["answered"] += n - answers.count(None)
            row["questions"] += 1
            row["weight"] += ballot.weights[language]  # type: ignore[assignment]
            if truth is not None:
                row["known"] += n
                row["right"] += answers.count(truth)
            if ballot.winner is not None:
                row["decided"] += n
                row["agree"] += answers.count(ballot.winner)

    def rows(self) -> dict[str, dict[str, float | None]]:
        """What they come to."""

        def share(row: Counter[str], part: str, whole: str) -> float | None:
            return row[part] / row[whole] if row[whole] else None

        return {
            language: {
                "accuracy": share(row, "right", "known"),
                "agreement": share(row, "agree", "decided"),
                "weight": share(row, "weight", "questions"),
                "answered": share(row, "answered", "samples"),
            }
            for language, row in self.sums.items()
        }


def _key(share: float) -> str:
    return f"{share:g}" if share < 1 else "1.0"
