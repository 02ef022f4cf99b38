"""Two evaluations of the same questions, compared question by question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from calm_ext.errors import DataError
from calm_ext.metrics.answered import Answered, AnswerSet, differences
from calm_ext.metrics.measure import bias_warnings, label_warnings, means_of, metric_order, table, with_kappa
from calm_ext.metrics.stats import RESAMPLES, bootstrap_p, detectable, holm, interval, mcnemar, resampled_means

if TYPE_CHECKING:
    import numpy as np

#: Parts of signatures that may differ between the two sides only where ``mixed_versions`` allows it.
_VERSIONS = frozenset({"calm-ext", "lm_eval"})
#: The order of the languages may differ; another check makes sure that the languages are the same.
_ORDER = frozenset({"langs"})
#: Parts that differ where one side was asked with passages and the other without them, or with different ones.
_PASSAGES = frozenset({"task", "retrieval"})


class Change(NamedTuple):
    """One metric before and after.

    Attributes:
        difference: after - before.
        ci95: its 95 % interval, paired bootstrap by question.
        p: two-sided; exact McNemar for what is right or wrong per question, else paired bootstrap.
        p_holm: p corrected by Holm over the languages (the ``acc_<language>`` are one family); other metrics are
            a family of their own each.
        test: ``mcnemar`` or ``bootstrap``.
        n: questions that have the metric on both sides.
        detectable: the smallest difference that this many questions would show (two-sided .05, power .8), given how
            much the answers changed; NaN where none changed.
        gained, lost: ids of the questions that flipped to 1 and to 0, where the test is McNemar's.
    """

    before: float
    after: float
    difference: float
    ci95: tuple[float, float]
    p: float
    p_holm: float
    test: str
    n: int
    detectable: float
    gained: list[str]
    lost: list[str]


class Comparison(NamedTuple):
    """All metrics before and after; ``signatures`` of the two sides; ``warnings`` in words."""

    signatures: tuple[str, str]
    n_questions: int
    languages: list[str]
    changes: dict[str, Change]
    warnings: list[str]


def compare(
    before: AnswerSet,
    after: AnswerSet,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    mixed_versions: bool = False,
    skip_unlabelled: bool = False,
    passages: bool = False,
) -> Comparison:
    """Compare two evaluations of the same questions in the same languages.

    One set of resamples of the questions serves both sides and all metrics, so that everything is paired.

    Args:
        mixed_versions: allow different versions of calm-ext or lm-eval.
        passages: allow that the sides were asked with different passages, or one without.

    Raises:
        DataError: the questions, their wording, gold answers, languages, or the way they were scored differ.
    """
    import numpy as np

    _check_comparable(before, after, mixed_versions, passages)
    ids = list(before.questions)
    sides = [[s.questions[i]._replace(answers=_in_order(s.questions[i], before)) for i in ids] for s in (before, after)]
    tables = [table(side, before.languages, skip_unlabelled=skip_unlabelled) for side in sides]
    means = [means_of(t) for t in tables]
    resampled = [with_kappa(t.names, resampled_means(t.values, seed=seed, resamples=resamples)) for t in tables]
    changes: dict[str, Change] = {}
    for name in metric_order(m for m in means[0] if m in means[1]):
        drawn = (resampled[1][name] - resampled[0][name]).round(12)  # equal means are equal, whatever their last bits
        p, test, n, error = bootstrap_p(drawn), "bootstrap", len(ids), _deviation(drawn)
        gained: list[str] = []
        lost: list[str] = []
        if name != "kappa":
            old, new = (t.column(name) for t in tables)
            both = ~np.isnan(old) & ~np.isnan(new)
            n = int(both.sum())
            if _binary(old[both]) and _binary(new[both]) and (np.isnan(old) == np.isnan(new)).all():
                test, p = "mcnemar", mcnemar(old[both] == 1, new[both] == 1)
                gained = [i for i, a, b in zip(ids, old, new, strict=True) if b > a]
                lost = [i for i, a, b in zip(ids, old, new, strict=True) if b < a]
        low, high = interval(drawn)
        changes[name] = Change(
            means[0][name], means[1][name], means[1][name] - means[0][name], (low, high), p, p, test, n,
            detectable(error) if error > 0 else math.nan, gained, lost,
        )  # fmt: skip
    for family in (
        [f"acc_{x}" for x in before.languages if f"acc_{x}" in changes],
        [f"acc_unnorm_{x}" for x in before.languages if f"acc_unnorm_{x}" in changes],
    ):
        for name, corrected in zip(family, holm([changes[m].p for m in family]), strict=True):
            changes[name] = changes[name]._replace(p_holm=corrected)
    warnings = label_warnings(sides[0], skip_unlabelled)
    for when, side in zip(("before", "after"), sides, strict=True):
        warnings += [f"{when}: {w}" for w in bias_warnings(q.answers for q in side)]
    return Comparison((before.signature, after.signature), len(ids), before.languages, changes, warnings)


def _in_order(question: Answered, like: AnswerSet) -> dict[str, int | None]:
    return {x: question.answers[x] for x in like.languages}


def _binary(values: np.ndarray) -> bool:
    import numpy as np

    return bool(np.isin(values, (0.0, 1.0)).all())


def _deviation(resampled: np.ndarray) -> float:
    import numpy as np

    kept = resampled[~np.isnan(resampled)]
    return float(kept.std(ddof=1)) if len(kept) > 1 else math.nan


def _check_comparable(before: AnswerSet, after: AnswerSet, mixed_versions: bool, passages: bool) -> None:
    told = f"{before.source} and {after.source}"
    if set(before.languages) != set(after.languages):
        only = [x for x in before.languages if x not in after.languages]
        other = [x for x in after.languages if x not in before.languages]
        raise DataError(f"{told} have different languages: {_sides(only, other, before, after)}")
    gone = [i for i in before.questions if i not in after.questions]
    new = [i for i in after.questions if i not in before.questions]
    if gone or new:
        raise DataError(f"{told} have different questions: {_sides(gone, new, before, after)}")
    for identity, question in before.questions.items():
        other_question = after.questions[identity]
        if question.gold != other_question.gold:
            raise DataError(
                f"question {identity} has the answer {question.gold} at {question.where} and {other_question.gold} at "
                f"{other_question.where}"
            )
        hashed = question.content and other_question.content and not passages  # the hash covers the passages, too
        if hashed and question.content != other_question.content:
            raise DataError(
                f"question {identity} was asked in other words at {question.where} than at {other_question.where}"
            )
    allowed = _ORDER | _PASSAGES if passages else _ORDER
    differ = list(differences(before.signature, after.signature, ignore=_VERSIONS | allowed))
    if differ:
        hint = (
            "" if passages or not any(x.startswith("retrieval ") for x in differ) else "; --passages allows for those"
        )
        raise DataError(f"{told} cannot be compared: they differ in {', '.join(differ)}{hint}")
    versions = list(differences(before.signature, after.signature, ignore=allowed))
    if versions and not mixed_versions:
        raise DataError(
            f"{told} were scored by different versions: {', '.join(versions)}; score them again with one, or say "
            f"--mixed-versions"
        )


def _sides(first: Sequence[str], second: Sequence[str], before: AnswerSet, after: AnswerSet) -> str:
    parts = []
    for found, side in ((first, before), (second, after)):
        if found:
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""
            parts.append(f"only in {side.source}: {', '.join(found[:5])}{more}")
    return "; ".join(parts)
