"""The board as one self-contained page. Everything that a file says is escaped; only the page's own script may run."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from calm_ext.metrics.names import LOWER_IS_BETTER, metric_label, metric_name
from calm_ext.report.board.table import UNTESTED, Board, Row, Table
from calm_ext.report.board.write import LEGEND, about, chance, columns, finding, headline, headline_of, warnings
from calm_ext.report.glossary.link import with_glossary
from calm_ext.report.glossary.words import metric_word
from calm_ext.report.page.html import ADDRESS
from calm_ext.report.templates import environment
from calm_ext.report.words import NONE, interval, is_number, number

#: The mark of our pages, which may be replaced.
MARK = '<meta name="generator" content="calm-ext leaderboard">'

SCRIPT = Path(__file__).parent / "board.js"

#: of more languages than this the accuracies stand in one column, which wraps
MOST_BESIDE = 8


def to_html(board: Board) -> str:
    """The page: readable as it is; with JavaScript its columns sort and can be chosen, its rows can be filtered."""
    from markupsafe import Markup

    env = environment(Path(__file__).parent)
    env.filters["sha256"] = lambda text: base64.b64encode(hashlib.sha256(str(text).encode()).digest()).decode()
    tasks = list(dict.fromkeys(t.task for t in board.tables))
    models = {r.entry.model for t in board.tables for r in t.rows}
    page = env.get_template("board.html").render(
        mark=MARK,
        script=Markup(ADDRESS.read_text(encoding="utf-8") + SCRIPT.read_text(encoding="utf-8")),
        headline=headline(board),
        legend=LEGEND,
        tasks=tasks,
        n_models=len(models),
        n_results=sum(len(t.rows) for t in board.tables),
        tables=[_table(t) for t in board.tables],
        left_out=board.left_out,
    )
    return with_glossary(page)


def _table(table: Table) -> dict[str, Any]:
    beside = len(table.languages) <= MOST_BESIDE
    names = columns(table) if beside else table.shown
    per_language = {f"acc_{x}" for x in table.languages}
    ranks = [r.standings.get(table.by, UNTESTED).rank for r in table.rows]
    before = [next((x for x in ranks[:i][::-1] if x is not None), None) for i in range(len(ranks))]
    return {
        "task": table.task,
        "about": _capital(about(table)),
        "apart": table.apart,
        "finding": finding(table),
        "headline": headline_of(table),
        "warnings": warnings(table),
        "by": metric_name(table.by),
        "ranked": any(r.rank(table.by) != NONE for r in table.rows),
        "notes": [note for note in [*table.notes, chance(table)] if note],
        "signature": table.signature,
        "facts": [(name, value) for name, value in table.facts.items() if name != "task"],
        "columns": [
            {
                "key": m,
                "label": m.removeprefix("acc_") if m in per_language else _capital(metric_label(m)),
                "name": metric_name(m),
                "aria": metric_name(m) if m in per_language else None,
                "about": word.about if (word := metric_word(m)) else None,
                "sort": ("ascending" if m in LOWER_IS_BETTER else "descending") if m == table.by else None,
                "first": "ascending" if m in LOWER_IS_BETTER else "descending",
                "ranked": "yes" if m in table.ranked else None,
            }
            for m in names
        ],
        "folded": [] if beside else table.languages,
        "rows": [
            _row(row, table, names, [] if beside else table.languages)
            | {"new": None not in (rank, last) and rank != last}
            for row, rank, last in zip(table.rows, ranks, before, strict=True)
        ],
    }


def _row(row: Row, table: Table, names: list[str], folded: list[str]) -> dict[str, Any]:
    known = sorted((v, x) for x in folded if is_number(v := row.value(f"acc_{x}")))
    ends = dict.fromkeys((known[0], known[-1]) if known else ())
    return {
        "languages": [(x, number(row.value(f"acc_{x}"))) for x in folded],
        "span": " to ".join(f"{x} {number(v)}" for v, x in ends) or NONE,
        "rank": row.rank(table.by),
        "near": table.near_chance(row),
        "model": row.label,
        "cells": [
            {
                "value": repr(float(v)) if is_number(v := row.value(m)) else "",
                "shown": number(row.value(m)),
                "ci": interval(row.ci95.get(m)) if m in table.ranked else "",
                "rank": row.rank(m) if m in table.ranked else NONE,
            }
            for m in names
        ],
    }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
