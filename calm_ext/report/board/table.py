"""A ranked board of many models from their lm-eval result folders.

Results are ranked in one table only where everything but the model is the same (:mod:`.entry` lists the
parts, and why versions of calm-ext are not among them) and the same questions were asked in the same words; every other
set of results gets a table of its own that names the difference. :mod:`.rank` describes how ranks, ties and intervals
are computed, and their limits. The questions of results without samples are not known, so these get no test and no
rank: they stand in the table of their setting by value alone.

Of one model's results in one folder, loaded and asked alike, the newest counts; a copy of results counts once. Both are
noted. Two results of one model from different folders, or loaded in different ways, are two rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.errors import CalmError
from calm_ext.metrics.intervals import BOOTSTRAP
from calm_ext.metrics.lookup import listed, metric_code, metric_hint, require_metric
from calm_ext.metrics.names import LOWER_IS_BETTER, metric_order
from calm_ext.report.board.entry import Entry, plain
from calm_ext.report.board.names import Places, model_label, named, run_label
from calm_ext.report.board.notes import cluster_notes, notes_of
from calm_ext.report.board.rank import Standing, has, intervals, judge
from calm_ext.report.board.read import read_entries
from calm_ext.report.words import is_number
from calm_ext.results.clusters import cluster_key
from calm_ext.results.log_options import LogOptions

RANKED = ("acc", "consistency", "kappa", "rankc")
SHOWN = (*RANKED, "all_correct", "answered")
UNTESTED = Standing()
_Z = 1.959964


class Row(NamedTuple):
    """One model in one table.

    Attributes:
        label: the model's name; with what tells it apart where a table has the name twice.
        standings: ranked metric -> rank.
        ci95: metric -> 95 % interval.
        ci95_method: metric -> ``score`` where the interval is not the bootstrap's.
    """

    label: str
    entry: Entry
    standings: Mapping[str, Standing]
    ci95: Mapping[str, tuple[float, float]]
    ci95_method: Mapping[str, str]

    def value(self, metric: str) -> float:
        """A metric; NaN where it was not measured."""
        return self.entry.values.get(metric, math.nan)

    def rank(self, metric: str) -> str:
        """The rank in words, a dash where it could not be tested."""
        return str(self.standings.get(metric, UNTESTED))


class Table(NamedTuple):
    """Results that can be compared, best first.

    Attributes:
        by: the metric they are ordered by.
        ranked: the metrics that they are ranked by; ``shown``: all columns but the accuracies per language.
        facts: what the results have in common, name -> words.
        apart: what makes them differ from the first table of the task, in words; empty for that.
        notes: what to know of the rows, in words.
        taught: why the questions are not held out, in words, so that nothing is ranked; else empty.
        signature: of all rows, without versions.
        n_clusters: of how many clusters the questions are, by ``cluster_key``; None where each stands for itself.
    """

    task: str
    by: str
    ranked: list[str]
    shown: list[str]
    languages: list[str]
    facts: Mapping[str, str]
    apart: list[str]
    rows: list[Row]
    notes: list[str]
    signature: str
    n_clusters: int | None = None
    cluster_key: str = ""
    taught: str = ""

    @property
    def chance(self) -> float | None:
        """The accuracy of guessing; None where options are not shown, or their number varies or is not known."""
        n = "" if self.facts.get("style") == "open" else self.facts.get("options", "")
        return 1 / int(n) if n.isascii() and n.isdigit() and int(n) else None

    def near_chance(self, row: Row) -> bool:
        """Whether a model's accuracy is not clearly above guessing: its 95 % interval does not lie above that."""
        low, _ = row.ci95.get("acc", (math.nan, math.nan))
        return self.chance is not None and low <= self.chance


class Board(NamedTuple):
    """All tables, in words what was left out, and how files are named."""

    sort: str
    tables: list[Table]
    left_out: list[str]
    places: Places


