"""The vote as the page shows it: margins, calibration, and what each language contributed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calm_ext.languages import language_name
from calm_ext.metrics.fidelity import MIN_LETTERS
from calm_ext.records import Ballot
from calm_ext.report.plots.method import margin_groups, margin_unit
from calm_ext.report.rundata import RunData
from calm_ext.report.words import is_number, number, percent, vote_words

COVERAGES = (1.0, 0.75, 0.5, 0.25)


def vote_context(data: RunData, summary: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the page's section shows; None where there was no vote."""
    vote = summary.get("vote")
    if not vote:
        return None
    gold = data.gold
    has_gold = any(a is not None for a in gold.values())
    return {
        "words": vote_words(vote),
        "languages": _languages(data.ballots, vote, summary.get("fidelity") or {}),
        "min_letters": MIN_LETTERS,
        "has_fidelity": bool(summary.get("fidelity")),
        "coverage": _coverage(data.ballots, gold),
        "unit": margin_unit(data),
        "groups": {k: len(v) for k, v in margin_groups(data).items()},
        "has_gold": has_gold,
        "ece": number(vote["ece"]) if is_number(vote["ece"]) else None,
        "reliability": [
            {
                "range": f"{row['from']:.1f} to {row['to']:.1f}",
                "n": row["n"],
                "probability": number(row["probability"]),
                "right": number(row["right"]),
                "interval": f"[{number(row['low'])}, {number(row['high'])}]",
            }
            for row in vote.get("reliability") or []
        ],
        "estimate": None if has_gold else _estimate(vote),
    }


def _languages(ballots: Sequence[Ballot], vote: Mapping[str, Any], fidelity: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for code, values in vote["languages"].items():
        weights = {b.weights[code] for b in ballots if code in b.weights}
        varies = len(weights) > 1
        rows.append(
            {
                "name": language_name(code),
                "answers": sum(len(b.votes.get(code, [])) for b in ballots),
                "answered": percent(vote["answered"][code]),
                "agreement": percent(values["agreement"]),
                "accuracy": percent(values["accuracy"]),
                "fidelity": percent((fidelity.get(code) or {}).get("share")),
                "weight": f"{values['weight']:.3g} on average" if varies else f"{values['weight']:.3g}",
            }
        )
    return rows


def _coverage(ballots: Sequence[Ballot], gold: Mapping[str, int | None]) -> list[dict[str, Any]]:
    """The surest of the decided: how many, how sure, how many of them right, measured and by the vote's estimate."""
    decided = sorted((b for b in ballots if b.winner is not None), key=lambda b: -b.margin)
    rows = []
    for share in COVERAGES:
        kept = decided[: round(share * len(decided))]
        if not kept:
            continue
        known = [b.winner == gold[b.id] for b in kept if gold.get(b.id) is not None]
        values = [b.probability for b in kept if b.probability is not None]
        rows.append(
            {
                "share": f"{share:.0%}".replace("%", " %"),
                "n": len(kept),
                "margin": number(kept[-1].margin),
                "accuracy": percent(sum(known) / len(known) if known else None),
                "estimate": percent(sum(values) / len(values) if values else None),
            }
        )
    return rows


def _estimate(vote: Mapping[str, Any]) -> str:
    """A sentence on calibration where no gold is known."""
    if not is_number(vote.get("estimated_accuracy")):
        return "No right answer is known, and the vote gave no probabilities: its calibration is not known."
    return (
        f"No right answer is known, so calibration cannot be measured; by its own probabilities the vote is right on "
        f"{percent(vote['estimated_accuracy'])} of all questions. "
        f"That is an estimate, as good as its model{_range(vote)}."
    )


def _range(vote: Mapping[str, Any]) -> str:
    """How far the estimate can be off."""
    if not vote.get("estimated_accuracy_range"):
        return ""
    low, high = map(percent, vote["estimated_accuracy_range"])
    doubt = f". It is not calibrated here: {vote['calibration_doubt']}" if vote.get("calibration_doubt") else ""
    return f": if all languages erred alike, {low} would be right, and if each erred on its own, {high}{doubt}"
