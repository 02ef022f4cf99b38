"""Plots of the method: the margins and the calibration of the vote, the pairs, and the training."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from calm_ext.languages import language_name
from calm_ext.records import Pair
from calm_ext.report.plots.style import BLUE, GREEN, GREY, ORANGE, PALE, drawable, headed, new_figure
from calm_ext.report.rundata import RunData
from calm_ext.report.words import counted, is_number, number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARGIN_BINS = 20
#: group of votes -> what the legend calls it
_GROUPS = {
    "right": "elected answer right",
    "wrong": "elected answer wrong",
    "decided": "decided",
    "dropped": "left out",
}
#: origin of a chosen response -> the same in plain words
_ORIGINS = {
    "native": "own sample", "answer_only": "bare answer", "translate": "translated", "anchor": "anchor, agrees already",
}  # fmt: skip


def margin_groups(data: RunData) -> dict[str, list[float]]:
    """Margins of the ballots by what is known of them: right or wrong where gold is, else decided; and dropped."""
    gold = data.gold
    groups: dict[str, list[float]] = {"right": [], "wrong": [], "decided": [], "dropped": []}
    for ballot in data.ballots:
        answer = gold.get(ballot.id)
        if ballot.winner is None:
            groups["dropped"].append(ballot.margin)
        elif answer is None:
            groups["decided"].append(ballot.margin)
        else:
            groups["right" if ballot.winner == answer else "wrong"].append(ballot.margin)
    return {name: values for name, values in groups.items() if values}


def margin_unit(data: RunData) -> str:
    """What margins are measured in: shares of the votes, or standard deviations (rule zscore)."""
    rule = (data.recipe.get("vote") or {}).get("rule")
    mode = (data.recipe.get("sampling") or {}).get("mode")
    return "standard deviations" if rule == "zscore" or (rule is None and mode == "options") else "share of the votes"


def margins_plot(data: RunData) -> Figure | None:
    """How clear the votes were, and whether the clear ones are right."""
    groups = margin_groups(data)
    if not groups:
        return None
    colours = {"right": BLUE, "wrong": ORANGE, "decided": BLUE, "dropped": PALE}
    top = max(1.0, max(v for values in groups.values() for v in values))
    edges = [top * i / MARGIN_BINS for i in range(MARGIN_BINS + 1)]
    figure, ((axes,),) = new_figure(5.4, 3.3)
    axes.hist(
        list(groups.values()), bins=edges, stacked=True, color=[colours[g] for g in groups], edgecolor="white",
        linewidth=0.6, label=[f"{_GROUPS[g]} ({counted(len(v), 'question')})" for g, v in groups.items()],
    )  # fmt: skip
    axes.grid(axis="x", visible=False)
    axes.set_xlim(0, top)
    axes.set_xlabel(f"margin: lead of the elected answer over the next one, {margin_unit(data)}")
    axes.set_ylabel("number of questions")
    axes.yaxis.get_major_locator().set_params(integer=True)
    known = len(groups.get("right", [])) + len(groups.get("wrong", []))
    title = "How clear the votes were"
    if known:
        title += f": right on {percent(len(groups.get('right', [])) / known)} of those decided"
    headed(figure, title)
    figure.legend(loc="outside lower center", ncols=min(2, len(groups)), fontsize=9)
    return figure


def calibration_plot(vote: Mapping[str, Any] | None) -> Figure | None:
    """Reliability diagram: how often votes of a probability are right, against that probability."""
    rows = (vote or {}).get("reliability")
    if not vote or not rows:
        return None
    figure, ((axes,),) = new_figure(5.6, 4.6)
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1.5, zorder=1, label="as often right as it says")
    x = [r["probability"] for r in rows]
    bounds = [r["low"] for r in rows], [r["high"] for r in rows]
    axes.vlines(x, *bounds, color=BLUE, linewidth=1.8, label="95 % interval")
    largest = max(r["n"] for r in rows)
    sizes = [18 + 150 * r["n"] / largest for r in rows]
    axes.scatter(x, [r["right"] for r in rows], s=sizes, color=BLUE, zorder=3, clip_on=False)
    axes.scatter([], [], s=40, color=BLUE, label="votes as sure as this; larger: more questions")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.03)
    axes.set_xlabel("how sure the vote is: the probability that it gives its winner")
    axes.set_ylabel("share of these votes that are right")
    headed(figure, f"Is the vote as often right as it says? Mean error {number(vote['ece'])}")
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure


def pairs_plot(pairs: Sequence[Pair], summary: Mapping[str, Any] | None) -> Figure | None:
    """Pairs per language by the origin of the chosen response, beside the lengths of both sides."""
    if not pairs or not summary:
        return None
    languages, origins = list(summary["by_language"]), list(summary["by_origin"])
    counts = Counter((p.language, p.origin) for p in pairs)
    figure, ((left, right),) = new_figure(6.2, 1.9 + 0.3 * len(languages), 1, 2)
    y = range(len(languages))
    start = [0] * len(languages)
    for origin, colour in zip(origins, cycle((BLUE, ORANGE, GREEN, GREY, PALE)), strict=False):
        widths = [counts[x, origin] for x in languages]
        left.barh(y, widths, left=start, height=0.62, color=colour, label=drawable(_ORIGINS.get(origin, origin)))
        start = [a + b for a, b in zip(start, widths, strict=True)]
    lengths = [summary["lengths"][x] for x in languages]
    right.hlines(y, [r["chosen"] for r in lengths], [r["rejected"] for r in lengths], color=PALE, linewidth=2)
    right.plot([r["rejected"] for r in lengths], y, "o", color=GREY, markersize=6, label="rejected")
    right.plot([r["chosen"] for r in lengths], y, "D", color=BLUE, markersize=6, label="chosen")
    right.set_xlim(left=0)
    for axes, labels, title in (
        (left, [drawable(language_name(x)) for x in languages], "number of pairs"),
        (right, [""] * len(languages), "mean length, characters"),
    ):
        axes.set_yticks(y, labels)
        axes.set_ylim(len(languages) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.locator_params(axis="x", nbins=5, integer=True)
        axes.set_xlabel(title, fontsize=9.5)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=9, handletextpad=0.3)
    headed(figure, f"{counted(len(pairs), 'pair')} to train on, and how long their two responses are")
    return figure


def training_rows(log: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    """The rows of one kind by step; of steps done twice (a resumed training) the later row."""
    rows = {r["step"]: r for r in log if r["kind"] == kind and is_number(r.get("step"))}
    if kind == "train":
        rows = {
            r["step"]: r for r in log if r["kind"] == kind and is_number(r.get("step")) and is_number(r.get("loss"))
        }
    return [rows[step] for step in sorted(rows)]


#: kind of row, its key, the title, and the unit; what is a share of something has no values above 1
_CURVES = (
    ("train", "loss", "Training loss", "nats"),
    ("train", "rewards/margins", "Lead of chosen over rejected", "nats"),
    ("train", "rewards/accuracies", "Chosen response ahead", "share of pairs"),
    ("train", "learning_rate", "Learning rate", "size of a step"),
    ("check", "agreement", "Answers as its own vote", "share of answers"),
    ("check", "consistency", "Same answer in two languages", "share of pairs"),
    ("check", "kept", "Agreeing answers that are kept", "share of answers"),
    ("check", "answered", "Answers that can be read", "share of answers"),
    ("check", "chosen_nll", "Chosen responses, NLL", "nats per token"),
)


def training_plot(data: RunData) -> Figure | None:
    """Small multiples over steps: what the trainer logs, and the label-free checks on held-out questions."""
    series = []
    for kind, key, title, unit in _CURVES:
        points = [(r["step"], r[key]) for r in training_rows(data.log, kind) if is_number(r.get(key))]
        if points:
            series.append((kind, title, unit, points))
    if not series:
        return None
    columns = min(2, len(series))
    rows = math.ceil(len(series) / columns)
    figure, grid = new_figure(2.9 * columns + 0.2, 1.75 * rows + 0.9, rows, columns)
    panels: list[Axes] = list(grid.flat)
    last = max(step for *_, points in series for step, _ in points)
    step = data.training.get("chosen_step")
    chosen = step if is_number(step) else None
    for axes, (kind, title, unit, points) in zip(panels, series, strict=False):
        steps, values = zip(*points, strict=True)
        check = kind == "check"
        colour = BLUE if check else GREY
        axes.plot(steps, values, color=colour, linewidth=1.8, marker="o" if check else None, markersize=3.5)
        if chosen is not None:
            axes.axvline(chosen, color=ORANGE, linewidth=1, linestyle=(0, (3, 3)))
            at = [v for s, v in points if s == chosen]
            if at and check:
                axes.plot([chosen], at[-1:], "o", color=ORANGE, markersize=7, zorder=3)
        axes.set_title(title, fontsize=9.5)
        axes.set_ylabel(unit, fontsize=8.5)
        low, high = min(values), max(values)
        if unit.startswith("share") and low <= high <= 1:
            axes.set_ylim(max(0, low - 0.05), min(1.01, high + 0.05))
        elif low == high and low > 0:
            axes.set_ylim(0, 1.2 * high)
        axes.set_xlim(-0.03 * last, 1.03 * last)
        axes.locator_params(axis="both", nbins=5)
        axes.ticklabel_format(axis="y", style="sci", scilimits=(-3, 5))
    for axes in panels[len(series) :]:
        axes.set_visible(False)
    for axes in panels[max(0, len(series) - columns) : len(series)]:
        axes.set_xlabel("training step", fontsize=8.5)
    kinds = {"train": (GREY, "on the pairs, while training"), "check": (BLUE, "checks on held-out questions")}
    for kind, (colour, words) in kinds.items():
        if any(s[0] == kind for s in series):
            panels[0].plot([], [], color=colour, linewidth=1.8, label=words)
    if chosen is not None:
        panels[0].plot([], [], color=ORANGE, linewidth=1, linestyle=(0, (3, 3)), label="the step that is kept")
    figure.legend(loc="outside lower center", ncols=3, fontsize=9, handlelength=1.4, columnspacing=1.2)
    figure.get_layout_engine().set(hspace=0.08, wspace=0.05)  # type: ignore[union-attr,call-arg]
    if chosen is not None:
        kept = "the untrained model is kept" if chosen == 0 else f"the model of step {chosen} is kept"
        headed(figure, f"Training, step by step: {kept}")
    return figure
