"""A board in sentences, and as a terminal table, Markdown, CSV and JSON; the page is in :mod:`.html`."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from calm_ext.files.shown import spreadsheet
from calm_ext.metrics.names import metric_label, metric_name, metric_order
from calm_ext.report.board.entry import plain
from calm_ext.report.board.table import Board, Row, Table
from calm_ext.report.words import NONE, interval, is_number, number

if TYPE_CHECKING:
    from rich.console import RenderableType

_MOST_NAMED = 3
LEGEND = (
    "A rank with = is shared: a paired test on the same questions does not tell these models from the best of that "
    "rank (p < 0.05, Holm's correction over all pairs of the table). After three models of rank 1 comes rank 4; 1–4: "
    "not told from the best of rank 1 either. Not being told apart is not being equal. In brackets: 95 % intervals, by "
    "bootstrap over questions where no note says otherwise."
)


def heading(table: Table) -> str:
    """The task and how it was asked."""
    return f"{table.task}: {about(table)}"


def about(table: Table) -> str:
    """How it was asked."""
    facts = table.facts
    languages = facts.get("languages", "").split(".")
    parts = [f"{facts['questions']} questions"]
    parts += [f"{len(languages)} languages ({', '.join(languages)})" if len(languages) > 1 else languages[0] or "?"]
    parts += [facts["few-shot"], "chat template" if facts["chat template"] == "applied" else "no chat template"]
    parts += ["with passages"] if facts["passages"] != "none" else []
    parts += ["system instruction"] if facts["system instruction"] != "none" else []
    return f"{', '.join(parts)}; version {facts['task version']} of the task"


def leaders(table: Table) -> list[Row]:
    """The models of the first rank, best first; none where nothing was tested."""
    return [r for r in table.rows if r.rank(table.by) in ("1", "1=")]


def headline(board: Board) -> str:
    """Who leads, in one line, as far as tests support it, of the tasks on which models can be ranked."""
    by_task = {t.task: t for t in board.tables if not t.apart}
    if len(by_task) == 1:
        return headline_of(board.tables[0])
    led = {task: t for task, t in by_task.items() if leads(t)}
    results = sum(len(t.rows) for t in board.tables)
    if not led:
        return f"{results} results on {len(by_task)} tasks, and no task on which models can be ranked"
    what = metric_name(board.tables[0].by)
    if len(led) <= _MOST_NAMED:
        said = [f"{_named(leaders(t), 1)} ({task})" for task, t in led.items()]
        return f"Best by {what}: {'; '.join(said)}"
    first = Counter(r.label for t in led.values() for r in leaders(t)).most_common()
    said = [f"{label} on {n}" for label, n in first[:_MOST_NAMED]]
    more = f", {len(first) - _MOST_NAMED} others on fewer" if len(first) > _MOST_NAMED else ""
    return f"First rank by {what}, of {len(led)} tasks with ranks: {', '.join(said)}{more}"


def leads(table: Table) -> bool:
    """Whether some model of a table can be called its best: it was tested against others, and does not just guess."""
    return any(not table.near_chance(r) for r in leaders(table))


def headline_of(table: Table) -> str:
    """The same of one table."""
    what, first = metric_name(table.by), leaders(table)
    if len(table.rows) == 1:
        near = ", which is not clearly above chance" if table.by == "acc" and table.near_chance(table.rows[0]) else ""
        return f"{table.rows[0].label}: {what} {number(table.rows[0].value(table.by))}{near}"
    if table.taught:
        return f"{len(table.rows)} results on questions that are not held out, so without ranks"
    if not first:
        return f"{table.rows[0].label} has the best {what}, untested"
    if not leads(table):
        return (
            "No model's accuracy is clearly above chance"
            if len(first) == len(table.rows)
            else (f"{_named(first)} rank first by {what}, but accuracy is not clearly above chance")
        )
    if len(first) == 1:
        return f"{first[0].label} leads by {what}"
    if len(first) == len(table.rows) > _MOST_NAMED:
        return f"No model leads by {what}: all {len(first)} share the first rank"
    return f"{_named(first)} share the lead by {what}"


def _named(rows: Sequence[Row], most: int = _MOST_NAMED) -> str:
    """The names of some models in words, not more than a few."""
    names = [r.label for r in rows]
    if len(names) > most + 1:
        names = [*names[:most], f"{len(names) - most} others"]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def finding(table: Table) -> str:
    """Who is best, as far as the tests support it."""
    if table.taught:
        return f"Not held out, so not ranked; in order of {metric_name(table.by)}."
    what, best = metric_name(table.by), table.rows[0]
    said = f"{number(best.value(table.by))} {interval(best.ci95.get(table.by))}".rstrip()
    if len(table.rows) == 1:
        return f"One result only, with nothing to rank it against: {best.label}, {what} {said}."
    first = leaders(table)
    if not first:
        return f"Not tested, in order of {what} alone; {best.label} has the best value, {said}."
    best = first[0]
    said = f"{number(best.value(table.by))} {interval(best.ci95.get(table.by))}".rstrip()
    tested = [r for r in table.rows if r.rank(table.by) != NONE]
    if len(first) == 1:
        every = all(r.standings[table.by].first != 1 for r in tested if r is not best)
        whom = "every other model" if every else "the model next to it, not from all others"
        return f"{best.label} is best by {what}, {said}, and is told from {whom}."
    if len(first) == len(tested):
        return f"By {what} no model is told from the best, {best.label}, {said}: all {len(first)} share the first rank."
    verb = "shares" if len(first) == 2 else "share"
    others = _named(first[1:])
    return f"{best.label} has the best {what}, {said}; {others} cannot be told from it and {verb} the first rank."


def chance(table: Table) -> str:
    """What guessing gives, in a sentence; empty where that is not known."""
    return "" if table.chance is None else f"Guessing gives an accuracy of {number(table.chance)}."


def warnings(table: Table) -> list[str]:
    """What a reader must know before the numbers, in sentences."""
    found = []
    if table.taught:
        found.append(
            f"Not held out: {table.taught}. A model that was trained on them may know them by heart, so there are no "
            f"ranks."
        )
    near = [r for r in table.rows if table.near_chance(r)]
    if near:
        found.append(
            f"Accuracy is not clearly above chance ({number(table.chance)}) for {_named(near)}: there agreement says "
            f"little."
        )
    return found


def column(metric: str, table: Table) -> str:
    """Head of a column: the language's code, or the metric in words with its code."""
    code = metric.removeprefix("acc_")
    return code if code in table.languages else metric_label(metric)


