"""The metrics of one set of answers for a terminal: a headline, a line a language, and the rest if asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calm_ext.languages import language_name
from calm_ext.metrics.lookup import listed
from calm_ext.metrics.measure import Measured, measure
from calm_ext.metrics.names import HEADLINE, family_of, metric_name
from calm_ext.report.words import NONE, interval, number
from calm_ext.results.answers import read_answers

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table


def measured_tasks(results: Mapping[str, Any], folder: Path, *, cluster: str | None = None) -> dict[str, Measured]:
    """Those tasks of an evaluation that are ours, measured from their samples.

    Args:
        results: as :func:`calm_ext.harness.evaluate.evaluate` returns them.
        folder: where it wrote the samples.
        cluster: which questions belong together (:mod:`calm_ext.results.clusters`).
    """
    ours = [t for t, c in results["configs"].items() if (c.get("metadata") or {}).get("signature")]
    there = [task for task in ours if task in results["results"]]
    return {task: measure(read_answers([folder], task=task, cluster=cluster)) for task in there}


def lm_eval_keys(found: Measured) -> dict[str, Any]:
    """All metrics and standard errors under lm-eval's keys, and intervals and chance values by metric."""
    keys: dict[str, Any] = {}
    for name, value in found.metrics.items():
        keys |= {f"{name},none": value, f"{name}_stderr,none": found.stderr[name]}
    keys |= {"ci95": found.ci95, "ci95_method": found.ci95_method}
    keys |= {"n_clusters": found.n_clusters, "cluster": found.cluster_key} if found.n_clusters else {}
    return {**keys, "chance": found.chance, "n_right": found.n_right, "pivots": found.pivots}


def render_measured(found: Measured, *, title: str = "", everything: bool = False) -> Iterator[RenderableType]:
    """The headline with standard errors, intervals and chance values, and a line a language.

    Args:
        title: what was measured, the name of a task say.
        everything: all other metrics, too, and how many questions are right in how many languages.
    """
    from rich.text import Text

    about = f"{found.n_questions} questions in {', '.join(found.languages)}"
    about += f", {found.n_clusters} clusters by {found.cluster_key}" if found.n_clusters else ""
    pivots = ", ".join(found.pivots)
    yield Text(f"{title}: {about}" if title else about, "bold" if title else "")
    rest = [m for m in found.metrics if m not in HEADLINE]
    yield Text()
    yield _metrics(found, [m for m in HEADLINE if m in found.metrics])
    if len(found.languages) > 1:
        yield Text()
        yield _languages(found)
    if everything and rest:
        yield Text()
        yield _metrics(found, rest)
    if everything and found.n_right:
        yield Text(
            f"\nquestions right in 0, 1, … {len(found.languages)} languages: {' '.join(map(str, found.n_right))}"
        )
    hidden = [] if everything else [m for m in rest if not (family_of(m)[0] and len(found.languages) > 1)]
    if hidden:
        yield Text(f"\n{len(hidden)} more metrics with --all: {listed(hidden)}", "dim")
    yield Text()
    if pivots and "transfer" in found.metrics:
        yield Text(f"transfer: accuracy on the questions that are right in the pivot, {pivots}", "dim")
    yield Text(found.signature, "dim")


def _table(*columns: str, left: Sequence[str] = ()) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="left" if column in left else "right", no_wrap=True)
    return table


def _metrics(found: Measured, names: Sequence[str]) -> Table:
    table = _table("metric", "value", "± s.e.", "95 % interval", "chance", "questions", "", left=("metric", ""))
    for name in names:
        table.add_row(
            name, number(found.metrics[name]), number(found.stderr[name]), interval(found.ci95[name]),
            _chance(found, name), str(found.n[name]), metric_name(name),
        )  # fmt: skip
    return table


def _chance(found: Measured, name: str) -> str:
    value = found.chance.get(name)
    text = "" if value is None else number(value) if value >= 0.0005 or value == 0 else "< .001"
    floored = name.startswith("rankc") and found.rankc_floor is not None
    return f"{text} (floor {number(found.rankc_floor)})" if floored else text


def _languages(found: Measured) -> Table:
    """A line a language: its accuracy, and transfer, answers read and fidelity where some language has them."""
    transfer, fidelity = (
        {x: found.metrics.get(f"{family}_{x}") for x in found.languages} for family in ("transfer", "fidelity")
    )
    columns: dict[str, list[str]] = {"language": [language_name(x) for x in found.languages]}
    if "acc" in found.metrics:
        columns["accuracy"] = [number(found.metrics[f"acc_{x}"]) for x in found.languages]
        columns["± s.e."] = [number(found.stderr[f"acc_{x}"]) for x in found.languages]
    if any(v is not None for v in transfer.values()):
        alone = list(found.pivots) if len(found.pivots) == 1 else []
        columns["transfer"] = ["pivot" if x in alone else number(v) for x, v in transfer.items()]
    if any(v < 1 for v in found.answered.values()):
        columns["answered"] = [number(found.answered[x]) for x in found.languages]
    if any(v is not None for v in fidelity.values()):
        columns["fidelity"] = [NONE if v is None else number(v) for v in fidelity.values()]
    table = _table(*columns, left=("language",))
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    return table
