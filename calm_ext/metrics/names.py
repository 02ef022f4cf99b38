"""The names of the metrics, their order, what each is in a line, and its value by chance."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from math import exp, lgamma, log, log1p

from calm_ext.languages import is_language, language_name
from calm_ext.metrics.question import rankc_weights

#: The metrics to look at first.
HEADLINE = ("acc", "consistency", "consistency_right", "kappa", "acc_worst")

#: Metrics of a set of questions that are no means of per-question values.
SET_LEVEL = ("kappa", "acc_worst", "overlap_right")

#: Metrics that some questions do not have: the mean is over those that do, and their number is reported. So it
#: is with the families ``transfer_<language>`` and ``fidelity_<language>``.
PARTIAL = ("consistency_valid", "acc_all_agree", "transfer")

#: Metrics that hold the other languages against the pivot: the source language of the question, else English.
AGAINST_PIVOT = ("transfer", "acc_gap", "pivot_consistency")

#: Metrics that are better when lower.
LOWER_IS_BETTER = frozenset({"consistency_wrong", "acc_gap"})

#: Each metric in one line; those with ``<language>`` are families.
DESCRIPTIONS = {
    "acc": "mean over the languages of 1[answer = gold]; no answer is not right",
    "consistency": "share of the pairs of languages that give the same answer; no answer agrees with nobody",
    "consistency_right": "the part of consistency in which the shared answer is right",
    "kappa": "Fleiss' kappa over the languages: agreement beyond what the shares of the options give by chance",
    "acc_worst": "the lowest accuracy that a language has",
    "acc_<language>": "accuracy in one language",
    "transfer_<language>": "accuracy in one language on the questions that are right in the pivot",
    "fidelity_<language>": "share of the responses of at least 20 letters that are in the language asked for",
    "all_correct": "every language gives the right answer",
    "consistency_wrong": "the part of consistency in which the shared answer is wrong",
    "consistency_valid": "consistency over the languages that answered; left out where fewer than two did",
    "all_agree": "every language gives the same answer",
    "acc_all_agree": "accuracy on the questions on which every language gives the same answer",
    "overlap_right": "mean over pairs of languages of the questions right in both, over those right in either",
    "transfer": "mean of transfer_<language> over the languages other than the pivot",
    "acc_gap": "accuracy in the pivot less the mean of the other languages",
    "pivot_consistency": "share of the other languages that give the pivot's answer",
    "rankc": "RankC: how alike the languages rank the options by score",
    "answered": "share of the languages whose answer could be read",
    "acc_unnorm": "as acc, with options ranked by summed log-probability instead of log-probability per byte",
    "acc_unnorm_<language>": "accuracy in one language, options ranked by summed log-probability",
    "consistency_unnorm": "as consistency, with options ranked by summed log-probability",
    "rankc_unnorm": "as rankc, with options ranked by summed log-probability",
}

#: Plain names of the metrics, as reports show them; :func:`metric_code` takes them back.
PLAIN = {
    "acc": "accuracy",
    "consistency": "consistency",
    "consistency_right": "agreeing and right",
    "kappa": "Fleiss’ κ",
    "acc_worst": "accuracy of the worst language",
    "all_correct": "all right",
    "consistency_wrong": "agreeing and wrong",
    "consistency_valid": "consistency where read",
    "all_agree": "all agree",
    "acc_all_agree": "accuracy, all agree",
    "overlap_right": "overlap of right answers",
    "transfer": "transfer from the pivot",
    "acc_gap": "gap to the pivot",
    "pivot_consistency": "consistency with the pivot",
    "rankc": "RankC",
    "answered": "answers read",
    "acc_unnorm": "accuracy by summed log-probability",
    "consistency_unnorm": "consistency by summed log-probability",
    "rankc_unnorm": "RankC by summed log-probability",
}

#: What the metrics of a second score of each option are called, and what it is: in logs of other people's tasks, whose
#: first score is the sum, the second is lm-eval's ``acc_norm``, or its ``acc_bytes``.
TWINS = {
    "unnorm": "by summed log-probability",
    "norm": "by log-probability per character",
    "bytes": "by log-probability per byte",
}

#: A metric of one language; ``acc_norm`` is none.
_OF_LANGUAGE = re.compile(r"(acc_unnorm|acc_norm|acc_bytes|acc|transfer|fidelity)_([a-z]{2,3}(?:-[A-Za-z0-9]+)*)")


def family_of(metric: str) -> tuple[str, str]:
    """The family of a metric of one language and the language; two empty strings for any other metric.

    >>> family_of("acc_en"), family_of("acc_unnorm_zh-Hant"), family_of("acc_gap"), family_of("acc_norm")
    (('acc', 'en'), ('acc_unnorm', 'zh-Hant'), ('', ''), ('', ''))
    """
    found = None if metric in DESCRIPTIONS else _OF_LANGUAGE.fullmatch(metric)
    return (found[1], found[2]) if found else ("", "")


def metric_name(metric: str) -> str:
    """A metric in words.

    >>> metric_name("acc_gap"), metric_name("acc_en"), metric_name("transfer_fr")
    ('gap to the pivot', 'accuracy, English (en)', 'transfer to French (fr)')
    >>> metric_name("consistency_norm"), metric_name("acc_unnorm_fr")
    ('consistency by log-probability per character', 'accuracy by summed log-probability, French (fr)')
    """
    family, language = family_of(metric)
    if not family or not is_language(language):
        first, _, twin = metric.rpartition("_")
        return f"{PLAIN[first]} {TWINS[twin]}" if first in PLAIN and twin in TWINS else PLAIN.get(metric, metric)
    name = language_name(language)
    words = {"acc": f"accuracy, {name}", "transfer": f"transfer to {name}", "fidelity": f"answers in {name}"}
    return words[family] if family in words else f"accuracy {TWINS[family.removeprefix('acc_')]}, {name}"


def without_twin(metric: str) -> str:
    """The metric that another one is the twin of, by a second score of each option; any other metric itself.

    >>> without_twin("acc_norm_fr"), without_twin("rankc_unnorm"), without_twin("acc_fr")
    ('acc_fr', 'rankc', 'acc_fr')
    """
    first, *rest = metric.split("_")
    return "_".join([first, *(rest[1:] if rest and rest[0] in TWINS else rest)])


def metric_label(metric: str) -> str:
    """A metric in words with its code, as tables head it; the name alone where both are the same.

    >>> metric_label("acc"), metric_label("acc_fr"), metric_label("consistency"), metric_label("rankc")
    ('accuracy (acc)', 'accuracy, French (acc_fr)', 'consistency', 'RankC (rankc)')
    """
    name, (_, language) = metric_name(metric), family_of(metric)
    return name if name == metric else f"{name.removesuffix(f' ({language})')} ({metric})"


def metric_names(
    languages: Sequence[str],
    *,
    scored: bool,
    unnormalised: bool = False,
    labelled: bool = True,
    pivots: Collection[str] = (),
    judged: Sequence[str] = (),
    twin: str = "unnorm",
) -> list[str]:
    """The metrics of questions in these languages, in order.

    Args:
        scored: options have scores.
        unnormalised: they have second ones, too.
        labelled: questions have gold answers.
        pivots: the languages that are the pivot of a question; empty where no question has one.
        judged: the languages whose responses were judged for their language.
        twin: what the metrics of the second scores are called.
    """
    several = len(languages) > 1
    names = ["consistency", "consistency_valid", "all_agree", "kappa"] if several else []
    names += ["rankc"] if several and scored else []
    names += ["pivot_consistency"] if pivots else []
    if labelled:
        names += ["acc", "all_correct", *(f"acc_{x}" for x in languages)]
    if labelled and several:
        names += ["consistency_right", "consistency_wrong", "acc_all_agree", "acc_worst", "overlap_right"]
    if labelled and pivots:
        names += ["acc_gap", "transfer", *(f"transfer_{x}" for x in languages if set(pivots) != {x})]
    names += [f"fidelity_{x}" for x in judged]
    names.append("answered")
    if unnormalised:
        names += [f"acc_{twin}", *(f"acc_{twin}_{x}" for x in languages)] if labelled else []
        names += [f"consistency_{twin}", f"rankc_{twin}"] if several else []
    return metric_order(names)


def metric_order(metrics: Iterable[str]) -> list[str]:
    """Metrics in the order in which they are printed: the headline, the languages, the rest, the unnormalised.

    >>> metric_order(["rankc", "acc_fr", "kappa", "acc_unnorm", "acc", "transfer", "transfer_fr"])
    ['acc', 'kappa', 'acc_fr', 'transfer_fr', 'transfer', 'rankc', 'acc_unnorm']
    """
    place = {name: i for i, name in enumerate(DESCRIPTIONS)}

    def key(metric: str) -> int:
        family, _ = family_of(metric)
        return place.get(f"{family}_<language>" if family else metric, len(place))

    return sorted(metrics, key=key)


def chance(metric: str, *, n_options: int, n_languages: int, n_questions: int | None = None) -> float | None:
    """The value of a metric when every language picks one of n options at random; None where chance says nothing.

    Accuracies, ``consistency``, ``consistency_valid``, ``pivot_consistency``, ``transfer`` 1/n; ``all_correct`` n^-|L|;
    ``all_agree`` n^(1-|L|); ``consistency_right`` 1/n², ``consistency_wrong`` (n-1)/n²; ``kappa``, ``acc_gap`` 0;
    ``overlap_right`` (1/n²) / (2/n - 1/n²) = 1/(2n-1); ``rankc`` Σ_j w_j · j/n; ``answered`` and fidelity None.
    ``acc_worst`` is the mean of the lowest of |L| shares of right answers, Σ_k P(X ≥ k)^|L| / N, k = 1…N, where X is
    Binomial(N, 1/n): below 1/n for N questions, and 1/n for infinitely many.

    Args:
        n_questions: how many there are, which matters to ``acc_worst`` only; None for infinitely many.

    >>> round(chance("rankc", n_options=4, n_languages=6), 3), chance("acc_en", n_options=5, n_languages=6)
    (0.377, 0.2)
    >>> round(chance("acc_worst", n_options=4, n_languages=6, n_questions=100), 3)
    0.196
    """
    n, name = n_options, without_twin(metric)
    if name == "rankc":
        return sum(w * j / n for j, w in enumerate(rankc_weights(n), 1))
    if name == "acc_worst" and n_questions is not None:
        return _lowest(1 / n, n_languages, n_questions)
    fixed = {
        "all_correct": float(n) ** -n_languages, "all_agree": float(n) ** (1 - n_languages),
        "consistency_right": 1 / n**2, "consistency_wrong": (n - 1) / n**2, "kappa": 0.0, "acc_gap": 0.0,
        "overlap_right": 1 / (2 * n - 1), "answered": None,
    }  # fmt: skip
    return None if family_of(name)[0] == "fidelity" else fixed.get(name, 1 / n)


def _lowest(share: float, languages: int, questions: int) -> float:
    """The mean of the lowest of several Binomial(questions, share) / questions."""
    if share >= 1:
        return 1.0
    total, above = 0.0, 1.0
    for k in range(questions):
        choose = lgamma(questions + 1) - lgamma(k + 1) - lgamma(questions - k + 1)
        above -= exp(choose + k * log(share) + (questions - k) * log1p(-share))
        total += max(0.0, above) ** languages
    return total / questions


def rankc_floor(n_options: int) -> float:
    """RankC of two opposite rankings: Σ_j w_j · max(0, 2j − n) / j, its lowest value for two languages.

    >>> round(rankc_floor(4), 3), round(rankc_floor(5), 3)
    (0.09, 0.064)
    """
    return sum(w * max(0, 2 * j - n_options) / j for j, w in enumerate(rankc_weights(n_options), 1))