def _head(metric: str, table: Table) -> str:
    """The same in two lines."""
    return column(metric, table).replace(" (", "\n(")


def columns(table: Table) -> list[str]:
    """The metrics of the columns."""
    return [*table.shown, *(f"acc_{x}" for x in table.languages)]


def cell(row: Row, metric: str, table: Table) -> str:
    """The value, and its interval but for the languages."""
    value = number(row.value(metric))
    return f"{value} {interval(row.ci95.get(metric))}".rstrip() if metric in table.ranked and value != NONE else value


# --- terminal ---------------------------------------------------------------------------------------------------------


def render_terminal(board: Board, *, width: int) -> list[RenderableType]:
    """Heading, finding, rich tables and notes of each table; columns that are too many for the width go below."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable
    from rich.text import Text

    parts: list[RenderableType] = []
    for table in board.tables:
        parts += [Text(heading(table), "bold"), *(Text(f"Apart: {x}.") for x in table.apart), Text(finding(table))]
        parts += [Text(f"! {x}", "yellow") for x in warnings(table)]
        for block in _blocks(table, width):
            shown = RichTable(box=SIMPLE_HEAD, show_edge=False)
            shown.add_column("rank", justify="right", no_wrap=True)
            shown.add_column("model", overflow="fold", min_width=12)
            for metric in block:
                shown.add_column(Text(_head(metric, table)), justify="right", no_wrap=True)
            for row in table.rows:
                shown.add_row(row.rank(table.by), Text(row.label), *(cell(row, m, table) for m in block))
            parts += [shown, Text()]
        parts += [Text(note) for note in [*table.notes, chance(table)] if note]
        parts += [Text(table.signature, "dim"), Text()]
    return [*parts, Text(LEGEND, "dim")]


def _blocks(table: Table, width: int) -> Iterator[list[str]]:
    """The columns, as many beside each other as fit beside rank and model."""
    space = width - 10 - min(max(12, *(len(r.label) for r in table.rows)), max(12, width // 3))
    block: list[str] = []
    used = 0
    for metric in columns(table):
        need = 2 + max(*map(len, _head(metric, table).split("\n")), *(len(cell(r, metric, table)) for r in table.rows))
        if block and used + need > space:
            yield block
            block, used = [], 0
        block.append(metric)
        used += need
    yield block


# --- Markdown, CSV, JSON ----------------------------------------------------------------------------------------------


def to_markdown(board: Board) -> str:
    """A Markdown table for each table of the board."""
    blocks = ["# Leaderboard", LEGEND]
    for table in board.tables:
        lines = [f"## {_markdown(heading(table))}", "", *(f"Apart: {_markdown(x)}.\n" for x in table.apart)]
        names = columns(table)
        lines += [_markdown(finding(table)), "", *(f"**{_markdown(x)}**\n" for x in warnings(table))]
        lines += [_line(["rank", "model", *(_markdown(column(m, table)) for m in names)])]
        lines += ["|--:|:--" + "|--:" * len(names) + "|"]
        lines += [
            _line([row.rank(table.by), _markdown(row.label), *(cell(row, m, table) for m in names)])
            for row in table.rows
        ]
        lines += ["", *(f"- {_markdown(note)}" for note in [*table.notes, chance(table)] if note)]
        blocks.append("\n".join([*lines, f"- `{table.signature.replace('`', chr(39))}`"]))
    if board.left_out:
        blocks.append("## Left out\n\n" + "\n".join(f"- {_markdown(x)}" for x in board.left_out))
    return "\n\n".join(blocks) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _markdown(text: str) -> str:
    """Text that Markdown takes as it is, and a page made of it too."""
    for mark in ("\\", "|", "*", "_", "`", "[", "]", "~"):
        text = text.replace(mark, "\\" + mark)
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split())


def to_csv(board: Board) -> str:
    """One line a model and table, all metrics with their intervals; ``place`` is by value alone."""
    rows = [r for t in board.tables for r in t.rows]
    metrics = metric_order(dict.fromkeys(m for r in rows for m in r.entry.values))
    bounded = {m for r in rows for m in r.ci95}
    ranked = list(dict.fromkeys(m for t in board.tables for m in t.ranked))
    heads = ["table", "task", "place", "model", "by", *(f"rank_{m}" for m in ranked), "p_first", "n_questions"]
    heads += [name for m in metrics for name in (m, *((f"{m}_low", f"{m}_high") if m in bounded else ()))]
    facts = list(dict.fromkeys(f for t in board.tables for f in t.facts if f != "task"))
    heads += [*facts, "calm-ext", "lm_eval", "tested", "note", "file"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(spreadsheet, heads))
    for index, table in enumerate(board.tables, 1):
        for place, row in enumerate(table.rows, 1):
            values: list[Any] = [index, table.task, place, row.label, table.by]
            values += ["" if row.rank(m) == NONE else row.rank(m) for m in ranked]
            p_first = row.standings[table.by].p_first if table.by in row.standings else None
            values += [_exact(p_first), row.entry.n_questions]
            for m in metrics:
                bounds = row.ci95.get(m, (None, None)) if m in bounded else ()
                values += [_exact(x) for x in (row.entry.values.get(m), *bounds)]
            values += [table.facts.get(f, "") for f in facts]
            values += [row.entry.versions.get(x, "") for x in ("calm-ext", "lm_eval")]
            file = board.places.shorten(str(row.entry.path))
            values += [row.rank(table.by) != NONE, row.entry.note, file]
            writer.writerow(spreadsheet(v) if isinstance(v, str) else v for v in values)
    return out.getvalue().encode("utf-8", "replace").decode()


def _exact(value: Any) -> str:
    return f"{value:.6g}" if is_number(value) else ""


def to_dict(board: Board) -> dict[str, Any]:
    """The board for ``--json``."""
    return {
        "sort": board.sort,
        "tables": [
            {
                "task": t.task, "heading": heading(t), "finding": finding(t), "by": t.by, "ranked_by": t.ranked,
                "facts": dict(t.facts), "apart": t.apart, "held_out": not t.taught,
                "warnings": warnings(t), "notes": t.notes, "languages": t.languages,
                **({"n_clusters": t.n_clusters, "cluster": t.cluster_key} if t.n_clusters else {}),
                "signature": t.signature, "models": [_row(place, r, t) for place, r in enumerate(t.rows, 1)],
            }
            for t in board.tables
        ],
        "left_out": board.left_out,
    }  # fmt: skip


def _row(place: int, row: Row, table: Table) -> dict[str, Any]:
    e = row.entry
    return {
        "model": row.label, "place": place, "n_questions": e.n_questions,
        "ranks": {
            m: {"rank": s.rank, "first": s.first, "shared": s.shared, "p_first": s.p_first}
            for m, s in row.standings.items() if s.rank is not None
        },
        "metrics": dict(e.values), "ci95": {m: list(ci) for m, ci in row.ci95.items()},
        "ci95_method": dict(row.ci95_method), "stderr": dict(e.stderr),
        "tested": row.rank(table.by) != NONE, "note": e.note, "signature": e.signature, "file": plain(e.path, 4096),
    }  # fmt: skip
