"""Lines that are but an option, repeated prompts, what stands behind a cue, and remarks that take an answer back."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache

from calm_ext.answers.cues import Grammar
from calm_ext.answers.han import SIMPLIFIED
from calm_ext.answers.label import MOST, NOTHING, read_piece
from calm_ext.answers.options import Options
from calm_ext.answers.sentences import stated
from calm_ext.answers.text import clean, lower
from calm_ext.answers.verdicts import is_denied
from calm_ext.languages import get_language
from calm_ext.prompts import LETTERS, cue, instruction

# How far behind an answer lines may name other options, in characters.
_NEAR = 2000
#: Lines behind an answer that are looked at.
_LINES = 24


def alone(text: str, options: Options, rules: Grammar, cued: bool) -> int | None:
    """The answer of a response without a cue: its only line that is an option's letter, with or without its text.

    Or the first line, where it is an option's letter and text, and a reason follows.
    """
    lines = [rules.explanation.sub("", line, count=1) for line in text.strip().split("\n") if line.strip()]
    if any(is_denied(line, options) for line in lines):
        return None
    if len(lines) == 1 and not cued:
        read = read_piece(lines[0], options, closed="text")
        return read if read >= 0 else _opening(lines[0], options) if read == NOTHING else None
    named = [(place, i) for place, i in enumerate(whole_line(line, options) for line in lines) if i is not None]
    if not named and not cued and lines:
        if sum(_whole(options.last).match(line) is not None for line in lines) > 1:
            return None  # a remark on each of several options
        opening = _opening(lines[0], options)
        return opening if opening is not None else _opening(lines[-1], options)
    if len({i for _, i in named}) != 1 or named[0][0] not in (0, len(lines) - 1):
        return None
    following = lines[named[0][0] + 1 : named[0][0] + 2]
    taken_back = following and options.words.retract.match(lower(following[0].strip()))
    return None if taken_back else named[0][1]


def names_line(text: str, start: int, options: Options) -> list[int]:
    """The options of the lines behind an answer that are nothing but an option's letter and text."""
    text = text[start : start + _NEAR]
    if "\n" not in text:
        return []
    read = [whole_line(line, options) for line in text.split("\n", _LINES)[1:_LINES] if line]
    return [i for i in read if i is not None]


def whole_line(line: str, options: Options) -> int | None:
    """The option of a line that is but its letter, with or without its text."""
    match = _whole(options.last).match(line)
    if match is None or len(line) > 300:
        return None
    index = LETTERS.index(match[1])
    rest = line[match.end() :].strip(" \t.:)]\"'")
    if not rest:
        return index
    if not match[2] or index >= len(options):
        return None
    return index if options.whole(rest) == index else None


def _opening(line: str, options: Options) -> int | None:
    """The option of a line that begins with its letter or label, and its text."""
    match = _whole(options.last).match(line)
    label = options.words.label.match(lower(line))
    if match is None and label is None:
        return None
    read = read_piece(line, options, closed="text")
    if read == NOTHING and match and match[2]:  # "B. A library is a place for books."
        index = LETTERS.index(match[1])
        read = index if stated(line[match.end() :].lstrip(" .:)]\"'-–—"), options) == index else NOTHING
    return read if read >= 0 and len(options.mentioned(line[:400]) - {read}) == 0 else None


@lru_cache(maxsize=16)
def _whole(last: str) -> re.Pattern[str]:
    return re.compile(rf"[\s(\[\"'>#✅✔☑✓👉➡🎯📌-]{{0,9}}([A-{last}])(?:([\s.:)\]、,-])|$)")


@lru_cache(maxsize=256)
def echoes(code: str, n: int) -> tuple[str, ...]:
    """The instruction, and its last line, as a model that repeats its prompt writes them."""
    if not 2 <= n <= len(LETTERS):
        return ()
    head = clean(instruction(code, n))
    own = get_language(code)
    if not head:
        return ()
    texts = (head, clean(f"{cue(own, own.explanation)}{own.space}…\n{cue(own, own.answer)}{own.space}A"))
    # A text in traditional characters may have become one in simplified ones.
    return (*texts, *(x.translate(SIMPLIFIED) for x in texts)) if own.script == "Hant" else texts


def piece_behind(text: str, start: int, bare: bool, mends: list[tuple[int, int]]) -> str:
    """What follows a cue: the rest of the line, or the next line that is not empty where the cue has its mark."""
    mend = bisect_left(mends, (start, 0))
    stop = min(start + MOST, len(text), mends[mend][0] if mend < len(mends) else len(text))
    end = text.find("\n", start, stop)
    line = text[start : end if end >= 0 else stop]
    if line.strip(" *#>\r\t") or bare or end < 0:
        return line
    return text[end:stop].lstrip("\n\r\t *#>").split("\n", 1)[0]


def mends_in(small: str, start: int, options: Options, rules: Grammar) -> list[tuple[int, int]]:
    """Where remarks begin and end that take an answer back; not where an option is called so."""
    found = [(m.start(), m.end()) for m in rules.mend.finditer(small, max(start - 1, 0))]
    if found and any(len(option) < 20 for option in options.folded):
        found = [(a, b) for a, b in found if not any(o in small[a:b] for o in options.folded if len(o) > 1)]
    return found
