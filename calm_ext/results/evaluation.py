"""One evaluation of lm-eval: aggregated values, the metrics of each question, and the answer in each language."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.errors import CalmError, DataError
from calm_ext.metrics.question import pairwise, question_metrics
from calm_ext.prompts import Style
from calm_ext.records import Passages
from calm_ext.results.aggregates import read_aggregates
from calm_ext.results.answers import from_sample
from calm_ext.results.folders import newest_results, samples_beside
from calm_ext.results.samples import Sample, read_samples

Answers = dict[str, dict[str, int | None]]

#: Longest text that is kept for reading; of a longer one its beginning, and how long it was.
LONGEST_KEPT = 4_000


class Text(NamedTuple):
    """A text for reading, cut where it is too long; ``length`` is that of the whole."""

    text: str
    length: int


class Shown(NamedTuple):
    """One question as it was asked and answered, for reading.

    Attributes:
        questions: language -> the question.
        options: language -> its options.
        responses: language -> what the model wrote; empty where options were scored.
        passages: language -> the passages that were read with it.
    """

    questions: dict[str, Text]
    options: dict[str, list[Text]]
    responses: dict[str, Text]
    passages: dict[str, list[Text]]


class TaskAnswers(NamedTuple):
    """The answers behind the metrics of one cross-lingual task.

    Attributes:
        answers: question id -> language -> index of the answer, None where none could be read.
        texts: question id -> its (language, question) pairs, by which questions are recognised in other files.
        gold: question id -> right answer, where known.
        passages: what was read with each question and language; empty where nothing was.
        shown: question id -> its texts.
        order: question id -> shown place -> index of the option, where letters were scored.
        sources: question id -> the language it was written in, where that is recorded.
    """

    answers: Answers
    texts: dict[str, list[tuple[str, str]]]
    gold: dict[str, int | None]
    passages: list[Passages]
    shown: dict[str, Shown] = {}
    order: dict[str, tuple[int, ...]] = {}
    sources: dict[str, str] = {}


@dataclass(frozen=True)
class TaskResult:
    """One task as one evaluation found it.

    Attributes:
        values: metric -> aggregated value, from results.json.
        n_questions: how many documents were evaluated.
        signature: of a cross-lingual task of ours, else empty.
        languages: in the order asked; empty for other tasks.
        questions: question id -> metric -> value; empty where there are no samples.
        detail: the answers, where the samples have them.
    """

    task: str
    values: dict[str, float]
    n_questions: int | None
    signature: str
    languages: list[str]
    questions: dict[str, dict[str, float]]
    detail: TaskAnswers | None


@dataclass(frozen=True)
class Evaluation:
    """One evaluation folder: the model's name and its tasks in order; ``problems`` in words."""

    model: str
    tasks: dict[str, TaskResult]
    problems: tuple[str, ...]


def read_evaluation(folder: Path) -> Evaluation:
    """Read an evaluation folder; tasks of ours come with their samples.

    Raises:
        DataError: there are no results, or the results or samples are there and cannot be read.
    """
    path = newest_results(folder)
    if path is None:
        raise DataError(f"{folder}: has no results*.json of lm-eval, nor a <name>_<time>.json")
    results = read_aggregates(path)
    tasks, problems = {}, []
    for task in results.tasks:
        signature = results.signature(task)
        found = _Samples([], {}, None, "")
        if signature:
            samples = samples_beside(path, task)
            if samples is None:
                problems.append(f"{task}: no samples file, so no intervals and no paired differences")
            else:
                found = _read_samples(samples, results.style(task))
                problems += [f"{task}: {found.problem}"] if found.problem else []
        tasks[task] = TaskResult(
            task, results.values(task), results.n_questions(task), signature,
            found.languages, found.questions, found.detail,
        )  # fmt: skip
    return Evaluation(results.model_name(folder.name), tasks, tuple(problems))


class _Samples(NamedTuple):
    languages: list[str]
    questions: dict[str, dict[str, float]]
    detail: TaskAnswers | None
    problem: str


def _read_samples(path: Path, style: Style) -> _Samples:
    """Metrics and answers of each question; without the answers, and why, where they do not belong to the metrics."""
    questions: dict[str, dict[str, float]] = {}
    languages: list[str] = []
    detail, problem = TaskAnswers({}, {}, {}, [], {}, {}, {}), ""
    for sample in read_samples(path):
        languages = sample.languages
        questions[sample.id] = sample.numbers
        if problem:
            continue
        try:
            _add_answers(detail, sample, style)
        except CalmError:
            problem = f"the answers cannot be read from {path.name}, so there is no consistency by pair"
    if not problem and not _same_consistency(detail, questions):
        problem = (
            f"{path.name} was scored by another version of calm-ext, which read other answers, so there is no "
            f"consistency by pair"
        )
    return _Samples(languages, questions, None if problem else detail, problem)


def _add_answers(detail: TaskAnswers, sample: Sample, style: Style) -> None:
    question = from_sample(sample, style)
    passages = sample.passages
    detail.texts[question.id] = list(sample.questions.items())
    detail.shown[question.id] = Shown(
        {x: _text(text) for x, text in sample.questions.items()},
        {x: [_text(o) for o in options] for x, options in sample.options.items()},
        {} if sample.scored else {x: _text(text) for x, text in sample.texts.items()},
        {p.language: [_text(x.shown()) for x in p.passages] for p in passages},
    )
    detail.passages.extend(passages)
    detail.gold[question.id] = question.gold
    detail.answers[question.id] = question.answers
    if question.shown is not None:
        detail.order[question.id] = question.shown
    if question.source_language is not None:
        detail.sources[question.id] = question.source_language


def _same_consistency(detail: TaskAnswers, questions: Mapping[str, Mapping[str, float]]) -> bool:
    """Whether the answers give the consistency that was written with each question."""
    for identity, answers in detail.answers.items():
        written = questions[identity].get("consistency")
        again = question_metrics(answers, None).get("consistency")
        if written is not None and again is not None and not math.isclose(written, again, abs_tol=1e-6):
            return False
    return True


def _text(value: Any) -> Text:
    text = str(value).strip()
    return Text(text[:LONGEST_KEPT], len(text))


def pair_matrix(detail: TaskAnswers, languages: list[str], ids: list[str]) -> dict[tuple[str, str], float]:
    """Share of questions on which two languages give the same answer (an abstention agrees with nobody)."""
    sums: dict[tuple[str, str], float] = {}
    for identity in ids:
        ordered = {x: detail.answers[identity].get(x) for x in languages}
        for pair, value in pairwise(ordered).items():
            sums[pair] = sums.get(pair, 0.0) + value
    return {pair: total / len(ids) for pair, total in sums.items()}
