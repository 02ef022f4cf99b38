"""What retrieval found, and what it did to the answers: each task with passages beside its twin without."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from calm_ext.languages import language_name
from calm_ext.metrics.compare import Paired, paired_tests
from calm_ext.report.words import number, p_value, percent
from calm_ext.results.evaluation import TaskAnswers, TaskResult
from calm_ext.retrieval import measure


def twin_of(task: str) -> str | None:
    """The task without passages that a task with passages goes with; None of other tasks.

    >>> twin_of("calm_sample_xl_rag_mc"), twin_of("calm_sample_xl_mc")
    ('calm_sample_xl_mc', None)
    """
    return task.replace("_rag", "", 1) if "_rag" in task else None


def retrieval_summary(
    retrieval: Mapping[str, Any], evaluations: Mapping[str, Mapping[str, TaskResult]]
) -> dict[str, Any] | None:
    """The retrieval of a run, None where nothing was asked with passages.

    Args:
        retrieval: retrieval.json of the run, empty where there is none.
        evaluations: ``before`` and ``after`` -> task -> result.

    Returns:
        ``{"signature", "notes", "quality", "tasks": {task: {"without", "quality", "effect": {when: {language: …}}}}}``,
        where an effect is of one language over the questions that both tasks have (:func:`effect`).
    """
    tasks: dict[str, Any] = {}
    for when, results in evaluations.items():
        for name, result in results.items():
            twin = twin_of(name)
            if twin is None or result.detail is None:
                continue
            entry = tasks.setdefault(name, {"without": twin, "quality": {}, "effect": {}})
            if result.detail.passages and not entry["quality"]:
                entry["quality"] = measure(result.detail.passages)
            other = results.get(twin)
            if other is not None and other.detail is not None:
                entry["effect"][when] = effect(other.detail, result.detail, result.languages)
    if not retrieval and not tasks:
        return None
    return {"signature": "", "notes": [], "quality": {}, **retrieval, "tasks": tasks}


def effect(without: TaskAnswers, read: TaskAnswers, languages: Sequence[str]) -> dict[str, dict[str, float]]:
    """What passages did to the answers in each language, and ``all`` together.

    ``changed``, ``better`` (wrong without, right with) and ``worse`` are shares of the questions; ``p`` is the exact
    McNemar test of right and wrong, ``p_holm`` corrected over the languages.
    """
    import numpy as np

    ids = [i for i, gold in read.gold.items() if i in without.answers and gold is not None]
    found: dict[str, dict[str, float]] = {}
    paired: dict[str, Paired] = {}
    total = {"n": 0.0, "changed": 0.0, "better": 0.0, "worse": 0.0, "without": 0.0, "with": 0.0}
    for language in languages:
        both = [(without.answers[i].get(language), read.answers[i].get(language), read.gold[i]) for i in ids]
        row = {
            "n": float(len(both)),
            "changed": float(sum(a != b for a, b, _ in both)),
            "better": float(sum(a != g == b for a, b, g in both)),
            "worse": float(sum(a == g != b for a, b, g in both)),
            "without": float(sum(a == g for a, _, g in both)),
            "with": float(sum(b == g for _, b, g in both)),
        }
        total = {k: v + row[k] for k, v in total.items()}
        found[language] = {**_shares(row), "p": math.nan, "p_holm": math.nan}
        paired[f"acc_{language}"] = Paired(
            np.array([float(a == g) for a, _, g in both]), np.array([float(b == g) for _, b, g in both])
        )
    if ids:
        for name, test in paired_tests(paired, languages).items():
            found[name.removeprefix("acc_")] |= {"p": test.p, "p_holm": test.p_holm}
    return {**found, "all": _shares(total)}


def _shares(row: Mapping[str, float]) -> dict[str, float]:
    n = row["n"]
    return {"n": n, **{k: v / n if n else float("nan") for k, v in row.items() if k != "n"}}


def retrieval_words(retrieval: Mapping[str, Any]) -> str:
    """What retrieval found and what it did to the answers, in a sentence a task."""
    parts = []
    overall = (retrieval.get("quality") or {}).get("overall") or {}
    if overall.get("n_questions"):
        parts.append(f"Of the asked questions, {_recall(retrieval['quality'])}")
    for name, task in retrieval["tasks"].items():
        for when, by_language in task["effect"].items():
            row = by_language["all"]
            changed, better, worse = (percent(row[key]) for key in ("changed", "better", "worse"))
            parts.append(
                f"{name} {when}: passages changed {changed} of the answers; {better} of the answers became right, "
                f"{worse} became wrong (accuracy {number(row['without'])} → {number(row['with'])})"
            )
    return "; ".join(parts) + "." if parts else "No passage is known to answer a question, and nothing to compare with."


def _recall(quality: Mapping[str, Any]) -> str:
    k, overall = quality["k"], quality["overall"]
    return f"recall@{k} {number(overall['recall'][str(k)])}, MRR {number(overall['mrr'])}"


# --- for the page -----------------------------------------------------------------------------------------------------


def retrieval_context(summary: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the page's section shows; None where there was no retrieval."""
    retrieval = summary.get("retrieval")
    if not retrieval:
        return None
    tables = [("The questions of the alignment", retrieval["quality"])] if retrieval["quality"] else []
    tables += [(name, task["quality"]) for name, task in retrieval["tasks"].items() if task["quality"]]
    return {
        "words": retrieval_words(retrieval),
        "signature": retrieval["signature"],
        "notes": retrieval["notes"],
        "quality": [_quality_table(name, q) for name, q in tables if q["overall"]["n_questions"]],
        "effects": [
            {"task": name, "without": task["without"], "when": when, "rows": _effect_rows(rows)}
            for name, task in retrieval["tasks"].items()
            for when, rows in task["effect"].items()
        ],
    }


def _quality_table(name: str, quality: Mapping[str, Any]) -> dict[str, Any]:
    rows = [*((language_name(x), q) for x, q in quality["languages"].items()), ("all", quality["overall"])]
    depths = sorted({1, int(quality["k"])})
    return {
        "name": name,
        "depths": depths,
        "rows": [
            {
                "name": label,
                "n": q["n_questions"],
                "without_gold": q["without_gold"],
                "recall": [number(q["recall"].get(str(k))) for k in depths],
                "mrr": number(q["mrr"]),
            }
            for label, q in rows
        ],
    }


def _effect_rows(by_language: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    return [
        {
            "name": "all" if code == "all" else language_name(code),
            "n": f"{row['n']:.0f}",
            "without": number(row["without"]),
            "with": number(row["with"]),
            "changed": percent(row["changed"]),
            "better": percent(row["better"]),
            "worse": percent(row["worse"]),
            "p": p_value(row.get("p_holm")),
        }
        for code, row in by_language.items()
    ]
