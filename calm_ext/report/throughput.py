"""How fast a stage was: tokens where the trainer counted them, else characters of the responses."""

from __future__ import annotations

from typing import Any

from calm_ext.report.rundata import WHEN, RunData
from calm_ext.report.words import is_number


def throughput(data: RunData) -> dict[str, dict[str, Any]]:
    """stage -> the amount it processed, and how fast; stages whose files do not record it are left out.

    Returns:
        ``{"amount", "unit", "per_second"}``. Characters are those of the responses, not of the prompts; where options
        were scored nothing was written, and there is no rate. The seconds are the stage's, with its start; of one
        that was interrupted those of its last part only.
    """
    amounts = {"sample": (float(data.sampled_characters), "characters")}
    for when in WHEN:
        evaluation = data.evaluations.get(when)
        details = [r.detail for r in evaluation.tasks.values() if r.detail] if evaluation else []
        lengths = [t.length for d in details for shown in d.shown.values() for t in shown.responses.values()]
        # Where a task has no answers to read, what it wrote is not counted, and the rate would be too low.
        if evaluation and all(r.detail for r in evaluation.tasks.values()):
            amounts[when] = (float(sum(lengths)), "characters")
    tokens = [r["num_tokens"] for r in data.log if r["kind"] == "train" and is_number(r.get("num_tokens"))]
    if tokens:
        amounts["train"] = (max(tokens), "tokens")
    found = {}
    for stage, (amount, unit) in amounts.items():
        seconds = data.stages.get(stage, {}).get("seconds")
        if amount and is_number(seconds) and seconds > 0:
            found[stage] = {"amount": amount, "unit": unit, "per_second": amount / seconds}
    return found
