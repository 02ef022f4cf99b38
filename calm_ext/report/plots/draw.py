"""The plots of a report: what is drawn of each task, and all of them as files (:func:`draw_all`)."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from calm_ext.languages import language_name
from calm_ext.report.collect import WHEN, RunData, common_ids
from calm_ext.report.page.flow import STATES
from calm_ext.report.plots.method import calibration_plot, margins_plot, pairs_plot, training_plot
from calm_ext.report.plots.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    STYLE,
    drawable,
    headed,
    heat_colours,
    letters_on,
    new_figure,
    to_png,
    to_svg,
)
from calm_ext.report.words import counted, is_number, number, percent, tasks_of
from calm_ext.results.evaluation import pair_matrix

if TYPE_CHECKING:
    from matplotlib.figure import Figure

logger = logging.getLogger(__name__)


class Plots(NamedTuple):
    """The plots of a report.

    Attributes:
        files: file name -> PNG or SVG.
        failed: PNG's file name -> why it could not be drawn.
    """

    files: dict[str, bytes]
    failed: dict[str, str]


def draw_all(data: RunData, summary: Mapping[str, Any]) -> Plots:
    """Every plot that there is something for, as PNG and as SVG; one that fails does not take the report with it."""
    todo: dict[str, Callable[[], Figure | None]] = {}
    for task, values in tasks_of(summary).items():
        todo[accuracy_name(task)] = partial(accuracy_plot, values)
        todo[consistency_name(task)] = partial(consistency_plot, values, matrices(data, task))
        todo[flow_name(task)] = partial(flow_plot, values.get("flow"))
    todo["margins.png"] = partial(margins_plot, data)
    todo["calibration.png"] = partial(calibration_plot, summary.get("vote"))
    todo["pairs.png"] = partial(pairs_plot, data.pairs or [], summary.get("pairs"))
    todo["training.png"] = partial(training_plot, data)
    return draw(todo)


def draw(todo: Mapping[str, Callable[[], Figure | None]], *, svg: bool = True) -> Plots:
    """Plots as PNG, by file name, and as SVG; one that is None is left out, and one that fails is named."""
    import matplotlib

    files: dict[str, bytes] = {}
    failed: dict[str, str] = {}
    with matplotlib.rc_context({**STYLE}):
        for name, make in todo.items():
            try:
                figure = make()
                if figure is not None:
                    files[name] = to_png(figure)
                    if svg:
                        files[name.removesuffix(".png") + ".svg"] = to_svg(figure)
            except Exception as error:  # matplotlib raises anything; the tables have the numbers
                failed[name] = " ".join(str(error).split())[:200] or type(error).__name__
                logger.warning("%s: cannot be drawn (%s)", name, failed[name])
    return Plots(files, failed)


def accuracy_name(task: str) -> str:
    """File name of a task's accuracy plot."""
    return f"accuracy_{_plain(task)}.png"


def consistency_name(task: str) -> str:
    """File name of a task's consistency plot."""
    return f"consistency_{_plain(task)}.png"


def flow_name(task: str) -> str:
    """File name of a task's flow of questions."""
    return f"flow_{_plain(task)}.png"


def matrices(data: RunData, task: str) -> dict[str, dict[tuple[str, str], float]]:
    """``before`` and ``after`` -> pair of languages -> consistency, over the questions that both have."""
    ids = common_ids(data, task)
    results = {w: data.result(task, w) for w in WHEN}
    return {
        when: pair_matrix(result.detail, result.languages, ids)
        for when, result in results.items()
        if result and result.detail and ids and len(result.languages) > 1
    }


def _plain(task: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in task)


def accuracy_plot(task: Mapping[str, Any]) -> Figure | None:
    """Accuracy per language with 95 % intervals, before and after."""
    rows = [("acc", "all languages"), *((f"acc_{x}", drawable(language_name(x))) for x in task["languages"])]
    rows = [r for r in rows if any(r[0] in task["ci95"][w] for w in WHEN)]
    if not rows:
        return None
    figure, ((axes,),) = new_figure(5.4, 1.5 + 0.36 * len(rows))
    marks = {"before": (GREY, -0.16, "o"), "after": (BLUE, 0.16, "D")}
    for when, (colour, shift, marker) in marks.items():
        values, bounds = task[when], task["ci95"][when]
        shown = [(i, m) for i, (m, _) in enumerate(rows) if m in bounds and is_number(values.get(m))]
        if not shown:
            continue
        y = [i + shift for i, _ in shown]
        axes.hlines(y, [bounds[m][0] for _, m in shown], [bounds[m][1] for _, m in shown], color=colour, linewidth=1.8)
        axes.plot([values[m] for _, m in shown], y, marker, color=colour, markersize=6.5, label=f"{when} alignment")
    axes.set_yticks(range(len(rows)), [name for _, name in rows])
    axes.get_yticklabels()[0].set_fontweight("bold")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    if len(rows) > 1:
        axes.axhline(0.5, color=PALE, linewidth=1)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("share of answers that are right, with 95 % interval")
    headed(figure, _title("Share of right answers", task, "acc"))
    figure.legend(loc="outside lower center", ncols=2, fontsize=9.5, handletextpad=0.1)
    return figure


def _title(name: str, task: Mapping[str, Any], metric: str) -> str:
    before, after = task["before"].get(metric), task["after"].get(metric)
    if is_number(before) and is_number(after):
        return f"{name}: {number(before)} before, {number(after)} after alignment"
    when = "before" if is_number(before) else "after"
    return f"{name}: {number(before if is_number(before) else after)} {when} alignment"


