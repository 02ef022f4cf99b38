"""A study in words and tables: what the terminal, the Markdown file and the page say alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from calm_ext.metrics.names import metric_label, metric_name
from calm_ext.report.card.markdown import escape
from calm_ext.report.words import direction, interval, merit, number, p_value
from calm_ext.study.options import label

if TYPE_CHECKING:
    from rich.console import RenderableType

Results = Mapping[str, Any]

TONES = {"holds": "good", "fails": "bad", "undecided": "none"}


class Entry(NamedTuple):
    """A cell of a table: one combination on one task.

    Attributes:
        values: ``0.512 → 0.640``.
        difference: with its sign, and its interval.
        merit: 1 where the difference is significant and good, -1 significant and bad, else 0.
    """

    values: str
    difference: str
    ci95: str
    merit: int


class MetricTable(NamedTuple):
    """One metric of all combinations: a row a combination, a column a task, held-out tasks before asked ones.

    Attributes:
        columns: (task, whether its questions were asked in the alignment).
        rows: (name of the combination, an entry a column; None where it was not measured).
    """

    metric: str
    columns: list[tuple[str, bool]]
    rows: list[tuple[str, list[Entry | None]]]

    @property
    def title(self) -> str:
        """The metric in words, with its code."""
        name = metric_label(self.metric)
        return name[:1].upper() + name[1:]

    def heads(self) -> list[str]:
        """The headings of the columns."""
        return [f"{task} ({'asked' if asked else 'held out'})" for task, asked in self.columns]


def metric_tables(results: Results) -> list[MetricTable]:
    """The effects of a study, a table a metric."""
    rows = results["effects"]
    tasks = {r["task"]: r["asked"] for r in rows}
    columns = sorted(tasks.items(), key=lambda item: item[1])
    names = list(dict.fromkeys(combination(r["vary"]) for r in rows))
    metrics = list(dict.fromkeys(m for r in rows for m in r["difference"]))
    found = {(combination(r["vary"]), r["task"]): r for r in rows}
    return [
        MetricTable(m, columns, [(n, [_entry(found.get((n, task)), m) for task, _ in columns]) for n in names])
        for m in metrics
    ]


def _entry(row: Mapping[str, Any] | None, metric: str) -> Entry | None:
    if row is None or metric not in row["difference"]:
        return None
    d = row["difference"][metric]
    return Entry(
        f"{number(row['before'][metric])} → {number(row['after'][metric])}", number(d["value"], signed=True),
        interval([d["low"], d["high"]], signed=True), merit(metric, direction(d)),
    )  # fmt: skip


def combination(vary: Mapping[str, Any]) -> str:
    """A combination of varied values, as a row is named.

    >>> combination({"method": "dpo", "data.limit": 40}), combination({})
    ('dpo, limit 40', 'all')
    """
    return ", ".join(named_value(key, value) for key, value in vary.items()) or "all"


def named_value(key: str, value: Any) -> str:
    """A value after the last part of its key; a label of a name that is no recipe key speaks for itself."""
    return f"{key.rpartition('.')[2]} {label(value)}" if "." in key else label(value)


def headline(results: Results) -> tuple[str, str]:
    """(tone, sentence): how many claims hold."""
    verdicts = Counter(c["verdict"] for c in results["claims"])
    cells = Counter(c["status"] for c in results["cells"])
    if not verdicts:
        return "none", f"{cells['finished']} of {sum(cells.values())} cells are measured; nothing is claimed."
    n = sum(verdicts.values())
    parts = [f"{verdicts[v]} {_verb(v, verdicts[v])}" for v in ("fails", "undecided") if verdicts[v]]
    sentence = f"{verdicts['holds']} of {n} claims hold" + "".join(f", {p}" for p in parts) + "."
    tone = "bad" if verdicts["fails"] else "good" if verdicts["holds"] == n else "none"
    return tone, sentence


def _verb(verdict: str, n: int) -> str:
    if verdict == "fails":
        return "fails" if n == 1 else "fail"
    return "is undecided" if n == 1 else "are undecided"


def claim_words(claim: Mapping[str, Any]) -> str:
    """A claim as a sentence without its end.

    >>> claim_words({"metric": "acc", "better": {"method": "dpo"}, "than": {"method": "sft"}})
    'accuracy is better with dpo than with sft'
    >>> claim_words({"metric": "consistency", "order": "increasing", "over": "data.limit", "where": {"method": "dpo"}})
    'the effect on consistency increases with data.limit (dpo)'
    """
    metric = metric_name(claim["metric"])
    where = f" ({combination(claim['where'])})" if claim.get("where") else ""
    if "better" in claim:
        return f"{metric} is better with {combination(claim['better'])} than with {combination(claim['than'])}{where}"
    if "order" in claim:
        what = metric if claim.get("of") == "after" else f"the effect on {metric}"
        return f"{what} {'increases' if claim['order'] == 'increasing' else 'decreases'} with {claim['over']}{where}"
    return f"{metric} {'rises' if claim['rises'] else 'falls'}{where}"


def found_words(tested: Mapping[str, Any]) -> str:
    """What was found for a claim: the estimate, its interval and p-value, and the task."""
    if tested["estimate"] is None:
        return tested["test"]
    p = p_value(tested["p"])
    slope = " for each step of 1" if "order" in tested["claim"] else ""
    value = tested["estimate"]
    digits = f"{value:+.2g}".replace("-", "−") if slope and abs(value) < 0.01 else number(value, signed=True)
    bounds = tested["ci95"]
    shown = (
        "[" + ", ".join(f"{b:+.2g}".replace("-", "−") for b in bounds) + "]"
        if slope and abs(value) < 0.01
        else interval(bounds, signed=True)
    )
    return f"{digits} {shown}{slope}, p {'' if p.startswith('<') else '= '}{p}, on {tested['task']}"


def notes(results: Results) -> list[str]:
    """What a reader of the numbers must know."""
    found = []
    if len({tuple(map(label, c["seed"].values())) for c in results["cells"]}) < 2:
        found.append("One seed: intervals are over questions only, and say nothing of how much seeds differ.")
    for f in results["folds"]:
        sizes = sorted(set(f["sizes"]))
        size = f"{sizes[0]} to {sizes[-1]}" if len(sizes) > 1 else f"{sizes[0]}"
        found.append(
            f"{f['n_questions']} questions in {len(f['sizes'])} folds of {size}; near duplicates and what belongs "
            f"together stay in one fold ({f['n_groups']} groups, the largest of {f['largest_group']})."
        )
    held_out = {r["task"] for r in results["effects"] if not r["asked"]}
    for task, n in results["asked"].items():
        if n and task in held_out:
            found.append(f"{task}: {n} of its questions were asked in the alignment, too.")
    lost = [c for c in results["cells"] if c["status"] != "finished"]
    if lost:
        names = ", ".join(c["run"].rpartition("/")[2] for c in lost[:5]) + (" …" if len(lost) > 5 else "")
        found.append(f"{len(lost)} of {len(results['cells'])} cells are not measured: {names}.")
    if len(results["claims"]) > 1:
        found.append("Each claim is tested by itself, two-sided at .05, without correction for their number.")
    return found


def markdown(results: Results) -> str:
    """The study as Markdown: the verdicts, a table a metric, and the notes."""
    parts = [f"# {escape(results['study'])}", "", headline(results)[1], ""]
    if results["claims"]:
        parts += ["| claim | verdict | found | test |", "|---|---|---|---|"]
        for c in results["claims"]:
            cells = (claim_words(c["claim"]), c["verdict"], found_words(c), c["test"])
            parts.append("| " + " | ".join(map(escape, cells)) + " |")
        parts.append("")
    for table in metric_tables(results):
        parts += [f"## {escape(table.title)}", "", "Before → after, and the difference with its 95 % interval.", ""]
        parts += ["| | " + " | ".join(map(escape, table.heads())) + " |", "|---" * (len(table.columns) + 1) + "|"]
        for name, entries in table.rows:
            shown = ["–" if e is None else f"{e.values} ({e.difference} {e.ci95})" for e in entries]
            parts.append("| " + " | ".join([escape(name), *shown]) + " |")
        parts.append("")
    parts += [f"- {escape(note)}" for note in notes(results)]
    return "\n".join(parts).rstrip() + "\n"


def render(results: Results) -> list[RenderableType]:
    """The same for a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    styles, colours = {"good": "green", "bad": "red", "none": ""}, {1: "green", -1: "red", 0: ""}
    tone, sentence = headline(results)
    parts: list[RenderableType] = [Text(sentence, style=f"bold {styles[tone]}")]
    for table in metric_tables(results):
        shown = Table(title=table.title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
        shown.add_column("")
        for head in table.heads():
            shown.add_column(head, justify="right")
        for name, entries in table.rows:
            cells = [
                Text("–") if e is None else Text(f"{e.values}\n{e.difference} {e.ci95}", colours[e.merit])
                for e in entries
            ]
            shown.add_row(Text(name), *cells)
        parts.append(shown)
    for c in results["claims"]:
        verdict = Text(f"{c['verdict']:>9} ", f"bold {styles[TONES[c['verdict']]]}")
        parts.append(Text.assemble(verdict, claim_words(c["claim"]), f": {found_words(c)}"))
        said: Sequence[str] = [] if c["estimate"] is None else [c["test"]]
        parts += [Text(" " * 10 + line, "dim") for line in (*said, *c["notes"])]
    return [*parts, *(Text(note, "dim") for note in notes(results))]
