"""Every two results of a table compared, with Holm's correction over all the pairs (``calm-ext compare --all``).

Intervals and p-values are those that ``calm-ext compare`` has for the two alone
(:func:`calm_ext.metrics.compare.paired_tests`). Each metric is a family of its own: its ``p_holm`` is corrected over
the pairs. The accuracies of the languages are one family, corrected over pairs and languages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from calm_ext.errors import CalmError
from calm_ext.metrics.answered import numbered
from calm_ext.metrics.compare import ALPHA
from calm_ext.metrics.names import LOWER_IS_BETTER, metric_label, metric_order
from calm_ext.metrics.stats import RESAMPLES, holm
from calm_ext.report.board.names import run_label
from calm_ext.report.board.table import Board, Row, Table
from calm_ext.report.board.write import about, warnings
from calm_ext.report.compared import differences, in_one_order
from calm_ext.report.words import interval, number, p_value

if TYPE_CHECKING:
    from rich.console import RenderableType

#: metrics that the terminal shows; ``--json`` has all
SHOWN = ("acc", "consistency")


class Pair(NamedTuple):
    """Two results of one table.

    Attributes:
        first, second: what they are called.
        changes: metric -> ``first``, ``second``, ``difference`` (second less first), ``low`` and ``high`` of its 95 %
            interval, ``p``, and ``p_holm``, corrected over all pairs.
    """

    first: str
    second: str
    changes: Mapping[str, Mapping[str, float]]


class Compared(NamedTuple):
    """A table's results in the order in which they were given, and every two of them."""

    table: Table
    names: list[str]
    pairs: list[Pair]


def compare_all(
    board: Board, given: Sequence[Path], *, seed: int = 0, resamples: int = RESAMPLES, mixed_versions: bool = False
) -> list[Compared]:
    """Compare every two results of each table of a board that have samples.

    Args:
        given: the paths as they were named; results stand in their order, of a run the one before alignment first.
        mixed_versions: allow different versions of calm-ext or lm-eval.

    Raises:
        CalmError: no table has two results to compare, or their versions differ.
    """
    found = []
    for table in board.tables:
        rows = sorted((r for r in table.rows if r.entry.columns), key=lambda r: _place(r, given))
        if len(rows) > 1:
            if not mixed_versions:
                _same_versions(rows)
            found.append(_compared(table, rows, seed, resamples))
    if not found:
        alone = "; ".join(f"{r.label}, {t.task}{_why(t, r)}" for t in board.tables for r in t.rows)
        raise CalmError(f"no two results can be compared; there are {alone}")
    return found


def _place(row: Row, given: Sequence[Path]) -> tuple[int, bool, str]:
    path = row.entry.path
    at = next((i for i, p in enumerate(given) if path.is_relative_to(p.resolve())), len(given))
    return at, bool(run_label(path)) and path.parent.name == "after", str(path)


def _why(table: Table, row: Row) -> str:
    return f" ({'; '.join([*table.apart, row.entry.note])})".replace("; )", ")").replace(" ()", "")


def _same_versions(rows: Sequence[Row]) -> None:
    for package in dict.fromkeys(x for r in rows for x in r.entry.versions):
        versions = dict.fromkeys(r.entry.versions.get(package, "unknown") for r in rows)
        if len(versions) > 1:
            raise CalmError(
                f"{rows[0].entry.task}: scored by different versions of {package} ({', '.join(versions)}); score them "
                f"again with one, or say --mixed-versions"
            )


