"""The questions and answers behind an entry of the board, read again from its samples, one question at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from calm_ext.errors import DataError
from calm_ext.metrics.question import pivot_of
from calm_ext.report.board.entry import Entry
from calm_ext.results.aggregates import read_aggregates
from calm_ext.results.answers import from_sample
from calm_ext.results.folders import samples_beside
from calm_ext.results.joining import join_logs
from calm_ext.results.log_options import LogOptions
from calm_ext.results.log_texts import read_texts
from calm_ext.results.samples import scan_samples


class Question(NamedTuple):
    """A question as it was asked.

    Attributes:
        gold: index of the right option, where known.
        n_options: None where the file does not say.
        pivot: the language that the others are held against.
        questions: language -> the question, of logs of other people's tasks the prompt; empty where the file has none.
        options: language -> the options, in the order of the data.
        shown: where letters were scored, shown place -> index of the option.
    """

    id: str
    gold: int | None
    n_options: int | None
    pivot: str | None
    questions: dict[str, str]
    options: dict[str, list[str]]
    shown: tuple[int, ...] | None = None


class Given(NamedTuple):
    """What a model answered: language -> index of the option, and language -> what it wrote, where it wrote."""

    id: str
    answers: dict[str, int | None]
    texts: dict[str, str]


def questions_of(entry: Entry, logs: LogOptions) -> Iterator[Question]:
    """The questions of an entry that has samples, in the order of the file.

    Raises:
        DataError: the samples cannot be used.
    """
    if entry.logs is not None:
        joined = join_logs(entry.logs, logs, brief=True)
        texts = read_texts(entry.logs, logs, set(joined.questions))
        for q in joined.questions.values():
            own = texts[q.id]
            prompts = {x: own[x].prompt if x in own else "" for x in joined.languages}
            options = {x: t.options for x, t in own.items()}
            yield Question(q.id, q.gold, q.n_options if joined.chosen else None, q.pivot, prompts, options)
        return
    for sample in scan_samples(_samples(entry)):
        shown = sample.shown
        yield Question(
            sample.id, sample.gold, sample.n_options, pivot_of(sample.languages, sample.source_language),
            {x: str(text) for x, text in sample.questions.items()},
            {x: [str(o) for o in own] for x, own in sample.options.items()},
            tuple(shown) if shown is not None else None,
        )  # fmt: skip


def given_of(entry: Entry, logs: LogOptions, *, texts: bool) -> Iterator[Given]:
    """What an entry that has samples answered to each question.

    Args:
        texts: with what the model wrote. Without it the lines are not decoded as a whole, which is most of the work.

    Raises:
        DataError: the samples cannot be used.
    """
    if entry.logs is not None:
        joined = join_logs(entry.logs, logs, brief=True)
        own = read_texts(entry.logs, logs, set(joined.questions)) if texts else {}
        for q in joined.questions.values():
            wrote = {x: t.response for x, t in own.get(q.id, {}).items() if t.response is not None}
            yield Given(q.id, dict(q.answers), wrote)
        return
    style = read_aggregates(entry.path).style(entry.task)
    for sample in scan_samples(_samples(entry)):
        answers = sample.answers or from_sample(sample, style).answers
        wrote = sample.texts if texts and not sample.scored else {}
        yield Given(sample.id, {x: _index(a) for x, a in answers.items()}, {x: str(t) for x, t in wrote.items()})


def _index(answer: object) -> int | None:
    """Older files have answers as floats."""
    return int(answer) if isinstance(answer, (int, float)) else None


def _samples(entry: Entry) -> Path:
    found = samples_beside(entry.path, entry.task)
    if found is None:
        raise DataError(f"{entry.path}: has no samples of {entry.task}")
    return found
