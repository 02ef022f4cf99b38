"""A ranked table of many models from their lm-eval result folders: terminal, Markdown, one static HTML page.

Only like is ranked with like: results of a task that differ in signature, number of questions, limit, few-shot count or
generation settings are listed apart, under a heading that says what they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from calm_ext.errors import CalmError, DataError
from calm_ext.jsonl import numbered_lines
from calm_ext.report.files import load_results
from calm_ext.report.samples import effective_n, metadata_of, model_name, plain_values
from calm_ext.report.words import NONE, number

if TYPE_CHECKING:
    from rich.console import RenderableType

RANKED = ("acc", "consistency", "rankc")
PER_TABLE = 6


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One model on one task of ours.

    Attributes:
        n_questions: how many were asked.
        limit: lm-eval's ``--limit``, as text; empty for all questions.
        settings: generation settings of the command line and the system instruction, where any were given.
        chat: whether a chat template was applied; shown, and no reason to list apart.
        values, stderr: metric -> value and standard error, ``acc``, ``acc_en``, ``consistency``, ``rankc``, …
        path: the results file.
    """

    model: str
    task: str
    n_questions: int | None
    n_shot: int
    limit: str
    settings: str
    chat: bool
    signature: str
    languages: tuple[str, ...]
    values: Mapping[str, float]
    stderr: Mapping[str, float]
    path: Path
    date: float = field(default=0.0, compare=False)

    @property
    def setting(self) -> tuple[Any, ...]:
        """What must be equal for two entries to be ranked together."""
        return (self.task, self.signature, self.n_questions, self.n_shot, self.limit, self.settings)

    def value(self, metric: str) -> float:
        """A metric; NaN where it was not measured."""
        return self.values.get(metric, math.nan)


class Group(NamedTuple):
    """Entries that can be compared, best first.

    Attributes:
        heading: the task and what the entries have in common.
        by: the metric they are ranked by.
    """

    heading: str
    signature: str
    languages: tuple[str, ...]
    by: str
    entries: list[Entry]

    @property
    def metrics(self) -> list[str]:
        """The columns: the ranked metrics that any entry has, then accuracy per language."""
        names = [m for m in RANKED if any(m in e.values for e in self.entries)]
        return names + [f"acc_{x}" for x in self.languages]


def read_entries(dirs: Iterable[str | Path]) -> list[Entry]:
    """The results of our tasks below folders, found at any depth; of one model's repeated runs in a folder the newest.

    Raises:
        CalmError: a folder does not exist, or there are no results of our tasks.
        DataError: a results file cannot be read.
    """
    given = [Path(d) for d in dirs]
    files: list[Path] = []
    for path in given:
        if not path.exists():
            raise CalmError(f"{path}: no such file or directory")
        files += [path] if path.is_file() else sorted(path.rglob("results*.json"))
    found: dict[tuple[Any, ...], Entry] = {}
    for file in dict.fromkeys(f.resolve() for f in files):
        for entry in _entries_of(file):
            key = (file.parent, entry.model, entry.chat, *entry.setting)
            if key not in found or found[key].date <= entry.date:
                found[key] = entry
    if not found:
        where = ", ".join(map(str, given)) or "no folder"
        seen = f"; {len(files)} results files are of other tasks" if files else ""
        raise CalmError(f"no results of calm tasks found in {where}{seen}; lm_eval --output_path DIR writes them")
    return list(found.values())


def _entries_of(path: Path) -> list[Entry]:
    results = load_results(path)
    config = results.get("config")
    config = config if isinstance(config, dict) else {}
    limit = config.get("limit")
    given = {"gen_kwargs": config.get("gen_kwargs"), "system": results.get("system_instruction")}
    shots = results.get("n-shot")
    entries = []
    for task, values in results["results"].items():
        metadata = metadata_of(results, task)
        if not metadata.get("signature"):
            continue
        languages = tuple(str(x) for x in metadata.get("languages") or ())
        date = results.get("date")
        entries.append(
            Entry(
                model=model_name(results, path.parent.name),
                task=task,
                n_questions=effective_n(results, task),
                n_shot=int((shots or {}).get(task) or 0) if isinstance(shots, dict) else 0,
                limit=f"{limit:g}" if isinstance(limit, (int, float)) else "",
                settings=", ".join(f"{k} {v}" for k, v in given.items() if v),
                chat=bool(results.get("chat_template")),
                signature=str(metadata["signature"]),
                languages=languages,
                values=plain_values(values),
                stderr=_stderr(values) or _stderr_of_samples(path, task),
                path=path,
                date=float(date) if isinstance(date, (int, float)) else 0.0,
            )
        )
    return entries


def _stderr(values: Mapping[str, Any]) -> dict[str, float]:
    """metric -> lm-eval's own standard error; it writes "N/A" where it was not asked for them."""
    found = {}
    for key, value in values.items():
        metric, _, _ = key.partition(",")
        if metric.endswith("_stderr") and isinstance(value, (int, float)):
            found[metric.removesuffix("_stderr")] = float(value)
    return found


def _stderr_of_samples(path: Path, task: str) -> dict[str, float]:
    """metric -> standard error of the mean over questions, from the samples beside a results file; else nothing."""
    samples = path.with_name(f"samples_{task}{path.stem.removeprefix('results')}.jsonl")
    if not samples.is_file():
        return {}
    columns: dict[str, list[float]] = {}
    for number_of_line, row in numbered_lines(samples):
        try:
            for metric in row["metrics"]:
                columns.setdefault(metric, []).append(float(row[metric]))
        except (KeyError, TypeError, ValueError):
            raise DataError(f"{samples}:{number_of_line}: is not a sample of a cross-lingual task") from None
    result = {}
    for metric, values in columns.items():
        n = len(values)
        if n > 1:
            mean = sum(values) / n
            result[metric] = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1) / n)
    return result


