"""Numbers and names as the screen and the card write them."""

from __future__ import annotations

import math
import unicodedata

from calm_ext.files.shown import fixed
from calm_ext.languages import get_language, is_language

#: Controls that turn the direction of what follows.
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(text: str, longest: int = 400) -> str:
    """A text of a data set or a model in one line, safe to print: no control characters, not endless.

    >>> clean("a\\x1b[31m b\\n c"), clean("x" * 9, longest=5)
    ('a�[31m b c', 'xxxx…')
    """
    line = " ".join(text[: 4 * longest].split())
    line = "".join("\ufffd" if c in _TURNS or unicodedata.category(c) in ("Cc", "Cs") else c for c in line)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def name_of(language: str) -> str:
    """A language's English name; the code where it has none.

    >>> name_of("ar"), name_of("xx")
    ('Arabic', 'xx')
    """
    return get_language(language).name if is_language(language) else clean(language, 40)


def share(value: float) -> str:
    """A share in whole per cent, never 0 or 100 where it is neither.

    >>> share(0.644), share(0.0), share(0.001), share(0.999), share(float("nan"))
    ('64 %', '0 %', '<1 %', '>99 %', '–')
    """
    if math.isnan(value):
        return "–"
    whole = fixed(100 * value, 0)
    if whole == "0" and value > 0:
        return "<1 %"
    return ">99 %" if whole == "100" and value < 1 else f"{whole} %"


def bounds(interval: tuple[float, float]) -> str:
    """An interval in whole per cent; empty where it is undefined.

    >>> bounds((0.601, 0.688))
    '60 to 69 %'
    """
    low, high = interval
    return "" if math.isnan(low) else f"{fixed(100 * low, 0)} to {fixed(100 * high, 0)} %"
