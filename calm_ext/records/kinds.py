"""What each file of a run is called, what makes it and how a line of it looks, for messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from calm_ext.records.answers import Generation, Prediction
from calm_ext.records.base import Record
from calm_ext.records.passages import CorpusPassage, Passages
from calm_ext.records.questions import ParallelQuestion
from calm_ext.records.votes import Ballot, Exercise, Group, Pair


class Kind(NamedTuple):
    """One kind of file.

    Attributes:
        name: in the plural.
        keys: what every line of it has and lines of the kinds after it in :data:`KINDS` lack.
        made: where it comes from.
        line: a line of it.
    """

    name: str
    keys: tuple[str, ...]
    made: str
    line: str


_QUESTION = '{"id": "q1", "answer": 0, "versions": {"en": {"question": "…?", "options": ["…", "…"]}, "fr": …}}'
_GENERATION = (
    '{"id": "q1", "language": "en", "question": "…?", "options": ["…", "…"], "prompt": "…", "responses": ["…"]}'
)
_BALLOT = '{"id": "q1", "winner": 0, "margin": 1.0, "votes": {"en": [0, 0]}, "weights": {"en": 1.0}}'
_PREDICTION = '{"id": "q1", "answer": 2, "predictions": {"en": 2, "fr": null}}'
_PAIR = (
    '{"id": "q1", "language": "en", "prompt": "…", "chosen": "…", "rejected": "…", "chosen_answer": 0, '
    '"rejected_answer": 1, "margin": 1.0, "origin": "native"}'
)
_CORPUS = '{"id": "p1", "language": "en", "text": "…"}'
_PASSAGES = '{"id": "q1", "language": "en", "passages": [{"id": "p1", "language": "en", "text": "…"}]}'

#: Record -> its kind; a line is of the first kind whose keys it has.
KINDS: dict[type[Record], Kind] = {
    ParallelQuestion: Kind("questions", ("versions",), "`calm-ext data prepare` makes them", _QUESTION),
    Prediction: Kind("predictions", ("predictions",), "`calm-ext metrics --help` shows a line", _PREDICTION),
    Pair: Kind("pairs", ("chosen", "rejected"), "`calm-ext pairs` makes them", _PAIR),
    Ballot: Kind("ballots", ("votes", "margin"), "`calm-ext vote` makes them", _BALLOT),
    Group: Kind("groups", ("members",), "`calm-ext align` makes them, as groups.jsonl in its run", ""),
    Exercise: Kind("exercises", ("prompt", "target"), "`calm-ext align` makes them, as exercises.jsonl in its run", ""),
    Passages: Kind("passages of questions", ("passages",), "`calm-ext index passages` makes them", _PASSAGES),
    Generation: Kind("generations", ("language", "options", "prompt"), "`calm-ext sample` makes them", _GENERATION),
    CorpusPassage: Kind("passages", ("language", "text"), "`calm-ext index build --help` shows a line", _CORPUS),
}


def kind_of(row: Mapping[str, Any]) -> str:
    """What the line of a file is one of, in the plural; empty where it is none that is known."""
    if "doc" in row and {"resps", "filtered_resps", "arguments"} & row.keys():
        return "samples of lm-eval"
    generated = "language" in row and {"responses", "option_logprobs"} & row.keys()
    for record, kind in KINDS.items():
        if (generated and record is Generation) or all(key in row for key in kind.keys):
            if record is Passages and generated:
                continue  # generations name their passages, too
            return kind.name
    return "questions in one language" if {"question", "options"} <= row.keys() else ""


def misfit(row: Mapping[str, Any], record: type[Record]) -> str:
    """What to say where a line of a file is of another kind than expected; empty where it is not.

    >>> misfit({"id": "q", "versions": {}}, Generation)
    'holds questions; generations were expected: `calm-ext sample` makes them'
    """
    wanted, found = KINDS.get(record), kind_of(row)
    if wanted is None or not found or found == wanted.name:
        return ""
    if found == "questions in one language" and record is ParallelQuestion:
        return f"holds {found}; one object with all languages was expected, as {wanted.line}"
    return f"holds {found}; {wanted.name} were expected: {wanted.made}"


def line_of(record: type[Record]) -> str:
    """``; a line is {…}``: how a line of a record looks; empty where it is too long to show."""
    kind = KINDS.get(record)
    return f"; a line is {kind.line}" if kind and kind.line else ""


def absent(record: type[Record]) -> str:
    """What a file without a line should hold."""
    kind = KINDS.get(record)
    return f"is empty; {kind.name} were expected: {kind.made}" if kind else "is empty"
