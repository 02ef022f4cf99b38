"""Did it work? A run in a sentence, which claims no more than tests and intervals support."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calm_ext.report.words import Summary, direction, interval, number, tasks_of

SUPERVISED = "Supervised: the targets are gold labels."


def primary_task(summary: Summary) -> str | None:
    """The task of the headline: the first that was held out, else the first that can be judged, else the first."""
    tasks = tasks_of(summary)
    held = [t for t, v in tasks.items() if v["difference"] and v.get("asked") == 0]
    judged = [t for t, v in tasks.items() if v["difference"]]
    return next(iter([*held, *judged, *tasks]), None)


def free_text(summary: Summary, name: str) -> Mapping[str, Any] | None:
    """The change in accuracy of free answers to the questions of a task that asks by options; None where not asked."""
    for group in summary.get("styles", ()):
        tasks = group["tasks"]
        if name in tasks and tasks[name]["style"] != "open":
            free = next((t for t in tasks.values() if t["style"] == "open"), None)
            if free and free["difference"].get("acc"):
                found: Mapping[str, Any] = free["difference"]["acc"]
                return found
    return None


def is_supervised(summary: Summary) -> bool:
    """Whether the vote was none, but gold labels."""
    return bool((summary.get("vote") or {}).get("supervised"))


def headline(summary: Summary) -> tuple[str, str]:
    """(tone, sentences): did it work, and before all else, was it taught by gold labels?"""
    tone, sentence = verdict(summary)
    return tone, f"{SUPERVISED} {sentence}" if is_supervised(summary) else sentence


def verdict(summary: Summary) -> tuple[str, str]:
    """(tone, sentence): did it work?"""
    name = primary_task(summary)
    if name is None:
        return "none", "Nothing has been evaluated yet."
    task = tasks_of(summary)[name]
    if not task["before"] or not task["after"]:
        when = "before" if task["before"] else "after"
        return "none", f"Not finished: there is an evaluation {when} alignment only, so nothing can be compared yet."
    if not task["difference"]:
        return "none", "Nothing can be said of significance: these tasks have means only, no samples to compare."
    acc, cons = (direction(task["difference"].get(m)) for m in ("acc", "consistency"))
    where = " on held-out questions" if task.get("asked") == 0 else " on questions that the alignment asked"
    where = where if task.get("asked") is not None else ""
    sentences = {
        (1, 1): ("good", f"It worked: accuracy and consistency both rose{where}."),
        (1, 0): ("good", f"Accuracy rose{where}; consistency did not change significantly."),
        (0, 1): ("good", f"Answers agree more across languages{where}; accuracy did not change significantly."),
        (0, 0): ("none", f"No significant change{where}, neither in accuracy nor in consistency."),
        (-1, 0): ("bad", f"It did harm: accuracy fell{where}."),
        (-1, -1): ("bad", f"It did harm: accuracy and consistency both fell{where}."),
        (0, -1): ("bad", f"It did harm: consistency fell{where}; accuracy did not change significantly."),
        (-1, 1): ("bad", f"A bad trade: answers agree more across languages{where}, but accuracy fell."),
        (1, -1): ("bad", f"Mixed: accuracy rose{where}, but answers agree less across languages."),
    }
    tone, sentence = sentences[acc, cons]
    free = free_text(summary, name)
    if acc > 0 and free is not None and direction(free) <= 0:
        change = "got worse" if direction(free) < 0 else "are not clearly better"
        tone = "bad" if direction(free) < 0 or tone == "bad" else tone
        rose = {1: "accuracy and consistency both rose", 0: "accuracy rose", -1: "accuracy rose, consistency fell"}[
            cons
        ]
        moved = f"{number(free['value'], signed=True)} {interval([free['low'], free['high']], signed=True)}"
        sentence = (
            f"It worked for multiple choice, not in free text: {rose}{where}; free answers to the same questions "
            f"{change} ({moved})."
        )
    read = task["difference"].get("answered")
    if direction(read) < 0:
        sentence += f" Fewer answers could be read ({number(read['value'], signed=True)})."
    chosen = (summary.get("training") or {}).get("chosen_step")
    if chosen == 0:
        sentence += " No checkpoint was better than the untrained model, so the untrained model was kept."
    return tone, sentence
