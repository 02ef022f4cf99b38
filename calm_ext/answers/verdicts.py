"""Lists that judge every option: ``A. bank: no``, ``| B | library | Yes |``, ``C) Falsch``.

Each option stands at the beginning of a line or of a table's cell, and what follows it says right or wrong at once. The
answer is the one option that is called right, where all others that are judged are called wrong.
"""

from __future__ import annotations

import re
from functools import lru_cache

from calm_ext.answers.options import Options
from calm_ext.answers.patterns import Patterns
from calm_ext.answers.text import lower
from calm_ext.answers.words import any_of

# Between an option and its verdict, and the signs of verdicts.
_GAP = re.compile(r"[\s|:,.=()\[\]\"'»”\-–—→>]{0,12}")
_RIGHT, _WRONG = "✅✔☑✓○◯⭕", "❌✗✘✖×✕"
_AT_END = re.compile(rf"[^\n]{{0,300}}?([{_RIGHT}{_WRONG}])[^\w\n]{{0,3}}(?:\n|$)")
#: Options that are judged, at least.
_JUDGED = 2


def judged(text: str, options: Options) -> int | None:
    """The one option that a list calls right; None where no list does.

    Args:
        text: a cleaned response.
    """
    right: set[int] = set()
    wrong: set[int] = set()
    for index, said in _verdicts(text, options):
        (right if said else wrong).add(index)
    if len(right) != 1 or len(right | wrong) < _JUDGED or right & wrong:
        return None
    return next(iter(right))


def is_denied(line: str, options: Options) -> bool:
    """Whether a line is an option with the verdict that it is wrong."""
    return any(not said for _, said in _verdicts(line, options))


def _verdicts(text: str, options: Options) -> list[tuple[int, bool]]:
    rules = _rules(options.words)
    small = lower(text)
    signs = any(sign in text for sign in _RIGHT + _WRONG)
    found = []
    for head in rules.head.finditer(text):
        places = options.words.indices_of(head[1])
        if len(places) != 1 or places[0] >= len(options):
            continue
        (index,) = places
        end = _GAP.match(text, head.end()).end()  # type: ignore[union-attr]
        own = options.find(text, end)
        if own and own.indices == {index}:
            end = _GAP.match(text, own.end).end()  # type: ignore[union-attr]
        elif own:
            continue  # options "yes" and "no"
        wrong, right = rules.wrong.match(small, end), rules.right.match(small, end)
        sign = _AT_END.match(text, end) if signs and not wrong and not right else None
        if wrong or right or sign:
            found.append((index, sign[1] in _RIGHT if sign else not wrong))
    return found


class _Rules:
    """Patterns of a language: an option's letter at a line's or cell's beginning, and the two verdicts."""

    def __init__(self, patterns: Patterns) -> None:
        words = patterns.words
        letters = "|".join(sorted(map(re.escape, patterns.letters), key=len, reverse=True)) or "(?!)"
        label = rf"(?:{words.pattern('label')}[ \t]{{0,3}})?"
        self.head = re.compile(
            rf"(?:^|[\n|;；]|(?<=[\s,])(?=\())[^\w\n]{{0,8}}(?i:{label})"
            rf"([A-{patterns.last}](?!\w)|(?:[a-{patterns.small}]|{letters})(?=[).:\]、]))"
        )
        said = words.own
        verb = rf"(?:{words.copula}{words.gap})?"
        edge = "" if words.unspaced else r"(?!\w)"
        stop = r"(?=\s*(?:$|[\n.,;:!|)。，、।۔،؛\-–—✅❌]))"
        own_no, own_yes = any_of({said.no, "no"}), any_of({said.yes, "yes"})
        self.wrong = re.compile(rf"[{_WRONG}]|{verb}{any_of(words('retract'))}{edge}|{own_no}{stop}")
        called = any_of(words("right", "verdict"))
        self.right = re.compile(rf"[{_RIGHT}]|{verb}{called}{edge}|{own_yes}{stop}")


@lru_cache(maxsize=64)
def _rules(patterns: Patterns) -> _Rules:
    return _Rules(patterns)
