"""From answers to metrics: every value with its standard error, 95 % interval, chance line, and signature."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from calm_ext.metrics.answered import Answered, AnswerSet, letter_biases
from calm_ext.metrics.intervals import BOOTSTRAP, standard_error
from calm_ext.metrics.names import PARTIAL, SET_LEVEL, chance, metric_order, rankc_floor
from calm_ext.metrics.question import pairwise, pairwise_rankc
from calm_ext.metrics.sets import position_bias, right_counts
from calm_ext.metrics.stats import RESAMPLES
from calm_ext.metrics.table_intervals import interval_of, method_words
from calm_ext.metrics.tables import means_of, resampled_metrics, table
from calm_ext.prompts import letter_of

#: Fewer clusters than these are warned of.
FEW_CLUSTERS = 20


class Measured(NamedTuple):
    """The metrics of a set of questions.

    Attributes:
        metrics, stderr: metric -> value, standard error (of kappa, ``acc_worst`` and ``overlap_right``: the standard
            deviation of their resamples).
        ci95: metric -> its 95 % interval over questions.
        ci95_method: metric -> ``score`` where the interval is not the bootstrap's (:mod:`calm_ext.metrics.intervals`).
        n: metric -> number of questions it is the mean of.
        chance: metric -> its value for random answers, where chance says something; empty where no options were shown
            or scored (style ``open``).
        rankc_floor: RankC of two opposite rankings, where options have scores.
        by_pair: "en-de" -> consistency, and rankc where options have scores.
        warnings: in words: position bias, unlabelled questions, undefined values.
        letter_bias: language -> how unevenly letters are answered (:func:`calm_ext.metrics.answered.letter_bias`);
            empty where no letters were scored.
        pivots: language -> of how many questions it is the pivot; empty where no question has one.
        n_right: how many questions are right in 0, 1, …, |L| languages; empty without gold answers.
        answered: language -> share of its answers that could be read.
        left_out: reason -> number of questions that could not be joined over the languages.
        n_clusters: of how many clusters the questions are, by ``cluster_key``; None where each stands for itself.
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
    pivots: dict[str, int] = {}
    n_right: list[int] = []
    answered: dict[str, float] = {}
    left_out: dict[str, int] = {}
    ci95_method: dict[str, str] = {}
    n_clusters: int | None = None
    cluster_key: str = ""


