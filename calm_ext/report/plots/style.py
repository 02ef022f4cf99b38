"""How plots are drawn: restrained, colour-blind-safe (Okabe and Ito), readable at half width, no pyplot."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY, PALE, INK = "#0072B2", "#D55E00", "#009E73", "#8A8F98", "#D4D7DB", "#22262B"
FONT = "DejaVu Sans"  # comes with matplotlib, so that plots look the same everywhere
DPI = 160
STYLE: Any = {
    "font.size": 10,
    "font.family": FONT,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "text.parse_math": False,  # a name with two dollar signs is no formula
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E8EB",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "svg.hashsalt": "calm-ext",  # or two reports of one run would differ
}


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, Any]:
    """A figure of inches and its axes by row and column: no global state, no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def heat_colours() -> Any:
    """The scale of a heat map, as the view has it: pale is low and full blue is high, also where a page inverts it."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("heat", ["#F5F6F8", "#00608F"])


def letters_on(colour: tuple[float, ...]) -> str:
    """Black or white, whichever has more contrast on a colour (red, green, blue from 0 to 1), as WCAG computes it."""
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3])
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "black" if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else "white"


def headed(figure: Figure, title: str) -> None:
    """Give a figure its title, which states what the plot shows."""
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")


def to_png(figure: Figure) -> bytes:
    """The figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def to_svg(figure: Figure) -> bytes:
    """The figure as SVG, its letters as paths: it looks the same where the font is not."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def drawable(text: str) -> str:
    """A text as the font of the plots can show it: other characters become question marks."""
    known = _characters()
    return "".join(c if ord(c) in known else "?" for c in text)


@lru_cache(maxsize=1)
def _characters() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(FONT)).get_charmap())
