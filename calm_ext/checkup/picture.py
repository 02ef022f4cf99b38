"""The card as a picture of 1200 × 630 pixels, the size in which links are shown."""

from __future__ import annotations

import textwrap
from typing import Any

from calm_ext.checkup.found import NUMBERS, Checkup
from calm_ext.checkup.screen import languages_shown
from calm_ext.checkup.words import clean, name_of, share
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
    figure.text(0.04, 0.90, model, fontsize=16 if len(model) < 34 else 12, fontweight="bold")
    figure.text(0.04, 0.84, "the same question in several languages", fontsize=9, color=GREY)
    for place, (metric, words) in enumerate(NUMBERS.items()):
        top = 0.68 - 0.145 * place
        size = 27 if place == 0 else 17
        figure.text(0.04, top, share(m[metric]), fontsize=size, fontweight="bold", color=BLUE if place == 0 else INK)
        figure.text(0.195, top + 0.038, words, fontsize=8)
        if metric in c:
            figure.text(0.195, top - 0.006, f"by chance {share(c[metric])}", fontsize=7.5, color=GREY)
    pair = found.weakest
    lines = [f"weakest pair: {pair.name}, {share(pair.consistency)}"] if len(found.pairs) > 1 else []
    if found.worst is not None:
        language, n = found.worst
        lines.append(f"{n} of the {found.pivot_right} right in {found.pivot_name} are wrong in {name_of(language)}")
    if found.near_chance("acc"):
        lines.append("accuracy is not clearly above chance: agreement says little")
    wrapped = [part for line in lines for part in textwrap.wrap(drawable(line), 54)]
    for place, line in enumerate(wrapped[:5]):
        figure.text(0.04, 0.27 - 0.055 * place, line, fontsize=8.5, color=INK)
    a = found.asked
    about = f"{a.questions} questions × {len(found.measured.languages)} languages · {a.task} · calm-ext check"
    figure.text(0.04, 0.035, drawable(about), fontsize=7, color=GREY)


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