def measure(
    answers: AnswerSet, *, seed: int = 0, resamples: int = RESAMPLES, skip_unlabelled: bool = False
) -> Measured:
    """All metrics of a set of answers; one set of resamples of the questions serves all of them.

    Where the questions have clusters, these are resampled, and standard errors are robust to what their questions have
    in common.

    Raises:
        DataError: there is no question.
    """
    import numpy as np

    questions = list(answers.questions.values())
    columns = table(questions, answers.languages, skip_unlabelled=skip_unlabelled)
    means = means_of(columns)
    if answers.kind == "texts":
        means.pop("kappa", None)
    clusters = answers.cluster_numbers()
    resampled = resampled_metrics(columns, seed=seed, resamples=resamples, clusters=clusters)
    order = metric_order(means)
    n, stderr = {}, {}
    for name in order:
        if name in SET_LEVEL:
            n[name] = len(questions)
            kept = resampled[name][~np.isnan(resampled[name])]
            stderr[name] = float(kept.std(ddof=1)) if len(kept) > 1 else math.nan
        else:
            column = columns.column(name)
            n[name] = int((~np.isnan(column)).sum())
            stderr[name] = standard_error(column, clusters)
    intervals = {m: interval_of(columns, m, means[m], resampled[m], clusters) for m in order}
    methods = {m: found.method for m, found in intervals.items() if found.method != BOOTSTRAP}
    n_clusters = None if clusters is None else int(clusters.max()) + 1
    signed = f"{answers.signature}|n:{len(questions)}|boot:{resamples}|seed:{seed}"
    signed += "" if n_clusters is None else f"|clusters:{n_clusters}"
    by_chance = {name: value for name in order if (value := _chance(name, answers, questions)) is not None}
    labelled = [q for q in questions if q.gold is not None or not skip_unlabelled] if "acc" in means else []
    return Measured(
        signature=signed,
        n_questions=len(questions),
        languages=answers.languages,
        metrics={name: means[name] for name in order},
        stderr=stderr,
        ci95={m: found.bounds for m, found in intervals.items()},
        n=n,
        chance=by_chance,
        rankc_floor=rankc_floor(answers.n_options) if "rankc" in means and answers.n_options else None,
        by_pair=pair_values(questions),
        warnings=[
            *answers.notes, *_warnings(answers, means, n, skip_unlabelled), *cluster_warnings(n_clusters),
            *method_words(methods),
        ],
        letter_bias=letter_biases(questions),
        pivots=dict(Counter(q.pivot for q in questions if q.pivot)),
        n_right=right_counts((q.right for q in labelled), len(answers.languages)) if labelled else [],
        answered={x: sum(q.answers[x] is not None for q in questions) / len(questions) for x in answers.languages},
        left_out=answers.left_out,
        ci95_method=methods,
        n_clusters=n_clusters,
        cluster_key=answers.cluster_key,
    )  # fmt: skip


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
    """By chance, the mean over the questions, which may have different numbers of options."""
    common = answers.n_options if answers.chosen else None
    if common is None:
        return None
    options = Counter(q.n_options or common for q in questions)
    found = {
        n: chance(name, n_options=n, n_languages=len(answers.languages), n_questions=len(questions)) for n in options
    }
    known = [(x, options[n]) for n, x in found.items() if x is not None]
    return sum(x * times for x, times in known) / len(questions) if known else None


def bias_warnings(questions: Iterable[dict[str, int | None]]) -> list[str]:
    """Position bias in words, one line a language.

    Args:
        questions: language -> the place of the answer as it was shown (:attr:`Answered.places`).
    """
    warnings = []
    for b in position_bias(questions):
        letter = letter_of(b.option)
        warnings.append(
            f"{b.language} gives option {letter} in {b.share:.0%} of its {b.n} answers (position bias?): its "
            f"consistency says little, see kappa"
        )
    return warnings


def cluster_warnings(n: int | None) -> list[str]:
    """That there are few clusters, in words."""
    if n is None or n >= FEW_CLUSTERS:
        return []
    return [
        f"there are only {n} clusters: with fewer than {FEW_CLUSTERS} the intervals are too narrow, because a resample "
        f"of few clusters varies too little"
    ]


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
    warnings = bias_warnings(q.places for q in questions) if answers.chosen else []
    warnings += label_warnings(questions, skipped)
    for name in PARTIAL:
        if name in n and n[name] == 0:
            warnings.append(f"{name} is undefined: no question has it")
    if math.isnan(means.get("kappa", 0.0)):
        warnings.append("kappa is undefined: every answer is the same option, or there is none")
    warnings += _never_right(questions) if "overlap_right" in means else []
    if answers.chosen and any(q.n_options is None for q in questions):
        warnings.append("the file does not tell the number of options; chance is for the largest index named")
    return warnings


def _never_right(questions: Sequence[Answered]) -> list[str]:
    """What ``overlap_right`` leaves out, in words."""
    ever = Counter(x for q in questions for x, right in q.right.items() if right)
    never = [x for x in questions[0].answers if not ever[x]]
    n = len(list(combinations(never, 2)))
    if not n:
        return []
    if len(never) == len(questions[0].answers):
        return ["overlap_right is undefined: no language is ever right"]
    pairs = "1 pair" if n == 1 else f"{n} pairs"
    return [f"overlap_right leaves out {pairs} of languages, of which neither is ever right ({', '.join(never)})"]
