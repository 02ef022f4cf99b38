"""One question of a run, or of the cells of a study: what was answered before and after, what the vote made of it, and
what was trained on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from calm_ext.errors import RunError
from calm_ext.files.expected import did_you_mean
from calm_ext.languages import language_name
from calm_ext.prompts import letter_of
from calm_ext.records import Ballot, Pair, ParallelQuestion
from calm_ext.report.explain.parts import KINDS, Row, parts_of_run
from calm_ext.report.rundata import RunData
from calm_ext.report.words import clip

if TYPE_CHECKING:
    from rich.console import RenderableType

T = TypeVar("T")

#: longest texts
_QUESTION, _TEXT = 600, 160
#: Most ids that a suggestion is looked for among.
_NEAR = 5000


class One(NamedTuple):
    """What a run has of a question.

    Attributes:
        rows: each task that it was evaluated in, with its kind (:data:`~calm_ext.report.explain.parts.KINDS`).
        asked: as it was asked in the alignment, with the ballot and the pairs of it; None of one that was not.
    """

    identity: str
    rows: list[tuple[str, str, Row]]
    asked: ParallelQuestion | None
    ballot: Ballot | None
    pairs: list[Pair]


def one_question(data: RunData, identity: str, *, task: str | None = None) -> One:
    """All that a run has of a question.

    Raises:
        RunError: it has no such question.
    """
    [one] = one_of_runs([data], identity, where=data.path, task=task)
    assert one is not None, "else it was refused"
    return one


def one_of_runs(runs: Iterable[RunData], identity: str, *, where: Path, task: str | None = None) -> list[One | None]:
    """The same of several runs, as the cells of a study; None of one that has no such question.

    Args:
        where: what is named in a message.

    Raises:
        RunError: none has it.
    """
    found, known = list[One | None](), dict[str, None]()
    for data in runs:
        parts = parts_of_run(data, task)
        rows = [(p.task, p.kind, row) for p in parts for row in p.rows if row.id == identity]
        asked = next((q for q in data.questions if q.id == identity), None)
        known |= dict.fromkeys([*(row.id for p in parts for row in p.rows), *(q.id for q in data.questions)])
        if not rows and asked is None:
            found.append(None)
            continue
        ballot = next((b for b in data.ballots if b.id == identity), None)
        pairs = [p for p in [*(data.pairs or []), *data.heldout_pairs] if p.id == identity]
        found.append(One(identity, rows, asked, ballot, pairs))
    if not any(found):
        ids = list(known)
        meant = did_you_mean(identity, ids[:_NEAR])
        raise RunError(f"{where}: has no question {identity}{meant}; its first: {', '.join(ids[:3]) or 'none'}")
    return found


def why_moved(row: Row) -> list[str]:
    """A sentence for each changed answer: whom it followed.

    >>> from calm_ext.results.evaluation import Shown
    >>> before, after = {"en": 1, "fr": 1, "de": 2}, {"en": 1, "fr": 1, "de": 1}
    >>> why_moved(Row("q", 1, None, before, after, Shown({}, {}, {}, {}), None))
    ['German (de): from C to B, right: the answer of English (en) and French (fr) before']
    """
    found = []
    for language, new in row.after.items():
        old = row.before[language]
        if new == old:
            continue
        others = [language_name(x) for x, a in row.before.items() if x != language and a == new is not None]
        follows = f"the answer of {_listed(others)} before" if others else "no other language answered so before"
        if new is None:
            follows = "no answer could be read"
        elected = row.elected.winner if row.elected else None
        if elected is not None and elected == new:
            follows += ", and what the vote elected"
        judged = "" if row.gold is None else ", right" if new == row.gold else ", wrong"
        found.append(f"{language_name(language)}: from {letter_of(old)} to {letter_of(new)}{judged}: {follows}")
    return found


def values_of(one: One) -> dict[str, Any]:
    """The same as plain values, for ``--json``."""
    return {
        "id": one.identity,
        "tasks": [
            {"task": task, "kind": kind, "answer": row.gold, "before": row.before, "after": row.after,
             "why": why_moved(row)}
            for task, kind, row in one.rows
        ],
        "ballot": one.ballot.model_dump() if one.ballot else None,
        "pairs": [p.model_dump(exclude={"prompt"}) for p in one.pairs],
    }  # fmt: skip


def render_one(one: One) -> list[RenderableType]:
    """For a terminal."""
    from rich.text import Text

    found: list[RenderableType] = [Text(one.identity, "bold")]
    for task, kind, row in one.rows:
        found += ["", Text(f"{task}, {KINDS[kind]}", "bold"), *_evaluated(row)]
    if one.asked is not None:
        found += ["", Text("in the alignment", "bold"), *_aligned(one)]
    elif any(kind == "held out" for _, kind, _ in one.rows):
        found += ["", "The alignment did not ask this question: its answers changed by what others taught."]
    return found


def render_models(found: Sequence[tuple[str, One]]) -> list[RenderableType]:
    """The same question of several models, each with its name, for a terminal; what is the same of some stands once."""
    from rich.text import Text

    result: list[RenderableType] = [Text(found[0][1].identity, "bold")]
    tasks = dict.fromkeys((task, kind) for _, one in found for task, kind, _ in one.rows)
    for task, kind in tasks:
        rows = [(name, row) for name, one in found for t, k, row in one.rows if (t, k) == (task, kind)]
        result += ["", Text(f"{task}, {KINDS[kind]}", "bold"), *_asked(rows[0][1])]
        for names, row in _alike([(name, (row.gold, row.before, row.after, row.elected), row) for name, row in rows]):
            result += [Text(names, "italic"), *_answered(row)]
    aligned = [(name, (one.ballot, one.pairs), one) for name, one in found if one.asked is not None]
    for names, one in _alike(aligned):
        result += ["", Text(f"in the alignment: {names}", "bold"), *_aligned(one)]
    return result


def _alike(found: Sequence[tuple[str, Any, T]]) -> list[tuple[str, T]]:
    """Names of those that say the same, with the first of them."""
    groups: list[tuple[list[str], Any, T]] = []
    for name, says, one in found:
        same = next((names for names, other, _ in groups if other == says), None)
        if same is None:
            groups.append(([name], says, one))
        else:
            same.append(name)
    return [("; ".join(names), one) for names, _, one in groups]


def _evaluated(row: Row) -> list[RenderableType]:
    return [*_asked(row), *_answered(row)]


def _asked(row: Row) -> list[RenderableType]:
    language = row.pivot if row.pivot in row.shown.questions else next(iter(row.shown.questions), None)
    return [clip(row.shown.questions[language].text, _QUESTION)] if language else []


def _answered(row: Row) -> list[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for name, old in row.before.items():
        new, options = row.after[name], row.shown.options.get(name, [])
        texts = [t.text for t in options]
        cells = [_answer(texts, answer, row.gold) for answer in (old, new)]
        changed = (Text("→", "bold"), cells[1]) if old != new else ()
        table.add_row(language_name(name), cells[0], *changed)
    why = why_moved(row) or ["no answer changed"]
    return [table, *(Text(f"  {line}", "dim") for line in why)]


def _answer(texts: list[str], answer: int | None, gold: int | None) -> Any:
    from rich.text import Text

    if answer is None:
        return Text("no answer", "dim")
    text = f"{letter_of(answer)} {clip(texts[answer], _TEXT)}" if answer < len(texts) else letter_of(answer)
    if gold is None:
        return Text(text)
    return Text(f"✓ {text}", "green") if answer == gold else Text(f"✗ {text}", "red")


def _aligned(one: One) -> list[RenderableType]:
    ballot, lines = one.ballot, list[Any]()
    if ballot is None:
        return ["It was asked; the vote has no ballot of it."]
    votes = "; ".join(f"{language_name(x)} {_counted(answers)}" for x, answers in ballot.votes.items())
    lines.append(f"Votes: {votes}.")
    if ballot.winner is None:
        lines.append("The vote elected nothing that was kept, so nothing was trained on it.")
    else:
        chance = ballot.probability
        sure = "" if chance is None else f", right with probability {chance:.2f} by its estimate"
        lines.append(f"Elected: {letter_of(ballot.winner)}, by a margin of {ballot.margin:.2f}{sure}.")
    for pair in one.pairs:
        chosen, rejected = (repr(clip(text.strip(), _TEXT)) for text in (pair.chosen, pair.rejected))
        lines.append(f"  pair in {language_name(pair.language)} ({pair.origin}): {chosen} rather than {rejected}")
    if not one.pairs and ballot.winner is not None:
        lines.append("No pair was made of it.")
    return lines


def _counted(answers: list[int | None]) -> str:
    """How often each option was named.

    >>> _counted([1, 1, None, 0])
    'B ×2, A, none'
    """
    counts: Mapping[int | None, int] = Counter(answers)
    order = sorted(counts, key=lambda a: (a is None, -counts[a], a or 0))
    return ", ".join(letter_of(a) + (f" ×{counts[a]}" if counts[a] > 1 else "") for a in order)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
