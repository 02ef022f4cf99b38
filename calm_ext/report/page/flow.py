"""Where a gain comes from: each question's languages before and after, as states and the moves between them.

A question is *all right* where every language gives the right answer, *consistent and wrong* where all give the same
wrong one, and *mixed* where the languages differ or an answer could not be read. Where no right answer is known,
questions whose languages agree are *consistent*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from calm_ext.report.words import counted, is_number, number, percent
from calm_ext.results.evaluation import TaskAnswers

#: state -> its name in words, best first
STATES = {
    "right": "all right",
    "wrong": "consistent and wrong",
    "mixed": "mixed",
    "same": "consistent, right answer unknown",
}


class Move(NamedTuple):
    """A move from one state to another.

    Attributes:
        key: short name, that of a filter of the page.
        words: what happened to the question.
    """

    key: str
    words: str


#: (state before, state after) -> what that is called
MOVES = {
    ("mixed", "right"): Move("to-right", "became consistent and right"),
    ("wrong", "right"): Move("to-right", "became consistent and right"),
    ("mixed", "wrong"): Move("to-wrong", "became consistent and wrong"),
    ("right", "wrong"): Move("to-wrong", "became consistent and wrong"),
    ("right", "mixed"): Move("apart", "fell apart"),
    ("wrong", "mixed"): Move("apart", "fell apart"),
    ("right", "right"): Move("stayed-right", "stayed all right"),
    ("wrong", "wrong"): Move("stayed-wrong", "stayed consistent and wrong"),
    ("mixed", "mixed"): Move("stayed-mixed", "stayed mixed"),
    ("mixed", "same"): Move("to-same", "became consistent"),
    ("same", "mixed"): Move("apart", "fell apart"),
    ("same", "same"): Move("stayed-same", "stayed consistent"),
}


def state_of(answers: Mapping[str, int | None], gold: int | None) -> str:
    """The state of a question: ``right``, ``wrong``, ``mixed``, or ``same`` where gold is not known.

    >>> state_of({"en": 1, "fr": 1}, 1), state_of({"en": 1, "fr": 1}, 0), state_of({"en": 1, "fr": None}, 1)
    ('right', 'wrong', 'mixed')
    """
    given = set(answers.values())
    if len(given) != 1 or None in given:
        return "mixed"
    if gold is None:
        return "same"
    return "right" if given == {gold} else "wrong"


def flow_summary(before: TaskAnswers, after: TaskAnswers, ids: Sequence[str]) -> dict[str, Any] | None:
    """How many questions made which move, and how much accuracy that brought; None without questions.

    Returns:
        ``{"n", "moved", "before": {state: n}, "after": {state: n}, "moves": [{"before", "after", "n", "gain"}, …]}``,
        the moves in the order of the states. ``gain`` is what the questions of that move add to the mean accuracy over
        all ``n``: the gains add up to its difference. None where no right answer is known.
    """
    if not ids:
        return None
    counts: dict[tuple[str, str], int] = {}
    gains: dict[tuple[str, str], float] = {}
    known = 0
    for identity in ids:
        gold = after.gold.get(identity)
        old, new = before.answers[identity], after.answers[identity]
        move = (state_of(old, gold), state_of(new, gold))
        counts[move] = counts.get(move, 0) + 1
        if gold is not None:
            known += 1
            gains[move] = gains.get(move, 0.0) + _share(new, gold) - _share(old, gold)
    order = list(STATES)
    moves = sorted(counts, key=lambda m: (order.index(m[0]), order.index(m[1])))
    present = [s for s in order if any(s in m for m in moves)]
    return {
        "n": len(ids),
        "moved": sum(n for (a, b), n in counts.items() if a != b),
        "before": {s: sum(n for m, n in counts.items() if m[0] == s) for s in present},
        "after": {s: sum(n for m, n in counts.items() if m[1] == s) for s in present},
        "moves": [
            {"before": a, "after": b, "n": counts[a, b], "gain": gains[a, b] / known if (a, b) in gains else None}
            for a, b in moves
        ],
    }


def _share(answers: Mapping[str, int | None], gold: int) -> float:
    return sum(a == gold for a in answers.values()) / len(answers)


def flow_words(flow: Mapping[str, Any]) -> str:
    """The flow in a sentence."""
    n, moved = flow["n"], flow["moved"]
    if not moved:
        return f"None of {n} questions changed between all right, consistent and wrong, and mixed."
    counts = {(m["before"], m["after"]): m["n"] for m in flow["moves"]}
    totals: dict[str, int] = {}
    for states, move in MOVES.items():
        if states in counts and states[0] != states[1]:
            totals[move.words] = totals.get(move.words, 0) + counts[states]
    parts = [f"{counted(count, 'question')} {words}" for words, count in totals.items()]
    return (
        f"{moved} of {n} questions ({percent(moved / n)}) changed between all right, consistent and wrong, and mixed: "
        f"{', '.join(parts)}."
    )


def flow_context(flow: Mapping[str, Any] | None, *, difference: float | None = None) -> dict[str, Any] | None:
    """The table of the flow as the page shows it.

    Args:
        difference: of the accuracy, as it is shown elsewhere; the sum of the gains may round otherwise.
    """
    if flow is None:
        return None
    moves = sorted(flow["moves"], key=lambda m: (m["before"] == m["after"], -m["n"]))
    return {
        "words": flow_words(flow),
        "rows": [
            {
                "before": STATES[m["before"]],
                "after": STATES[m["after"]],
                "words": MOVES[m["before"], m["after"]].words,
                "n": m["n"],
                "share": percent(m["n"] / flow["n"]),
                "gain": number(m["gain"], signed=True),
            }
            for m in moves
        ],
        "states": [
            {"name": STATES[s], "before": flow["before"][s], "after": flow["after"][s], "moved": _signed(flow, s)}
            for s in flow["before"]
        ],
        "n": flow["n"],
        "gain": number(difference, signed=True) if is_number(difference) else "",
    }


def _signed(flow: Mapping[str, Any], state: str) -> str:
    return f"{flow['after'][state] - flow['before'][state]:+d}".replace("-", "−").replace("+0", "0")
