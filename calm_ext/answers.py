"""From a model's text to the option it names, or None. Pure, and honest: what cannot be told is None, never a guess.

The name of the parser, :data:`PARSER`, is part of every signature: raise it whenever a text may be read differently.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from calm_ext.languages import get_language
from calm_ext.prompts import LETTERS, Style

PARSER = "answers-1"

# Marks that carry no meaning here: direction, zero width, markdown emphasis and code.
_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_MARKUP = re.compile(r"[*_`]+")
_OPENING = r"[\s<(\[{\"'«„“‘「『（【]*"
_CLOSING = r"[\s>)\]}\"'»“”’」』）】]*"
_EDGE = " \t\n.,;:!?。、，；：！？·…<>()[]{}\"'«»„“”‘’「」『』（）【】-–—"


def read_answer(text: str, options: Sequence[str], language: str, *, style: Style = "explain") -> int | None:
    """The index of the option that a response names, or None where it names none, or more than one.

    In ``explain`` style the answer is what follows the last answer cue: a letter, an option's text, or both, which must
    not contradict each other; cues that name different options are an abstention. In ``direct`` style it is the first
    line, which must be an option's text. Two options with one text are never told apart by that text.

    >>> read_answer("Explanation: they breathe water.\\nAnswer: B. water", ["air", "water"], "en")
    1
    >>> read_answer("Answer: B. air", ["air", "water"], "en") is None
    True
    >>> read_answer(" water", ["air", "water"], "en", style="direct")
    1
    """
    clean = _clean(text)
    if style != "explain":
        lines = [line for line in clean.split("\n") if line.strip()]
        return _by_text(lines[0], options) if lines else None
    found = {index for index in (_named(x, options) for x in _after_cues(clean, language)) if index is not None}
    return found.pop() if len(found) == 1 else None


def _clean(text: str) -> str:
    return _MARKUP.sub("", _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))


def _fold(text: str) -> str:
    return " ".join(_clean(text).casefold().strip(_EDGE).split())


def _by_text(text: str, options: Sequence[str]) -> int | None:
    wanted = _fold(text)
    hits = [i for i, option in enumerate(options) if _fold(option) == wanted]
    return hits[0] if wanted and len(hits) == 1 else None


@lru_cache(maxsize=64)
def _cue_pattern(language: str) -> re.Pattern[str]:
    own = get_language(language)
    words = {own.answer, *own.answer_variants, get_language("en").answer, *get_language("en").answer_variants}
    joined = "|".join(re.escape(_clean(w)) for w in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?:{joined})\s*[:=]?", re.IGNORECASE)


def _after_cues(text: str, language: str) -> list[str]:
    """What stands after each cue that begins a line or a sentence, up to the end of the line (or of the next one)."""
    pieces = []
    for match in _cue_pattern(language).finditer(text):
        before = text[: match.start()].rstrip(" \t#>-")
        if before and before[-1] not in "\n.。!?:;,、，！？；：)」”":
            continue
        rest = text[match.end() :].lstrip()
        pieces.append(rest.split("\n", 1)[0])
    return pieces


def _named(piece: str, options: Sequence[str]) -> int | None:
    """The option a short text names by letter, by text, or by both in agreement."""
    last = LETTERS[len(options) - 1]
    match = re.match(rf"{_OPENING}([A-{last}a-{last.lower()}]){_CLOSING}(?:[.:)\]。]|$|(?=[\s,、/&(]))", piece)
    if match is None:
        return _by_text(piece, options)
    letter, rest = match.group(1), piece[match.end() :]
    tail = _fold(rest)
    by_text = _by_text(piece, options)
    if letter.islower() and tail:
        return by_text  # "a cat" begins with an article, not with option A
    index = LETTERS.index(letter.upper())
    if by_text is not None and by_text != index:
        return None
    if re.match(rf"{_OPENING}(?:[,、/&]|or|and|ou|oder|o|和|或|または)\s*{_OPENING}[A-{last}]\b", rest):
        return None  # several letters
    others = [i for i, option in enumerate(options) if _fold(option) and _starts(tail, _fold(option))]
    if others and index not in others:
        return None  # the letter of one option with the text of another
    return index


def _starts(text: str, option: str) -> bool:
    return text == option or (text.startswith(option) and not text[len(option)].isalnum())
