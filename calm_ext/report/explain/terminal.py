"""What was found as text and rich tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from calm_ext.languages import language_name
from calm_ext.metrics.compare import ALPHA
from calm_ext.report.explain.alike import STATES
from calm_ext.report.explain.cells import OUTCOMES, UNLABELLED
from calm_ext.report.explain.effects import COUNTS, EVENTS, rate
from calm_ext.report.explain.towards import TARGETS
from calm_ext.report.explain.words import counted_words, title
from calm_ext.report.words import interval, is_number, number, p_value, percent

if TYPE_CHECKING:
    from rich.console import RenderableType

Values = Mapping[str, Any]


def render(values: Values) -> Iterator[RenderableType]:
    """A part: its paragraphs, then a table of each kind."""
    yield from paragraphs(values)
    yield _outcomes(values)
    if values["towards"] and values["towards"]["targets"]:
        yield _towards(values)
    if values["factors"]:
        yield _factors(values)
        for factor in values["factors"]:
            if any(is_number(t["p_holm"]) and t["p_holm"] < ALPHA for t in factor["tests"].values()):
                yield _levels(factor)
    if values["pairs"]:
        yield _pairs(values)
    if values["alike"]:
        yield _alike(values["alike"])


def paragraphs(values: Values) -> Iterator[RenderableType]:
    """A part in words alone."""
    yield Text(title(values), style="bold")
    for text in (counted_words(values), *values["words"].values()):
        if text:
            yield Text(f"\n{text}")
    yield Text()


def _table(name: str, first: str, columns: Sequence[str]) -> Table:
    table = Table(title=Text(name), title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _outcomes(values: Values) -> Table:
    names = OUTCOMES if values["gold"] else UNLABELLED
    table = _table("What became of the answers", "", list(names.values()))
    for language in (*values["languages"], "all"):
        counts = values["outcomes"][language]
        name = "all" if language == "all" else language_name(language)
        table.add_row(Text(name), *(str(counts[k]) for k in names))
    return table


def _towards(values: Values) -> Table:
    right = ["of these right"] if values["gold"] else []
    columns = ["changed", "to it", "share", "95 % interval", "chance", *right]
    table = _table("Where changed answers went, of those that had differed", "", columns)
    for key, t in values["towards"]["targets"].items():
        cells = [str(t["changed"]), str(t["to"]), percent(t["share"]), interval(t["ci95"]), percent(t["chance"])]
        table.add_row(Text(TARGETS[key][0]), *cells, *([str(t["right"])] if right else []))
    return table


def _factors(values: Values) -> Table:
    events = list(values["factors"][0]["tests"])
    columns = [c for e in events for c in (e, "p (Holm)")]
    table = _table(f"Which factors tell: share of {', of '.join(EVENTS[e] for e in events)}", "", columns)
    for factor in values["factors"]:
        cells: list[Text | str] = []
        for event in events:
            test = factor["tests"][event]
            sure = is_number(test["p_holm"]) and test["p_holm"] < ALPHA
            span = f"{percent(test['lowest'][1])} to {percent(test['highest'][1])}" if "lowest" in test else ""
            cells += [Text(span), Text(p_value(test["p_holm"]), "bold" if sure else "")]
        table.add_row(Text(factor["name"]), *cells)
    return table


def _levels(factor: Values) -> Table:
    events = list(factor["tests"])
    accuracy = "won" in events
    columns = ["questions", *(["before", "after", "Δ", "95 % interval"] if accuracy else []), *events]
    table = _table(factor["name"], "", columns)
    for level in factor["levels"]:
        cells = [str(level["n_questions"])]
        if accuracy:
            cells += [
                number(level.get("before")),
                number(level.get("after")),
                number(level.get("difference"), signed=True),
            ]
            cells.append(interval(level.get("ci95"), signed=True))
        cells += [
            f"{level.get(COUNTS[e][0], 0)} of {level.get(COUNTS[e][1], 0)} ({percent(rate(level, e))})" for e in events
        ]
        table.add_row(Text(str(level["level"])), *map(Text, cells))
    return table


def _pairs(values: Values) -> Table:
    table = _table("Agreement of pairs of languages", "", ["before", "after", "Δ", "95 % interval"])
    scripts = values["pairs"]["scripts"]
    rows = [(f"{p['a']} – {p['b']}", p) for p in values["pairs"]["pairs"]]
    if len(rows) > 10:
        rows = [*rows[:5], *rows[-5:]]
    names = {"same": "pairs of one script", "different": "pairs of two scripts"}
    rows += [(name, scripts[kind]) for kind, name in names.items() if kind in scripts]
    for name, p in rows:
        bounds = Text(interval(p["ci95"], signed=True))
        table.add_row(Text(name), number(p["before"]), number(p["after"]), number(p["difference"], signed=True), bounds)
    return table


def _alike(alike: Values) -> Table:
    table = _table(
        "Questions by what the languages answer: before (rows), after (columns)", "", [*STATES.values(), "all"]
    )
    for before, name in STATES.items():
        row = alike["moves"][before]
        table.add_row(Text(name), *(str(row[after]) for after in STATES), str(alike["before"][before]))
    table.add_row(Text("all"), *(str(alike["after"][s]) for s in STATES), str(alike["n"]))
    return table
