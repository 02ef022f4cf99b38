"""A summary as rich tables for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from calm_ext.metrics.names import HEADLINE, metric_label
from calm_ext.report.compared import method_words
from calm_ext.report.letters import letter_words
from calm_ext.report.outdated import outdated_words
from calm_ext.report.page.flow import flow_words
from calm_ext.report.page.passages import retrieval_words
from calm_ext.report.styles import styles_rows, styles_title
from calm_ext.report.verdict import headline, primary_task
from calm_ext.report.watch import watch_words
from calm_ext.report.whole import kept_words, right_words
from calm_ext.report.words import (
    direction,
    finding,
    held_out_words,
    interval,
    merit,
    number,
    p_value,
    pairs_words,
    plain_difference,
    sampling_words,
    shown_metrics,
    tasks_of,
    training_words,
    vote_words,
)

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_STYLES = {"good": "bold green", "bad": "bold red", "none": "bold"}


def render(summary: Mapping[str, Any], *, html: str | Path | None = None) -> list[RenderableType]:
    """The headline, a table per task, and a line each for vote, pairs, training and what is missing.

    Args:
        html: path of the HTML page, to print it as well.
    """
    tone, sentence = headline(summary)
    parts: list[RenderableType] = [Text(sentence, style=_STYLES[tone])]
    tasks = tasks_of(summary)
    for name, task in tasks.items():
        parts.append(_task_table(name, task))
        if task.get("letter_bias"):
            parts.append(_line("letters", letter_words(task["letter_bias"])))
        if task.get("n_right"):
            parts.append(_line("right", right_words(task["n_right"])))
        if task.get("kept"):
            parts.append(_line("kept", kept_words(task["kept"])))
        if methods := method_words(task.get("ci95_method")):
            parts.append(_line("intervals", methods))
    for group in summary.get("styles", ()):
        parts.append(_styles_table(group))
        parts += [_line("note", warning, style="yellow") for warning in group["warnings"]]
    if any(t["difference"] for t in tasks.values()):
        parts.append(
            Text(
                "▲ ▼ significant at p < 0.05, McNemar, sign flips or paired bootstrap; languages by Holm’s correction",
                style="dim",
            )
        )
    first = tasks.get(primary_task(summary) or "")
    if first and first.get("flow"):
        parts.append(_line("flow", flow_words(first["flow"])))
    said: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "retrieval": retrieval_words,
        "sampling": sampling_words,
        "vote": vote_words,
        "pairs": pairs_words,
        "training": lambda training: training_words(training, summary.get("stages") or {}),
        "watch": watch_words,
    }
    for key, words in said.items():
        if summary.get(key):
            parts.append(_line(key, words(summary[key])))
    parts += _lacks(summary)
    if html is not None:
        parts.append(_line("page", str(html)))
    return parts


def render_short(summary: Mapping[str, Any]) -> list[RenderableType]:
    """The headline, accuracy and consistency of each task in sentences, and what is outdated or missing."""
    tone, sentence = headline(summary)
    parts: list[RenderableType] = [Text(sentence, style=_STYLES[tone])]
    for name, task in tasks_of(summary).items():
        found = finding(name, task)
        parts.append(Text.assemble((name, "bold"), (f": {found.about}", "dim")))
        parts += [Text(f"  {claim}") for claim in found.claims]
    return [*parts, *_lacks(summary)]


def _lacks(summary: Mapping[str, Any]) -> list[RenderableType]:
    """What of a run is of another recipe, or not there."""
    parts: list[RenderableType] = []
    run = summary.get("run") or {}
    if run.get("outdated"):
        parts.append(_line("outdated", "; ".join(outdated_words(run["outdated"])) + ".", style="red"))
    if run.get("missing"):
        parts.append(_line("missing", "; ".join(run["missing"]) + ".", style="yellow"))
    return parts


def print_summary(summary: Mapping[str, Any], console: Console, *, html: str | Path | None = None) -> None:
    """Print a summary."""
    for part in render(summary, html=html):
        console.print(part)


def _line(label: str, text: str, *, style: str = "") -> Text:
    return Text.assemble((f"{label:>9} ", "bold"), (text, style))


def _task_table(name: str, task: Mapping[str, Any]) -> Table:
    n = task.get("n_questions")
    title = f"{name}: {n} questions" if n is not None else name
    table = Table(title=Text(title + held_out_words(task)), title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.add_column("")
    for column in ("before", "after", "Δ"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("95 % interval of Δ", no_wrap=True)
    table.add_column("p", justify="right", no_wrap=True)
    table.add_column("")
    metrics = shown_metrics(task)
    if "consistency" in metrics:  # a task of ours; the page has the rest
        metrics = [m for m in metrics if m in (*HEADLINE, "answered")]
    for metric in metrics:
        _add_row(table, task, metric, p="p", last=metric == metrics[-1])
    for code in task["languages"]:
        metric = f"acc_{code}"
        if metric in task["before"] or metric in task["after"]:
            _add_row(table, task, metric, p="p_holm", last=False)
    return table


def _styles_table(group: Mapping[str, Any]) -> Table:
    table = Table(title=Text(styles_title(group)), title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.add_column("")
    for column in ("before", "after", "Δ"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("95 % interval of Δ", no_wrap=True)
    table.add_column("")
    for row in styles_rows(group):
        color = {1: "green", -1: "red", 0: ""}[row["sign"]]
        mark = Text({1: "▲", -1: "▼", 0: ""}[row["sign"]], color)
        cells = (row["before"], row["after"], Text(row["difference"], color), Text(row["difference_ci"]), mark)
        table.add_row(Text(f"{row['metric']}, {row['style']}"), *cells)
    return table


def _add_row(table: Table, task: Mapping[str, Any], metric: str, *, p: str, last: bool) -> None:
    d = task["difference"].get(metric)
    value = d["value"] if d else plain_difference(task, metric)
    sign = direction(d, p=p)
    style = {1: "green", -1: "red", 0: ""}[merit(metric, sign)]
    mark = Text({1: "▲", -1: "▼", 0: ""}[sign], style)
    table.add_row(
        Text(metric_label(metric)),
        number(task["before"].get(metric)),
        number(task["after"].get(metric)),
        Text(number(value, signed=True), style=style),
        Text(interval([d["low"], d["high"]], signed=True) if d else "means only" if value is not None else ""),
        p_value(d[p]) if d else "",
        mark,
        end_section=last,
    )
