"""How the same word may be spelled: accents, scripts' variant letters, widths, separators of numbers.

Texts that differ only so are one text where no other option is meant (:mod:`calm_ext.answers.options` compares them so
last). Signs, symbols, units and digits are never folded.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NamedTuple

from calm_ext.answers.han import SIMPLIFIED

# Languages that write 3,5 for three and a half, and mostly 1.000 for a thousand.
_DECIMAL_COMMA = {
    "de", "es", "fr", "it", "nl", "pl", "pt", "ru", "vi", "tr", "id", "uk", "cs", "sk", "ro", "sv", "da", "nb", "no",
    "fi", "el", "hu", "bg", "hr", "sr", "sl", "et", "lv", "lt", "ca", "az", "kk",
}  # fmt: skip
_SPECIAL = {
    "ß": "ss", "œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h",
    # Cyrillic letters that look like Latin ones
    "а": "a", "е": "e", "о": "o", "р": "p", "с": "c", "у": "y", "х": "x", "к": "k", "м": "m", "т": "t", "і": "i",
    "ј": "j", "ѕ": "s",
    # Arabic script
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ئ": "ي", "ې": "ي", "ؤ": "و", "ة": "ه", "ہ": "ه",
    "ۂ": "ه", "ۃ": "ه", "ە": "ه", "ھ": "ه", "ۀ": "ه", "ک": "ك", "ڪ": "ك", "ء": "", "ـ": "",
    # Devanagari; kana
    "ँ": "ं", "ー": "", "・": "",
}  # fmt: skip
_GERMAN = {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae"}
# Vowel points, tatweel, nukta: marks that are often left out.
_POINTS = ((0x0300, 0x036F), (0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06ED))
_NUKTA = frozenset("\u093c\u09bc\u0a3c")
_NASALS = frozenset("ङञणनम")
_VIRAMA = "\u094d"
_DROPPED = frozenset("'\"’‘`´“”«»„.,;:!?·…،؛؟。、")
_GROUPING = frozenset(" \u00a0\u202f'’٬")


class Loose(NamedTuple):
    """A text as it is compared last.

    Attributes:
        text: the folded text.
        ends: for each of its characters, where in the source it ends.
    """

    text: str
    ends: list[int]


def loosely(text: str, language: str, *, german: bool = False, start: int = 0, most: int = 400) -> Loose:
    """The text without differences of spelling, with the way back to the source.

    Args:
        german: ä as ae, instead of a.
        start, most: where to begin, and how many characters to fold.

    >>> loosely("Hôpital  d'Orsay", "fr").text, loosely("Äpfel", "de", german=True).text
    ('hopital dorsay', 'aepfel')
    >>> loosely("1 000", "fr").text, loosely("1.000,5", "de").text, loosely("-5 %", "en").text
    ('1000', '1000.5', '-5 %')
    """
    found: list[str] = []
    ends: list[int] = []
    stop = min(len(text), start + most)
    table = _char_german if german else _char
    i = start
    while i < stop:
        c = text[i]
        i += 1
        if c.isalnum() and c not in _NASALS:
            for part in table(c):
                found.append(part)
                ends.append(i)
            continue
        if c in _NASALS and text[i : i + 1] == _VIRAMA and "क" <= text[i + 1 : i + 2] <= "ह":
            c, i = "ं", i + 1
        folded = _number_part(text, i - 1, language) if not c.isalnum() and i > 1 and text[i - 2].isdigit() else None
        if folded is None:
            folded = " " if c in "-_" and _inside_word(text, i - 1) else table(c)
        if folded == " " and (not found or found[-1] == " "):
            continue
        for part in folded:
            found.append(part)
            ends.append(i)
    while found and found[-1] == " ":
        found.pop()
        ends.pop()
    return Loose("".join(found), ends)


@lru_cache(maxsize=20_000)
def initials(character: str) -> frozenset[str]:
    """What a folded text may begin with that begins with this character; empty text where it may be dropped."""
    return frozenset({_char(character)[:1], _char_german(character)[:1]}) if character else frozenset({""})


def _number_part(text: str, at: int, language: str) -> str | None:
    """What a separator behind a digit means: nothing between groups of three, a point before a fraction."""
    c = text[at]
    digits = 0
    while digits < 4 and text[at + 1 + digits : at + 2 + digits].isdigit():
        digits += 1
    if not digits:
        return None
    comma = language in _DECIMAL_COMMA
    if digits == 3 and (c in _GROUPING or c == ("." if comma else ",")):
        return ""
    if c in ".٫" or (c == "," and comma):
        return "."
    return c if c in ".,:" else None


def _inside_word(text: str, at: int) -> bool:
    return at > 0 and text[at - 1].isalnum() and text[at + 1 : at + 2].isalpha()


@lru_cache(maxsize=20_000)
def _char(c: str) -> str:
    if c in _DROPPED:
        return ""
    if c.isspace():
        return " "
    if c.isascii():
        return c.lower()
    if c.isdigit():
        return str(unicodedata.digit(c))
    code = ord(c)
    if any(a <= code <= b for a, b in _POINTS) or c in _NUKTA:
        return ""
    if 0x3041 <= code <= 0x3096:
        return _char(chr(code + 0x60))
    small = c.casefold()
    if small in _SPECIAL:
        return _SPECIAL[small]
    if code >= 0x2E80:  # characters, kana and Hangul: their marks tell words apart
        return small.translate(SIMPLIFIED)
    parts = unicodedata.normalize("NFD", small)
    if parts != small and len(parts) > 1:
        return "".join(_char(x) for x in parts)
    return small


@lru_cache(maxsize=20_000)
def _char_german(c: str) -> str:
    return _GERMAN.get(c.casefold()) or _char(c)
