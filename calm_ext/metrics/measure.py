"""From answers to metrics: every value with its standard error, 95 % interval, chance line, and signature."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from calm_ext.errors import DataError
from calm_ext.metrics.answered import Answered, AnswerSet, letter_biases
from calm_ext.metrics.question import (
    PARTIAL,
    chance,
    metric_names,
    pairwise,
    pairwise_rankc,
    position_bias,
    rankc_floor,
    without_twin,
)
from calm_ext.metrics.stats import RESAMPLES, interval, resampled_means
from calm_ext.prompts import letter_of

if TYPE_CHECKING:
    import numpy as np


class Table(NamedTuple):
    """Per-question values of a set of questions.

    Attributes:
        names: of the columns; those that start with ``#`` are shares of the options, from which kappa is computed.
        values: shape (questions, columns); NaN where a question has no such value.
    """

    names: list[str]
    values: np.ndarray

    def column(self, name: str) -> np.ndarray:
        """Values of one metric, shape (questions,)."""
        column: np.ndarray = self.values[:, self.names.index(name)]
        return column


class Measured(NamedTuple):
    """The metrics of a set of questions.

    Attributes:
        metrics, stderr: metric -> value, standard error (of kappa: the standard deviation of its resamples).
        ci95: metric -> its 95 % bootstrap interval over questions.
        n: metric -> number of questions it is the mean of.
        chance: metric -> its value for random answers, where chance says something.
        rankc_floor: RankC of two opposite rankings, where options have scores.
        by_pair: "en-de" -> consistency, and rankc where options have scores.
        warnings: in words: position bias, unlabelled questions, undefined values.
        letter_bias: language -> how unevenly letters are answered (:func:`calm_ext.metrics.answered.letter_bias`);
            empty where no letters were scored.
        left_out: reason -> number of questions that could not be joined over the languages.
    """

    signature: str
    n_questions: int
    languages: list[str]
    metrics: dict[str, float]
    stderr: dict[str, float]
    ci95: dict[str, tuple[float, float]]
    n: dict[str, int]
    chance: dict[str, float]
    rankc_floor: float | None
    by_pair: dict[str, dict[str, float]]
    warnings: list[str]
    letter_bias: dict[str, float] = {}
    left_out: dict[str, int] = {}


def table(questions: Sequence[Answered], languages: Sequence[str], *, skip_unlabelled: bool = False) -> Table:
    """The per-question values.

    Where only some questions have a gold answer, the others count as not right, 1[answer = gold] being 0 for them, or
    are left out of accuracy with ``skip_unlabelled``. Where none has, there is no accuracy.

    Raises:
        DataError: there is no question.
    """
    import numpy as np

    if not questions:
        raise DataError("there is no question to score")
    labelled = any(q.gold is not None for q in questions)
    first = questions[0]
    scored, unnormalised = first.scores is not None, first.unnormalised is not None
    names = metric_names(languages, scored=scored, unnormalised=unnormalised, labelled=labelled, twin=first.twin)
    named = {a for q in questions for a in q.answers.values() if a is not None}
    options = [f"#{i}" for i in range(max(named) + 1 if named else 0)]
    columns = [*(n for n in names if n != "kappa"), *options]
    rows = np.full((len(questions), len(columns)), math.nan)
    place = {name: i for i, name in enumerate(columns)}
    for row, question in zip(rows, questions, strict=True):
        found = question.metrics()
        if question.gold is None and labelled and not skip_unlabelled:
            found = question._replace(gold=-1).metrics()
        for name, value in found.items():
            row[place[name]] = value
        row[len(columns) - len(options) :] = 0.0
        for answer in question.answers.values():
            if answer is not None:
                row[place[f"#{answer}"]] += 1 / len(question.answers)
    return Table(columns, rows)


def with_kappa(names: Sequence[str], means: np.ndarray) -> dict[str, np.ndarray]:
    """metric -> values, from means of the columns of a :class:`Table`, shape (…, columns); kappa is added."""
    import numpy as np

    result = {name: means[..., i] for i, name in enumerate(names) if not name.startswith("#")}
    shares = [i for i, name in enumerate(names) if name.startswith("#")]
    if "consistency" in result:
        if not shares:
            result["kappa"] = np.full(means.shape[:-1], math.nan)
        else:
            by_chance = (means[..., shares] ** 2).sum(axis=-1)
            with np.errstate(invalid="ignore", divide="ignore"):
                kappa = (result["consistency"] - by_chance) / (1 - by_chance)
            result["kappa"] = np.where(by_chance < 1 - 1e-12, kappa, math.nan)
    return result


def means_of(values: Table) -> dict[str, float]:
    """metric -> its mean over the questions that have it, and kappa."""
    import numpy as np

    there = ~np.isnan(values.values)
    count = there.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(there, values.values, 0.0).sum(axis=0) / count
    return {name: float(v) for name, v in with_kappa(values.names, means).items()}


def measure(
    answers: AnswerSet, *, seed: int = 0, resamples: int = RESAMPLES, skip_unlabelled: bool = False
) -> Measured:
    """All metrics of a set of answers; one set of resamples of the questions serves all of them.

    Raises:
        DataError: there is no question.
    """
    import numpy as np

    questions = list(answers.questions.values())
    columns = table(questions, answers.languages, skip_unlabelled=skip_unlabelled)
    means = means_of(columns)
    if answers.kind == "texts":
        means.pop("kappa", None)
    resampled = with_kappa(columns.names, resampled_means(columns.values, seed=seed, resamples=resamples))
    order = metric_order(means)
    n, stderr = {}, {}
    for name in order:
        if name == "kappa":
            n[name] = len(questions)
            kept = resampled[name][~np.isnan(resampled[name])]
            stderr[name] = float(kept.std(ddof=1)) if len(kept) > 1 else math.nan
        else:
            column = columns.column(name)
            column = column[~np.isnan(column)]
            n[name] = len(column)
            stderr[name] = float(column.std(ddof=1) / math.sqrt(len(column))) if len(column) > 1 else math.nan
    signed = f"{answers.signature}|n:{len(questions)}|boot:{resamples}|seed:{seed}"
    by_chance = {name: value for name in order if (value := _chance(name, answers, questions)) is not None}
    return Measured(
        signature=signed,
        n_questions=len(questions),
        languages=answers.languages,
        metrics={name: means[name] for name in order},
        stderr=stderr,
        ci95={name: interval(resampled[name]) for name in order},
        n=n,
        chance=by_chance,
        rankc_floor=rankc_floor(answers.n_options) if "rankc" in means and answers.n_options else None,
        by_pair=pair_values(questions),
        warnings=[*answers.notes, *_warnings(answers, means, n, skip_unlabelled)],
        letter_bias=letter_biases(questions),
        left_out=answers.left_out,
    )


def metric_order(metrics: Iterable[str]) -> list[str]:
    """Metrics in the order they are printed: totals, then agreement, the languages, those of second scores."""
    first = [
        "acc", "all_correct", "consistency", "consistency_right", "consistency_wrong", "consistency_valid", "all_agree",
        "acc_all_agree", "kappa", "rankc", "answered",
    ]  # fmt: skip
    names = list(metrics)
    rest = [m for m in names if m not in first]
    return [*(m for m in first if m in names), *sorted(rest, key=lambda m: without_twin(m) != m)]


def pair_values(questions: Sequence[Answered]) -> dict[str, dict[str, float]]:
    """ "en-de" -> mean consistency and, where options have scores, mean rankc of the pair of languages."""
    sums: dict[str, dict[str, float]] = {}
    for question in questions:
        found = {"consistency": pairwise(question.answers)}
        if question.scores:
            found["rankc"] = pairwise_rankc(question.scores)
        for metric, values in found.items():
            for (a, b), value in values.items():
                entry = sums.setdefault(f"{a}-{b}", dict.fromkeys(found, 0.0))
                entry[metric] += value
    return {pair: {m: total / len(questions) for m, total in entry.items()} for pair, entry in sums.items()}


def _chance(name: str, answers: AnswerSet, questions: Sequence[Answered]) -> float | None:
    common = answers.n_options
    if common is None:
        return None
    languages = len(answers.languages)
    found = [chance(name, n_options=q.n_options or common, n_languages=languages) for q in questions]
    known = [x for x in found if x is not None]
    return sum(known) / len(known) if known else None


def bias_warnings(questions: Iterable[dict[str, int | None]]) -> list[str]:
    """Position bias in words, one line a language.

    Args:
        questions: language -> the place of the answer as it was shown (:attr:`Answered.places`).
    """
    told = []
    for b in position_bias(questions):
        letter = letter_of(b.option)
        told.append(
            f"{b.language} gives option {letter} in {b.share:.0%} of its {b.n} answers (position bias?): its "
            f"consistency says little, see kappa"
        )
    return told


def label_warnings(questions: Sequence[Answered], skipped: bool) -> list[str]:
    """How questions without a gold answer are counted, in words; empty where every question has one."""
    unlabelled = sum(q.gold is None for q in questions)
    if not unlabelled:
        return []
    if unlabelled == len(questions):
        return ["no question has a gold answer, so there is no accuracy"]
    done = "are left out of accuracy" if skipped else "count as not right"
    return [f"{unlabelled} of {len(questions)} questions have no gold answer and {done}"]


def _warnings(answers: AnswerSet, means: dict[str, float], n: dict[str, int], skipped: bool) -> list[str]:
    questions = list(answers.questions.values())
    told = label_warnings(questions, skipped)
    if answers.kind != "options":
        return told
    told = bias_warnings(q.places for q in questions) + told
    for name in PARTIAL:
        if name in n and n[name] == 0:
            told.append(f"{name} is undefined: no question has it")
    if math.isnan(means.get("kappa", 0.0)):
        told.append("kappa is undefined: every answer is the same option, or there is none")
    if any(q.n_options is None for q in questions):
        told.append("the file does not tell the number of options; chance is for the largest index named")
    return told
