"""A run summarised as ``summary.json``: tasks with intervals and paired tests, and the results of each stage."""

from __future__ import annotations

from typing import Any

from calm_ext.jsonl import finite
from calm_ext.metrics.stats import RESAMPLES
from calm_ext.pairing.build import pair_summary
from calm_ext.records import ParallelQuestion
from calm_ext.report.calibration import reliability
from calm_ext.report.compared import compared, question_columns
from calm_ext.report.fidelity import fidelity_summary
from calm_ext.report.letters import letter_summary
from calm_ext.report.page.flow import flow_summary
from calm_ext.report.page.passages import retrieval_summary
from calm_ext.report.rundata import WHEN, RunData, read_run
from calm_ext.report.styles import styles_summary
from calm_ext.report.throughput import throughput
from calm_ext.report.watch import watch_summary
from calm_ext.report.whole import kept_summary, right_summary
from calm_ext.voting.calibration import Estimate
from calm_ext.voting.quality import vote_summary

__all__ = [
    "WHEN",
    "RunData",
    "asked_questions",
    "common_ids",
    "read_run",
    "summarize",
    "used_in_alignment",
    "versions_of",
]


def summarize(data: RunData, *, resamples: int = RESAMPLES) -> dict[str, Any]:
    """The numbers of a run as ``summary.json`` has them; NaN is None.

    Cross-lingual tasks with samples are compared over the questions that both evaluations have: intervals are those of
    :mod:`calm_ext.metrics.intervals` (``ci95_method`` has the ones that are not the bootstrap's), p-values those of
    :func:`calm_ext.metrics.compare.paired_tests`, and differences per language also have ``p_holm``, Holm's correction
    over the languages. Other tasks have lm-eval's means only.
    """
    result: dict[str, Any] = {task: _task_summary(data, task, resamples) for task in data.tasks}
    styles = styles_summary(data, resamples)
    if styles:
        result["styles"] = styles
    if "missing" in data.endings or "cut" in data.endings:
        result["sampling"] = data.endings
    if data.ballots:
        found = data.voting.get("estimate")
        estimate = Estimate(**found) if found else None
        result["vote"] = vote_summary(data.ballots, data.gold, estimate)
        result["vote"]["supervised"] = bool(data.voting.get("supervised"))
        result["vote"]["reliability"] = reliability(data.ballots, data.gold)
        if data.voting.get("letter_bias"):
            result["vote"]["letter_bias"] = data.voting["letter_bias"]
        if data.voting.get("normalize"):
            result["vote"]["normalize"] = data.voting["normalize"]
    if data.pairs is not None:
        order = list(dict.fromkeys(x for b in data.ballots for x in b.votes))
        pairs = sorted(data.pairs, key=lambda p: order.index(p.language) if p.language in order else len(order))
        result["pairs"] = {**pair_summary(pairs, data.gold), "n_heldout_questions": len(data.heldout)}
        result["pairs"] |= {
            key: data.pairing[key] for key in ("left_out", "in_another_language") if key in data.pairing
        }
        if (data.training or {}).get("eats") in ("groups", "questions"):
            result["pairs"]["instead"] = data.training["eats"]
    spoken = fidelity_summary(data)
    if spoken:
        result["fidelity"] = spoken
    if data.training:
        result["training"] = data.training
    watched = watch_summary(data)
    if watched:
        result["watch"] = watched
    read = retrieval_summary(data.retrieval, {w: e.tasks for w, e in data.evaluations.items()})
    if read:
        result["retrieval"] = read
    result["throughput"] = throughput(data)
    result["stages"] = {s: e.get("seconds") for s, e in data.stages.items()}
    result["versions"] = versions_of(data)
    result["run"] = {"name": data.name, "missing": list(data.missing)}
    if data.outdated:
        result["run"]["outdated"] = {stage: list(reasons) for stage, reasons in data.outdated.items()}
    cleaned: dict[str, Any] = finite(result)
    return cleaned


def common_ids(data: RunData, task: str) -> list[str]:
    """The questions of a task that every evaluation that has samples of it has, in order."""
    found = [r.questions for r in (data.result(task, w) for w in WHEN) if r and r.questions]
    return [i for i in found[0] if all(i in other for other in found)] if found else []


def used_in_alignment(data: RunData, task: str) -> dict[str, int] | None:
    """How many of a task's questions were asked in the alignment, and how many are in the training pairs.

    Questions are recognised by their text in any language. None where a file for it is missing.
    """
    found = asked_questions(data, task)
    if found is None:
        return None
    in_pairs = {p.id for p in data.pairs or []}
    hits = [[q.id in in_pairs for q in own] for own in found.values()]
    return {"asked": sum(bool(h) for h in hits), "trained": sum(any(h) for h in hits)}


def asked_questions(data: RunData, task: str) -> dict[str, list[ParallelQuestion]] | None:
    """Of each question of a task, those of the alignment that have its text in some language; empty lists: held out.

    None where the task has no answers, or the questions of the alignment are not known.
    """
    details = [r.detail for r in (data.result(task, w) for w in WHEN) if r and r.detail]
    if not details or not data.questions:
        return None
    asked: dict[tuple[str, str], list[ParallelQuestion]] = {}
    for question in data.questions:
        for language, version in question.versions.items():
            asked.setdefault((language, version.question), []).append(question)
    return {
        i: list({q.id: q for t in details[0].texts[i] for q in asked.get(t, ())}.values())
        for i in common_ids(data, task)
    }


def versions_of(data: RunData) -> dict[str, str]:
    """Package versions, as the last finished stage had them."""
    entries = [e for e in data.stages.values() if isinstance(e.get("versions"), dict)]
    entries.sort(key=lambda e: str(e.get("finished", "")))
    return {str(k): str(v) for e in entries for k, v in e["versions"].items()}


def _task_summary(data: RunData, task: str, resamples: int) -> dict[str, Any]:
    found = {w: r for w in WHEN if (r := data.result(task, w))}
    ids = common_ids(data, task)
    last = found.get("after") or found["before"]
    means, intervals, differences, methods = compared(question_columns(found, ids), last.languages, resamples)
    for when, result in found.items():
        means[when].update({k: v for k, v in result.values.items() if k not in means[when]})
    used = used_in_alignment(data, task)
    flow = None
    if len(found) == 2 and len(last.languages) > 1 and (before := found["before"].detail) and last.detail:
        flow = flow_summary(before, last.detail, ids)
    letters, n_right, kept = letter_summary(found, ids), right_summary(found, ids), kept_summary(found, ids)
    return {
        **means,
        "difference": differences,
        "ci95": intervals,
        "ci95_method": methods,
        "n_questions": len(ids) if ids else last.n_questions,
        "languages": last.languages,
        "signature": last.signature,
        **({"flow": flow} if flow else {}),
        **({"letter_bias": letters} if letters else {}),
        **({"n_right": n_right} if n_right else {}),
        **({"kept": kept} if kept else {}),
        **(used or {}),
    }
