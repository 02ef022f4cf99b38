"""Texts for comparison: without what carries no meaning, and the options of a question folded once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from calm_ext.prompts import LETTERS

# Marks that carry no meaning here: direction, zero width, soft hyphens, tags, emphasis and code, LaTeX.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0e\ufe0f\ufeff\U000e0000-\U000e007f]+")
_MARKED = re.compile(r"[*_`<\\$\r]")
_MARKUP = re.compile(r"[*_`\r]+|</?(?:b|i|em|strong|u|p|br|code|answer)\s*/?>|\\(?:text|textbf|mathrm|mathbf)\b|\$")

#: What may stand around an answer and is not part of it.
EDGE = " \t\r\n.,;:!?。।۔،؛؟、·…<>()[]{}\"'«»„“”‘’「」『』（）【】-–—=→|/\\"


def clean(text: str) -> str:
    """The text without what carries no meaning: in NFKC, without invisible marks and markup."""
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    if _MARKED.search(text):
        text = _MARKUP.sub("", text)
    return text


@lru_cache(maxsize=100_000)
def fold(text: str) -> str:
    """What two spellings of one option text share: without case, edges and the script of digits."""
    text = clean(text)
    if not text.isascii():
        text = "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in text)
    return " ".join(text.casefold().strip(EDGE).split())


def ends(text: str, at: int) -> bool:
    """Whether a word may end before ``at``: no letter, digit or vowel sign follows."""
    return at >= len(text) or unicodedata.category(text[at])[0] not in "LNM"


@lru_cache(maxsize=16)
def _whole(last: str) -> re.Pattern[str]:
    return re.compile(rf"[\s(\[\"'-]*([A-{last}])(?:[\s.:)\]]+(.*?))?[\s.)\]\"']*")


class Options:
    """The option texts of a question, folded once."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.folded = [fold(t) for t in texts]
        #: whether an option's text may be taken for the letter of one
        self.like_letters = any(ends(option, 1) for option in self.folded)
        self.last = LETTERS[min(len(texts), len(LETTERS)) - 1]

    @staticmethod
    @lru_cache(maxsize=4096)
    def of(texts: tuple[str, ...]) -> Options:
        """The options of these texts; kept, because the samples of a question follow each other."""
        return Options(texts)

    def __len__(self) -> int:
        return len(self.folded)

    def by_text(self, text: str) -> int | None:
        """The one option that has this text."""
        wanted = fold(text)
        hits = [i for i, option in enumerate(self.folded) if option == wanted]
        return hits[0] if wanted and len(hits) == 1 else None

    def starting(self, folded: str, *, spaced: bool = True) -> tuple[list[int], int]:
        """The options of the longest text that ``folded`` begins with, and that text's length.

        Args:
            spaced: the text must end where a word ends.
        """
        best: list[int] = []
        length = 0
        for i, option in enumerate(self.folded):
            size = len(option)
            if size and size >= length and folded.startswith(option) and (not spaced or ends(folded, size)):
                best = [*best, i] if size == length else [i]
                length = size
        return best, length

    def mentioned(self, text: str) -> set[int]:
        """The options whose text stands in a longer text, as whole words where words are spaced.

        Texts of one character are not looked for, nor those that are part of another option's text.
        """
        inside = " ".join(text.casefold().split())
        found = set()
        for i, option in enumerate(self.folded):
            at = inside.find(option) if len(option) > 1 else -1
            while at >= 0:
                spaced = option[0].isascii() or unicodedata.category(option[0]) != "Lo"
                before = not spaced or at == 0 or not inside[at - 1].isalnum()
                if before and (not spaced or ends(inside, at + len(option))):
                    found.add(i)
                    break
                at = inside.find(option, at + 1)
        longer = {i for i in found for j in found if i != j and self.folded[i] in self.folded[j] != self.folded[i]}
        return found - longer

    def whole(self, line: str) -> int | None:
        """The option of a line that is but its letter, with or without its text."""
        match = _whole(self.last).fullmatch(line)
        if match is None:
            return None
        index = LETTERS.index(match[1])
        text = fold(match[2] or "")
        return index if not text or text == self.folded[index] else None
