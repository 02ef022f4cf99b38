"""The answers to explain: a task's questions before and after, asked ones and held-out ones apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from calm_ext.errors import RunError
from calm_ext.metrics.question import pivot_of
from calm_ext.records import Ballot, ParallelQuestion
from calm_ext.report.collect import asked_questions, common_ids
from calm_ext.report.rundata import RunData
from calm_ext.results.evaluation import Shown, Text

#: kind -> how it is called in a sentence: whether the alignment asked the questions of a part.
KINDS = {
    "held out": "held out",
    "asked": "asked in the alignment",
    "unknown": "not known whether the alignment asked them",
}


class Elected(NamedTuple):
    """What the vote elected on a question.

    Attributes:
        winner: index among the options of the evaluated question; None where nothing was elected.
        margin, probability: as in :class:`~calm_ext.records.Ballot`.
        trained: whether the question is in the training pairs.
    """

    winner: int | None
    margin: float
    probability: float | None
    trained: bool


class Row(NamedTuple):
    """One question before and after.

    Attributes:
        gold: index of the right option; None where it is not known.
        pivot: the language that the others are held against; None where there is none.
        before, after: language -> index of the answer, None where none could be read; in the same languages.
        shown: its texts, with what the model wrote after.
        elected: what the vote made of it; None of a question that the alignment did not ask.
        wrote: language -> what it wrote before; empty where options were scored.
        seed, fold: of a study, the number of the seed and the fold of the model that answered.
        group: what the question belongs together with; None where it stands for itself.
    """

    id: str
    gold: int | None
    pivot: str | None
    before: dict[str, int | None]
    after: dict[str, int | None]
    shown: Shown
    elected: Elected | None
    wrote: dict[str, Text] = {}
    seed: int = 0
    fold: int | None = None
    group: str | None = None


class Part(NamedTuple):
    """Questions of one task that are all asked in the alignment, or all held out.

    Attributes:
        kind: a key of :data:`KINDS`.
        languages: those of both evaluations, in the order asked.
        rows: the questions; one that several models answered has a row for each.
        signature: of the evaluation after the alignment.
        seeds: names of the seeds of a study; none of a run.
    """

    task: str
    kind: str
    languages: list[str]
    rows: list[Row]
    signature: str
    seeds: tuple[str, ...] = ()

    @property
    def has_gold(self) -> bool:
        """Whether right answers are known; rows without one are then left out of what needs them."""
        return any(r.gold is not None for r in self.rows)


def parts_of_task(data: RunData, task: str) -> list[Part]:
    """The parts of a task, held-out questions first; none where it lacks the answers of one of the two evaluations."""
    old, new = data.result(task, "before"), data.result(task, "after")
    if not (old and new and old.detail and new.detail):
        return []
    before, after = old.detail, new.detail
    languages = [x for x in new.languages if x in old.languages]
    recognised = asked_questions(data, task)
    ballots = {b.id: b for b in data.ballots}
    in_pairs = {p.id for p in data.pairs or []}
    rows: dict[str, list[Row]] = {kind: [] for kind in KINDS}
    for identity in common_ids(data, task):
        shown = after.shown[identity]
        asked = None if recognised is None else recognised[identity]
        kind = "unknown" if asked is None else "asked" if asked else "held out"
        gold = after.gold[identity]
        rows[kind].append(
            Row(
                identity,
                gold if gold is not None else before.gold[identity],
                pivot_of(languages, after.sources.get(identity)),
                {x: before.answers[identity].get(x) for x in languages},
                {x: after.answers[identity].get(x) for x in languages},
                shown,
                _elected(identity, shown, asked or [], ballots, in_pairs),
                before.shown[identity].responses,
            )
        )
    return [Part(task, kind, languages, own, new.signature) for kind, own in rows.items() if own]


def parts_of_run(data: RunData, task: str | None = None) -> list[Part]:
    """The parts of a task, or of all tasks of a run."""
    return [p for name in ([task] if task is not None else data.tasks) for p in parts_of_task(data, name)]


def place_of(part: Part, row: Row) -> dict[str, Any]:
    """``seed``, by its name, and ``fold`` of the model that answered, as far as a study has them."""
    seed = {"seed": part.seeds[row.seed]} if part.seeds else {}
    return seed | ({"fold": row.fold} if row.fold is not None else {})


def pooled(parts: Sequence[Part]) -> list[Part]:
    """The parts of several runs, those of one task and kind as one: so folds and seeds of a study are read together.

    A question that several runs measured has a row of each. Languages are those of all.

    Raises:
        RunError: two runs have other questions under one id.

    >>> row = Row("q", 0, None, {"en": 0, "fr": 1}, {"en": 0, "fr": 0}, Shown({}, {}, {}, {}), None)
    >>> one = Part("t", "held out", ["en", "fr"], [row], "s")
    >>> [two] = pooled([one, one._replace(languages=["fr"], rows=[row._replace(id="r"), row])])
    >>> two.languages, [(r.id, r.before) for r in two.rows]
    (['fr'], [('q', {'fr': 1}), ('r', {'fr': 1}), ('q', {'fr': 1})])
    """
    groups: dict[tuple[str, str], list[Part]] = {}
    for part in parts:
        groups.setdefault((part.task, part.kind), []).append(part)
    return [own[0] if len(own) == 1 else _one(own) for own in groups.values()]


def _one(parts: Sequence[Part]) -> Part:
    first = parts[0]
    languages = [x for x in first.languages if all(x in p.languages for p in parts)]
    rows: list[Row] = []
    known: dict[str, Row] = {}
    for row in (r for p in parts for r in p.rows):
        shown = known.setdefault(row.id, row).shown.questions
        if any(shown.get(x, text) != text for x, text in row.shown.questions.items()):
            raise RunError(
                f"{first.task}: question {row.id} of one run is another in a second; pool runs of one set of questions"
            )
        before, after = ({x: side[x] for x in languages} for side in (row.before, row.after))
        rows.append(row._replace(before=before, after=after))
    return first._replace(languages=languages, rows=rows)


def _elected(
    identity: str,
    shown: Shown,
    asked: Sequence[ParallelQuestion],
    ballots: Mapping[str, Ballot],
    in_pairs: set[str],
) -> Elected | None:
    """The vote on the asked question that has this id, else these options, which may be in another order."""
    places = {q.id: place for q in asked if q.id in ballots and (place := _places(q, shown))}
    name = identity if identity in places else next(iter(places), None)
    if name is None:
        return None
    ballot = ballots[name]
    winner = None if ballot.winner is None else places[name].get(ballot.winner)
    return Elected(winner, ballot.margin, ballot.probability, name in in_pairs)


def _places(question: ParallelQuestion, shown: Shown) -> dict[int, int]:
    """Index of an option of the asked question -> its index in the evaluated one; empty where they differ."""
    for language, version in question.versions.items():
        here = [t.text for t in shown.options.get(language, [])]
        there = [o.strip() for o in version.options]
        if here == there:
            return {i: i for i in range(len(here))}
        if sorted(here) == sorted(there) and len(set(here)) == len(here):
            return {i: here.index(o) for i, o in enumerate(there)}
    return {}
