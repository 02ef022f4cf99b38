"""The same questions in multiple choice and in free text, side by side.

Multiple choice does not see damage done to generation: alignment may gain there what it loses in free answers (arXiv
2606.06586 found 5.6 points gained and 1.1 lost). So where a run evaluated the same questions in both, the report and
the card show both, and warn where they part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from calm_ext.metrics.answered import parts_of
from calm_ext.metrics.names import metric_label, metric_name
from calm_ext.metrics.table_intervals import bounds_of
from calm_ext.report.compared import compared, question_columns, resampled
from calm_ext.report.rundata import WHEN, RunData
from calm_ext.report.words import direction, interval, number
from calm_ext.results.evaluation import TaskResult

#: What is compared.
METRICS = ("acc", "consistency")
#: Share of the smaller task's questions that two tasks must have in common.
_COMMON = 0.5


class Siblings(NamedTuple):
    """Tasks that ask the same questions.

    Attributes:
        styles: task -> its style; free text, ``open``, last.
        ids: the questions that every task has, in every evaluation that has the task.
    """

    styles: dict[str, str]
    ids: list[str]


def siblings(data: RunData) -> list[Siblings]:
    """The groups of tasks of a run that ask the same questions with and without their options.

    Tasks are siblings where their styles differ and one is ``open``, they have the same languages, and at least half of
    the smaller one's questions are in both with the same texts; with passages only where both have the same. So tasks
    of one source and split are found whatever their names.
    """
    tasks = {task: found for task in data.tasks if (found := _results(data, task))}
    how = {task: _asked(next(iter(found.values()))) for task, found in tasks.items()}
    groups = []
    for task, found in tasks.items():
        if how[task][0] != "open":
            continue
        ids, styles = _ids(found), {}
        for other, theirs in tasks.items():
            common = _common(found, theirs, ids) if how[other][0] != "open" and how[other][1:] == how[task][1:] else []
            if common and len(common) >= _COMMON * min(len(_ids(found)), len(_ids(theirs))):
                styles[other], ids = how[other][0], common
        if styles:
            groups.append(Siblings({**styles, task: "open"}, ids))
    return groups


def _results(data: RunData, task: str) -> dict[str, TaskResult]:
    """before or after -> the task as it was found there, where its questions are known one by one."""
    found = {w: r for w in WHEN if (r := data.result(task, w))}
    return found if found and all(r.detail and r.questions for r in found.values()) else {}


def _asked(result: TaskResult) -> tuple[Any, ...]:
    """Style, languages and passages of a task."""
    parts = parts_of(result.signature)
    return parts.get("style"), frozenset(result.languages), parts.get("retrieval")


def _ids(found: Mapping[str, TaskResult]) -> list[str]:
    """The questions that every evaluation has."""
    first, *rest = (r.questions for r in found.values())
    return [i for i in first if all(i in other for other in rest)]


def _common(a: Mapping[str, TaskResult], b: Mapping[str, TaskResult], ids: Sequence[str]) -> list[str]:
    """Those of ``ids`` that are in both tasks with the same texts."""
    ours, theirs = next(iter(a.values())).detail, next(iter(b.values())).detail
    assert ours and theirs
    there = set(_ids(b))
    return [i for i in ids if i in there and sorted(ours.texts[i]) == sorted(theirs.texts[i])]


def styles_summary(data: RunData, resamples: int) -> list[dict[str, Any]]:
    """What ``summary.json`` has under ``styles``: for each group of siblings ``n_questions``, ``languages``, ``tasks``
    (task -> style, before, after, ci95, ci95_method, difference, over the common questions only) and ``warnings``.
    """
    return [_group(data, group, resamples) for group in siblings(data)]


def _group(data: RunData, group: Siblings, resamples: int) -> dict[str, Any]:
    tasks: dict[str, dict[str, Any]] = {}
    changes: dict[tuple[str, str], Any] = {}
    for task, style in group.styles.items():
        found = _results(data, task)
        columns = question_columns(found, group.ids, METRICS)
        means, ci95, differences, methods = compared(columns, [], resamples)
        tasks[task] = {"style": style, **means, "ci95": ci95, "difference": differences, "ci95_method": methods}
        changes |= {(task, m): column for (kind, m), column in columns.items() if kind == "difference"}
    *choices, free = group.styles
    gaps = {
        (c, m): changes[c, m] - changes[free, m]
        for c in choices
        for m in METRICS
        if (c, m) in changes and (free, m) in changes
    }
    limits = {(c, m): bounds_of(m, differences=2) for c, m in gaps}
    for (task, metric), gap in resampled(gaps, limits, resamples).items():
        tasks[task].setdefault("ahead_of_open", {})[metric] = list(gap.interval.bounds)
    languages = next(iter(_results(data, free).values())).languages
    warnings = [w for c in choices if (w := _warning(c, free, tasks, len(group.ids)))]
    return {"n_questions": len(group.ids), "languages": languages, "tasks": tasks, "warnings": warnings}


def _warning(choice: str, free: str, tasks: Mapping[str, Mapping[str, Any]], n: int) -> str:
    """In which metrics multiple choice and free text came out differently, in a sentence; empty where in none."""
    clauses: dict[str, str] = {}
    for metric in METRICS:
        one, other = (tasks[task]["difference"].get(metric) for task in (choice, free))
        if not one or not other:
            continue
        ahead = tasks[choice].get("ahead_of_open", {}).get(metric)
        few = "" if ahead and ahead[0] > 0 else f"; {n} questions may be too few to show it"
        ends = {
            (1, -1): ("rose", "fell", "The gain is one of choosing among options, and free answers got worse"),
            (1, 0): ("rose", "did not follow", f"The gain may be one of choosing among options{few}"),
            (0, -1): (
                "did not change significantly",
                "fell",
                "Multiple choice does not see the damage to free answers",
            ),
            (-1, 0): ("fell", "did not change significantly", ""),
            (-1, 1): ("fell", "rose", ""),
        }
        if (signs := (direction(one), direction(other))) in ends:
            first, second, so = ends[signs]
            text = f"{metric_name(metric)} {first} ({_change(one)}), in free text it {second} ({_change(other)})"
            clauses[text] = so
    if not clauses:
        return ""
    so = next((x for x in clauses.values() if x), "")
    return f"{choice} and {free} came out differently on the same questions: {'; '.join(clauses)}." + (
        f" {so}." if so else ""
    )


def _change(d: Mapping[str, Any]) -> str:
    return f"{number(d['value'], signed=True)} {interval([d['low'], d['high']], signed=True)}"


# --- for readers ------------------------------------------------------------------------------------------------------

#: style -> what it is for readers.
STYLE_NAMES = {
    "open": "free text",
    "cloze": "multiple choice, options scored",
    "letters": "multiple choice, letters scored",
    "direct": "multiple choice, answer written",
    "explain": "multiple choice, explained",
}


def styles_rows(group: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each metric and task of a group: metric, style and task in words, before, after, difference."""
    rows = []
    for metric in METRICS:
        for task, own in group["tasks"].items():
            d = own["difference"].get(metric)
            row: dict[str, Any] = {
                "metric": metric_label(metric),
                "style": STYLE_NAMES.get(own["style"], own["style"]),
                "task": task,
            }
            for when in WHEN:
                row[when] = number(own[when].get(metric))
                row[f"{when}_ci"] = interval(own["ci95"][when].get(metric))
            row["difference"] = number(d["value"], signed=True) if d else number(None)
            row["difference_ci"] = interval([d["low"], d["high"]], signed=True) if d else ""
            rows.append(row | {"sign": direction(d), "merit": direction(d)})
    return rows


def styles_title(group: Mapping[str, Any]) -> str:
    """What a group's table is about."""
    n = len(group["languages"])
    return f"The same {group['n_questions']} questions in {n} languages, with their options and without"
