"""The questions that show best what an alignment did, of each kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from calm_ext.report.explain.alike import WRONG, alike_state, shared_answer
from calm_ext.report.explain.parts import Part, Row

N_TELLING = 50
#: kind of question -> its title
KINDS = {
    "won": "Right in all languages now",
    "gained": "Right in more languages now",
    "lost": "Right in fewer languages now, although most were right before",
    "wrong": "Wrong and consistent now",
    "mixed": "Mixed",
    "together": "The languages agree now",
    "apart": "The languages agree no longer",
}
#: kind -> what it means, for the page
ABOUT = {
    "won": "Every language is right now, and before not every one was.",
    "gained": "More answers are right, and none became wrong.",
    "lost": "More than half of the languages were right before, and fewer are now.",
    "wrong": "More than half of the languages give the same wrong answer now, and before they did not.",
    "mixed": "Answers changed otherwise: some became right and others wrong, or wrong ones became other wrong ones.",
    "together": "More than half of the languages give the same answer now, and before they did not.",
    "apart": "More than half of the languages gave the same answer before, and they do not now.",
}


class Telling(NamedTuple):
    """A question to read; ``kind`` is a key of :data:`KINDS`, ``score`` as :func:`telling` describes it.

    ``others`` are the answers of other models, where several answered it.
    """

    row: Row
    kind: str
    score: int
    others: tuple[Row, ...] = ()


def kind_of(row: Row) -> str | None:
    """The kind of a question; None where no answer changed."""
    if row.before == row.after:
        return None
    if row.gold is None:
        old, new = (2 * shared_answer(side)[1] > len(side) for side in (row.before, row.after))
        return "together" if new and not old else "apart" if old and not new else "mixed"
    old_state, new_state = alike_state(row.before, row.gold), alike_state(row.after, row.gold)
    if new_state in WRONG and old_state not in WRONG:
        return "wrong"
    if new_state == "right":
        return "won"
    right = [{x for x, a in side.items() if a == row.gold} for side in (row.before, row.after)]
    if 2 * len(right[0]) > len(row.before) and len(right[1]) < len(right[0]):
        return "lost"
    return "gained" if right[0] < right[1] else "mixed"


def score_of(row: Row) -> int:
    """How many answers changed, and how many more or fewer are right.

    >>> from calm_ext.results.evaluation import Shown
    >>> before, after = {"en": 1, "fr": 0, "de": 2}, {"en": 0, "fr": 0, "de": 0}
    >>> score_of(Row("q", 0, None, before, after, Shown({}, {}, {}, {}), None))
    4
    """
    changed = sum(row.before[x] != a for x, a in row.after.items())
    if row.gold is None:
        return changed
    right = [sum(a == row.gold for a in side.values()) for side in (row.before, row.after)]
    return changed + abs(right[1] - right[0])


def telling(part: Part, n: int = N_TELLING, category: Mapping[str, str] | None = None) -> list[Telling]:
    """The n most telling questions, by kind: the kinds take turns, each with its question of the highest score.

    A question's score (:func:`score_of`) is lowered by one for each question of its kind and category that was taken
    before it, so that no category fills a kind. Of equal ones the first in the task's order is taken. A question that
    several models answered is taken once, with the answers of the highest score.

    Args:
        category: question id -> category, where the data name some.
    """
    answered: dict[str, list[Row]] = {}
    for row in part.rows:
        answered.setdefault(row.id, []).append(row)
    kinds: dict[str, list[Telling]] = {}
    for rows in answered.values():
        row = max(rows, key=score_of)
        kind = kind_of(row)
        if kind is not None:
            others = tuple(r for r in rows if r is not row)
            kinds.setdefault(kind, []).append(Telling(row, kind, score_of(row), others))
    queues = {k: _spread(kinds[k], n, category or {}) for k in KINDS if k in kinds}
    taken: dict[str, list[Telling]] = {k: [] for k in queues}
    while n > 0 and any(queues.values()):
        for kind, queue in queues.items():
            if queue and n > 0:
                taken[kind].append(queue.pop(0))
                n -= 1
    return [t for own in taken.values() for t in own]


def _spread(found: Sequence[Telling], n: int, category: Mapping[str, str]) -> list[Telling]:
    """The best n of a kind, a category's score falling with each question taken of it."""
    left, used = list(found), Counter[str]()
    result: list[Telling] = []
    while left and len(result) < n:
        best = max(range(len(left)), key=lambda i: (left[i].score - used[category.get(left[i].row.id, "")], -i))
        one = left.pop(best)
        used.update([category[one.row.id]] if one.row.id in category else [])
        result.append(one)
    return result
