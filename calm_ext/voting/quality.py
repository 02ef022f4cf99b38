"""How good a vote is: precision at coverage, calibration, and what each language had to do with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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
    ranked = [right for _, right in sorted(decided, key=lambda x: -x[0])]
    curve: dict[str, float | None] = {}
    for share in COVERAGES:
        keep = round(share * n)
        curve[_key(share)] = sum(ranked[:keep]) / keep if keep else None
    return curve


def expected_calibration_error(estimates: Sequence[tuple[float, bool]], *, bins: int = 10) -> float:
    """Mean distance between probability and accuracy over equal bins of probability, weighted by their size.

    Source: Naeini et al. 2015; Guo et al. 2017, arXiv 1706.04599, eq. 3.

    >>> expected_calibration_error([(0.75, True), (0.75, True), (0.75, True), (0.75, False)])
    0.0
    """
    difference = [0.0] * bins
    for probability, right in estimates:
        difference[min(int(probability * bins), bins - 1)] += probability - right
    return sum(map(abs, difference)) / len(estimates)


def vote_summary(
    ballots: Sequence[Ballot], gold: Mapping[str, int | None], estimate: Estimate | None = None
) -> dict[str, Any]:
    """What a vote came to: estimates, which need no gold, and measurements where there is some.

    ``accuracy`` is over all questions with gold, where an undecided one counts as wrong; ``accuracy_kept`` over those
    with a winner. ``precision_at_coverage`` keeps the share of all questions with the largest margins; it is measured
    where there is gold and estimated where there is none; ``estimated_precision_at_coverage`` is always the estimate.
    ``ece`` is the expected calibration error of the probabilities. With an estimate there are also
    ``estimated_accuracy_range``, ``calibrated`` (whether nothing speaks against it) and ``calibration_doubt``.
    """
    languages, n_ties, known, margins = _Languages(), 0, 0, 0.0
    decided: list[tuple[float, float | None, bool | None]] = []  # margin, probability, whether it is right
    for b in ballots:  # once: they may be made as they are read
        truth = gold.get(b.id)
        languages.add(b, truth)
        n_ties += b.tie
        known += truth is not None
        if b.winner is not None:
            margins += b.margin
            decided.append((b.margin, b.probability, None if truth is None else b.winner == truth))
    kept = [(margin, float(right)) for margin, _, right in decided if right is not None]
    right = sum(right for _, right in kept)
    judged = [(p, right) for _, p, right in decided if p is not None and right is not None]
    estimates = [(margin, p) for margin, p, _ in decided if p is not None]
    estimated = coverage_curve(estimates, len(ballots)) if estimates else dict.fromkeys(map(_key, COVERAGES))
    measured = coverage_curve(kept, known)
    rows = languages.rows()
    return {
        "n_questions": len(ballots),
        "n_decided": len(decided),
        "n_ties": n_ties,
        "mean_margin": margins / len(decided) if decided else None,
        "answered": {x: row["answered"] for x, row in rows.items()},
        "accuracy": right / known if known else None,
        "accuracy_kept": right / len(kept) if kept else None,
        "estimated_accuracy": sum(p for _, p in estimates) / len(ballots) if estimates else None,
        **(estimate.summary() if estimate else {}),
        "ece": expected_calibration_error(judged) if judged else None,
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
