"""The card as a picture of 1200 × 630 pixels, the size in which links are shown."""

from __future__ import annotations

import textwrap
from typing import Any

from calm_ext.checkup.found import NUMBERS, Checkup
from calm_ext.checkup.screen import languages_shown
from calm_ext.checkup.words import bounds, clean, name_of, share
from calm_ext.report.plots.style import BLUE, DPI, GREY, INK, ORANGE, PALE, STYLE, drawable, new_figure, to_png
from calm_ext.report.words import clip

_WIDTH, _HEIGHT = 1200 / DPI, 630 / DPI
_LANGUAGES = 10


def draw(found: Checkup) -> bytes:
    """The headline, three numbers, and a bar a language, as PNG."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        figure, axes = new_figure(_WIDTH, _HEIGHT)
        figure.set_layout_engine("none")
        _text(figure, found)
        _bars(axes[0, 0], found)
        return to_png(figure)


def _text(figure: Any, found: Checkup) -> None:
    m, c = found.measured.metrics, found.measured.chance
    model = drawable(clean(found.label, 44))
    figure.text(0.04, 0.91, model, fontsize=16 if len(model) < 34 else 12, fontweight="bold")
    a = found.asked
    asked = f"{a.questions} of {a.available} questions" if a.questions < a.available else f"{a.questions} questions"
    figure.text(0.04, 0.855, f"{asked} in {len(found.measured.languages)} languages", fontsize=9, color=GREY)
    near = found.near_chance("acc")
    if near:  # before the numbers, which must not be read without it
        figure.text(
            0.04, 0.775, "Accuracy is not clearly above chance: agreement says little.", fontsize=8, fontweight="bold",
            color=ORANGE,
        )  # fmt: skip
    for place, (metric, words) in enumerate(NUMBERS.items()):
        top = 0.645 - 0.14 * place
        size = 24 if place == 0 and not near else 17
        colour = ORANGE if near and metric != "all_correct" else BLUE if place == 0 else INK
        figure.text(0.04, top, share(m[metric]), fontsize=size, fontweight="bold", color=colour)
        lines = textwrap.wrap(words, 46)
        said = f"95 % interval {bounds(found.measured.ci95[metric])}"
        lines.append(said + (f", by chance {share(c[metric])}" if metric in c else ""))
        for row, line in enumerate(lines):
            last = row == len(lines) - 1
            figure.text(
                0.175, top + 0.052 - 0.042 * row, line, fontsize=7.5 if last else 8, color=GREY if last else INK
            )
    pair = found.weakest
    lines = [f"weakest pair: {pair.name}, {share(pair.consistency)}"] if len(found.pairs) > 1 else []
    if found.worst is not None:
        language, n = found.worst
        lines.append(f"{n} of the {found.pivot_right} right in {found.pivot_name} are wrong in {name_of(language)}")
    wrapped = [part for line in lines for part in textwrap.wrap(drawable(line), 54)]
    for place, line in enumerate(wrapped[:4]):
        figure.text(0.04, 0.235 - 0.05 * place, line, fontsize=8.5, color=INK)
    figure.text(0.04, 0.035, drawable(f"{a.task} · {found.made} · calm-ext check"), fontsize=7, color=GREY)


def _bars(axes: Any, found: Checkup) -> None:
    m = found.measured
    languages = languages_shown(found, _LANGUAGES)[::-1]
    values = [m.metrics[f"acc_{x}"] for x in languages]
    axes.set_position((0.65, 0.12, 0.27, 0.72))
    axes.barh(range(len(languages)), [1.0] * len(languages), color=PALE, height=0.62, alpha=0.5)
    colours = [ORANGE if found.near_chance(f"acc_{x}") else BLUE for x in languages]
    axes.barh(range(len(languages)), values, color=colours, height=0.62)
    for place, value in enumerate(values):
        axes.text(1.02, place, share(value), va="center", fontsize=8)
    if "acc" in m.chance:
        axes.axvline(m.chance["acc"], color=INK, linewidth=0.9, linestyle=":")
        axes.text(m.chance["acc"], -0.75, "chance", fontsize=6.5, ha="center", va="top", color=GREY)
    axes.set_yticks(range(len(languages)), [clip(drawable(name_of(x)), 16) for x in languages], fontsize=8.5)
    axes.set_xticks([])
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.6, len(languages) - 0.4)
    axes.grid(False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title("right answers by language", fontsize=9, fontweight="normal", color=GREY)
    if ORANGE in colours:
        axes.text(1.0, -0.75, "orange: near chance", fontsize=6.5, ha="right", va="top", color=ORANGE)
