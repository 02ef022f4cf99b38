"""Accuracy and agreement across languages.

A question with languages l in L has answers a_l, where None is an abstention: no answer could be read. Functions of one
question come first (:func:`question_metrics`, :func:`rankc`); their values are averaged over the questions that have
them. :func:`fleiss_kappa`, :func:`chance` and :func:`position_bias` are about a set of questions. Intervals and
tests are in :mod:`calm_ext.metrics.stats`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from math import exp, nan
from typing import NamedTuple

Answers = Mapping[str, int | None]

#: Metrics that some questions do not have: the mean is over those that do, and their number is reported.
PARTIAL = ("consistency_valid", "acc_all_agree")

#: What the metrics of a second score of each option are called: by summed log-probability where the first is per byte;
#: in logs of other tasks, where the first is the sum, per character (lm-eval's ``acc_norm``) or per byte.
TWINS = ("unnorm", "norm", "bytes")

#: Each metric in one line; ``acc_<language>`` is a family.
DESCRIPTIONS = {
    "acc": "mean over the languages of 1[answer = gold]; no answer is not right",
    "acc_<language>": "accuracy in one language",
    "all_correct": "every language gives the right answer",
    "consistency": "share of the pairs of languages that give the same answer; no answer agrees with nobody",
    "consistency_right": "the part of consistency in which the shared answer is right",
    "consistency_wrong": "the part of consistency in which the shared answer is wrong",
    "consistency_valid": "consistency over the languages that answered; left out where fewer than two did",
    "all_agree": "every language gives the same answer",
    "acc_all_agree": "accuracy on the questions on which every language gives the same answer",
    "kappa": "Fleiss' kappa over the languages: agreement beyond what the shares of the options give by chance",
    "rankc": "RankC: how alike the languages rank the options by score",
    "answered": "share of the languages whose answer could be read",
    "acc_unnorm": "as acc, with options ranked by summed log-probability instead of log-probability per byte",
    "acc_unnorm_<language>": "accuracy in one language, options ranked by summed log-probability",
    "consistency_unnorm": "as consistency, with options ranked by summed log-probability",
    "rankc_unnorm": "as rankc, with options ranked by summed log-probability",
}


# --- one question -----------------------------------------------------------------------------------------------------


def question_metrics(answers: Answers, gold: int | None) -> dict[str, float]:
    """Accuracy and agreement on one question.

    With P = (|L| choose 2) pairs of languages, and K the languages that answered:

    - ``acc_l`` = 1[a_l = gold]; ``acc`` = their mean over L. An abstention is not correct.
    - ``consistency`` = #{i < j: a_i = a_j, not None} / P: an abstention agrees with nobody.
    - ``consistency_right``, ``consistency_wrong``: the pairs that agree on the right answer, on a wrong one, over P;
      they add up to ``consistency``.
    - ``consistency_valid`` = #{i < j in K: a_i = a_j} / (|K| choose 2), as the paper's code has it; only where |K| > 1.
    - ``all_agree``, ``all_correct``: every language gives the same answer, the right one.
    - ``acc_all_agree`` = ``all_correct``, only where ``all_agree``.
    - ``answered`` = |K| / |L|.

    With one language, agreement has no meaning and is left out. Without gold, so is accuracy.

    >>> m = question_metrics({"en": 1, "fr": 1, "de": None, "it": 0}, gold=1)
    >>> m["acc"], round(m["consistency"], 3), round(m["consistency_valid"], 3), m["all_agree"], m["answered"]
    (0.5, 0.167, 0.333, 0.0, 0.75)
    >>> round(m["consistency_right"], 3), m["consistency_wrong"], "acc_all_agree" in m
    (0.167, 0.0, False)
    """
    values = list(answers.values())
    given = [a for a in values if a is not None]
    several = len(values) > 1
    result: dict[str, float] = {}
    if gold is not None:
        right = {language: float(a == gold) for language, a in answers.items()}
        result["acc"] = sum(right.values()) / len(right)
        result.update({f"acc_{language}": r for language, r in right.items()})
        result["all_correct"] = float(all(right.values()))
    if several:
        counts = Counter(given)
        alike = sum(_pairs(n) for n in counts.values())
        result["consistency"] = alike / _pairs(len(values))
        if gold is not None:
            result["consistency_right"] = _pairs(counts[gold]) / _pairs(len(values))
            result["consistency_wrong"] = (alike - _pairs(counts[gold])) / _pairs(len(values))
        if len(given) > 1:
            result["consistency_valid"] = alike / _pairs(len(given))
        result["all_agree"] = float(len(given) == len(values) and len(counts) == 1)
        if gold is not None and result["all_agree"]:
            result["acc_all_agree"] = result["all_correct"]
    result["answered"] = len(given) / len(values)
    return result


def _pairs(n: int) -> int:
    return n * (n - 1) // 2


def pairwise(answers: Answers) -> dict[tuple[str, str], float]:
    """1.0 for each pair of languages that gives the same answer, 0.0 for each other one; their mean is ``consistency``.

    >>> pairwise({"en": 1, "fr": 1, "de": None})
    {('en', 'fr'): 1.0, ('en', 'de'): 0.0, ('fr', 'de'): 0.0}
    """
    return {(i, j): float(answers[i] is not None and answers[i] == answers[j]) for i, j in combinations(answers, 2)}


def rankc_weights(n: int) -> list[float]:
    """softmax(n, n-1, …, 1), the weights of RankC for n options.

    >>> [round(w, 3) for w in rankc_weights(3)]
    [0.665, 0.245, 0.09]
    """
    powers = [exp(-j) for j in range(n)]
    total = sum(powers)
    return [p / total for p in powers]


def ranking(scores: Sequence[float]) -> list[int]:
    """Indices of the options, best first; equal scores keep the order of the options.

    >>> ranking([0.1, 0.7, 0.7])
    [1, 2, 0]
    """
    return sorted(range(len(scores)), key=lambda i: -scores[i])


def pairwise_rankc(scores: Mapping[str, Sequence[float]]) -> dict[tuple[str, str], float]:
    """RankC of each pair of languages on one question: Σ_j w_j · |top_j(a) ∩ top_j(b)| / j, j = 1…n.

    >>> found = pairwise_rankc({"en": [3.0, 2.0], "fr": [9.0, 8.0], "de": [1.0, 2.0]})
    >>> {pair: round(x, 3) for pair, x in found.items()}
    {('en', 'fr'): 1.0, ('en', 'de'): 0.269, ('fr', 'de'): 0.269}
    """
    tops = {language: _tops(tuple(ranking(s))) for language, s in scores.items()}
    return {(a, b): _shared(tops[a], tops[b]) for a, b in combinations(tops, 2)}


@lru_cache(maxsize=4096)
def _tops(order: tuple[int, ...]) -> tuple[int, ...]:
    """top_1, top_2, …, top_n of a ranking as bit sets."""
    result, seen = [], 0
    for index in order:
        seen |= 1 << index
        result.append(seen)
    return tuple(result)


@lru_cache(maxsize=65536)
def _shared(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    """RankC of two rankings; |top_j(a) ∩ top_j(b)| is the number of ones in the AND of two bit sets."""
    weights = rankc_weights(len(a))
    return sum(w / j * (x & y).bit_count() for j, (w, x, y) in enumerate(zip(weights, a, b, strict=True), 1))


def rankc(scores: Mapping[str, Sequence[float]]) -> float:
    """RankC of one question (Qi et al. 2023, arXiv 2310.10378): how alike the languages rank the options.

    Mean over pairs (a, b) of languages of Σ_j w_j · |top_j(a) ∩ top_j(b)| / j for j = 1…n, w = softmax(n, …, 1). Two
    equal rankings give 1. For its chance value and floor see :func:`chance` and :func:`rankc_floor`.

    Args:
        scores: language -> one score an option, higher is better; at least two languages.

    >>> round(rankc({"en": [3.0, 2.0, 1.0], "fr": [9.0, 7.0, 8.0]}), 3)
    0.878
    """
    values = pairwise_rankc(scores).values()
    return sum(values) / len(values)


def per_byte(logprobs: Sequence[float], options: Sequence[str]) -> list[float]:
    """Log-probability of each option over its length in UTF-8 bytes, so that long options are not punished.

    >>> per_byte([-6.0, -6.0], ["ab", "水"])
    [-3.0, -2.0]
    """
    return [value / len(option.encode()) for value, option in zip(logprobs, options, strict=True)]


def argmax(scores: Sequence[float]) -> int:
    """Index of the highest score, the first where several are equal.

    >>> argmax([1.0, 3.0, 3.0])
    1
    """
    return max(range(len(scores)), key=lambda i: (scores[i], -i))


def metric_names(
    languages: Sequence[str], *, scored: bool, unnormalised: bool = False, labelled: bool = True, twin: str = "unnorm"
) -> list[str]:
    """The metrics of questions in these languages; ``kappa`` is not per question.

    Args:
        scored: options have scores. unnormalised: they have second ones, too.
        twin: what the metrics of these are called.
    """
    several = len(languages) > 1
    names = ["acc", *(f"acc_{x}" for x in languages)] if labelled else []
    names += ["all_correct"] if labelled else []
    if several:
        names += ["consistency", *(["consistency_right", "consistency_wrong"] if labelled else []), "consistency_valid"]
        names += ["all_agree", *(["acc_all_agree"] if labelled else []), "kappa", *(["rankc"] if scored else [])]
    names.append("answered")
    if unnormalised:
        names += [f"acc_{twin}", *(f"acc_{twin}_{x}" for x in languages)] if labelled else []
        names += [f"consistency_{twin}", f"rankc_{twin}"] if several else []
    return names


def without_twin(metric: str) -> str:
    """The metric that another one is the twin of, by a second score of each option; any other metric itself.

    >>> without_twin("acc_norm_fr"), without_twin("rankc_unnorm"), without_twin("acc_fr")
    ('acc_fr', 'rankc', 'acc_fr')
    """
    first, second, *rest = [*metric.split("_"), "", ""]
    kept = [first, *rest] if second in TWINS else [first, second, *rest]
    return "_".join(kept).rstrip("_")


# --- a set of questions -----------------------------------------------------------------------------------------------


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
        agreement += sum(_pairs(c) for c in given.values()) / _pairs(len(values))
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


def chance(metric: str, *, n_options: int, n_languages: int) -> float | None:
    """The value of a metric when every language picks one of n options at random; None where chance says nothing.

    ``acc``, ``consistency``, ``consistency_valid``, ``acc_all_agree`` 1/n; ``all_correct`` n^-|L|; ``all_agree``
    n^(1-|L|); ``consistency_right`` 1/n², ``consistency_wrong`` (n-1)/n²; ``kappa`` 0; ``rankc`` Σ_j w_j · j/n.

    >>> round(chance("rankc", n_options=4, n_languages=6), 3), chance("acc_en", n_options=5, n_languages=6)
    (0.377, 0.2)
    """
    n, names = n_options, without_twin(metric)
    if names == "rankc":
        return sum(w * j / n for j, w in enumerate(rankc_weights(n), 1))
    fixed = {
        "all_correct": float(n) ** -n_languages, "all_agree": float(n) ** (1 - n_languages),
        "consistency_right": 1 / n**2, "consistency_wrong": (n - 1) / n**2, "kappa": 0.0, "answered": None,
    }  # fmt: skip
    return fixed.get(names, 1 / n)


def rankc_floor(n_options: int) -> float:
    """RankC of two opposite rankings: Σ_j w_j · max(0, 2j − n) / j, its lowest value for two languages.

    >>> round(rankc_floor(4), 3), round(rankc_floor(5), 3)
    (0.09, 0.064)
    """
    return sum(w * max(0, 2 * j - n_options) / j for j, w in enumerate(rankc_weights(n_options), 1))


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
