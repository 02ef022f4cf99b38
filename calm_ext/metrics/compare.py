"""Two evaluations of the same questions, compared question by question.

:func:`paired_tests` is the one place where a difference gets its p-value: ``calm-ext compare``, the report, its card
and the effect of passages use it, so that the same two evaluations have the same p-values everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from calm_ext.errors import DataError
from calm_ext.metrics.answered import Answered, AnswerSet, differences
from calm_ext.metrics.intervals import BOOTSTRAP, Interval, interval_p
from calm_ext.metrics.measure import bias_warnings, cluster_warnings, label_warnings
from calm_ext.metrics.names import SET_LEVEL, TWINS, metric_order
from calm_ext.metrics.stats import RESAMPLES, bootstrap_p, detectable, holm, mcnemar, sign_flips
from calm_ext.metrics.table_intervals import difference_of, method_words
from calm_ext.metrics.tables import means_of, resampled_metrics, table

if TYPE_CHECKING:
    import numpy as np

#: Significant is what has a lower p.
ALPHA = 0.05
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
        ci95: its 95 % interval, paired by question.
        p: two-sided; exact McNemar for what is right or wrong per question, sign flips where the interval is the score
            interval or questions have clusters, else paired bootstrap; never below .05 where ``ci95`` contains 0.
        p_holm: p corrected by Holm over the languages (the ``acc_<language>`` are one family, the
            ``transfer_<language>`` another); other metrics are a family of their own each.
        test: ``mcnemar``, ``sign flips``, ``bootstrap`` or ``interval``.
        n: questions that have the metric on both sides.
        detectable: the smallest difference that this many questions would show (two-sided .05, power .8), given how
            much the answers changed; NaN where none changed.
        gained, lost: ids of the questions that flipped to 1 and to 0, where every question has 0 or 1.
        ci95_method: how ``ci95`` was made: ``bootstrap`` or ``score`` (:mod:`calm_ext.metrics.intervals`).
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
    ci95_method: str = BOOTSTRAP


class Paired(NamedTuple):
    """One metric of the same questions, before and after.

    Attributes:
        before, after: per-question values, shape (questions,), NaN where a question has none; None where the metric is
            no mean over questions (kappa, say).
        drawn: the resampled differences, shape (resamples,); may be left out of values that are 0 or 1.
        interval: of the difference; None where there is none, so that p is the test's alone.
        clusters: number of each question's cluster, shape (questions,).
    """

    before: np.ndarray | None
    after: np.ndarray | None
    drawn: np.ndarray | None = None
    interval: Interval | None = None
    clusters: np.ndarray | None = None


class Tested(NamedTuple):
    """The test of one difference; the fields are as in :class:`Change`."""

    p: float
    p_holm: float
    test: str


def paired_tests(metrics: Mapping[str, Paired], languages: Sequence[str]) -> dict[str, Tested]:
    """Test each metric's difference, and correct the languages for one another.

    The test is exact McNemar where every question that has the metric is 0 or 1, and both sides have it for the
    same questions; else the paired bootstrap. Where that would not cover, and where questions have clusters, the
    signs of the questions' or clusters' differences are flipped (:func:`calm_ext.metrics.stats.sign_flips`), if
    both sides have the metric for the same questions; if they do not, p is that of the score interval
    (:func:`~calm_ext.metrics.intervals.interval_p`). Holm's correction is over the languages: the
    ``acc_<language>`` are a family; ``transfer_<language>``, ``fidelity_<language>`` and those of a second score,
    as ``acc_unnorm_<language>``, are others. Every other metric stands for itself: its ``p_holm`` is its ``p``.

    Interval and p never contradict each other: where the interval contains 0 and the test finds p < .05, as sign flips
    do of ten tiny differences in one direction, p is the interval's (:func:`~calm_ext.metrics.intervals.interval_p`).
    """
    found = {name: _agreeing(_tested(paired), paired) for name, paired in metrics.items()}
    for prefix in ("acc_", "transfer_", "fidelity_", *(f"acc_{twin}_" for twin in TWINS)):
        family = [m for x in languages if (m := f"{prefix}{x}") in found]
        for name, corrected in zip(family, holm([found[m].p for m in family]), strict=True):
            found[name] = found[name]._replace(p_holm=corrected)
    return found


def _agreeing(tested: Tested, paired: Paired) -> Tested:
    if paired.interval is None or not tested.p < ALPHA:
        return tested
    low, high, _ = paired.interval
    if not low <= 0 <= high:
        return tested
    p = max(ALPHA, interval_p(_difference(paired), low, high))
    return Tested(p, p, "interval")


def _difference(paired: Paired) -> float:
    import numpy as np

    if paired.before is not None and paired.after is not None:
        return float(np.nanmean(paired.after) - np.nanmean(paired.before))
    return float(np.nanmean(paired.drawn)) if paired.drawn is not None else math.nan


def _tested(paired: Paired) -> Tested:
    import numpy as np

    if paired.before is not None and paired.after is not None:
        old, new = paired.before, paired.after
        both = ~np.isnan(old) & ~np.isnan(new)
        if (np.isnan(old) == np.isnan(new)).all():
            if paired.clusters is None and is_binary(old[both]) and is_binary(new[both]):
                p = mcnemar(old[both] == 1, new[both] == 1)
                return Tested(p, p, "mcnemar")
            if both.any() and (
                paired.clusters is not None or (paired.interval is not None and paired.interval.method != BOOTSTRAP)
            ):
                p = sign_flips((new - old)[both], None if paired.clusters is None else paired.clusters[both])
                return Tested(p, p, "sign flips")
    if paired.interval is not None and paired.interval.method != BOOTSTRAP:  # two of two questions do not vary
        p = interval_p(_difference(paired), paired.interval.low, paired.interval.high)
        return Tested(p, p, "interval")
    assert paired.drawn is not None, "what is not 0 or 1 needs resamples"
    p = bootstrap_p(paired.drawn.round(12))  # equal means are equal, whatever their last bits
    return Tested(p, p, "bootstrap")


def is_binary(values: np.ndarray) -> bool:
    """Whether every value is 0 or 1."""
    import numpy as np

    return bool(np.isin(values, (0.0, 1.0)).all())


def both_binary(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether every question that has a value has 0 or 1 on both sides."""
    import numpy as np

    return all(is_binary(x[~np.isnan(x)]) for x in (before, after))


