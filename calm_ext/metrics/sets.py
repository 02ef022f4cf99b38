"""Metrics of a set of questions that are no means of per-question values, and the habits of single languages.

:mod:`calm_ext.metrics.tables` computes the same values of tables, many at once, for resamples of the questions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import nan
from typing import NamedTuple

from calm_ext.metrics.question import Answers

#: language -> whether its answer to a question is right.
Right = Mapping[str, float]


def fleiss_kappa(answers: Iterable[Answers]) -> float:
    """Fleiss' kappa (Fleiss 1971) with the languages as raters: (P − P_e) / (1 − P_e).

    P is the mean ``consistency``, P_e = Σ_k p_k² with p_k the share of option k among all |L|·N answers. An abstention
    agrees with nobody in P and is no option in P_e; without abstentions this is Fleiss' kappa exactly. 1: perfect
    agreement, 0: what the shares of the options give by chance. NaN where it is undefined: one option is all that is
    ever said (perfectly consistent, and worthless), or there is no question or only one language.

    >>> round(fleiss_kappa([{"en": 0, "fr": 0}, {"en": 1, "fr": 1}, {"en": 0, "fr": 1}]), 3)
    0.333
    >>> fleiss_kappa([{"en": 0, "fr": 0}, {"en": 0, "fr": 0}])
    nan
    """
    n, agreement, counts, total = 0, 0.0, Counter[int](), 0
    for answer in answers:
        values = list(answer.values())
        if len(values) < 2:
            return nan
        given = Counter(a for a in values if a is not None)
        agreement += sum(c * (c - 1) for c in given.values()) / (len(values) * (len(values) - 1))
        counts.update(given)
        total += len(values)
        n += 1
    return kappa_from(agreement / n, [c / total for c in counts.values()]) if n else nan


def kappa_from(agreement: float, shares: Sequence[float]) -> float:
    """(P − P_e) / (1 − P_e) from the mean agreement P and the shares p_k of the options among all answers.

    >>> round(kappa_from(0.7, [0.5, 0.5]), 3)
    0.4
    """
    by_chance = sum(p * p for p in shares)
    return (agreement - by_chance) / (1 - by_chance) if by_chance < 1 - 1e-12 else nan


def overlap_right(right: Iterable[Right]) -> float:
    """How far the languages are right on the same questions: the mean over pairs of languages of a Jaccard index.

    Of languages i < j it is |R_i ∩ R_j| / |R_i ∪ R_j| with R_l the questions that l answers right: the agreement on the
    questions that either knows (``onlycorrect`` of Liu et al. 2026, arXiv 2603.04678). A pair of which neither is ever
    right has none and is left out of the mean. NaN where no pair has one, or there is no question or only one language.

    >>> overlap_right([{"en": 1, "fr": 1}, {"en": 1, "fr": 0}, {"en": 0, "fr": 1}, {"en": 0, "fr": 0}]) == 1 / 3
    True
    >>> overlap_right([{"en": 0, "fr": 0}])
    nan
    """
    both, either = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for question in right:
        for i, j in combinations(question, 2):
            both[i, j] += bool(question[i] and question[j])
            either[i, j] += bool(question[i] or question[j])
    shares = [both[pair] / n for pair, n in either.items() if n]
    return sum(shares) / len(shares) if shares else nan


def acc_worst(right: Iterable[Right]) -> float:
    """Accuracy over the set of the language that has the lowest: min_l mean over questions of 1[a_l = gold].

    NaN where there is no question.

    >>> acc_worst([{"en": 1, "sw": 0}, {"en": 0, "sw": 0}, {"en": 1, "sw": 1}]) == 1 / 3
    True
    """
    times, n = Counter[str](), 0
    for question in right:
        times.update({language: int(r) for language, r in question.items()})
        n += 1
    return min(times.values()) / n if n else nan


def right_counts(right: Iterable[Right], n_languages: int) -> list[int]:
    """How many questions are right in 0, 1, …, |L| languages (``n_right``).

    >>> right_counts([{"en": 1, "fr": 1}, {"en": 1, "fr": 0}, {"en": 0, "fr": 1}], 2)
    [0, 2, 1]
    """
    found = [0] * (n_languages + 1)
    for question in right:
        found[sum(map(bool, question.values()))] += 1
    return found


class Bias(NamedTuple):
    """A language that answers one option too often: ``share`` of its ``n`` answers are option ``option``."""

    language: str
    option: int
    share: float
    n: int


def position_bias(answers: Iterable[Answers], *, threshold: float = 0.6, min_answers: int = 20) -> list[Bias]:
    """Languages that give the same option more than ``threshold`` of the time, among at least ``min_answers`` answers.

    >>> position_bias([{"en": 1, "fr": i % 4} for i in range(40)])
    [Bias(language='en', option=1, share=1.0, n=40)]
    """
    counts: dict[str, Counter[int]] = {}
    for answer in answers:
        for language, a in answer.items():
            if a is not None:
                counts.setdefault(language, Counter())[a] += 1
    found = []
    for language, given in counts.items():
        (option, times), n = given.most_common(1)[0], given.total()
        if n >= min_answers and times > threshold * n:
            found.append(Bias(language, option, times / n, n))
    return found
