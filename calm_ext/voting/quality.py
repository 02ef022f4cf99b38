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
    decided = [b for b in ballots if b.winner is not None]
    known = [b for b in ballots if gold.get(b.id) is not None]
    kept = [b for b in known if b.winner is not None]
    right = sum(b.winner == gold[b.id] for b in kept)
    judged = [(b.probability, b.winner == gold[b.id]) for b in kept if b.probability is not None]
    estimates = [(b.margin, b.probability) for b in decided if b.probability is not None]
    estimated = coverage_curve(estimates, len(ballots)) if estimates else dict.fromkeys(map(_key, COVERAGES))
    measured = coverage_curve([(b.margin, float(b.winner == gold[b.id])) for b in kept], len(known))
    rows = _languages(ballots, gold)
    return {
        "n_questions": len(ballots),
        "n_decided": len(decided),
        "n_ties": sum(b.tie for b in ballots),
        "mean_margin": sum(b.margin for b in decided) / len(decided) if decided else None,
        "answered": {x: row["answered"] for x, row in rows.items()},
        "accuracy": right / len(known) if known else None,
        "accuracy_kept": right / len(kept) if kept else None,
        "estimated_accuracy": sum(p for _, p in estimates) / len(ballots) if estimates else None,
        **(estimate.summary() if estimate else {}),
        "ece": expected_calibration_error(judged) if judged else None,
        "precision_at_coverage": measured if known else estimated,
        "estimated_precision_at_coverage": estimated,
        "languages": {x: {k: v for k, v in row.items() if k != "answered"} for x, row in rows.items()},
    }


def _languages(ballots: Sequence[Ballot], gold: Mapping[str, int | None]) -> dict[str, dict[str, float | None]]:
    """language -> accuracy of its samples (None without gold), their agreement with winners, weight, share answered.

    A sample that could not be read is not right, and agrees with nobody.
    """
    sums: dict[str, Counter[str]] = {}
    for ballot in ballots:
        truth = gold.get(ballot.id)
        for language, answers in ballot.votes.items():
            row = sums.setdefault(language, Counter())
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

    def share(row: Counter[str], part: str, whole: str) -> float | None:
        return row[part] / row[whole] if row[whole] else None

    return {
        language: {
            "accuracy": share(row, "right", "known"),
            "agreement": share(row, "agree", "decided"),
            "weight": share(row, "weight", "questions"),
            "answered": share(row, "answered", "samples"),
        }
        for language, row in sums.items()
    }


def _key(share: float) -> str:
    return f"{share:g}" if share < 1 else "1.0"