def make_board(
    dirs: Iterable[str | Path],
    *,
    sort: str = "acc",
    tasks: Sequence[str] = (),
    logs: LogOptions | None = None,
    cluster: str | None = None,
    names: Mapping[Path, str] | None = None,
    copies: bool = False,
    rank: bool = True,
) -> Board:
    """Read results and rank them.

    Args:
        sort: the metric to order by, its code or plain name; a table that lacks it is ordered by accuracy, and says so.
        tasks: only these; all without.
        logs: how logs of other people's tasks are read.
        cluster: which questions belong together (:mod:`calm_ext.results.clusters`); None where each stands for itself.
        names: a result file, or a folder above some -> what its models are called. Results of runs of ``calm-ext
            align`` go by the run, ``NAME before`` and ``NAME after``.
        copies: keep both results of each run, although those before alignment are the same in several runs.
        rank: test and rank; without it all ranks are missing.

    Raises:
        CalmError: there is no usable result, or none has the metric, or none is where a name is for.
    """
    require_metric(sort)
    reading = read_entries(dirs, tasks=tasks, logs=logs, cluster=cluster_key(cluster))
    left_out = list(reading.left_out)
    entries = _newest(named(reading.entries, names or {}), left_out, reading.places, copies=copies)
    known = metric_order(dict.fromkeys(m for e in entries for m in e.values))
    metric = metric_code(sort, known)
    if metric is None:
        hint = metric_hint(sort, known)
        raise CalmError(f"no result has the metric {plain(sort)!r}{hint}; there are {listed(known)}")
    sort = metric
    by_task: dict[str, list[Table]] = {}
    for members in _groups(entries):
        by_task.setdefault(members[0].task, []).append(_table(members, sort, cluster or "", rank=rank))
    tables = []
    for task in sorted(by_task):
        first, *others = sorted(by_task[task], key=lambda t: (-len(t.rows), list(t.facts.values())))
        tables += [first, *(t._replace(apart=_apart(t, first)) for t in others)]
    return Board(sort, tables, left_out, reading.places)


def _newest(entries: Sequence[Entry], left_out: list[str], places: Places, *, copies: bool) -> list[Entry]:
    """One of each copy that has no name of its own, and of repeated runs in one folder the newest."""

    def at(e: Entry) -> str:
        return plain(places.shorten(str(e.path)))

    kept: dict[tuple[Any, ...], Entry] = {}
    for e in sorted(entries, key=lambda e: (e.date, str(e.path))):
        asked = e.columns.asked if e.columns else None
        key = (e.path.parent, e.model, *e.arguments.items(), *e.facts.items(), asked)
        if key in kept:
            left_out.append(f"{at(kept[key])}: {e.task} of {e.called} is there again, newer, in {e.path.name}")
        kept[key] = e
    found: dict[tuple[Any, ...], Entry] = {}
    for e in kept.values():
        by_run = e.called == run_label(e.path) and not copies  # a name that nobody gave
        same: tuple[Any, ...] = (e.date or e.path, e.model, "" if by_run else e.called)
        same += (*e.arguments.items(), *e.facts.items(), *e.values.items())
        if same in found:
            left_out.append(f"{at(e)}: {e.task} of {e.called} is a copy of {at(found[same])}")
        else:
            found[same] = e
    chosen = {id(e) for e in found.values()}
    return [e for e in entries if id(e) in chosen]


