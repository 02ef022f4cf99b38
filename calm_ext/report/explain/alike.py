"""Questions that many languages answer alike and wrong, before and after: where they came from, and where they went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from calm_ext.metrics.compare import paired_tests
from calm_ext.report.compared import limits_of, resampled
from calm_ext.report.explain.cells import Cells
from calm_ext.report.page.flow import state_of
from calm_ext.report.rundata import WHEN

#: state -> its name in words, best first
STATES = {
    "right": "right in all",
    "most_right": "right in most",
    "mixed": "no common answer",
    "most_wrong": "wrong alike in most",
    "wrong": "wrong alike in all",
}
WRONG = ("wrong", "most_wrong")


def alike_state(answers: Mapping[str, int | None], gold: int) -> str:
    """The state of a question, a key of :data:`STATES`; *most* is more than half of the languages, but not all.

    >>> [alike_state(dict(zip("abc", x)), 0) for x in ((0, 0, 0), (0, 0, 1), (0, 1, 2), (1, 1, None), (2, 2, 2))]
    ['right', 'most_right', 'mixed', 'most_wrong', 'wrong']
    """
    state = state_of(answers, gold)
    if state != "mixed":
        return state
    answer, n = shared_answer(answers)
    if answer is None or 2 * n <= len(answers):
        return "mixed"
    return "most_right" if answer == gold else "most_wrong"


def shared_answer(answers: Mapping[str, int | None]) -> tuple[int | None, int]:
    """The most common answer, and in how many languages it was given; None and 0 where there is none."""
    counts = Counter(a for a in answers.values() if a is not None).most_common(1)
    return counts[0] if counts else (None, 0)


def alike(cells: Cells) -> dict[str, Any] | None:
    """The states of the questions, and what became of those that were wrong alike; None without gold or alone.

    A question that several models answered counts once for each of them.

    Returns:
        ``n``; ``moves``, state before -> state after -> number of questions; ``before`` and ``after``, state -> number;
        ``new``: of the questions that are wrong alike after, in all or most languages, how many were not before;
        ``solved``: of those wrong alike before, how many are right in all or most languages after; ``same_answer``: of
        those wrong alike both times, how many in the same wrong answer.
    """
    part = cells.part
    if not part.has_gold or len(part.languages) < 2:
        return None
    moves: dict[str, dict[str, int]] = {a: dict.fromkeys(STATES, 0) for a in STATES}
    same = 0
    for row in part.rows:
        if row.gold is None:
            continue
        old, new = alike_state(row.before, row.gold), alike_state(row.after, row.gold)
        moves[old][new] += 1
        same += old in WRONG and new in WRONG and shared_answer(row.before)[0] == shared_answer(row.after)[0]
    before = {a: sum(moves[a].values()) for a in STATES}
    after = {b: sum(moves[a][b] for a in STATES) for b in STATES}
    return {
        "n": sum(before.values()),
        "moves": moves,
        "before": before,
        "after": after,
        "new": sum(moves[a][b] for a in STATES if a not in WRONG for b in WRONG),
        "solved": sum(moves[a][b] for a in WRONG for b in ("right", "most_right")),
        "same_answer": same,
    }


def changes(cells: Cells, metrics: Sequence[str], *, resamples: int) -> dict[str, dict[str, Any] | None]:
    """Metrics ``before`` and ``after``, with ``difference``, ``ci95`` and ``p``; None for one that no question has.

    Of several seeds ``by_seed``, the difference in each, too.
    """
    import numpy as np

    design, columns = cells.design, dict[tuple[str, str], np.ndarray]()
    for metric in metrics:
        before, after = cells.metric(metric)
        if not np.isnan(after - before).all():
            columns |= {("before", metric): before, ("after", metric): after, ("difference", metric): after - before}
    drawn = resampled(columns, limits_of(columns), resamples, design)
    moved = {m: own for (kind, m), own in drawn.items() if kind == "difference"}
    tests = paired_tests(
        {
            m: design.paired(columns["before", m], columns["after", m], own.drawn, own.interval)
            for m, own in moved.items()
        },
        [],
    )
    result: dict[str, dict[str, Any] | None] = dict.fromkeys(metrics)
    for metric, (value, found, _) in moved.items():
        sides = {when: drawn[when, metric].value for when in WHEN}
        seeds = {"by_seed": design.by_seed(columns["difference", metric])} if design.n_seeds > 1 else {}
        result[metric] = {**sides, "difference": value, "ci95": list(found.bounds), "p": tests[metric].p, **seeds}
    return result