class Comparison(NamedTuple):
    """All metrics before and after; ``signatures`` of the two sides; ``warnings`` in words.

    ``n_clusters``: of how many clusters the questions are, by ``cluster_key``; None where each stands for itself.
    """

    signatures: tuple[str, str]
    n_questions: int
    languages: list[str]
    changes: dict[str, Change]
    warnings: list[str]
    n_clusters: int | None = None
    cluster_key: str = ""


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

    One set of resamples of the questions serves both sides and all metrics, so that everything is paired. Where the
    questions have clusters, these are resampled, and their signs flipped.

    Args:
        mixed_versions: allow different versions of calm-ext or lm-eval.
        passages: allow that the sides were asked with different passages, or one without.

    Raises:
        DataError: the questions, their wording, gold answers, languages, or the way they were scored differ.
    """
    import numpy as np

    _check_comparable(before, after, mixed_versions, passages)
    ids = list(before.questions)
    source = {i: before.questions[i].source_language or after.questions[i].source_language for i in ids}
    sides = [
        [s.questions[i]._replace(answers=_in_order(s.questions[i], before), source_language=source[i]) for i in ids]
        for s in (before, after)
    ]
    tables = [table(side, before.languages, skip_unlabelled=skip_unlabelled) for side in sides]
    means = [means_of(t) for t in tables]
    clusters = before.cluster_numbers()
    resampled = [resampled_metrics(t, seed=seed, resamples=resamples, clusters=clusters) for t in tables]
    names = metric_order(m for m in means[0] if m in means[1] and not (before.kind == "texts" and m == "kappa"))
    # Equal means are equal, whatever their last bits.
    drawn = {name: (resampled[1][name] - resampled[0][name]).round(12) for name in names}
    old, new = ({name: t.column(name) for name in names if name not in SET_LEVEL} for t in tables)
    moved = {m: means[1][m] - means[0][m] for m in names}
    intervals = {m: difference_of(tables[0], tables[1], m, moved[m], drawn[m], clusters) for m in names}
    pairs = {m: Paired(old.get(m), new.get(m), drawn[m], intervals[m], clusters) for m in names}
    tests = paired_tests(pairs, before.languages)
    changes: dict[str, Change] = {}
    for name, (p, p_holm, test) in tests.items():
        n, error = len(ids), _deviation(drawn[name])
        gained: list[str] = []
        lost: list[str] = []
        if name in old:
            n = int((~np.isnan(old[name]) & ~np.isnan(new[name])).sum())
            if test == "mcnemar" or (clusters is not None and both_binary(old[name], new[name])):
                gained = [i for i, a, b in zip(ids, old[name], new[name], strict=True) if b > a]
                lost = [i for i, a, b in zip(ids, old[name], new[name], strict=True) if b < a]
        changes[name] = Change(
            means[0][name], means[1][name], moved[name], intervals[name].bounds, p, p_holm, test, n,
            detectable(error) if error > 0 else math.nan, gained, lost, intervals[name].method,
        )  # fmt: skip
    warnings = [*dict.fromkeys([*before.notes, *after.notes]), *label_warnings(sides[0], skip_unlabelled)]
    for when, side in zip(("before", "after"), sides, strict=True):
        warnings += [f"{when}: {w}" for w in bias_warnings(q.places for q in side) if before.chosen]
    n_clusters = None if clusters is None else int(clusters.max()) + 1
    warnings += cluster_warnings(n_clusters)
    warnings += method_words({m: c.ci95_method for m, c in changes.items()}, of="differences in ")
    return Comparison(
        (before.signature, after.signature), len(ids), before.languages, changes, warnings, n_clusters,
        before.cluster_key,
    )  # fmt: skip


def _in_order(question: Answered, like: AnswerSet) -> dict[str, int | None]:
    return {x: question.answers[x] for x in like.languages}


def _deviation(resampled: np.ndarray) -> float:
    import numpy as np

    kept = resampled[~np.isnan(resampled)]
    return float(kept.std(ddof=1)) if len(kept) > 1 else math.nan


def _check_comparable(before: AnswerSet, after: AnswerSet, mixed_versions: bool, passages: bool) -> None:
    both = f"{before.source} and {after.source}"
    if set(before.languages) != set(after.languages):
        only = [x for x in before.languages if x not in after.languages]
        other = [x for x in after.languages if x not in before.languages]
        raise DataError(f"{both} have different languages: {_sides(only, other, before, after)}")
    gone = [i for i in before.questions if i not in after.questions]
    new = [i for i in after.questions if i not in before.questions]
    if gone or new:
        raise DataError(f"{both} have different questions: {_sides(gone, new, before, after)}")
    for identity, question in before.questions.items():
        other_question = after.questions[identity]
        if question.gold != other_question.gold:
            raise DataError(
                f"question {identity} has the answer {question.gold} at {question.where} and {other_question.gold} at "
                f"{other_question.where}"
            )
        hashed = question.content and other_question.content and not passages  # the hash covers the passages, too
        if before.clusters.get(identity) != after.clusters.get(identity):
            raise DataError(
                f"question {identity} is of cluster {before.clusters.get(identity)} at {question.where} and of "
                f"{after.clusters.get(identity)} at {other_question.where}"
            )
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
        raise DataError(f"{both} cannot be compared: they differ in {', '.join(differ)}{hint}")
    versions = list(differences(before.signature, after.signature, ignore=allowed))
    if versions and not mixed_versions:
        raise DataError(
            f"{both} were scored by different versions: {', '.join(versions)}; score them again with one, or say "
            f"--mixed-versions"
        )


def _sides(first: Sequence[str], second: Sequence[str], before: AnswerSet, after: AnswerSet) -> str:
    parts = []
    for found, side in ((first, before), (second, after)):
        if found:
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""
            parts.append(f"only in {side.source}: {', '.join(found[:5])}{more}")
    return "; ".join(parts)
