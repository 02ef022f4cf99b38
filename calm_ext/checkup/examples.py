"""Questions that show how a model differs across languages, from the samples of any evaluation of a calm-ext task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from calm_ext.checkup.words import clean, name_of
from calm_ext.metrics.answered import Answered
from calm_ext.metrics.question import pairwise
from calm_ext.prompts import letter_of
from calm_ext.results.answers import read_answers
from calm_ext.results.folders import find_samples
from calm_ext.results.samples import Sample, read_samples

if TYPE_CHECKING:
    from rich.console import RenderableType


class Side(NamedTuple):
    """A question in one language, and the index of the option that the model answered; None where none was read."""

    language: str
    question: str
    options: tuple[str, ...]
    answer: int | None


class Example(NamedTuple):
    """A question in two languages.

    Attributes:
        gold: index of the right option, where it is known.
        order: shown place -> index of the option, where letters were scored; else None.
    """

    id: str
    gold: int | None
    order: tuple[int, ...] | None
    sides: tuple[Side, Side]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; options and answers count as the data does."""
        by_language = {
            s.language: {"question": s.question, "options": list(s.options), "answer": s.answer} for s in self.sides
        }
        return {"id": self.id, "right": self.gold, "languages": by_language}


class Mark(NamedTuple):
    """An option as it is shown: its text with its letter, and whether it is right and what the model answered."""

    text: str
    right: bool
    answered: bool


def marks(example: Example, side: Side) -> list[Mark]:
    """The options of one side in the order in which the model saw them."""
    order = range(len(side.options)) if example.order is None else example.order
    return [
        Mark(
            (f"{letter_of(place)}. " if example.order is not None else "") + clean(side.options[i]),
            i == example.gold,
            i == side.answer,
        )
        for place, i in enumerate(order)
    ]


def lost_counts(questions: Iterable[Answered]) -> dict[str, int]:
    """language -> number of questions that are right in the pivot and wrong in this language; most first.

    The pivot is each question's own (:func:`calm_ext.metrics.question.pivot_of`); empty where no question has one.
    """
    lost: dict[str, int] = {}
    for question in questions:
        for language in question.answers if question.pivot else ():
            if language != question.pivot:
                lost[language] = lost.get(language, 0) + _is_lost(question, language)
    return dict(sorted(lost.items(), key=lambda item: -item[1]))


def _is_lost(question: Answered, language: str) -> bool:
    right = question.right
    return bool(question.pivot and right[question.pivot] and not right[language])


def pick(samples: Sequence[Sample], questions: Mapping[str, Answered], *, n: int = 3) -> list[Example]:
    """Questions that are right in the pivot and wrong in the language that loses most, shown in these two.

    Where that language has too few, the next ones follow; where there is no pivot, or nothing is lost, questions on
    which two languages differ. Of several come first those that most languages answer right, then the shortest.

    Args:
        samples: the questions' texts.
        questions: id -> what was answered, as :func:`calm_ext.results.answers.read_answers` gives it.
    """
    texts = {s.id: s for s in samples}
    shown: dict[str, Example] = {}

    def add(question: Answered, one: str, other: str) -> None:
        if len(shown) < n and question.id not in shown:
            shown[question.id] = _example(question, texts[question.id], one, other)

    ordered = sorted(
        (q for q in questions.values() if q.id in texts),
        key=lambda q: (-sum(q.right.values()), _length(texts[q.id]), q.id),
    )
    for language in lost_counts(questions.values()):
        for question in ordered:
            if question.pivot and language != question.pivot and _is_lost(question, language):
                add(question, question.pivot, language)
    for question in ordered:
        for (one, other), same in pairwise(question.answers).items():
            if not same:
                add(question, one, other)
    return list(shown.values())


def _length(sample: Sample) -> int:
    return sum(len(x) for x in sample.questions.values()) + sum(len(o) for x in sample.options.values() for o in x)


def _example(question: Answered, sample: Sample, one: str, other: str) -> Example:
    first, second = (
        Side(x, str(sample.questions[x]), tuple(map(str, sample.options[x])), question.answers[x]) for x in (one, other)
    )
    return Example(question.id, question.gold, question.shown, (first, second))


def examples_in(folder: str | Path, task: str | None = None, *, n: int = 3) -> list[Example]:
    """The examples of an evaluation's folder.

    Args:
        task: which, where the folder has samples of several.

    Raises:
        DataError: there are no samples of it, or they cannot be read.
    """
    samples = list(read_samples(find_samples(Path(folder), task).path))
    return pick(samples, read_answers([folder], task=task).questions, n=n)


def render_examples(examples: Sequence[Example]) -> RenderableType:
    """Examples for a terminal: a line for the question and one for its options, in each of the two languages.

    The model's answer stands in brackets, and behind it a mark that says whether it is right.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for number, example in enumerate(examples, 1):
        for place, side in enumerate(example.sides):
            wrong = example.gold is not None and side.answer != example.gold
            style = "red" if wrong else "green" if example.gold is not None else ""
            options = Text("   ").join(_option(mark, style) for mark in marks(example, side))
            if side.answer is None:
                options.append("   (no answer could be read)", style)
            table.add_row("" if place else str(number), name_of(side.language), Text(clean(side.question)))
            table.add_row("", "", options)
    return table


def _option(mark: Mark, style: str) -> Any:
    from rich.text import Text

    sign = " ✓" if mark.right else " ✗" if mark.answered else ""
    if mark.answered:
        return Text(f"[{mark.text}]{sign}", f"bold {style}".strip())
    return Text(f"{mark.text}{sign}", "green" if mark.right else "dim")
