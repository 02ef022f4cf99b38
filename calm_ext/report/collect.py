"""Read a run directory, whole or half-way, and summarise it as ``summary.json``.

What is missing is said in ``RunData.missing``; what is there and broken is a :class:`~calm_ext.errors.DataError`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from calm_ext.errors import DataError, RunError
from calm_ext.jsonl import read_jsonl
from calm_ext.metrics import PARTIAL
from calm_ext.pairs import pair_summary
from calm_ext.records import Ballot, Pair, ParallelQuestion, Record
from calm_ext.report.files import read_json, read_log, read_recipe
from calm_ext.report.passages import retrieval_summary
from calm_ext.report.samples import Evaluation, TaskResult, read_evaluation
from calm_ext.stats import RESAMPLES, estimate, holm, paired_difference
from calm_ext.vote_quality import vote_summary

STAGES = ("questions", "retrieve", "before", "sample", "vote", "pairs", "train", "after", "report")
WHEN = ("before", "after")

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class RunData:
    """What a run directory holds; parts that are not there are None or empty, and named in ``missing``.

    Attributes:
        path: the run directory.
        name: of the recipe.
        recipe_text, recipe: recipe.yaml as it is, and read.
        stages: stage -> the manifest's entry (seconds, peak_memory_mib, finished, versions).
        questions: the questions asked in the alignment.
        ballots: of all of them.
        pairs, heldout_pairs: for training, and of the questions kept out of it.
        heldout: ids of the questions kept out of training.
        log: the lines of training/log.jsonl.
        training: training/summary.json.
        retrieval: retrieval.json, empty where the questions were asked without passages.
        evaluations: ``before`` and ``after``, as far as there are.
        missing: what is not there, in words.
    """

    path: Path
    name: str
    recipe_text: str
    recipe: dict[str, Any]
    stages: dict[str, dict[str, Any]]
    questions: list[ParallelQuestion]
    ballots: list[Ballot]
    pairs: list[Pair] | None
    heldout: frozenset[str]
    heldout_pairs: list[Pair]
    log: list[dict[str, Any]]
    training: dict[str, Any]
    retrieval: dict[str, Any]
    evaluations: dict[str, Evaluation]
    missing: tuple[str, ...]

    @property
    def gold(self) -> dict[str, int | None]:
        """question id -> right answer, of the questions asked in the alignment; for reporting only."""
        return {q.id: q.answer for q in self.questions}

    @property
    def tasks(self) -> list[str]:
        """Names of the evaluated tasks, in the recipe's order."""
        names = list(dict.fromkeys(t for e in self.evaluations.values() for t in e.tasks))
        order = list((self.recipe.get("evaluation") or {}).get("tasks") or [])
        return sorted(names, key=lambda t: order.index(t) if t in order else len(order))

    def result(self, task: str, when: str) -> TaskResult | None:
        """A task as it was found ``before`` or ``after``; None where it was not evaluated."""
        evaluation = self.evaluations.get(when)
        return evaluation.tasks.get(task) if evaluation else None


def read_run(run_dir: str | os.PathLike[str]) -> RunData:
    """Read a run directory.

    Raises:
        RunError: there is no such directory, or nothing of a run in it.
        DataError: a file is there and cannot be read.
    """
    path = Path(run_dir)
    if not path.is_dir():
        raise RunError(f"{path}: no such run directory")
    missing: list[str] = []

    def records(name: str, kind: type[R], what: str, *, silent: bool = False) -> list[R]:
        if (path / name).is_file():
            return list(read_jsonl(path / name, kind, allow_empty=True))
        if not silent:
            missing.append(f"{what} ({name})")
        return []

    manifest = read_json(path / "manifest.json")
    stages = manifest.get("stages") or {}
    if not isinstance(stages, dict) or not all(isinstance(x, dict) for x in stages.values()):
        raise DataError(f"{path / 'manifest.json'}: its stages are not a table by stage")
    recipe_text, recipe = read_recipe(path / "recipe.yaml")
    if not recipe_text:
        missing.append("the recipe (recipe.yaml)")
    questions = records("questions.jsonl", ParallelQuestion, "the questions, and with them gold labels")
    evaluations: dict[str, Evaluation] = {}
    for when in WHEN:
        if any((path / "eval" / when).glob("results*.json")):
            evaluations[when] = read_evaluation(path / "eval" / when)
            missing += [f"{when}: {problem}" for problem in evaluations[when].problems]
        else:
            missing.append(f"the evaluation {when} alignment (eval/{when})")
    ballots = records("ballots.jsonl", Ballot, "the vote")
    found_pairs = records("pairs.jsonl", Pair, "the preference pairs")
    pairs = found_pairs if (path / "pairs.jsonl").is_file() else None
    held = records("heldout/questions.jsonl", ParallelQuestion, "", silent=True)
    held_pairs = records("heldout/pairs.jsonl", Pair, "", silent=True)
    log = read_log(path / "training/log.jsonl")
    training = read_json(path / "training/summary.json")
    if not training:
        missing.append("the end of training (training/summary.json)" if log else "training (training/log.jsonl)")
    if not (manifest or recipe_text or questions or evaluations or ballots or pairs or log):
        raise RunError(f"{path}: holds nothing of a run; `calm-ext align RECIPE` makes one")
    name = str(manifest.get("name") or recipe.get("name") or path.resolve().name)
    return RunData(
        path=path, name=name, recipe_text=recipe_text, recipe=recipe, stages=stages, questions=questions,
        ballots=ballots, pairs=pairs, heldout=frozenset(q.id for q in held), heldout_pairs=held_pairs, log=log,
        training=training, retrieval=read_json(path / "retrieval.json"), evaluations=evaluations,
        missing=tuple(missing),
    )  # fmt: skip


