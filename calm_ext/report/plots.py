"""The plots of a report as PNG bytes: restrained, colour-blind-safe (Okabe and Ito), readable at half width."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from calm_ext.report.collect import WHEN, RunData, common_ids
from calm_ext.report.samples import pair_matrix
from calm_ext.report.words import is_number, language_name, number, percent, tasks_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY, PALE, INK = "#0072B2", "#D55E00", "#8A8F98", "#D4D7DB", "#22262B"
_STYLE: Any = {
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E8EB",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
}
MARGIN_BINS = 20


def draw_all(data: RunData, summary: Mapping[str, Any]) -> dict[str, bytes]:
    """file name -> PNG, of every plot that there is something for."""
    import matplotlib

    found: dict[str, Figure | None] = {}
    with matplotlib.rc_context({**_STYLE}):
        for task, values in tasks_of(summary).items():
            found[accuracy_name(task)] = accuracy_plot(values)
            found[consistency_name(task)] = consistency_plot(values, matrices(data, task))
        found["margins.png"] = margins_plot(data)
        found["training.png"] = training_plot(data)
        return {name: _png(figure) for name, figure in found.items() if figure is not None}


def accuracy_name(task: str) -> str:
    """File name of a task's accuracy plot."""
    return f"accuracy_{_plain(task)}.png"


def consistency_name(task: str) -> str:
    """File name of a task's consistency plot."""
    return f"consistency_{_plain(task)}.png"


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


def _figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, Any]:
    """A figure without pyplot: no global state, no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def accuracy_plot(task: Mapping[str, Any]) -> Figure | None:
    """Accuracy per language with 95 % intervals, before and after."""
    rows = [("acc", "all languages"), *((f"acc_{x}", language_name(x)) for x in task["languages"])]
    rows = [r for r in rows if any(r[0] in task["ci95"][w] for w in WHEN)]
    if not rows:
        return None
    figure, ((axes,),) = _figure(6.4, 1.5 + 0.36 * len(rows))
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
    axes.set_xlabel("accuracy, with 95 % interval")
    figure.suptitle(_title("Mean accuracy", task, "acc"), x=0.01, ha="left", fontsize=11, fontweight="bold")
    figure.legend(loc="outside lower center", ncols=2, fontsize=9.5, handletextpad=0.1)
    return figure


def _title(name: str, task: Mapping[str, Any], metric: str) -> str:
    before, after = task["before"].get(metric), task["after"].get(metric)
    if is_number(before) and is_number(after):
        return f"{name} {number(before)} before, {number(after)} after alignment"
    when = "before" if is_number(before) else "after"
    return f"{name} {when} alignment: {number(before if is_number(before) else after)}"


def consistency_plot(task: Mapping[str, Any], found: Mapping[str, Mapping[tuple[str, str], float]]) -> Figure | None:
    """Share of questions on which two languages give the same answer, for every pair, before beside after."""
    if not found:
        return None
    languages = task["languages"]
    n = len(languages)
    lowest = min(v for m in found.values() for v in m.values())
    floor = math.floor(lowest * 10) / 10
    side = max(2.6, (0.42 if n <= 10 else 0.29) * n)
    figure, axes_row = _figure(side * len(found) + 1.1, side + 0.55, 1, len(found))
    image: Any = None
    for axes, (when, matrix) in zip(axes_row[0], found.items(), strict=True):
        grid = [[math.nan] * (n - 1) for _ in range(n - 1)]
        for (a, b), value in matrix.items():
            if a in languages and b in languages:
                i, j = sorted((languages.index(a), languages.index(b)))
                grid[j - 1][i] = value
                if n <= 10:
                    dark = value < floor + 0.45 * (1 - floor)
                    text = f"{value:.2f}".removeprefix("0")
                    axes.text(i, j - 1, text, ha="center", va="center", fontsize=9, color="white" if dark else "black")
        image = axes.imshow(grid, cmap="cividis", vmin=floor, vmax=1, aspect="equal")
        axes.set_xticks(range(n - 1), languages[:-1], rotation=90 if n > 8 else 0)
        axes.set_yticks(range(n - 1), languages[1:])
        axes.tick_params(length=0)
        axes.grid(visible=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_title(f"{when} alignment")
    bar = figure.colorbar(image, ax=list(axes_row[0]), shrink=0.75, pad=0.02)
    bar.set_label("share of equal answers", fontsize=9.5)
    bar.outline.set_visible(False)
    figure.suptitle(_title("Mean consistency", task, "consistency"), x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


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
    figure, ((axes,),) = _figure(6.4, 3.3)
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
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    figure.legend(loc="outside lower center", ncols=len(groups), fontsize=9.5)
    return figure


def training_rows(log: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    """The rows of one kind by step; of steps done twice (a resumed training) the later row."""
    rows = {r["step"]: r for r in log if r["kind"] == kind and is_number(r.get("step"))}
    if kind == "train":
        rows = {
            r["step"]: r for r in log if r["kind"] == kind and is_number(r.get("step")) and is_number(r.get("loss"))
        }
    return [rows[step] for step in sorted(rows)]


_CURVES = (
    ("train", "loss", "Training loss (nats)"),
    ("train", "rewards/margins", "Reward margin (nats)"),
    ("train", "rewards/accuracies", "Pairs ranked right (share)"),
    ("check", "agreement", "Agreement with own vote"),
    ("check", "consistency", "Consistency, held-out"),
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
    columns = min(3, len(series))
    rows = math.ceil(len(series) / columns)
    figure, grid = _figure(2.65 * columns + 0.2, 2.1 * rows + 0.6, rows, columns)
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
    for axes in panels[len(series) :]:
        axes.set_visible(False)
    figure.supxlabel("optimizer step", fontsize=9.5)
    figure.get_layout_engine().set(hspace=0.08, wspace=0.05)  # type: ignore[union-attr,call-arg]
    if chosen is not None:
        kept = "the untrained model is kept" if chosen == 0 else f"the checkpoint of step {chosen} is kept (orange)"
        figure.suptitle(f"Training: {kept}", x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure
