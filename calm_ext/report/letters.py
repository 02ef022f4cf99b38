"""How unevenly a model answers letters, before and after alignment, in tasks that score letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from calm_ext.metrics.answered import Answered, letter_biases
from calm_ext.report.words import number
from calm_ext.results.evaluation import TaskResult


def letter_summary(found: Mapping[str, TaskResult], ids: Sequence[str]) -> dict[str, dict[str, float]]:
    """before or after -> language -> :func:`calm_ext.metrics.answered.letter_bias`; empty where no letters were scored.

    Args:
        found: before or after -> the task as that evaluation found it.
        ids: the questions to count.
    """
    result = {}
    for when, task in found.items():
        detail = task.detail
        if detail is not None:
            asked = [i for i in ids if i in detail.order]
            bias = letter_biases(Answered(i, None, detail.answers[i], shown=detail.order[i]) for i in asked)
            if bias:
                result[when] = bias
    return result


def letter_words(bias: Mapping[str, Mapping[str, float]] | None) -> str:
    """The same in a sentence; empty where there is nothing to say.

    >>> letter_words({"before": {"en": 0.5, "fr": 0.25}, "after": {"en": 0.125, "fr": 0.25}})
    'Letters are answered unevenly by this much, as shown (0 is even): en 0.500 → 0.125, fr 0.250 → 0.250.'
    """
    if not bias:
        return ""
    languages = dict.fromkeys(x for own in bias.values() for x in own)
    by_language = ", ".join(f"{x} {' → '.join(number(own.get(x)) for own in bias.values())}" for x in languages)
    when = "" if len(bias) == 2 else f" {next(iter(bias))} alignment"
    return f"Letters are answered unevenly by this much{when}, as shown (0 is even): {by_language}."