def rank(entries: Iterable[Entry], by: str = "acc") -> list[Group]:
    """Groups of comparable entries, each ranked by a metric; entries without it come last.

    Raises:
        CalmError: no entry has the metric.
    """
    entries = list(entries)
    if entries and not any(by in e.values for e in entries):
        known = ", ".join(dict.fromkeys(m for e in entries for m in e.values))
        raise CalmError(f"no result has the metric {by!r}; there are {known}")
    groups: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.setting, []).append(entry)
    result = []
    for members in groups.values():
        members.sort(key=lambda e: (-e.value(by) if math.isfinite(e.value(by)) else math.inf, e.model))
        first = members[0]
        result.append(Group(_heading(first), first.signature, first.languages, by, members))
    return sorted(result, key=lambda g: (g.entries[0].task, -len(g.entries), g.heading, g.signature))


def _heading(entry: Entry) -> str:
    parts = [f"{entry.n_questions} questions" if entry.n_questions is not None else "questions not counted"]
    if entry.languages:
        parts.append(f"{len(entry.languages)} languages ({', '.join(entry.languages)})")
    parts.append(f"{entry.n_shot}-shot")
    parts += [f"limit {entry.limit}"] if entry.limit else []
    parts += [entry.settings] if entry.settings else []
    options = dict(p.split(":", 1) for p in entry.signature.split("|") if ":" in p).get("options", "")
    parts += [f"guessing {1 / int(options):.3f}"] if options.isdigit() and int(options) else []
    return f"{entry.task}: {', '.join(parts)}"


def _label(entry: Entry, group: Group) -> str:
    """The model's name; with its folder where two entries of a group have one name."""
    name = entry.model + (" (chat)" if entry.chat else "")
    same = sum((e.model, e.chat) == (entry.model, entry.chat) for e in group.entries)
    return f"{name} [{entry.path.parent.name}]" if same > 1 else name


def _cell(entry: Entry, metric: str) -> str:
    error = entry.stderr.get(metric)
    value = number(entry.value(metric))
    return f"{value} ± {number(error)}" if error is not None and value != NONE and metric in RANKED else value


def _column(metric: str) -> str:
    return metric.removeprefix("acc_")


def render_terminal(groups: Sequence[Group]) -> list[RenderableType]:
    """A heading, a rich table and the signature of each group; many languages are spread over further tables."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    parts: list[RenderableType] = []
    for group in groups:
        parts.append(Text(f"{group.heading}; ranked by {group.by}", "bold"))
        ranked = [m for m in group.metrics if m in RANKED]
        languages = [m for m in group.metrics if m not in RANKED]
        blocks = [ranked, *(languages[i : i + PER_TABLE] for i in range(0, len(languages), PER_TABLE))]
        for columns in blocks if len(languages) > 2 else [group.metrics]:
            table = Table(box=SIMPLE_HEAD, show_edge=False)
            table.add_column("", justify="right")
            table.add_column("model", overflow="fold", min_width=12)
            for metric in columns:
                table.add_column(Text(_column(metric)), justify="right", no_wrap=True)
            for place, entry in enumerate(group.entries, 1):
                table.add_row(str(place), Text(_label(entry, group)), *(_cell(entry, m) for m in columns))
            parts += [table, Text()]
        parts += [Text(group.signature, "dim"), Text()]
    return parts


def to_markdown(groups: Sequence[Group]) -> str:
    """A Markdown table per group."""
    blocks = []
    for group in groups:
        heads = ["#", "model", *(_column(m) for m in group.metrics)]
        lines = [f"## {_markdown(group.heading)}", "", f"Ranked by {_markdown(group.by)}; ± is one standard error.", ""]
        lines += ["| " + " | ".join(_markdown(h) for h in heads) + " |", "|--:|:--" + "|--:" * len(group.metrics) + "|"]
        for place, entry in enumerate(group.entries, 1):
            cells = [str(place), _markdown(_label(entry, group)), *(_cell(entry, m) for m in group.metrics)]
            lines.append("| " + " | ".join(cells) + " |")
        lines += ["", f"`{group.signature.replace('`', chr(39))}`"]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _markdown(text: str) -> str:
    """Text that Markdown takes as it is, and a page made of it too."""
    for mark in ("\\", "|", "*", "_", "`", "[", "]"):
        text = text.replace(mark, "\\" + mark)
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split())


def to_html(groups: Sequence[Group]) -> str:
    """One static page; a click on a column's head sorts by it."""
    from calm_ext.report.html import environment

    tables = [
        {
            "heading": group.heading,
            "signature": group.signature,
            "by": group.by,
            "metrics": [(m, _column(m)) for m in group.metrics],
            "rows": [
                {
                    "place": place,
                    "model": _label(entry, group),
                    "cells": [(entry.value(m) if m in entry.values else "", _cell(entry, m)) for m in group.metrics],
                }
                for place, entry in enumerate(group.entries, 1)
            ],
        }
        for group in groups
    ]
    page: str = environment().get_template("leaderboard.html").render(tables=tables)
    return page
