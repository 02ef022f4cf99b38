"""The words of a language, and English, as patterns: what :mod:`calm_ext.answers.label` looks for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache

from calm_ext.answers.text import Options, clean, fold
from calm_ext.languages import LANGUAGES, Language, get_language
from calm_ext.prompts import LETTERS


class Patterns:
    """The words of a language and English as patterns."""

    def __init__(self, language: Language, last: str) -> None:
        own = language.answers
        rows = (own, get_language("en").answers)
        self.unspaced = language.unspaced

        def joined(field: str) -> list[str]:
            found = {fold(w) if field != "label" else clean(w) for row in rows for w in getattr(row, field)}
            return sorted((w for w in found if w), key=len, reverse=True)

        def pattern(words: Sequence[str], end: str = "") -> str:
            # Where words are not spaced English ones still are: "no" is not the beginning of "Note".
            ends = [r"(?![A-Za-z])" if self.unspaced and w[-1].isascii() and w[-1].isalpha() else "" for w in words]
            found = "|".join(re.escape(w) + end_of for w, end_of in zip(words, ends, strict=True))
            return f"(?:{found or '(?!)'}){end}"

        stop = "" if self.unspaced else r"(?!\w)"
        # Where words are not spaced, what follows may turn the meaning: 正解はBです, but 正解はBですが…
        closed = r"(?=$|[\s。、，,.．!！?？」』）)】])" if self.unspaced else stop
        self.letters: dict[str, int] = {}
        for place, spelled in enumerate(own.letters):
            self.letters |= {clean(x): place for x in spelled.split(",")}
        letters = sorted(self.letters, key=len, reverse=True)
        self.letter = re.compile(rf"[A-{last}a-{last.lower()}]|{pattern(letters)}|\d")
        the_letter = rf"(?-i:a|la|le|il|the|die)(?=\s+(?-i:[A-{last}])\b)"
        self.label = re.compile(rf"(?:{pattern(joined('label'))}{stop}|{the_letter})\s*[:(\"'<]?\s*", re.IGNORECASE)
        self.after = re.compile(pattern(joined("after"), closed), re.IGNORECASE)
        self.none = re.compile(pattern(joined("none")), re.IGNORECASE)
        self.retract = re.compile(pattern(joined("retract"), stop), re.IGNORECASE)
        self.article = re.compile(
            pattern([w for w in joined("article") if not w.endswith("'")], r"\s+") + r"|^\w{1,2}'"
        )
        joins = f"(?:{pattern(joined('join'), stop)}|و(?=(?-i:[A-{last}])))"
        label = rf"(?:{pattern(joined('label'))}\s*)?"
        letter = rf"[<(\[{{\"'«]*(?P<letter>(?-i:[A-{last}]|{pattern(letters)}))(?=$|[\s.:)\]>,،、;。/&(\"+-])"
        self._second = re.compile(rf"[\s.:)\]}}>»”\"'」』】,،、;/&+→(-]*(?:{joins}\s*)?{label}{letter}", re.IGNORECASE)
        self._join = re.compile(rf"[\s,،、)\](]*(?:{joins}|/)\s*{label}", re.IGNORECASE)
        self._later = re.compile(rf"(?:(?<![^\W\d_])|(?<=و))([A-{last}])[.):、]\s*")
        self._turned = re.compile(rf"{_turn()}.*?(?<![^\W\d_])(?P<other>(?-i:[A-{last}]))(?![\w'’])", re.IGNORECASE)
        self.ambiguous = set("A" + "".join(row.words for row in rows))

    def index_of(self, mark: str) -> int | None:
        """The place of a letter or digit, from 0."""
        if mark in self.letters:
            return self.letters[mark]
        if mark.isdigit():
            return unicodedata.digit(mark) - 1 if unicodedata.digit(mark) else None
        return LETTERS.index(mark.upper()) if mark.upper() in LETTERS else None

    def glued(self, piece: str, mark: re.Match[str]) -> bool:
        """Whether text may follow a letter without a space: Chinese and Japanese."""
        following = piece[mark.end()]
        return self.unspaced and mark[0].isascii() and mark[0].isupper() and not following.isascii()

    def several(self, rest: str, options: Options, index: int) -> bool:
        """Whether what follows an answer names a second one.

        It does where another letter follows (``A, C``, ``A or C``, ``A (x) C (y)``), where "or" and another option's
        text do, or where another letter stands anywhere before that letter's text (``A. x; C. y``).
        """
        head = rest.lstrip()
        if head.startswith("("):  # a remark about the first answer
            inner, _, behind = head[1:].partition(")")
            if self._next(inner, options, index, joined=True) or self._next(behind, options, index):
                return True
        elif self._next(rest, options, index):
            return True
        turned = self._turned.search(rest)
        if turned and LETTERS.index(turned["other"]) != index:
            return True
        for match in self._later.finditer(rest):
            other = LETTERS.index(match[1])
            text = options.folded[other] if other < len(options) else ""
            if other != index and text and fold(rest[match.end() : match.end() + 2 * len(text) + 8]).startswith(text):
                return True
        return False

    def _next(self, rest: str, options: Options, index: int, *, joined: bool = False) -> bool:
        second = self._second.match(rest)
        join = self._join.match(rest)
        if second and not (joined and join is None):
            mark = second["letter"]
            if (mark.isupper() or not mark.isascii()) and self.index_of(mark) != index:
                return True
        return join is not None and bool(
            set(options.starting(fold(rest[join.end() :]), spaced=not self.unspaced)[0]) - {index}
        )


@cache
def _turn() -> str:
    """A pattern of the words of all languages that turn an answer round: "B. Wait, actually the answer is C."."""
    words = [
        re.escape(word) if own.unspaced else rf"\b{re.escape(word)}\b"
        for own in LANGUAGES.values()
        for word in own.answers.turn
    ]
    return f"(?:{'|'.join(words)})"


@lru_cache(maxsize=256)
def patterns(code: str, last: str) -> Patterns:
    """The patterns of a language, for options whose last letter is ``last``."""
    return Patterns(get_language(code), last)
