"""What lm-eval wrote in one evaluation folder: results, per-question metrics, and each language's answer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.errors import CalmError, DataError
from calm_ext.jsonl import numbered_lines
from calm_ext.metrics.question import pairwise, question_metrics
from calm_ext.records import Passage, Passages
from calm_ext.results.answers import from_sample
from calm_ext.results.files import load_results, read_results

Answers = dict[str, dict[str, int | None]]


#: Longest text that is kept for reading; of a longer one its beginning, and how long it was.
LONGEST_KEPT = 4_000


class TaskSamples(NamedTuple):
    """What one task's samples file says of each question.

    Attributes:
        task: task name.
        signature: the task's signature.
        languages: in the order asked.
        questions: question id -> per-question metrics, ``acc``, ``acc_en``, ``consistency``, …
    """

    task: str
    signature: str
    languages: list[str]
    questions: dict[str, dict[str, float]]


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
        n_options: number of options of each question.
        passages: what was read with each question and language; empty where nothing was.
        shown: question id -> its texts.
    """

    answers: Answers
    texts: dict[str, list[tuple[str, str]]]
    gold: dict[str, int | None]
    n_options: int
    passages: list[Passages]
    shown: dict[str, Shown] = {}


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


def plain_values(values: Mapping[str, Any]) -> dict[str, float]:
    """metric -> number, of lm-eval's ``metric,filter`` keys; standard errors and texts are left out.

    A metric under several filters keeps its filter in the name.

    >>> plain_values({"acc,none": 0.5, "acc_stderr,none": 0.1, "alias": "t", "sample_len": 3})
    {'acc': 0.5}
    """
    found: dict[str, dict[str, float]] = {}
    for key, value in values.items():
        metric, comma, name = key.partition(",")
        if comma and not metric.endswith("_stderr") and isinstance(value, (int, float)) and not isinstance(value, bool):
            found.setdefault(metric, {})[name] = float(value)
    return {
        metric if len(by_filter) == 1 else f"{metric},{name}": value
        for metric, by_filter in found.items()
        for name, value in by_filter.items()
    }


def metadata_of(results: Mapping[str, Any], task: str) -> dict[str, Any]:
    """The metadata of a task's configuration; ours have ``signature``, ``languages`` and ``style``."""
    found = (results["configs"].get(task) or {}).get("metadata")
    return found if isinstance(found, dict) else {}


def effective_n(results: Mapping[str, Any], task: str) -> int | None:
    """Number of documents that were evaluated."""
    counts = results.get("n-samples")
    found = counts.get(task) if isinstance(counts, dict) else None
    n = found.get("effective") if isinstance(found, dict) else None
    return int(n) if isinstance(n, (int, float)) else None


def model_name(results: Mapping[str, Any], fallback: str) -> str:
    """What the results call the model."""
    config = results.get("config")
    arguments = config.get("model_args") if isinstance(config, dict) else None
    given = arguments if isinstance(arguments, dict) else {}
    name = results.get("model_name") or given.get("pretrained") or fallback
    peft = given.get("peft")
    return f"{name} + {peft}" if peft else str(name)


def read_evaluation(folder: Path) -> Evaluation:
    """Read an evaluation folder; tasks of ours come with their samples.

    Raises:
        DataError: the results or samples are there and cannot be read.
    """
    files = sorted(folder.glob("results*.json"))
    if not files:
        raise DataError(f"{folder}: has no results*.json of lm-eval")
    results = load_results(files[-1])
    tasks, problems = {}, []
    for task, values in results["results"].items():
        signature = str(metadata_of(results, task).get("signature") or "")
        questions: dict[str, dict[str, float]] = {}
        languages: list[str] = []
        detail = None
        if signature:
            if _samples_file(folder, task) is None:
                problems.append(f"{task}: no samples file, so no intervals and no paired differences")
            else:
                samples = read_samples(folder, task)
                questions, languages = samples.questions, samples.languages
                detail, problem = _read_answers(folder, task, results, questions)
                problems += [problem] if problem else []
        tasks[task] = TaskResult(
            task, plain_values(values), effective_n(results, task), signature, languages, questions, detail
        )
    return Evaluation(model_name(results, folder.name), tasks, tuple(problems))


