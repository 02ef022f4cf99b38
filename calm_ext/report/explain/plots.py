"""The plots of an explanation: what became of the answers, and the gain at each level of the factors that matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from calm_ext.languages import language_name
from calm_ext.report.explain.cells import OUTCOMES
from calm_ext.report.explain.words import leading
from calm_ext.report.plots.draw import Plots, draw
from calm_ext.report.plots.style import BLUE, GREY, ORANGE, PALE, drawable, headed, new_figure
from calm_ext.report.words import clip, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values = Mapping[str, Any]

OUTCOME_PLOT, LEVELS_PLOT = "outcomes.png", "levels.png"
#: outcome -> colour
_BARS = {"kept": GREY, "won": BLUE, "lost": ORANGE, "other": "#C9B8DE", "same": PALE}
#: most factors, and most levels of one, that are drawn
_FACTORS, _LEVELS = 3, 12


def explain_plots(values: Values) -> Plots:
    """The plots of a part whose right answers are known; none of another."""
    if not values["gold"]:
        return Plots({}, {})
    todo: dict[str, Callable[[], Figure | None]] = {
        OUTCOME_PLOT: partial(outcome_plot, values),
        LEVELS_PLOT: partial(levels_plot, values),
    }
    return draw(todo, svg=False)


def outcome_plot(values: Values) -> Figure:
    """A bar for each language: shares of its answers by what became of them."""
    languages = values["languages"]
    figure, ((axes,),) = new_figure(5.8, 1.4 + 0.34 * len(languages))
    for i, language in enumerate(languages):
        counts, start = values["outcomes"][language], 0.0
        n = sum(counts.values())
        for key, label in OUTCOMES.items():
            share = counts[key] / n
            axes.barh(i, share, left=start, color=_BARS[key], height=0.72, label=label if i == 0 else None)
            if share > 0.045:
                dark = key in ("won", "lost", "kept")
                axes.text(start + share / 2, i, str(counts[key]), ha="center", va="center", fontsize=8.5,
                          color="white" if dark else "black")  # fmt: skip
            start += share
    axes.set_yticks(range(len(languages)), [drawable(language_name(x)) for x in languages])
    axes.set_ylim(len(languages) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.grid(visible=False)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("share of the language’s answers; in the bars, numbers of answers")
    counts = values["outcomes"]["all"]
    headed(figure, f"{counts['won']} answers became right, {counts['lost']} answers became wrong")
    figure.legend(loc="outside lower center", ncols=3, fontsize=9, handlelength=1.2, columnspacing=1.2)
    return figure


def levels_plot(values: Values) -> Figure | None:
    """The change in accuracy with its interval at each level of the factors that matter most."""
    chosen = [x.factor for x in leading(values)][:_FACTORS]
    if not chosen:
        return None
    rows: list[tuple[str, Mapping[str, Any] | None]] = []
    for factor in chosen:
        rows.append((factor["name"], None))
        rows += [(str(x["level"]), x) for x in _shown(factor)]
    figure, ((axes,),) = new_figure(5.8, 1.1 + 0.27 * len(rows))
    for i, (_, level) in enumerate(rows):
        if level is None:
            axes.text(1.02, i, "questions", transform=axes.get_yaxis_transform(), va="center", fontsize=8, color=GREY)
        else:
            low, high = level["ci95"]
            sure = BLUE if low > 0 else ORANGE if high < 0 else GREY
            axes.hlines(i, low, high, color=sure, linewidth=1.8)
            axes.plot(level["difference"], i, "o", color=sure, markersize=5.5)
            axes.text(
                1.02, i, str(level["n_questions"]), transform=axes.get_yaxis_transform(), va="center", fontsize=8.5
            )
    axes.axvline(0, color="#22262B", linewidth=0.9)
    overall = values["acc"]["difference"]
    axes.axvline(overall, color=GREY, linewidth=0.9, linestyle=":")
    axes.set_yticks(range(len(rows)), [drawable(clip(name, 44)) for name, _ in rows])
    for label, (_, level) in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if level is None else "normal")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("change in accuracy, with 95 % interval")
    headed(figure, f"Where accuracy changed most (dotted: {number(overall, signed=True)} over all questions)")
    return figure


def _shown(factor: Values) -> Sequence[Mapping[str, Any]]:
    """The levels to draw: all of them where they are few, else those that changed most and least."""
    levels = [x for x in factor["levels"] if "difference" in x]
    if factor["ordered"]:
        return levels
    levels = sorted(levels, key=lambda x: -x["difference"])
    return levels if len(levels) <= _LEVELS else [*levels[: _LEVELS // 2], *levels[-(_LEVELS // 2) :]]
