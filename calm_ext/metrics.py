"""Per-question statistics of answers across languages, and their means (DESIGN, section 4).

A question with languages l in L has answers a_l, where None is an abstention. Everything here is per question; the mean
over questions, its interval and its tests are in :mod:`calm_ext.stats`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import exp


def question_metrics(answers: Mapping[str, int | None], gold: int | None) -> dict[str, float]:
    """Accuracy and agreement on one question.

    - ``acc_l`` = 1[a_l = gold]; ``acc`` = their mean over L. An abstention is not correct.
    - ``consistency`` = #{i < j: a_i = a_j, not None} / (|L| choose 2): an abstention agrees with nobody.
    - ``all_agree``, ``all_correct``: every language gives the same answer, the right one.
    - ``answered``: share of the languages that did not abstain.

    With one language, ``consistency`` and ``all_agree`` have no meaning and are left out. Without gold, so is accuracy.

    >>> m = question_metrics({"en": 1, "fr": 1, "de": None}, gold=1)
    >>> round(m["acc"], 3), round(m["consistency"], 3), m["all_agree"], round(m["answered"], 3)
    (0.667, 0.333, 0.0, 0.667)
    """
    values = list(answers.values())
    result: dict[str, float] = {}
    if gold is not None:
        right = {language: float(a == gold) for language, a in answers.items()}
        result["acc"] = sum(right.values()) / len(right)
        result.update({f"acc_{language}": r for language, r in right.items()})
        result["all_correct"] = float(all(right.values()))
    if len(values) > 1:
        pairs = list(combinations(values, 2))
        result["consistency"] = sum(a == b and a is not None for a, b in pairs) / len(pairs)
        result["all_agree"] = float(values[0] is not None and len(set(values)) == 1)
    result["answered"] = sum(a is not None for a in values) / len(values)
    return result


def pairwise(answers: Mapping[str, int | None]) -> dict[tuple[str, str], float]:
    """1.0 for each pair of languages that gives the same answer, 0.0 for each other one."""
    return {(i, j): float(answers[i] is not None and answers[i] == answers[j]) for i, j in combinations(answers, 2)}


def rankc_weights(n: int) -> list[float]:
    """softmax(n, n-1, …, 1), the weights of RankC for n options."""
    powers = [exp(-j) for j in range(n)]
    return [p / sum(powers) for p in powers]


def ranking(scores: Sequence[float]) -> list[int]:
    """Indices of the options, best first; equal scores keep the order of the options."""
    return sorted(range(len(scores)), key=lambda i: -scores[i])


def rankc(scores: Mapping[str, Sequence[float]]) -> float:
    """RankC of one question (Qi et al. 2023, arXiv 2310.10378): how alike the languages rank the options.

    Mean over pairs (a, b) of languages of sum over j = 1…n of w_j · |top_j(a) ∩ top_j(b)| / j, w = softmax(n, …, 1).
    Two equal rankings give 1. The value of independent random rankings is .377 for 4 options and .310 for 5.

    Args:
        scores: language -> one score an option, higher is better; at least two languages.

    >>> rankc({"en": [3.0, 2.0, 1.0], "fr": [9.0, 8.0, 7.0]})
    1.0
    """
    orders = [ranking(s) for s in scores.values()]
    n = len(orders[0])
    weights = rankc_weights(n)
    pairs = list(combinations(orders, 2))
    total = sum(w * len(set(a[:j]) & set(b[:j])) / j for a, b in pairs for j, w in enumerate(weights, 1))
    return total / len(pairs)


def per_byte(logprobs: Sequence[float], options: Sequence[str]) -> list[float]:
    """Log-probability of each option over its length in UTF-8 bytes, so that long options are not punished."""
    return [value / len(option.encode()) for value, option in zip(logprobs, options, strict=True)]


def argmax(scores: Sequence[float]) -> int:
    """Index of the highest score, the first where several are equal."""
    return max(range(len(scores)), key=lambda i: (scores[i], -i))
