"""The evaluated tasks as the page shows them: metrics, accuracy per language, consistency by pair, the flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calm_ext.languages import get_language, is_language, language_name
from calm_ext.metrics.answered import parts_of
from calm_ext.metrics.names import metric_label, metric_name
from calm_ext.report.compared import method_words
from calm_ext.report.letters import letter_words
from calm_ext.report.page.flow import flow_context
from calm_ext.report.plots.draw import accuracy_name, consistency_name, flow_name, matrices
from calm_ext.report.rundata import WHEN, RunData
from calm_ext.report.verdict import primary_task
from calm_ext.report.whole import kept_words, right_words
from calm_ext.report.words import (
    NONE,
    direction,
    finding,
    interval,
    merit,
    number,
    p_value,
    plain_difference,
    shown_metrics,
    tasks_of,
)
from calm_ext.results.evaluation import TaskResult


def tasks_context(data: RunData, summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the page shows of each task, that of the headline first."""
    first = primary_task(summary)
    tasks = tasks_of(summary)
    return [_task(data, name, tasks[name]) for name in sorted(tasks, key=lambda t: t != first)]


def _task(data: RunData, name: str, task: Mapping[str, Any]) -> dict[str, Any]:
    languages = [
        {**_row(task, f"acc_{x}", p="p_holm"), "code": x, "name": language_name(x), "endonym": _endonym(x)}
        for x in task["languages"]
        if f"acc_{x}" in task["before"] or f"acc_{x}" in task["after"]
    ]
    found = matrices(data, name)
    pairs = sorted(next(iter(found.values()), {}), key=lambda ab: min(m.get(ab, 1.0) for m in found.values()))
    last = data.result(name, "after") or data.result(name, "before")
    rows = [_row(task, m) for m in shown_metrics(task)]
    return {
        "name": name,
        "about": finding(name, task).about,
        "line": ", ".join(
            f"{metric_name(m)} {number(task['before'].get(m))} → {number(task['after'].get(m))}"
            for m in ("acc", "consistency")
            if m in task["before"] or m in task["after"]
        ),
        "rows": rows,
        "reasons": _reasons(task, rows),
        "letters": letter_words(task.get("letter_bias")),
        "methods": method_words(task.get("ci95_method")),
        "right": " ".join(filter(None, (right_words(task.get("n_right")), kept_words(task.get("kept"))))),
        "languages": languages,
        "chance": _guessing(last) if last else None,
        "accuracy_plot": accuracy_name(name),
        "consistency_plot": consistency_name(name),
        "flow_plot": flow_name(name),
        "flow": flow_context(task.get("flow"), difference=task["difference"].get("acc", {}).get("value")),
        "pairs": [
            {
                "a": a,
                "b": b,
                **{w: number(found.get(w, {}).get((a, b))) for w in WHEN},
                "difference": number(_minus(found, (a, b)), signed=True),
            }
            for a, b in pairs
        ],
    }


def _guessing(result: TaskResult) -> float | None:
    """The accuracy of guessing among the options; None where they were not shown, or are not known."""
    if not result.detail or parts_of(result.signature).get("style") == "open":
        return None
    sizes = [len(next(iter(shown.options.values()))) for shown in result.detail.shown.values()]
    return sum(1 / n for n in sizes) / len(sizes) if sizes else None


def _row(task: Mapping[str, Any], metric: str, *, p: str = "p") -> dict[str, Any]:
    d = task["difference"].get(metric)
    return {
        "name": metric_label(metric),
        **{w: number(task[w].get(metric)) for w in WHEN},
        **{f"{w}_ci": interval(task["ci95"][w].get(metric)) for w in WHEN},
        "difference": number(d["value"] if d else plain_difference(task, metric), signed=True),
        "difference_ci": interval([d["low"], d["high"]], signed=True) if d else "",
        "p": p_value(d[p]) if d else NONE,
        "sign": direction(d, p=p),
        "merit": merit(metric, direction(d, p=p)),
    }


def _minus(found: Mapping[str, Mapping[tuple[str, str], float]], pair: tuple[str, str]) -> float | None:
    if len(found) < 2 or not all(pair in m for m in found.values()):
        return None
    return found["after"][pair] - found["before"][pair]


def _endonym(code: str) -> str:
    language = get_language(code) if is_language(code) else None
    return language.endonym if language and not language.invented else ""


def _reasons(task: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why there are dashes in a task's table."""
    reasons = []
    for when in WHEN:
        if not task[when]:
            reasons.append(f"the task was not evaluated {when} alignment")
        elif any(r[when] == NONE for r in rows):
            reasons.append(f"the results {when} alignment have no value of that metric")
    if all(task[w] for w in WHEN) and not task["difference"]:
        reasons.append("without samples of both evaluations there are means only, and nothing to test")
    elif any(r["p"] == NONE for r in rows) and task["difference"]:
        reasons.append("a metric that is not a mean over questions, or that one side lacks, has no paired test")
    return reasons