def _groups(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Entries with the same facts and questions; those without samples join the most of their facts."""
    by_facts: dict[tuple[Any, ...], dict[str, list[Entry]]] = {}
    for entry in entries:
        by_facts.setdefault(tuple(sorted(entry.facts.items())), {}).setdefault(
            entry.columns.asked if entry.columns else "", []
        ).append(entry)  # fmt: skip
    groups = []
    for sets in by_facts.values():
        unknown = sets.pop("", [])
        found = sorted(sets.values(), key=len, reverse=True) or [[]]
        found[0].extend(unknown)
        groups += found
    return groups


def _table(members: list[Entry], sort: str, cluster: str, *, rank: bool) -> Table:
    first = members[0]
    measured = dict.fromkeys(m for e in members for m in e.values)
    by = sort if sort in measured else "acc" if "acc" in measured else next(iter(measured))
    ranked = [m for m in dict.fromkeys((by, *RANKED)) if m in measured]
    languages = [x for x in first.languages if f"acc_{x}" in measured] if len(first.languages) > 1 else []
    shown = [m for m in SHOWN if m in measured and (m != "answered" or any(e.values.get(m) != 1 for e in members))]
    shown += [by] if by not in shown and by not in [f"acc_{x}" for x in languages] else []
    taught = "; ".join(dict.fromkeys(e.taught for e in members if e.taught))
    standings: list[dict[str, Standing]] = [{} for _ in members]
    ci95: list[dict[str, tuple[float, float]]] = [_of_stderr(e) for e in members]
    methods: list[dict[str, str]] = [{} for _ in members]
    for metric in ranked:
        tested = [i for i, e in enumerate(members) if e.columns and has(e.columns, metric)]
        if tested and rank:
            found = judge([c for i in tested if (c := members[i].columns)], metric)
            for i, own, standing in zip(tested, found.ci95, found.standings, strict=True):
                ci95[i][metric] = own.bounds
                methods[i] |= {metric: own.method} if own.method != BOOTSTRAP else {}
                standings[i][metric] = standing if len(tested) > 1 and not taught else UNTESTED
    for metric in [f"acc_{x}" for x in first.languages] + ["all_correct", "all_agree"]:
        with_samples = [i for i, e in enumerate(members) if e.columns and metric not in ci95[i]]
        for i, own in zip(
            with_samples, intervals([c for i in with_samples if (c := members[i].columns)], metric), strict=True
        ):
            ci95[i] |= {metric: own.bounds} if is_number(own.low) else {}
            methods[i] |= {metric: own.method} if own.method != BOOTSTRAP else {}
    sign = 1 if by in LOWER_IS_BETTER else -1
    labels = _labels(members)
    rows = [Row(*parts) for parts in zip(labels, members, standings, ci95, methods, strict=True)]
    rows.sort(key=lambda r: (math.isnan(r.value(by)), sign * r.value(by) if is_number(r.value(by)) else 0, r.label))
    n_clusters = next((len(set(e.columns.clusters)) for e in members if e.columns and e.columns.clusters), None)
    notes = [*notes_of(rows, by, sort, ranked), *cluster_notes(n_clusters, cluster)]
    signed = _signature(first) + ("" if n_clusters is None else f"|clusters:{n_clusters}")
    return Table(
        first.task, by, ranked, shown, languages, first.facts, [], rows, notes, signed, n_clusters,
        cluster if n_clusters else "", taught,
    )  # fmt: skip


def _of_stderr(entry: Entry) -> dict[str, tuple[float, float]]:
    """Where there are no samples, the normal interval from lm-eval's standard errors."""
    if entry.columns:
        return {}
    found = {}
    for metric, error in entry.stderr.items():
        value = entry.values.get(metric)
        if is_number(value):
            low = value - _Z * error
            found[metric] = (
                low if metric.startswith(("kappa", "acc_gap")) else max(0.0, low),
                min(1.0, value + _Z * error),
            )
    return found


def _labels(members: Sequence[Entry]) -> list[str]:
    """Names that differ: with the arguments that do, else with as much of the folder as it takes, else the file."""
    labels = [e.called for e in members]
    for name in {x for x in labels if labels.count(x) > 1}:
        same = [i for i, e in enumerate(members) if e.called == name]
        arguments = {i: {k: model_label(v) for k, v in members[i].arguments.items()} for i in same}
        keys = sorted({k for own in arguments.values() for k in own})
        keys = [k for k in keys if len({own.get(k) for own in arguments.values()}) > 1]
        for i in same:
            given = [f"{k}={arguments[i][k]}" for k in keys if k in arguments[i]]
            labels[i] = f"{name} ({', '.join(given)})" if given else name
    for name in {x for x in labels if labels.count(x) > 1}:
        same = [i for i, x in enumerate(labels) if x == name]
        folders = [members[i].path.parent.parts for i in same]
        deepest = max(map(len, folders))
        depth = next((d for d in range(1, deepest) if len({f[-d:] for f in folders}) == len(same)), 1)
        files = len({f[-depth:] for f in folders}) < len(same)
        for i, folder in zip(same, folders, strict=True):
            where = "/".join(folder[-depth:]) + (f"/{members[i].path.name}" if files else "")
            labels[i] = f"{name} [{plain(where)}]"
    return labels


def _signature(entry: Entry) -> str:
    """Without the versions, which may differ between rows."""
    return "|".join(p for p in entry.signature.split("|") if p.partition(":")[0] not in entry.versions)


def _apart(table: Table, first: Table) -> list[str]:
    """What differs from the first table of the task."""
    names = dict.fromkeys([*first.facts, *table.facts])
    differing = [
        f"{name}: {table.facts.get(name, 'none')} (there: {first.facts.get(name, 'none')})"
        for name in names
        if table.facts.get(name) != first.facts.get(name)
    ]
    mine, there = (next((r.entry.columns for r in t.rows if r.entry.columns), None) for t in (table, first))
    if mine and there and mine.asked != there.asked:
        both = len(set(mine.ids) & set(there.ids))
        if both == len(mine.ids) == len(there.ids):
            differing.append("the same questions in other words, clusters or orders of the options")
        elif not both:
            differing.append(f"other questions: {plain(mine.ids[0])}, … (there: {plain(there.ids[0])}, …)")
        elif table.facts["questions"] == first.facts["questions"]:
            differing.append(f"other questions: only {both} of {len(mine.ids)} are the same")
    return differing
