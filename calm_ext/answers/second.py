"""Whether what follows an answer names a second one."""

from __future__ import annotations

from calm_ext.answers.options import Options
from calm_ext.answers.text import lower
from calm_ext.prompts import LETTERS


def several(rest: str, options: Options, index: int) -> bool:
    """Whether what follows an answer names a second one.

    It does where another letter follows (``A, C``, ``A or C``, ``A (x) C (y)``), where "or" and another option's text
    do, or where another letter stands anywhere before that letter's text (``A. x; C. y``); not where the second is
    denied (``B, not A``; ``B. A is wrong.``).
    """
    head = rest.lstrip()
    if head.startswith("("):  # a remark about the first answer
        inner, _, behind = head[1:].partition(")")
        if _next(inner, options, index, joined=True) or _next(behind, options, index):
            return True
    elif _next(rest, options, index):
        return True
    small = lower(rest)
    turned = options.words.turned.search(small)
    if turned and LETTERS.lower().index(turned["other"]) != index and rest[turned.start("other")].isupper():
        return True
    for match in options.words.later.finditer(rest):
        other = LETTERS.index(match[1])
        if other != index and other < len(options):
            found = options.find(rest, match.end())
            if found and other in found.indices:
                return True
    return False


def second_denied(rest: str, options: Options, index: int) -> bool:
    """Whether what follows an answer is another letter that is denied: ``B. A is wrong.``"""
    small = lower(rest)
    second = options.words.second.match(small)
    if second is None or not rest[second.start("letter")].isupper():
        return False
    denied = options.words.retract.match(small[second.end() :].lstrip(" .)"))
    return denied is not None and index not in options.words.indices_of(rest[second.start("letter")])


def _next(rest: str, options: Options, index: int, *, joined: bool = False) -> bool:
    words, small = options.words, lower(rest)
    second = words.second.match(small)
    join = words.join.match(small)
    if second and not (joined and join is None):
        mark = rest[second.start("letter") : second.end("letter")]
        denied = words.retract.match(small, min(second.end() + 1, len(small))) or words.denied.match(
            small[second.end() :].lstrip(" .)")
        )
        word = not join and words.is_word(mark) and rest[second.end() : second.end() + 1] == " "
        capital = mark.isupper() or not mark.isascii()
        if capital and not denied and not word and index not in words.indices_of(mark):
            return True
    if join is None:
        return False
    found = options.find(rest, join.end())
    return found is not None and index not in found.indices
