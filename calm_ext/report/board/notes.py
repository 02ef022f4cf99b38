"""What a reader of a table of a leaderboard must know beside its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from calm_ext.metrics.measure import cluster_warnings
from calm_ext.metrics.names import metric_name

if TYPE_CHECKING:
    from calm_ext.report.board.table import Row


def notes_of(rows: Sequence[Row], by: str, sort: str, ranked: Sequence[str]) -> list[str]:
    """Of the rows: their order, what was not tested and why, intervals of another kind, other passages and versions."""
    notes = []
    if by != sort:
        notes.append(f"There is no {metric_name(sort)} here, so the order is by {metric_name(by)}.")
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row.entry.note:
            reasons.setdefault(row.entry.note, []).append(row.label)
    for reason, labels in reasons.items():
        shown = ", ".join(labels[:5]) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
        notes.append(f"Placed by value alone, not tested, so without a rank: {shown}: {reason}.")
    if any(r.entry.note and r.ci95 for r in rows):
        notes.append("Intervals of what is not tested are ± 1.96 of lm-eval's standard errors, over questions.")
    bounded = [r for r in rows if any(m in ranked for m in r.ci95_method)]
    if bounded:
        which = ", ".join(metric_name(m) for m in ranked if any(m in r.ci95_method for r in bounded))
        models = ", ".join(r.label for r in bounded[:5]) + (f" and {len(bounded) - 5} more" if len(bounded) > 5 else "")
        notes.append(
            f"Score intervals (Wilson, Newcombe) in place of the bootstrap's, because too few questions differ from "
            f"the others: {which}, of {models}."
        )
    if len({r.entry.columns.read for r in rows if r.entry.columns}) > 1:
        notes.append("The models read different passages with the same questions (each judged its own, for instance).")
    for package in ("calm-ext", "lm_eval"):
        found = sorted({r.entry.versions.get(package, "unknown") for r in rows})
        if len(found) > 1:
            notes.append(f"The rows are of different versions of {package}: {', '.join(found)}.")
    return notes


def cluster_notes(n: int | None, key: str) -> list[str]:
    """Of questions that belong together: how many clusters there are, by which key, and whether these are too few."""
    said = [] if n is None else [f"Intervals and tests are over {n} clusters of questions, by {key}."]
    return said + [f"{warning[:1].upper()}{warning[1:]}." for warning in cluster_warnings(n)]
