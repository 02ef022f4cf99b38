"""Answers read from files: lm-eval samples of our tasks (:mod:`.samples`), or predictions JSONL.

Several files are parts of one evaluation: of different questions (ranks, shards), or of the same questions in different
languages (tasks of one language each).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from calm_ext.answers.read import read_answer
from calm_ext.answers.thoughts import Marks
from calm_ext.errors import DataError
from calm_ext.jsonl import explain, numbered_lines
from calm_ext.metrics.answered import Answered, AnswerSet, differences, parts_of, scored_answer
from calm_ext.metrics.fidelity import Response, faithful
from calm_ext.prompts import Style
from calm_ext.records import Prediction
from calm_ext.records.kinds import KINDS, absent, kind_of
from calm_ext.results.aggregates import read_aggregates
from calm_ext.results.clusters import ClusterKey, cluster_key
from calm_ext.results.folders import SamplesFile, find_samples, results_beside
from calm_ext.results.joining import join_logs
from calm_ext.results.log_options import LogOptions
from calm_ext.results.logs import find_logs
from calm_ext.results.samples import Sample
from calm_ext.results.shapes import is_sample
from calm_ext.signature import signature

#: Parts of a signature that may differ between files of one evaluation that cover different languages.
_PER_LANGUAGE = {"task", "langs"}


class _Part(NamedTuple):
    """A file; ``responses`` are the id of a question and a response to it, where responses were written.

    ``clusters``: id -> what the question has in common with others, where that was asked for.
    """

    path: Path
    task: str
    signature: str
    questions: list[Answered]
    responses: list[tuple[str, Response]]
    thoughts: Marks
    clusters: dict[str, str]


def read_answers(
    paths: Sequence[str | Path], *, task: str | None = None, logs: LogOptions | None = None, cluster: str | None = None
) -> AnswerSet:
    """Read files of one evaluation, or a folder or results file of lm-eval, whose samples are then read.

    Args:
        task: which task's samples to take where there are several.
        logs: how the logs of other people's tasks are read, which are joined over the languages.
        cluster: which questions belong together (:mod:`calm_ext.results.clusters`); None where each stands for itself.

    Raises:
        DataError: a line or file that cannot be used, files of different tasks or versions, a question or a language
            that comes twice, a language that is missing, gold answers that contradict each other.
    """
    options = logs or LogOptions()
    key = cluster_key(cluster)
    found = find_logs(paths, options, task=task)
    if found is not None:
        return join_logs(found, options, cluster=key)
    parts = [_read(find_samples(Path(p), task), key) for p in paths]
    _check_one_evaluation(parts)
    merged: dict[str, Answered] = {}
    for part in parts:
        for question in part.questions:
            known = merged.get(question.id)
            merged[question.id] = question if known is None else _joined(known, question)
    languages = list(dict.fromkeys(x for q in merged.values() for x in q.answers))
    responses = [response for part in parts for response in part.responses]
    spoken = faithful(responses, languages, thoughts=parts[0].thoughts) if responses else {}
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
            faithful=spoken.get(identity, {}),
        )
    scored = [q for q in merged.values() if q.scores]
    if scored and len(scored) < len(merged):
        other = next(q for q in merged.values() if not q.scores)
        raise DataError(f"{other.where}: question {other.id} has no scores, but {scored[0].id} ({scored[0].where}) has")
    return AnswerSet(
        " ".join(str(p) for p in paths), _common_signature(parts, languages), languages, merged,
        clusters={i: cluster for part in parts for i, cluster in part.clusters.items()}, cluster_key=cluster or "",
    )  # fmt: skip


def _ordered(values: Mapping[str, Any], languages: Sequence[str]) -> dict[str, Any]:
    return {x: values[x] for x in languages}


def _read(file: SamplesFile, key: ClusterKey | None) -> _Part:
    kind = ""
    style: Style | None = None
    thoughts: Marks = ()
    task, signed, questions, responses = "", "", [], list[tuple[str, Response]]()
    seen: dict[str, str] = {}
    clusters: dict[str, str] = {}
    for number, row in numbered_lines(file.path):
        where = f"{file.path}:{number}"
        if not kind:
            kind = "predictions" if "predictions" in row else "samples" if is_sample(row) else ""
            if not kind:
                raise DataError(f"{where}: {_neither(row)}")
            if kind == "samples":
                task = file.task
                signed, style, thoughts = _asked_how(file)
        if kind == "predictions":
            question = _from_prediction(row, where)
            if key:
                clusters[question.id] = key.of_id(question.id, where)
        else:
            sample = Sample(where, row=row)
            question = from_sample(sample, style)
            if key:
                clusters[question.id] = key.of_doc(sample.id, sample.doc, where)
            texts = {} if sample.scored else sample.texts
            responses += [(question.id, Response(text, x, sample.options[x])) for x, text in texts.items()]
        if question.id in seen:
            raise DataError(f"{where}: question {question.id} comes twice (before at {seen[question.id]})")
        seen[question.id] = where
        questions.append(question)
    if not questions:
        raise DataError(f"{file.path}: {absent(Prediction)}")
    return _Part(file.path, task or kind, signed, questions, responses, thoughts, clusters)


def _neither(row: Mapping[str, Any]) -> str:
    """What to say of a line that cannot be scored."""
    held = kind_of(row)
    what = f"holds {held}" if held else f"is neither a prediction nor a sample of lm-eval (keys: {', '.join(row)[:80]})"
    more = "; `calm-ext eval` or `lm_eval --log_samples` answers them" if held.startswith("questions") else ""
    return f"{what}; a line to score is {KINDS[Prediction].line}, or one of lm-eval's samples_*.jsonl{more}"


def _from_prediction(row: dict[str, Any], where: str) -> Answered:
    try:
        record = Prediction.model_validate(row)
    except ValidationError as error:
        raise DataError(f"{where}: {explain(error, list(Prediction.model_fields))}") from None
    return Answered(
        record.id, record.answer, dict(record.predictions), record.n_options, record.scores, None, None, where
    )


def from_sample(sample: Sample, style: Style | None) -> Answered:
    """The answers of a sample: those that were scored then, where it has them; else read again from its responses.

    Args:
        style: how the question was asked; needed only where the sample does not have the answers.

    Raises:
        DataError: the sample is broken, or the style is needed and not known.
    """
    if sample.scored:
        question = scored_answer(sample.id, sample.gold, sample.logprobs, sample.options, sample.shown)
    else:
        question = Answered(sample.id, sample.gold, _answers(sample, style), sample.n_options)
    return question._replace(content=sample.doc_hash, where=sample.where, source_language=sample.source_language)


def _answers(sample: Sample, style: Style | None) -> dict[str, int | None]:
    written, options, n = sample.answers, sample.options, sample.n_options
    if written is not None and set(written) == set(options):
        if any(answer is not None and answer >= n for answer in written.values()):
            raise DataError(
                f"{sample.where}: question {sample.id} has an answer that is none of its {n} options (kappa)"
            )
        return {x: written[x] for x in options}
    texts = sample.texts
    if style is None:
        raise DataError(
            f"{sample.where}: how the answers were asked for is not known: there is no results*.json beside the file"
        )
    names = sample.names
    return {x: read_answer(text, options[x], x, style=style, names=names.get(x)) for x, text in texts.items()}


def _asked_how(file: SamplesFile) -> tuple[str, Style | None, Marks]:
    """Signature, style and marks of thoughts of a samples file, from the results written with it.

    Unknown where these cannot be used.
    """
    path = results_beside(file)
    try:
        results = read_aggregates(path) if path else None
    except DataError:
        results = None
    if results is None or not results.metadata(file.task):
        return "", None, ()
    marks = results.metadata(file.task).get("thoughts")
    if not isinstance(marks, list) or not all(isinstance(x, list) and len(x) == 2 for x in marks):
        marks = []
    return results.signature(file.task), results.style(file.task), marks


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
    if a.shown != b.shown:
        raise DataError(f"{b.where}: question {b.id} shows its options in another order than at {a.where}")
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