def _compared(table: Table, rows: Sequence[Row], seed: int, resamples: int) -> Compared:
    import numpy as np

    columns = [r.entry.columns for r in rows]
    values = in_one_order(columns, metric_order(m for m in columns[0].names if m[0] != "#")) if columns[0] else []
    # A metric that only some questions have is none to pair.
    whole = [m for m in values[0] if all(m in own and not np.isnan(own[m]).any() for own in values)]
    values = [{m: own[m] for m in whole} for own in values]
    first = columns[0]
    clusters = numbered(first.clusters) if first and first.clusters else None
    found = differences(list(combinations(values, 2)), table.languages, resamples, seed=seed, clusters=clusters)
    families: dict[str, list[tuple[int, str]]] = {}
    for i, own in enumerate(found):
        for metric in own:
            by_language = metric.removeprefix("acc_") in table.languages
            families.setdefault("acc_" if by_language else metric, []).append((i, metric))
    for members in families.values():
        corrected = holm([found[i][m]["p"] for i, m in members])
        for (i, m), p in zip(members, corrected, strict=True):
            found[i][m]["p_holm"] = p
    pairs = []
    for (i, j), own in zip(combinations(range(len(rows)), 2), found, strict=True):
        changes = {
            m: {
                "first": float(values[i][m].mean()), "second": float(values[j][m].mean()),
                "difference": d["value"], "low": d["low"], "high": d["high"], "p": d["p"], "p_holm": d["p_holm"],
            }
            for m, d in own.items()
        }  # fmt: skip
        pairs.append(Pair(rows[i].label, rows[j].label, changes))
    return Compared(table, [r.label for r in rows], pairs)


def render_pairs(found: Sequence[Compared]) -> Iterator[RenderableType]:
    """A heading, a table of the pairs, and notes, of each table of the board."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable
    from rich.text import Text

    for one in found:
        n = len(one.pairs)
        yield Text(f"{one.table.task}: {about(one.table)}", "bold")
        yield from (Text(f"! {x}", "yellow") for x in warnings(one.table))
        shown = RichTable(box=SIMPLE_HEAD, show_edge=False)
        shown.add_column("pair", overflow="fold")
        for head in ("first", "second", "difference", "95 % interval", "p", "p (Holm)"):
            shown.add_column(head, justify="right", no_wrap=True)
        for metric in (m for m in SHOWN if m in one.pairs[0].changes):
            shown.add_row(Text(metric_label(metric), "bold"))
            for pair in one.pairs:
                shown.add_row(*_cells(pair, metric), style=_style(pair.changes[metric], metric))
            shown.add_section()
        yield shown
        yield Text(
            f"Second less first, of {one.table.facts['questions']} questions; p (Holm) is corrected over the "
            f"{n} pair{'s' * (n != 1)} of a metric. --json has all metrics."
        )
        yield from (Text(note) for note in one.table.notes)
        yield Text()


def _cells(pair: Pair, metric: str) -> list[str]:
    d = pair.changes[metric]
    return [
        f"{pair.first} → {pair.second}", number(d["first"]), number(d["second"]),
        number(d["difference"], signed=True), interval([d["low"], d["high"]], signed=True),
        p_value(d["p"]), p_value(d["p_holm"]),
    ]  # fmt: skip


def _style(change: Mapping[str, float], metric: str) -> str:
    if change["p_holm"] >= ALPHA:
        return ""
    return "green" if (change["difference"] > 0) != (metric in LOWER_IS_BETTER) else "red"


def pairs_dict(found: Sequence[Compared], board: Board) -> dict[str, Any]:
    """The pairs for ``--json``."""
    return {
        "tables": [
            {
                "task": one.table.task, "facts": dict(one.table.facts), "languages": one.table.languages,
                **({"n_clusters": n, "cluster": one.table.cluster_key} if (n := one.table.n_clusters) else {}),
                "results": one.names, "n_pairs": len(one.pairs), "signature": one.table.signature,
                "warnings": warnings(one.table), "notes": one.table.notes,
                "pairs": [
                    {
                        "first": p.first, "second": p.second,
                        "metrics": {m: _with_interval(d) for m, d in p.changes.items()},
                    }
                    for p in one.pairs
                ],
            }
            for one in found
        ],
        "left_out": board.left_out,
    }  # fmt: skip


def _with_interval(change: Mapping[str, float]) -> dict[str, Any]:
    """A change with ``ci95`` in place of ``low`` and ``high``."""
    kept = {k: v for k, v in change.items() if k not in ("low", "high")}
    return {**kept, "ci95": [change["low"], change["high"]]}