def consistency_plot(task: Mapping[str, Any], found: Mapping[str, Mapping[tuple[str, str], float]]) -> Figure | None:
    """Share of questions on which two languages give the same answer, for every pair, before beside after."""
    if not found:
        return None
    languages = task["languages"]
    n = len(languages)
    lowest = min(v for m in found.values() for v in m.values())
    floor = math.floor(lowest * 10) / 10
    side = max(2.2, (0.42 if n <= 10 else 0.29) * n)
    figure, axes_row = new_figure(side * len(found) + 2.4, side + 2.0, 1, len(found))
    image: Any = None
    heat = heat_colours()
    for axes, (when, matrix) in zip(axes_row[0], found.items(), strict=True):
        grid = [[math.nan] * (n - 1) for _ in range(n - 1)]
        for (a, b), value in matrix.items():
            if a in languages and b in languages:
                i, j = sorted((languages.index(a), languages.index(b)))
                grid[j - 1][i] = value
                if n <= 10:
                    colour = letters_on(heat((value - floor) / (1 - floor) if floor < 1 else 1.0))
                    text = f"{value:.2f}".removeprefix("0")
                    axes.text(i, j - 1, text, ha="center", va="center", fontsize=9, color=colour)
        image = axes.imshow(grid, cmap=heat, vmin=floor, vmax=1, aspect="equal")
        names = [drawable(language_name(x)) for x in languages]
        axes.set_xticks(range(n - 1), names[:-1], rotation=90)
        axes.set_yticks(range(n - 1), names[1:] if axes is axes_row[0][0] else [""] * (n - 1))
        axes.tick_params(length=0)
        axes.grid(visible=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_title(f"{when} alignment")
    bar = figure.colorbar(image, ax=list(axes_row[0]), shrink=0.75, pad=0.02)
    bar.set_label("share of questions", fontsize=9.5)
    bar.outline.set_visible(False)
    headed(figure, _title("Same answer in two languages", task, "consistency"))
    return figure


_COLOURS = {"right": BLUE, "wrong": ORANGE, "mixed": GREY, "same": GREEN}
_BAR, _GAP, _LINE = 0.05, 0.04, 0.06  # width of a bar, space between two, height of a line of text: shares of the plot


def flow_plot(flow: Mapping[str, Any] | None) -> Figure | None:
    """An alluvial diagram: bars of the states before and after, ribbons for the questions that go between them."""
    from matplotlib.patches import Rectangle

    if not flow:
        return None
    n, states = flow["n"], list(flow["before"])
    figure, ((axes,),) = new_figure(5.6, 4.3)
    tops = {w: _stack([flow[w][s] / n for s in states]) for w in WHEN}
    for when, x, edge, side in (("before", 0.0, -0.02, "right"), ("after", 1 - _BAR, 1.02, "left")):
        lowest = math.inf
        for state, top in zip(states, tops[when], strict=True):
            height = flow[when][state] / n
            axes.add_patch(Rectangle((x, top - height), _BAR, height, color=_COLOURS[state], linewidth=0))
            words = STATES[state].replace(" and ", " and\n").replace(", ", ",\n")
            words += f"\n{counted(flow[when][state], 'question')}"
            lines = words.count("\n") + 1
            y = min(top - height / 2, lowest - _LINE * lines / 2)  # below the label above it
            lowest = y - _LINE * lines / 2
            axes.text(edge, y, words, ha=side, va="center", linespacing=1.2)
        axes.text(x + _BAR / 2, 1.03, f"{when} alignment", ha="center", va="bottom", color=INK)
    left, right = (dict(zip(states, tops[w], strict=True)) for w in WHEN)
    for move in flow["moves"]:
        a, b, height = move["before"], move["after"], move["n"] / n
        axes.add_patch(_ribbon(left[a], right[b], height, _COLOURS[b], 0.22 if a == b else 0.6))
        if a != b and height > _LINE / 2:
            y = left[a] - height / 2
            axes.text(_BAR + 0.015, y, str(move["n"]), ha="left", va="center", fontsize=8.5, zorder=4)
        left[a] -= height
        right[b] -= height
    axes.set_xlim(-0.42, 1.42)
    axes.set_ylim(1 - max(1.0, 1 + _GAP * (len(states) - 1)) - 0.02, 1.1)
    axes.set_axis_off()
    figure.supxlabel("A band is as wide as its number of questions. All right: in every language;\n"
                     "mixed: the languages differ, or an answer could not be read.", fontsize=8.5)  # fmt: skip
    headed(figure, f"{flow['moved']} of {n} questions ({percent(flow['moved'] / n)}) changed between these states")
    return figure


def _stack(heights: Sequence[float]) -> list[float]:
    """The upper ends of bars of these heights, one below the other with a gap."""
    tops, top = [], 1.0
    for height in heights:
        tops.append(top)
        top -= height + _GAP
    return tops


def _ribbon(start: float, end: float, height: float, colour: str, alpha: float) -> Any:
    """A band that leaves the left bar at ``start`` and reaches the right one at ``end`` (upper edges)."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    x, far, middle = _BAR, 1 - _BAR, 0.5
    corners = [
        (x, start), (middle, start), (middle, end), (far, end),
        (far, end - height), (middle, end - height), (middle, start - height), (x, start - height), (x, start),
    ]  # fmt: skip
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    return PathPatch(Path(corners, codes), facecolor=colour, alpha=alpha, linewidth=0)
