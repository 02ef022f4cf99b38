"""Options that a text calls right after it has named them: ``so option B is the right one``, ``B. library ✅``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from calm_ext.answers.cues import Grammar
from calm_ext.answers.options import Options
from calm_ext.prompts import LETTERS

# How far back a clause may begin before an option that is called right, and how many places are looked at, the last.
_BACK, _MOST = 80, 60

_AFTER_LETTER = re.compile(r"[)\]}\"'»”」】*]{0,2}[.:、]?[)\]*]{0,2}[ \t]{0,3}(?:[-–—][ \t])?[(「『の的]?")
_CLOSING = re.compile(r"[)\]}\"'»”」』】*.]{0,3}[ \t]{0,3}[,،、]?[ \t]{0,3}")
_TICK = re.compile(r"[^\w\n]{0,6}[✅✔☑✓]")
_LISTED = re.compile(r"[^\w\n]{0,3}[-–—:(,→=][^\w\n]{0,3}")
_LINE_START = re.compile(r"(?:^|\n)[^\w\n]{0,8}$")
_LISTING = re.compile(r"(?:^|[\n;；。])[^\w\n]{0,8}(?:\w+[ \t]{0,2})?[^\w\n]{0,2}$")
_ENUMERATED = re.compile(r"[A-J]\)?[ \t]?[,、،/][ \t]?[(\[]?$")
_STOPS = ("", *",.)!\n;。；،۔।")


def called_right(text: str, small: str, options: Options, rules: Grammar) -> Iterator[tuple[int, int]]:
    """Where an option is called right, and its index.

    Args:
        text: a cleaned response. small: the same in small letters.
    """
    ticked = not text.isascii() and ("✅" in text or "✔" in text or "☑" in text or "✓" in text)
    spans = _lettered(text, small, options, ticked)[-_MOST:] + _texts(small, options)
    following, says, length = options.words.following, options.words.says, len(small) - 2
    for start, end, index in spans:
        if not ticked:
            match = following.match(small, end) if end < length else None
            if match is None or match[1] not in says:
                continue
        if any(a <= start and end <= b and b - a > end - start for a, b, _ in spans):
            continue  # a part of another option's text
        if _is_right(text, small, start, end, options, rules, ticked=ticked):
            yield start, index


def _lettered(text: str, small: str, options: Options, ticked: bool) -> list[tuple[int, int, int]]:
    """Start, end and index of the letters that stand alone, each with its option's text where that follows.

    Only those that something follows, unless ``ticked``.
    """
    words, own = options.words, options.folded
    found = []
    for match in _letters(options.last).finditer(text):
        end, index = match.end(1), LETTERS.index(match[1])
        if match.end() >= len(text) and not ticked:
            continue
        if words.unspaced:
            behind = words.behind.match(small, end)
            after = _AFTER_LETTER.match(text, behind.end() if behind else end).end()  # type: ignore[union-attr]
            end = behind.end() if behind else end
        else:
            after = match.end()
        if index < len(own) and own[index] and small.startswith(own[index], after):
            end = after + len(own[index])
        found.append((match.start(1), end, index))
    return found


def _texts(small: str, options: Options) -> list[tuple[int, int, int]]:
    """Start, end and index of the options' texts, the last ones of each."""
    found = []
    for index, option in enumerate(options.folded):
        if len(option) < 2 or option not in small:
            continue
        at = small.rfind(option)
        for _ in range(_MOST):
            found.append((at, at + len(option), index))
            at = small.rfind(option, 0, at)
            if at < 0:
                break
    return found


def _is_right(text: str, small: str, start: int, end: int, options: Options, rules: Grammar, *, ticked: bool) -> bool:
    words = options.words
    before = small[max(start - _BACK, 0) : start]
    if ticked and _TICK.match(text, end) and _LINE_START.search(before):
        return True
    close = _CLOSING.match(small, end).end()  # type: ignore[union-attr]
    said = words.called_right(small, close) or words.called_right(small, end)
    if said:
        lead = rules.lead.search(before)
        listed = lead and _ENUMERATED.search(text[max(start - _BACK, 0) : start])  # "none of A, B and C is correct"
        return lead is not None and not listed and not words.condition.match(small, said.end())
    bare = words.right.match(small, close)
    if bare:  # "daher ist Option B die richtige Antwort"
        lead = rules.lead.search(before)
        inverted = lead is not None and lead["copula"] is not None
        if (
            inverted
            and not words.denied.match(small[bare.end() :].lstrip())
            and small[bare.end() : bare.end() + 1] != "?"
        ):
            return True
    comma = _LISTED.match(small, end)
    bare = words.right.match(small, comma.end()) if comma else None
    if bare is None or words.denied.match(small[bare.end() :].lstrip()):
        return False
    return _LISTING.search(before) is not None and small[bare.end() : bare.end() + 1] in _STOPS


@lru_cache(maxsize=16)
def _letters(last: str) -> re.Pattern[str]:
    """Capitals that stand alone; Chinese, Japanese and Korean words may touch them."""
    word = "A-Za-z0-9\u00c0-\u1fff"
    return re.compile(rf"([A-{last}])(?:(?<![{word}'’-].)|(?<=و.))(?![{word}'’])[^\w\n]{{0,8}}")
