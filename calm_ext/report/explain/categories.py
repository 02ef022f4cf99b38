"""What a question is about, as far as the data say it: by its id, else by the wording that questions share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

#: Fewest questions of a category; smaller ones are put together.
SMALLEST = 5
#: Fewest questions that share a wording, and share of all questions that must have one.
_ALIKE, _COVERED = 4, 0.5
#: Most words that a wording leaves open.
_OPEN = 8
#: Most categories that are shown; smaller ones are put together.
_MOST = 30
#: Fewest letters of a word that may be a wording alone.
_LETTERS = 4
_NUMBER = re.compile(r"[\W_]*\d+$")
_GAP = re.compile(r"^\W*_{2,}\W*$|^\W+$")
OTHERS = "others"


class Categories(NamedTuple):
    """The categories of questions.

    Attributes:
        of: question id -> category.
        source: what they were taken from, in words.
    """

    of: dict[str, str]
    source: str


def categories(questions: Mapping[str, str], *, by_id: bool = True) -> Categories | None:
    """The categories of questions; None where the data name none.

    An id may name one before its number: ``klar-capital-12``, ``sample-medicine-006``, ``law/test/7``. Where ids name
    none, questions that were made from templates show theirs: ``… plays the …``. At least two categories must be left.

    Args:
        questions: id -> the question in one language.
        by_id: whether ids may name categories.

    >>> found = categories({f"klar-{x}-{i}": "?" for x in ("capital", "religion") for i in range(9)})
    >>> found.of["klar-religion-3"], found.source
    ('religion', 'the ids of the questions')
    """
    for find in (_by_id, _by_wording) if by_id else (_by_wording,):
        found = find(questions)
        if found is not None:
            of = _merged(found.of)
            if len({c for c in of.values() if c != OTHERS}) > 1:
                return Categories(of, found.source)
    return None


def _merged(of: Mapping[str, str]) -> dict[str, str]:
    """Small categories as one, :data:`OTHERS`."""
    counts = Counter(of.values())
    kept = {c for c, n in counts.most_common(_MOST) if n >= SMALLEST}
    return {i: c if c in kept else OTHERS for i, c in of.items()}


def _by_id(questions: Mapping[str, str]) -> Categories | None:
    stems = {i: _NUMBER.sub("", i) for i in questions}
    names = set(stems.values())
    # An id without a number, or with a stem of hardly more than one question, names the question itself.
    if len(names) < 2 or any(i == stem for i, stem in stems.items()) or 2 * len(names) > len(questions):
        return None
    head, tail = _shared(names), _shared({x[::-1] for x in names})
    of = {i: stem[head : len(stem) - tail] or stem for i, stem in stems.items()}
    return Categories(of, "the ids of the questions")


def _shared(names: Collection[str]) -> int:
    """Up to where all begin alike, counted to behind the last mark between two parts of an id."""
    low, high = min(names), max(names)
    common = low[: next((i for i, c in enumerate(low) if c != high[i : i + 1]), len(low))]
    return max(common.rfind(x) for x in "-/:.") + 1


def _by_wording(questions: Mapping[str, str]) -> Categories | None:
    """The wordings that most words of most questions share, one gap each for what differs."""
    words = {i: text.split() for i, text in questions.items()}
    counts: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()
    for own in words.values():
        counts.update(set(_wordings(own)))
    of = {}
    for identity, own in words.items():
        shared = [w for w in _wordings(own) if counts[w] >= _ALIKE]
        if shared:
            head, tail = max(shared, key=lambda w: (counts[w] * _weight(w), w))
            of[identity] = " ".join((*head, "…", *tail))
    if len(of) < _COVERED * len(questions):
        return None
    return Categories({i: of.get(i, OTHERS) for i in questions}, "the wording that questions share")


def _wordings(words: Sequence[str]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """(words before, words behind) for every gap of a few words."""
    n = len(words)
    if n > 60:  # a passage, or a story
        return []
    return [
        (tuple(words[:i]), tuple(words[j:]))
        for i in range(n)
        for j in range(i + 1, min(n, i + _OPEN) + 1)
        if _weight((words[:i], words[j:])) > 0
    ]


def _weight(wording: tuple[Sequence[str], Sequence[str]]) -> int:
    """How much a wording says: more with each word; nothing with a place for the answer, or one short word, alone."""
    words = [w for side in wording for w in side if not _GAP.match(w)]
    return 0 if len(words) == 1 and len(words[0]) < _LETTERS else len(words) ** 2
