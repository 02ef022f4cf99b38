"""A plot for each claim: the effect at each value of a varied key, seeds as points, the interval as a band."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from calm_ext.metrics.names import metric_name
from calm_ext.report.plots.style import BLUE, GREY, INK, PALE, STYLE, drawable, headed, new_figure, to_png, to_svg
from calm_ext.study.options import label
from calm_ext.study.tables import found_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ONE_SEED = "bands: 95 % intervals over questions, of one seed"


def draw_claims(results: Mapping[str, Any]) -> dict[str, bytes]:
    """file name -> PNG or SVG, ``claim-1.png`` of the first claim; a claim that was not tested has none."""
    import matplotlib

    files = {}
    with matplotlib.rc_context({**STYLE}):
        for i, claim in enumerate(results["claims"], 1):
            if claim["levels"]:
                figure = claim_plot(claim)
                files[f"claim-{i}.png"], files[f"claim-{i}.svg"] = to_png(figure), to_svg(figure)
    return files


def claim_plot(tested: Mapping[str, Any]) -> Figure:
    """Over a line of numbers where the claim is an order, else a row a value."""
    claim, levels = tested["claim"], tested["levels"]
    what = metric_name(claim["metric"])
    axis = f"{what} after alignment" if claim.get("of") == "after" else f"{what}, after less before"
    seeds = max(len(level["by_seed"]) for level in levels)
    bands = "points: seeds; bands: 95 % intervals over seeds and questions" if seeds > 1 else _ONE_SEED
    if "order" in claim:
        figure, ((axes,),) = new_figure(5.6, 3.5)
        _line(axes, levels, tested)
        axes.set_xlabel(f"{drawable(claim['over'])}\n{bands}")
        axes.set_ylabel(axis)
    else:
        figure, ((axes,),) = new_figure(5.6, 1.3 + 0.42 * len(levels))
        chosen = [v for part in ("better", "than", "where") for v in claim.get(part, {}).values()]
        _rows(axes, levels, chosen)
        axes.set_xlabel(f"{axis}\n{bands}")
    if claim.get("of") != "after":
        (axes.axhline if "order" in claim else axes.axvline)(0, color=GREY, linewidth=1)
    headed(figure, f"{tested['verdict'].capitalize()}: {found_words(tested).partition(', on ')[0]}")
    return figure


def _line(axes: Axes, levels: list[dict[str, Any]], tested: Mapping[str, Any]) -> None:
    levels = sorted(levels, key=lambda level: level["number"])
    x = [level["number"] for level in levels]
    low, high = ([_finite(level["ci95"][i]) for level in levels] for i in (0, 1))
    axes.fill_between(x, low, high, color=PALE, alpha=0.8, linewidth=0)
    axes.plot(x, [level["value"] for level in levels], color=BLUE, linewidth=1.8, marker="D", markersize=5)
    seeds = len(levels[0]["by_seed"])
    for s in range(seeds if seeds > 1 and all(len(level["by_seed"]) == seeds for level in levels) else 0):
        axes.plot(x, [level["by_seed"][s] for level in levels], color=GREY, linewidth=0.7, marker="o", markersize=3.5)
    axes.set_xticks(x, [drawable(f"{v:g}") for v in x])
    mean_x, mean_y = sum(x) / len(x), sum(level["value"] for level in levels) / len(x)
    slope = tested["estimate"]
    axes.plot(x, [mean_y + slope * (v - mean_x) for v in x], color=INK, linewidth=1, linestyle=(0, (3, 3)))


def _rows(axes: Axes, levels: list[dict[str, Any]], chosen: list[Any]) -> None:
    """A row a value; those that the claim does not name are grey."""
    marked = {label(v) for v in chosen} & {level["level"] for level in levels}
    for y, level in enumerate(levels):
        colour = BLUE if not marked or level["level"] in marked else GREY
        low, high = (_finite(b) for b in level["ci95"])
        axes.barh(y, high - low, left=low, height=0.5, color=PALE, linewidth=0)
        axes.plot([level["value"]], [y], "D", color=colour, markersize=6.5, zorder=3)
        if len(level["by_seed"]) > 1:
            axes.plot(level["by_seed"], [y] * len(level["by_seed"]), "o", color=colour, markersize=3.5, alpha=0.7)
    axes.set_yticks(range(len(levels)), [drawable(level["level"] or "all cells") for level in levels])
    axes.set_ylim(len(levels) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)


def _finite(value: Any) -> float:
    return math.nan if value is None else float(value)