# --- summary ----------------------------------------------------------------------------------------------------------


def summarize(data: RunData, *, resamples: int = RESAMPLES) -> dict[str, Any]:
    """The numbers of a run as ``summary.json`` has them; NaN is None.

    Cross-lingual tasks with samples are compared over the questions that both evaluations have, by the paired
    bootstrap; differences per language also have ``p_holm``, Holm's correction over the languages. Other tasks have
    lm-eval's means only.
    """
    result: dict[str, Any] = {task: _task_summary(data, task, resamples) for task in data.tasks}
    if data.ballots:
        result["vote"] = vote_summary(data.ballots, data.gold)
    if data.pairs is not None:
        order = list(dict.fromkeys(x for b in data.ballots for x in b.votes))
        pairs = sorted(data.pairs, key=lambda p: order.index(p.language) if p.language in order else len(order))
        result["pairs"] = {**pair_summary(pairs, data.gold), "n_heldout_questions": len(data.heldout)}
    if data.training:
        result["training"] = data.training
    read = retrieval_summary(data.retrieval, {w: e.tasks for w, e in data.evaluations.items()})
    if read:
        result["retrieval"] = read
    result["stages"] = {s: e.get("seconds") for s, e in _in_order(data.stages).items()}
    result["versions"] = versions_of(data)
    result["run"] = {"name": data.name, "missing": list(data.missing)}
    cleaned: dict[str, Any] = _clean(result)
    return cleaned


def common_ids(data: RunData, task: str) -> list[str]:
    """The questions of a task that every evaluation that has samples of it has, in order."""
    found = [r.questions for r in (data.result(task, w) for w in WHEN) if r and r.questions]
    return [i for i in found[0] if all(i in other for other in found)] if found else []


def used_in_alignment(data: RunData, task: str) -> dict[str, int] | None:
    """How many of a task's questions were asked in the alignment, and how many are in the training pairs.

    Questions are recognised by their text in any language. None where that cannot be told.
    """
    details = [r.detail for r in (data.result(task, w) for w in WHEN) if r and r.detail]
    if not details or not data.questions:
        return None
    in_pairs = {p.id for p in data.pairs or []}
    asked: dict[tuple[str, str], bool] = {}
    for question in data.questions:
        for language, version in question.versions.items():
            key = (language, version.question)
            asked[key] = asked.get(key, False) or question.id in in_pairs
    hits = [[asked[t] for t in details[0].texts[i] if t in asked] for i in common_ids(data, task)]
    return {"asked": sum(bool(h) for h in hits), "trained": sum(any(h) for h in hits)}


def versions_of(data: RunData) -> dict[str, str]:
    """Package versions, as the last finished stage had them."""
    entries = [e for e in data.stages.values() if isinstance(e.get("versions"), dict)]
    entries.sort(key=lambda e: str(e.get("finished", "")))
    return {str(k): str(v) for e in entries for k, v in e["versions"].items()}


def _in_order(stages: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {s: stages[s] for s in (*STAGES, *(x for x in stages if x not in STAGES)) if s in stages}


def _task_summary(data: RunData, task: str, resamples: int) -> dict[str, Any]:
    found = {w: r for w in WHEN if (r := data.result(task, w))}
    ids = common_ids(data, task)
    last = found.get("after") or found["before"]
    means: dict[str, dict[str, float]] = {}
    intervals: dict[str, dict[str, list[float]]] = {}
    for when, result in found.items():
        means[when], intervals[when] = {}, {}
        if not result.questions:
            means[when] = dict(result.values)
            continue
        for metric in _metrics(result, ids):
            values = [result.questions[i].get(metric, math.nan) for i in ids]
            value = estimate([v for v in values if math.isfinite(v)], resamples=resamples)
            means[when][metric] = value.value
            intervals[when][metric] = [value.low, value.high]
        means[when].update({k: v for k, v in result.values.items() if k not in means[when]})
    differences: dict[str, dict[str, float]] = {}
    if len(found) == 2 and ids and all(r.questions for r in found.values()):
        before, after = (found[w].questions for w in WHEN)
        # Of metrics that only some questions have, pairing would drop those that have it on one side: means only.
        for metric in (m for m in _metrics(found["before"], ids) if m in means["after"] and m not in PARTIAL):
            both = [(before[i].get(metric, math.nan), after[i].get(metric, math.nan)) for i in ids]
            both = [(b, a) for b, a in both if math.isfinite(b) and math.isfinite(a)]
            d = paired_difference([b for b, _ in both], [a for _, a in both], resamples=resamples)
            differences[metric] = {"value": d.value, "low": d.low, "high": d.high, "p": d.p}
        per_language = [f"acc_{x}" for x in last.languages if f"acc_{x}" in differences]
        for metric, p in zip(per_language, holm([differences[m]["p"] for m in per_language]), strict=True):
            differences[metric]["p_holm"] = p
    used = used_in_alignment(data, task)
    return {
        **{w: means.get(w, {}) for w in WHEN},
        "difference": differences,
        "ci95": {w: intervals.get(w, {}) for w in WHEN},
        "n_questions": len(ids) if ids else last.n_questions,
        "languages": last.languages,
        "signature": last.signature,
        **(used or {}),
    }


def _metrics(result: TaskResult, ids: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(m for i in ids for m in result.questions[i]))


def _clean(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {k: _clean(v) for k, v in value.items()}
    return [_clean(v) for v in value] if isinstance(value, (list, tuple)) else value
