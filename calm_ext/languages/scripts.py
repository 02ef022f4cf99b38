"""Scripts, recognised by the first word of a character's Unicode name."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

#: ISO 15924 code -> the first words of the names of its letters.
NAMES = {
    "Latn": ("LATIN",),
    "Cyrl": ("CYRILLIC",),
    "Grek": ("GREEK",),
    "Arab": ("ARABIC",),
    "Hebr": ("HEBREW",),
    "Deva": ("DEVANAGARI",),
    "Beng": ("BENGALI",),
    "Thai": ("THAI",),
    "Hans": ("CJK",),
    "Hant": ("CJK",),
    "Jpan": ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"),
    "Kore": ("HANGUL", "CJK"),
    "Armn": ("ARMENIAN",),
    "Ethi": ("ETHIOPIC",),
    "Geor": ("GEORGIAN",),
    "Gujr": ("GUJARATI",),
    "Guru": ("GURMUKHI",),
    "Khmr": ("KHMER",),
    "Knda": ("KANNADA",),
    "Laoo": ("LAO",),
    "Mlym": ("MALAYALAM",),
    "Mymr": ("MYANMAR",),
    "Orya": ("ORIYA",),
    "Sinh": ("SINHALA",),
    "Taml": ("TAMIL",),
    "Telu": ("TELUGU",),
    "Tibt": ("TIBETAN",),
}


_ASCII_LETTER = re.compile("[A-Za-z]")


@lru_cache(maxsize=65536)
def script_word(character: str) -> str:
    """The first word of a character's Unicode name, empty where it has none: ``LATIN``, ``CJK``."""
    return unicodedata.name(character, "").split(" ")[0]


def share_in_script(text: str, script: str) -> float | None:
    """The share of a text's letters that are of a script; None where there is no letter or the script is not known.

    >>> share_in_script("Ein Test", "Latn"), share_in_script("тест ab", "Latn"), share_in_script("1 2", "Latn")
    (1.0, 0.3333333333333333, None)
    """
    names = NAMES.get(script)
    if names is None:
        return None
    if text.isascii():
        return float("LATIN" in names) if _ASCII_LETTER.search(text) else None
    letters = inside = 0
    for c, n in Counter(text).items():
        word = _of_letter(c)
        if word is not None:
            letters += n
            if word in names:
                inside += n
    return inside / letters if letters else None


@lru_cache(maxsize=65536)
def _of_letter(character: str) -> str | None:
    """The same of a letter; None of what is none."""
    return script_word(character) if character.isalpha() else None
