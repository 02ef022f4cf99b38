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
from calm_ext.report.words import is_number, number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARGIN_BINS = 20


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
        linewidth=0.6, label=[f"{g} ({len(v)})" for g, v in groups.items()],
    )  # fmt: skip
    axes.grid(axis="x", visible=False)
    axes.set_xlim(0, top)
    axes.set_xlabel(f"margin of the vote, {margin_unit(data)}")
    axes.set_ylabel("questions")
    known = len(groups.get("right", [])) + len(groups.get("wrong", []))
    title = "How clear the votes were"
    if known:
        title = f"The decided votes are right on {percent(len(groups.get('right', [])) / known)}"
    headed(figure, title)
    figure.legend(loc="outside lower center", ncols=len(groups), fontsize=9.5)
    return figure


def calibration_plot(vote: Mapping[str, Any] | None) -> Figure | None:
    """Reliability diagram: how often votes of a probability are right, against that probability."""
    rows = (vote or {}).get("reliability")
    if not vote or not rows:
        return None
    figure, ((axes,),) = new_figure(5.2, 4.3)
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1.5, zorder=1)
    axes.text(0.03, 0.075, "as sure as right", color=GREY, fontsize=9, rotation=45, rotation_mode="anchor")
    x = [r["probability"] for r in rows]
    axes.vlines(x, [r["low"] for r in rows], [r["high"] for r in rows], color=BLUE, linewidth=1.8)
    largest = max(r["n"] for r in rows)
    axes.scatter(x, [r["right"] for r in rows], s=[18 + 150 * r["n"] / largest for r in rows], color=BLUE, zorder=3)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.03)
    axes.set_xlabel("probability that the vote gives itself")
    axes.set_ylabel("share right, with 95 % interval")
    headed(figure, f"Calibration error (ECE) {number(vote['ece'])}; areas are questions")
    return figure


def pairs_plot(pairs: Sequence[Pair], summary: Mapping[str, Any] | None) -> Figure | None:
    """Pairs per language by the origin of the chosen response, beside the lengths of both sides."""
    if not pairs or not summary:
        return None
    languages, origins = list(summary["by_language"]), list(summary["by_origin"])
    counts = Counter((p.language, p.origin) for p in pairs)
    figure, ((left, right),) = new_figure(5.6, 1.7 + 0.3 * len(languages), 1, 2)
    y = range(len(languages))
    start = [0] * len(languages)
    for origin, colour in zip(origins, cycle((BLUE, ORANGE, GREEN, GREY, PALE)), strict=False):
        widths = [counts[x, origin] for x in languages]
        left.barh(y, widths, left=start, height=0.62, color=colour, label=drawable(origin))
        start = [a + b for a, b in zip(start, widths, strict=True)]
    lengths = [summary["lengths"][x] for x in languages]
    right.hlines(y, [r["chosen"] for r in lengths], [r["rejected"] for r in lengths], color=PALE, linewidth=2)
    right.plot([r["rejected"] for r in lengths], y, "o", color=GREY, markersize=6, label="rejected")
    right.plot([r["chosen"] for r in lengths], y, "D", color=BLUE, markersize=6, label="chosen")
    right.set_xlim(left=0)
    for axes, labels, title in (
        (left, [drawable(language_name(x)) for x in languages], "pairs"),
        (right, [""] * len(languages), "mean length, characters"),
    ):
        axes.set_yticks(y, labels)
        axes.set_ylim(len(languages) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.locator_params(axis="x", nbins=5)
        axes.set_xlabel(title)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=9, handletextpad=0.3)
    headed(figure, f"{len(pairs)} pairs, by language")
    return figure


def training_rows(log: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    """The rows of one kind by step; of steps done twice (a resumed training) the later row."""
    rows = {r["step"]: r for r in log if r["kind"] == kind and is_number(r.get("step"))}
    if kind == "train":
        rows = {
            r["step"]: r for r in log if r["kind"] == kind and is_number(r.get("step")) and is_number(r.get("loss"))
        }
    return [rows[step] for step in sorted(rows)]


#: kind of row, its key, and the title; the shares of :func:`training_plot` have one scale from 0 to 1
_CURVES = (
    ("train", "loss", "Training loss (nats)"),
    ("train", "rewards/margins", "Reward margin (nats)"),
    ("train", "rewards/accuracies", "Pairs ranked right (share)"),
    ("train", "learning_rate", "Learning rate"),
    ("check", "agreement", "Agreement with own vote"),
    ("check", "consistency", "Consistency, held-out"),
    ("check", "kept", "Agreeing answers kept"),
    ("check", "answered", "Answers read, held-out"),
    ("check", "chosen_nll", "NLL of chosen (nats/token)"),
)


def training_plot(data: RunData) -> Figure | None:
    """Small multiples over steps: what the trainer logs, and the label-free checks on held-out questions."""
    series = []
    for kind, key, title in _CURVES:
        points = [(r["step"], r[key]) for r in training_rows(data.log, kind) if is_number(r.get(key))]
        if points:
            series.append((kind, title, points))
    if not series:
        return None
    columns = min(2, len(series))
    rows = math.ceil(len(series) / columns)
    figure, grid = new_figure(2.6 * columns + 0.2, 1.75 * rows + 0.6, rows, columns)
    panels: list[Axes] = list(grid.flat)
    last = max(step for _, _, points in series for step, _ in points)
    step = data.training.get("chosen_step")
    chosen = step if is_number(step) else None
    for axes, (kind, title, points) in zip(panels, series, strict=False):
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
        axes.set_xlim(-0.03 * last, 1.03 * last)
        axes.locator_params(axis="both", nbins=5)
        axes.ticklabel_format(axis="y", style="sci", scilimits=(-3, 5))
    for axes in panels[len(series) :]:
        axes.set_visible(False)
    figure.supxlabel("optimizer step", fontsize=9.5)
    figure.get_layout_engine().set(hspace=0.08, wspace=0.05)  # type: ignore[union-attr,call-arg]
    if chosen is not None:
        kept = "the untrained model is kept" if chosen == 0 else f"the checkpoint of step {chosen} is kept (orange)"
        headed(figure, f"Training: {kept}")
    return figure