def read_samples(folder: str | Path, task: str) -> TaskSamples:
    """The per-question metrics that a task of ours wrote.

    Raises:
        DataError: there are no samples of it, or they are of another task.
    """
    files = sorted(Path(folder).glob(f"samples_{task}.jsonl")) or sorted(
        Path(folder).glob(f"samples_{task}_202*.jsonl")
    )
    if not files:
        raise DataError(f"{folder}: has no samples of {task}; run lm_eval with --log_samples")
    questions: dict[str, dict[str, float]] = {}
    languages: list[str] = []
    for number, row in numbered_lines(files[-1]):
        try:
            languages = list(row["doc"]["languages"])
            names = row["metrics"]
            values = {name: row[name] for name in names}
            questions[row["doc"]["id"]] = {
                name: float(v) for name, v in values.items() if isinstance(v, (int, float)) and math.isfinite(v)
            }
        except (KeyError, TypeError, ValueError):
            raise DataError(f"{files[-1]}:{number}: is not a sample of a cross-lingual task") from None
    config = read_results(folder)["configs"].get(task, {})
    return TaskSamples(task, (config.get("metadata") or {}).get("signature", ""), languages, questions)


def _samples_file(folder: Path, task: str) -> Path | None:
    files = sorted(folder.glob(f"samples_{task}.jsonl")) or sorted(folder.glob(f"samples_{task}_202*.jsonl"))
    return files[-1] if files else None


def _read_answers(
    folder: Path, task: str, results: Mapping[str, Any], questions: Mapping[str, Mapping[str, float]]
) -> tuple[TaskAnswers | None, str | None]:
    """The answers of a task, and a problem in words where they are not those that the metrics were computed from."""
    path = _samples_file(folder, task)
    assert path is not None
    style = metadata_of(results, task).get("style", "explain")
    found = TaskAnswers({}, {}, {}, 0, [], {})
    for number, row in numbered_lines(path):
        try:
            question = from_sample(row, f"{path}:{number}", style)
            found.texts[question.id] = list(zip(question.answers, row["doc"]["questions"], strict=True))
            passages = _passages(question.id, row["doc"])
            found.shown[question.id] = _shown(row, passages, scored=question.scores is not None)
        except (KeyError, TypeError, ValueError, CalmError):
            return None, f"{task}: the answers cannot be read from {path.name}, so there is no consistency by pair"
        found.passages.extend(passages)
        found.gold[question.id] = question.gold
        found.answers[question.id] = question.answers
        found = found._replace(n_options=question.n_options or 0)
    for identity, answers in found.answers.items():
        written = questions[identity].get("consistency")
        again = question_metrics(answers, None).get("consistency")
        if written is not None and again is not None and not math.isclose(written, again, abs_tol=1e-6):
            return None, (
                f"{task}: {path.name} was scored by another version of calm-ext, which read other answers, so there is "
                f"no consistency by pair"
            )
    return found, None


def _passages(identity: str, doc: Mapping[str, Any]) -> list[Passages]:
    if "passages" not in doc:
        return []
    rows = zip(doc["languages"], doc["passages"], strict=True)
    return [Passages(id=identity, language=x, passages=[Passage.model_validate(p) for p in own]) for x, own in rows]


def _shown(row: Mapping[str, Any], passages: Iterable[Passages], *, scored: bool) -> Shown:
    doc = row["doc"]
    languages = doc["languages"]
    responses = {} if scored else dict(zip(languages, map(_text, row["filtered_resps"]), strict=True))
    return Shown(
        dict(zip(languages, map(_text, doc["questions"]), strict=True)),
        {x: [_text(o) for o in options] for x, options in zip(languages, doc["options"], strict=True)},
        responses,
        {p.language: [_text(x.shown()) for x in p.passages] for p in passages},
    )


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
