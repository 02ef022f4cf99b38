"""Accuracy and agreement across languages on one question.

A question with languages l in L has answers a_l, where None is an abstention: no answer could be read. The values of
:func:`question_metrics` and :func:`rankc` are averaged over the questions that have them. Metrics of a set of questions
are in :mod:`calm_ext.metrics.sets`, names and chance values in :mod:`calm_ext.metrics.names`, intervals and tests in
:mod:`calm_ext.metrics.stats`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from math import exp

Answers = Mapping[str, int | None]


def pivot_of(languages: Collection[str], source: str | None) -> str | None:
    """The language that the others are held against: the question's source language, else English, if it was asked.

    Args:
        source: the source language, where it is recorded.

    >>> pivot_of(["en", "zh", "fr"], "zh"), pivot_of(["en", "fr"], None), pivot_of(["de", "fr"], "zh")
    ('zh', 'en', None)
    """
    return next((x for x in (source, "en") if x in languages), None) if len(languages) > 1 else None


def question_metrics(answers: Answers, gold: int | None, pivot: str | None = None) -> dict[str, float]:
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

    With a pivot p, and O = L without p:

    - ``pivot_consistency`` = #{l in O: a_l = a_p, not None} / |O|.
    - ``acc_gap`` = acc_p - mean of ``acc_l`` over O.
    - ``transfer_l`` = ``acc_l`` for l in O, and ``transfer`` = their mean, only where the pivot is right: averaged over
      the questions that have it, ``transfer_l`` is P(l right | pivot right).

    With one language, agreement has no meaning and is left out. Without gold, so is accuracy.

    Args:
        answers: language -> index of the option, None for an abstention.
        gold: index of the right option, where it is known.
        pivot: one of the languages (:func:`pivot_of`); None leaves out what needs one.

    >>> m = question_metrics({"en": 1, "fr": 1, "de": None, "it": 0}, gold=1, pivot="en")
    >>> m["acc"], round(m["consistency"], 3), round(m["consistency_valid"], 3), m["all_agree"], m["answered"]
    (0.5, 0.167, 0.333, 0.0, 0.75)
    >>> round(m["consistency_right"], 3), m["consistency_wrong"], "acc_all_agree" in m
    (0.167, 0.0, False)
    >>> [round(m[x], 3) for x in ("pivot_consistency", "acc_gap", "transfer", "transfer_fr", "transfer_it")]
    [0.333, 0.667, 0.333, 1.0, 0.0]
    >>> m = question_metrics({"en": 0, "fr": 1, "de": 0}, gold=1, pivot="en")    # the pivot is wrong
    >>> m["pivot_consistency"], m["acc_gap"], "transfer" in m, "transfer_fr" in m
    (0.5, -0.5, False, False)
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
        if pivot is not None:
            result |= _against(answers, gold, pivot)
    result["answered"] = len(given) / len(values)
    return result


def _against(answers: Answers, gold: int | None, pivot: str) -> dict[str, float]:
    """The metrics that hold the other languages against the pivot."""
    own = answers[pivot]
    others = {x: a for x, a in answers.items() if x != pivot}
    result = {"pivot_consistency": sum(a is not None and a == own for a in others.values()) / len(others)}
    if gold is not None:
        right = {x: float(a == gold) for x, a in others.items()}
        mean = sum(right.values()) / len(right)
        result["acc_gap"] = float(own == gold) - mean
        if own == gold:
            result |= {"transfer": mean, **{f"transfer_{x}": r for x, r in right.items()}}
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
    parts = [w / j for j, w in enumerate(rankc_weights(len(a)), 1)]
    return sum(w * (x & y).bit_count() for w, x, y in zip(parts, a, b, strict=True))


def rankc(scores: Mapping[str, Sequence[float]]) -> float:
    """RankC of one question (Qi et al. 2023, arXiv 2310.10378): how alike the languages rank the options.

    Mean over pairs (a, b) of languages of Σ_j w_j · |top_j(a) ∩ top_j(b)| / j for j = 1…n, w = softmax(n, …, 1). Two
    equal rankings give 1. Its chance value and floor are in :mod:`calm_ext.metrics.names`.

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
