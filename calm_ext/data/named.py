"""Whether options that are names name the same things in every language, without a dictionary.

In a set of facts the options of one question are the right answers of others: KLAR asks for capitals, and its options
are capitals. Two names are known to be of different things where both are right answers somewhere and never of the same
question. Where the pivot's option and another language's at the same place are known to differ, their lists are no
translations of each other; a name that is nowhere a right answer proves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

#: A row: its options, and the index of the right one.
Row = tuple[Sequence[str], int | None]


def different_things(rows: Mapping[str, Sequence[Row]], *, pivot: str) -> dict[int, list[str]]:
    """Index of a question -> the languages in which an option names another thing than in the pivot.

    Args:
        rows: language -> its rows, parallel by index.

    >>> en = [(["Rome", "Paris"], 1), (["Oslo", "Rome"], 1), (["Paris", "Oslo"], 1)]
    >>> fr = [(["Rome", "Paris"], 1), (["Paris", "Rome"], 1), (["Paris", "Oslo"], 1)]
    >>> different_things({"en": en, "fr": fr}, pivot="en")
    {1: ['fr']}
    """
    places = {language: _answered(own) for language, own in rows.items()}
    found: dict[int, list[str]] = {}
    for language, own in rows.items():
        if language == pivot:
            continue
        for k, ((theirs, _), (options, _)) in enumerate(zip(rows[pivot], own, strict=True)):
            for a, b in zip(theirs, options, strict=True):
                one, two = places[pivot].get(a), places[language].get(b)
                if one and two and one.isdisjoint(two):
                    found.setdefault(k, []).append(language)
                    break
    return found


def _answered(rows: Sequence[Row]) -> dict[str, set[int]]:
    """Name -> the questions of which it is the right answer."""
    found: dict[str, set[int]] = defaultdict(set)
    for k, (options, gold) in enumerate(rows):
        if gold is not None:
            found[options[gold]].add(k)
    return found
