"""What the functions return: tables that print well in a notebook and convert to other forms."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from calm_ext.answers.thoughts import Marks
from calm_ext.files.shown import fixed
from calm_ext.metrics.compare import Comparison
from calm_ext.metrics.measure import Measured
from calm_ext.pairing.export import trl_row
from calm_ext.records import Ballot, Generation, Pair
from calm_ext.voting.elect import Election
from calm_ext.voting.quality import vote_summary

if TYPE_CHECKING:
    import datasets
    import pandas

_SHOWN = 20


class Result:
    """A table with a title; the base of all results."""

    def _title(self) -> str:
        raise NotImplementedError

    def to_dicts(self) -> list[dict[str, Any]]:
        """The rows as dicts."""
        raise NotImplementedError

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a DataFrame."""
        import pandas

        return pandas.DataFrame(self.to_dicts())

    def _shown(self) -> list[dict[str, Any]]:
        """The rows as they are printed."""
        return self.to_dicts()

    def __repr__(self) -> str:
        rows = self._shown()
        cells = [list(rows[0]), *([_text(v) for v in row.values()] for row in rows[:_SHOWN])] if rows else []
        widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))] if cells else []
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]
        more = [f"… and {len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else []
        return "\n".join([self._title(), *lines, *more])

    def _repr_html_(self) -> str:
        """For notebooks; every value is escaped."""
        rows = self._shown()
        head = "".join(f"<th>{html.escape(name)}</th>" for name in (rows[0] if rows else ()))
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(_text(v))}</td>" for v in row.values()) + "</tr>"
            for row in rows[:_SHOWN]
        )
        more = f"<p>… and {len(rows) - _SHOWN} more</p>" if len(rows) > _SHOWN else ""
        title = html.escape(self._title())
        return f"<p>{title}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return fixed(value)
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:59]}…"


class Votes(Result):
    """An elected answer for each question.

    Attributes:
        ballots: one a question (:class:`calm_ext.records.Ballot`); an undecided one has no winner.
        weights: language -> how much it counted.
        notes: what a reader should know, one line each.
        summary: as ``calm-ext vote --json``: questions decided, estimated accuracy, accuracy where there is gold.
        samples: what was voted on, from which :func:`calm_ext.build_pairs` takes the responses.
    """

    def __init__(self, election: Election, samples: Sequence[Generation], *, style: str, thoughts: Marks = ()) -> None:
        self.ballots: list[Ballot] = list(election.ballots)
        self.weights = election.weights
        self.notes = election.notes
        self.samples = list(samples)
        self.style = style
        self.thoughts = thoughts
        self.summary = vote_summary(self.ballots, {g.id: g.answer for g in samples}, election.estimate)

    def __len__(self) -> int:
        return len(self.ballots)

    def __iter__(self) -> Iterator[Ballot]:
        return iter(self.ballots)

    def _title(self) -> str:
        s = self.summary
        estimate, right = s["estimated_accuracy"], s["accuracy"]
        parts = [f"{s['n_decided']} of {s['n_questions']} questions decided"]
        if estimate is not None:
            parts.append(f"right by estimate {fixed(estimate)}")
        if right is not None:
            parts.append(f"right by gold {fixed(right)}")
        return ", ".join(parts)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row a question: the keys of :class:`calm_ext.records.Ballot`."""
        return [b.model_dump() for b in self.ballots]

    def _shown(self) -> list[dict[str, Any]]:
        names = ("id", "winner", "margin", "probability", "tie")
        return [{name: getattr(b, name) for name in names} for b in self.ballots]


class PairSet(Result):
    """Preference pairs.

    Attributes:
        pairs: records (:class:`calm_ext.records.Pair`).
        summary: as ``calm-ext pairs --json``: counts by language and origin, lengths, what was left out and why.
    """

    def __init__(self, pairs: Sequence[Pair], summary: dict[str, Any]) -> None:
        self.pairs = list(pairs)
        self.summary = summary

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs)

    def _title(self) -> str:
        by_language = ", ".join(f"{x} {n}" for x, n in self.summary["by_language"].items())
        return f"{len(self.pairs)} pairs ({by_language})"

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row a pair, with all that is known of it."""
        return [p.model_dump() for p in self.pairs]

    def _shown(self) -> list[dict[str, Any]]:
        names = ("id", "language", "chosen", "rejected", "margin", "origin")
        return [{name: getattr(p, name) for name in names} for p in self.pairs]

    def to_trl(self) -> datasets.Dataset:
        """A ``datasets.Dataset`` with ``prompt``, ``chosen``, ``rejected``, as TRL's DPOTrainer takes it."""
        import datasets

        return datasets.Dataset.from_list([trl_row(p) for p in self.pairs])


class Scores(Result):
    """The metrics of a set of answers, with standard errors and 95 % intervals.

    Attributes:
        measured: everything (:class:`calm_ext.metrics.measure.Measured`).
        metrics: name -> value, ``acc``, ``acc_en``, ``consistency``, …
        warnings: in words.
    """

    def __init__(self, measured: Measured) -> None:
        self.measured = measured
        self.metrics = measured.metrics
        self.warnings = measured.warnings

    def __getitem__(self, name: str) -> float:
        return self.metrics[name]

    def _title(self) -> str:
        return f"{self.measured.n_questions} questions in {', '.join(self.measured.languages)}"

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row a metric: ``metric``, ``value``, ``stderr``, ``low``, ``high``, ``chance``, ``n``."""
        m = self.measured
        return [
            {
                "metric": name, "value": value, "stderr": m.stderr[name], "low": m.ci95[name][0],
                "high": m.ci95[name][1], "chance": m.chance.get(name), "n": m.n[name],
            }
            for name, value in m.metrics.items()
        ]  # fmt: skip


class Changes(Result):
    """Two evaluations of the same questions, compared question by question.

    Attributes:
        comparison: everything (:class:`calm_ext.metrics.compare.Comparison`).
        changes: metric -> :class:`calm_ext.metrics.compare.Change`.
        warnings: in words.
    """

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.changes = comparison.changes
        self.warnings = comparison.warnings

    def __getitem__(self, name: str) -> Any:
        return self.changes[name]

    def _title(self) -> str:
        return f"{self.comparison.n_questions} questions in {', '.join(self.comparison.languages)}"

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row a metric: ``before``, ``after``, ``difference``, its interval, ``p``, ``p_holm``, ``test``."""
        return [
            {
                "metric": name, "before": c.before, "after": c.after, "difference": c.difference, "low": c.ci95[0],
                "high": c.ci95[1], "p": c.p, "p_holm": c.p_holm, "test": c.test,
            }
            for name, c in self.changes.items()
        ]  # fmt: skip
