"""Answers read from files: lm-eval samples of our tasks, or predictions JSONL.

A samples line, as lm-eval writes it for a cross-lingual task (shortened)::

    {"doc": {"id": "q1", "answer": 1, "languages": ["en", "fr"], "questions": […], "options": [["air", "water"], …]},
     "filtered_resps": ["… Answer: B. water", "… Réponse : B. eau"], "metrics": ["acc", …], "acc": 1.0, …}

and where options are scored, ``filtered_resps`` has ``[log-probability, is greedy]`` for each language and option. The
task's name is in the file's name, its signature and style are in the ``results*.json`` beside it.

Several files are parts of one evaluation: of different questions (ranks, shards), or of the same questions in different
languages (tasks of one language each).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from calm_ext.answers.read import read_answer
from calm_ext.errors import DataError
from calm_ext.jsonl import explain, numbered_lines
from calm_ext.metrics.answered import Answered, AnswerSet, differences, parts_of, scored_answer
from calm_ext.prompts import Style
from calm_ext.records import Prediction
from calm_ext.signature import signature

_SAMPLES = re.compile(r"samples_(?P<task>.+?)(?:_(?P<time>20\d\d-\d\d-\d\dT[\d\-:.]+))?\.jsonl")

#: Parts of a signature that may differ between files of one evaluation that cover different languages.
_PER_LANGUAGE = {"task", "langs"}


class _Part(NamedTuple):
    path: Path
    task: str
    signature: str
    questions: list[Answered]


def read_answers(paths: Sequence[str | Path], *, task: str | None = None) -> AnswerSet:
    """Read files of one evaluation, or a folder of lm-eval results.

    Args:
        task: which task's samples to take from a folder that holds several.

    Raises:
        DataError: a line or file that cannot be used, files of different tasks or versions, a question or a language
            that comes twice, a language that is missing, gold answers that contradict each other.
    """
    parts = [_read(file) for path in paths for file in _files(Path(path), task)]
    _check_one_evaluation(parts)
    merged: dict[str, Answered] = {}
    for part in parts:
        for question in part.questions:
            known = merged.get(question.id)
            merged[question.id] = question if known is None else _joined(known, question)
    languages = list(dict.fromkeys(x for q in merged.values() for x in q.answers))
    for identity, question in merged.items():
        missing = [x for x in languages if x not in question.answers]
        if missing:
            raise DataError(
                f"{question.where}: question {identity} has no answer in {', '.join(missing)}; write null where the "
                f"model gave none"
            )
        merged[identity] = question._replace(
            answers=_ordered(question.answers, languages),
            scores=question.scores and _ordered(question.scores, languages),
            unnormalised=question.unnormalised and _ordered(question.unnormalised, languages),
        )
    scored = [q for q in merged.values() if q.scores]
    if scored and len(scored) < len(merged):
        other = next(q for q in merged.values() if not q.scores)
        raise DataError(f"{other.where}: question {other.id} has no scores, but {scored[0].id} ({scored[0].where}) has")
    return AnswerSet(" ".join(str(p) for p in paths), _common_signature(parts, languages), languages, merged)


def _ordered(values: Mapping[str, Any], languages: Sequence[str]) -> dict[str, Any]:
    return {x: values[x] for x in languages}


def _files(path: Path, task: str | None) -> list[Path]:
    """The file itself; of a folder, the newest samples of its one task (or of ``task``)."""
    if not path.is_dir():
        return [path]
    found: dict[str, list[Path]] = {}
    for file in sorted(path.rglob("samples_*.jsonl")):
        match = _SAMPLES.fullmatch(file.name)
        if match:
            found.setdefault(match["task"], []).append(file)
    if not found:
        raise DataError(f"{path}: has no samples_*.jsonl; run lm_eval with --log_samples --output_path")
    if task is None and len(found) > 1:
        raise DataError(f"{path}: has samples of {', '.join(sorted(found))}; choose one with --task")
    name = task or next(iter(found))
    if name not in found:
        raise DataError(f"{path}: has no samples of {name}; it has {', '.join(sorted(found))}")
    if len({f.parent for f in found[name]}) > 1:
        raise DataError(f"{path}: has samples of {name} in several folders; name one of them")
    return found[name][-1:]


def _read(path: Path) -> _Part:
    kind = ""
    style: Style | None = None
    task, signed, questions = "", "", []
    seen: dict[str, str] = {}
    for number, row in numbered_lines(path):
        where = f"{path}:{number}"
        if not kind:
            kind = "predictions" if "predictions" in row else "samples" if "filtered_resps" in row else ""
            if not kind:
                raise DataError(
                    f"{where}: is neither a prediction nor a sample of lm-eval (keys: {', '.join(row)[:80]})"
                )
            if kind == "samples":
                task, signed, style = _evaluation_of(path)
        question = _from_prediction(row, where) if kind == "predictions" else from_sample(row, where, style)
        if question.id in seen:
            raise DataError(f"{where}: question {question.id} comes twice (before at {seen[question.id]})")
        seen[question.id] = where
        questions.append(question)
    if not questions:
        raise DataError(f"{path}: is empty")
    return _Part(path, task or kind, signed, questions)


def _from_prediction(row: dict[str, Any], where: str) -> Answered:
    try:
        record = Prediction.model_validate(row)
    except ValidationError as error:
        raise DataError(f"{where}: {explain(error)}") from None
    return Answered(
        record.id, record.answer, dict(record.predictions), record.n_options, record.scores, None, None, where
    )


def from_sample(row: dict[str, Any], where: str, style: Style | None) -> Answered:
    """The answers of one line of lm-eval's samples.

    Args:
        where: ``file:line``, for messages.
        style: how the question was asked, where known; needed where the sample does not hold the answers themselves.

    Raises:
        DataError: it is no sample of a task of ours, or a broken one.
    """
    try:
        doc, responses = row["doc"], row["filtered_resps"]
        languages, options, gold = list(doc["languages"]), doc["options"], doc["answer"]
        identity, n = str(doc["id"]), len(doc["options"][0])
    except (KeyError, TypeError, IndexError):
        raise DataError(f"{where}: is not a sample of a cross-lingual task of calm-ext") from None
    twice = sorted({x for x in languages if languages.count(x) > 1})
    if twice:
        raise DataError(f"{where}: question {identity} has language {', '.join(twice)} twice")
    if len(options) != len(languages) or any(len(o) != n for o in options):
        raise DataError(f"{where}: question {identity} has not the same number of options in each language")
    if any(not str(text).strip() for o in options for text in o):
        raise DataError(f"{where}: question {identity} has an empty option")
    if gold is not None and (not isinstance(gold, int) or not 0 <= gold < n):
        raise DataError(f"{where}: question {identity} has the answer {gold!r}, which is not one of its {n} options")
    by_language = dict(zip(languages, options, strict=True))
    if responses and isinstance(responses[0], (list, tuple)):
        question = scored_answer(identity, gold, _logprobs(responses, languages, n, where), by_language)
    else:
        question = Answered(identity, gold, _read_texts(row, by_language, where, style), n)
    return question._replace(content=row.get("doc_hash"), where=where)


def _logprobs(responses: Sequence[Any], languages: Sequence[str], n: int, where: str) -> dict[str, list[float]]:
    if len(responses) != n * len(languages):
        raise DataError(f"{where}: {len(responses)} scores for {len(languages)} languages of {n} options")
    try:
        values = [float(r[0]) for r in responses]
    except (TypeError, ValueError, IndexError):
        raise DataError(f"{where}: a score is no number") from None
    for index, value in enumerate(values):
        if not math.isfinite(value):
            raise DataError(f"{where}: the score of option {index % n} in {languages[index // n]} is {value}")
    return {x: values[i * n : (i + 1) * n] for i, x in enumerate(languages)}


def _read_texts(
    row: dict[str, Any], options: Mapping[str, Sequence[str]], where: str, style: Style | None
) -> dict[str, int | None]:
    """The answers that were scored then, where the sample has them; else read again from the responses."""
    written = row.get("kappa")
    if isinstance(written, dict) and set(written) == set(options):
        return {x: written[x] for x in options}
    responses = row["filtered_resps"]
    if len(responses) != len(options):
        raise DataError(f"{where}: {len(responses)} responses for {len(options)} languages")
    if style is None:
        raise DataError(
            f"{where}: how the answers were asked for is not known: there is no results*.json beside the file"
        )
    texts = zip(options, responses, strict=True)
    return {x: read_answer(str(text), options[x], x, style=style) for x, text in texts}


def _evaluation_of(path: Path) -> tuple[str, str, Style | None]:
    """Task, signature and style of a samples file, from its name and the results beside it."""
    match = _SAMPLES.fullmatch(path.name)
    task, time = (match["task"], match["time"]) if match else (path.stem, None)
    candidates = sorted(path.parent.glob(f"results_{time}.json" if time else "results*.json"))
    if not candidates:
        return task, "", None
    try:
        results = json.loads(candidates[-1].read_text(encoding="utf-8"))
        metadata = results["configs"][task]["metadata"]
        return task, str(metadata.get("signature") or ""), metadata.get("style", "explain")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return task, "", None


def _check_one_evaluation(parts: Sequence[_Part]) -> None:
    first = parts[0]
    for part in parts[1:]:
        shared = set(part.questions[0].answers) & set(first.questions[0].answers)
        if part.task != first.task and shared:
            raise DataError(f"{part.path} has answers of {part.task}, {first.path} of {first.task}: one task at a time")
        differ = list(differences(first.signature, part.signature, ignore=set() if shared else _PER_LANGUAGE))
        if differ:
            raise DataError(
                f"{part.path} and {first.path} are not of one evaluation: they differ in {', '.join(differ)}"
            )


def _joined(a: Answered, b: Answered) -> Answered:
    """One question from two files that have it in different languages."""
    twice = [x for x in b.answers if x in a.answers]
    if twice:
        raise DataError(f"{b.where}: question {b.id} has {', '.join(twice)} already at {a.where}")
    if a.gold != b.gold:
        raise DataError(f"{b.where}: question {b.id} has the answer {b.gold}, but {a.gold} at {a.where}")
    if a.n_options != b.n_options:
        raise DataError(f"{b.where}: question {b.id} has {b.n_options} options, but {a.n_options} at {a.where}")
    if (a.scores is None) != (b.scores is None):
        raise DataError(f"{b.where}: question {b.id} has scores in one file and none at {a.where}")
    return a._replace(
        answers={**a.answers, **b.answers},
        scores={**a.scores, **b.scores} if a.scores and b.scores else None,
        unnormalised={**a.unnormalised, **b.unnormalised} if a.unnormalised and b.unnormalised else None,
        content=f"{a.content} {b.content}" if a.content and b.content else None,
    )


def _common_signature(parts: Sequence[_Part], languages: Sequence[str]) -> str:
    stored = parts_of(parts[0].signature)
    if not stored:
        return signature(task=parts[0].task, langs=".".join(languages))
    stored["task"] = "+".join(dict.fromkeys(p.task for p in parts))
    stored["langs"] = ".".join(languages)
    return "|".join(f"{key}:{value}" for key, value in stored.items())
