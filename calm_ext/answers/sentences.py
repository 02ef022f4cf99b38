"""The option of a sentence behind an answer cue: ``Answer: The largest planet is Jupiter.``, ``Answer: It is Jupiter.``

Such a sentence names one option, denies and supposes nothing, and says of something that it is the option, or begins
with the option and says something of it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from calm_ext.answers.label import NOTHING
from calm_ext.answers.options import Options
from calm_ext.answers.patterns import Patterns
from calm_ext.answers.text import EDGE, lower
from calm_ext.answers.words import any_of
from calm_ext.prompts import LETTERS

_STOP = re.compile(r"[.!?](?=\s|$)|[。।۔！？؟\n]")
#: Words a sentence must have behind the option that it begins with, where none of them is a copula.
_ENOUGH = 2


def stated(piece: str, options: Options) -> int:
    """The option that the first sentence of a piece states, or :data:`~calm_ext.answers.label.NOTHING`."""
    piece = piece.lstrip()
    stop = _STOP.search(piece)
    sentence = piece[: stop.start()] if stop else piece
    named = options.mentioned(sentence)
    if len(named) != 1 or (stop and stop[0] in "?？؟"):
        return NOTHING
    (index,) = named
    if options.folded.count(options.folded[index]) > 1 or _other_letter(sentence, index, options):
        return NOTHING
    small, own = lower(sentence), options.folded[index]
    at = small.find(own)
    found = options.find(sentence, at) if at >= 0 else None
    if found is None or found.indices != {index} or small.count(own) > 1:
        return NOTHING
    before, after = small[:at], small[found.end :]
    rules = _rules(options.words)
    if rules.denies.search(before) or rules.denies.search(after):
        return NOTHING
    rest = after.strip(EDGE)
    if not rest and small[at + len(own) : found.end].strip("'’") in options.words.words("glued"):
        return index if before.strip(EDGE) else NOTHING  # Turkish Ankara'dır
    if not rest:
        return index if rules.joined.search(before) or (stop and _ends_with(before, options)) else NOTHING
    if rules.verb.fullmatch(rest):
        return index if before.strip(EDGE) else NOTHING
    if before.strip(EDGE) and not rules.article.fullmatch(before.strip()):
        return NOTHING
    if rules.begins.match(after):
        return index
    goes_on = bool(before.strip(EDGE)) and after[:1].isspace() and len(after.split()) >= _ENOUGH
    return index if stop and goes_on and not rules.within.search(after) else NOTHING  # "A library lends books"


def _ends_with(before: str, options: Options) -> bool:
    """Whether a sentence without a verb may end with an option: ``A főváros Budapest``.

    Only where nouns have cases, so that what a preposition governs is written otherwise; short words before the option
    are none that may compare: ``than Mars``.
    """
    words = before.split()
    return bool(options.words.endings) and len(words) > 1 and len(words[-1]) > 3 and before[-1:].isspace()


def _other_letter(sentence: str, index: int, options: Options) -> bool:
    """Whether the letter of another option stands alone."""
    words = options.words
    letters = (match[0] for match in words.capital.finditer(sentence))
    return any(LETTERS.index(letter) != index and not words.is_word(letter) for letter in letters)


class _Rules:
    """Patterns of a language.

    Attributes:
        joined: what stands before an option at a sentence's end. verb: what stands behind it there, as a whole.
        begins: what stands behind an option at a sentence's beginning. article: what stands before it there.
        within: a verb that joins something else to a word behind an option, as in ``mercury poisoning is dangerous``.
        denies: what denies, supposes or asks.
    """

    def __init__(self, patterns: Patterns) -> None:
        words = patterns.words
        gap = words.gap
        article = any_of(words("article"))
        tied = rf"(?:{words.copula}|{words.pattern('it')}|[-–—:])"
        self.joined = re.compile(
            rf"(?:^|\W|(?<=\w)){tied}{gap}(?:{article}(?:{gap}|(?<='))){{0,2}}$"
            if words.unspaced
            else rf"(?<!\w){tied}[ \t]{{1,3}}(?:{article}(?:{gap}|(?<=['’]))){{0,2}}[\"'«“„(]?$"
        )
        self.verb = re.compile(rf"(?:{any_of(words('copula', 'after', 'glued'))})")
        self.begins = re.compile(rf"\s{{0,3}}{words.copula}{words.end}")
        self.within = re.compile(rf"\s{words.copula}{words.end}")
        self.article = re.compile(rf"(?:{article}\s{{0,3}}){{1,2}}")
        whole = words.pattern("negation", "retract", "condition", "join")
        begun = any_of(words("none"))
        edge = "" if words.unspaced else r"(?<!\w)"
        self.denies = re.compile(rf"{edge}(?:{whole}|{begun})|n['’]t\b|[?？؟]")


@lru_cache(maxsize=64)
def _rules(patterns: Patterns) -> _Rules:
    return _Rules(patterns)
