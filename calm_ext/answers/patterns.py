"""What is looked for in pieces of text: the words of a language and English as patterns."""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property, lru_cache

from calm_ext.answers.text import clean, lower
from calm_ext.answers.words import Words, any_of, verdict
from calm_ext.prompts import LETTERS

# Capitals of other scripts that look like Latin ones.
_LOOKALIKES = {"А": 0, "В": 1, "С": 2, "Е": 4, "Α": 0, "Β": 1, "Ε": 4}


class Patterns:
    """What :mod:`calm_ext.answers.label` looks for, on text in small letters where nothing else is said.

    Patterns are made when they are first needed: most responses need few of them.
    """

    def __init__(self, code: str, last: str) -> None:
        self.words = words = Words(code)
        self.unspaced, self.last, self.small = words.unspaced, last, last.lower()
        #: the language's own letters, and look-alikes of the Latin ones -> the places that they may stand for
        self.letters: dict[str, tuple[int, ...]] = {}
        for place, spelled in enumerate(words.own.answers.letters):
            for x in map(clean, spelled.split(",")):
                self.letters[x] = tuple(dict.fromkeys((*self.letters.get(x, ()), place)))
        self.own_letters = bool(self.letters)
        if words.own.script not in {"Cyrl", "Grek"}:
            self.letters |= {x: (i,) for x, i in _LOOKALIKES.items() if x not in self.letters}
        self.endings = frozenset(words.own.answers.endings)
        self.ambiguous = frozenset("A" + "".join(row.words for row in words.rows))
        #: what the words that call an option right begin with
        self.says = words.beginnings()
        #: one of these stands in every text that names an option in words
        self.cores = words.cores()

    @cached_property
    def letter(self) -> re.Pattern[str]:
        """A letter or digit, as it is written."""
        letters = "|".join(sorted(map(re.escape, self.letters), key=len, reverse=True))
        return re.compile(rf"[A-{self.last}a-{self.small}]|{letters}|\d")

    @cached_property
    def capital(self) -> re.Pattern[str]:
        """A capital that stands alone, as it is written."""
        return re.compile(rf"(?<![A-Za-z0-9'’-])[A-{self.last}](?![A-Za-z0-9'’])")

    @cached_property
    def answer(self) -> re.Pattern[str]:
        """The usual cue at the beginning of a line."""
        return re.compile(rf"[^\w\n]{{0,4}}{any_of({self.words.own.answer, 'answer'})}[ \t]?[:=]")

    @cached_property
    def glued(self) -> re.Pattern[str]:
        """What is written right behind a letter."""
        return re.compile(rf"['’]?{any_of(self.words('glued'))}(?!\w)")

    @cached_property
    def label(self) -> re.Pattern[str]:
        """A word before a letter."""
        return re.compile(rf"{self.words.pattern('label')}\s{{0,3}}[:(\"'<]?\s{{0,3}}")

    @cached_property
    def the_letter(self) -> re.Pattern[str]:
        """An article before a letter, as it is written."""
        article = "(?:[Ll]a|[Ll]e|[Ii]l|[Tt]he|[Dd]ie|[Dd]er|[Dd]as|[Dd]e|[Hh]et|a|o)"  # "la B", as it is written
        return re.compile(rf"{article}\s+(?=[A-{self.last}]\b)")

    @cached_property
    def hedge(self) -> re.Pattern[str]:
        """An adverb, and its comma."""
        return re.compile(rf"{self.words.pattern('hedge')}[,،、]?\s{{0,3}}")

    @cached_property
    def contrast(self) -> re.Pattern[str]:
        """What stands between an option that is denied and the right one."""
        return re.compile(rf"[\s,،、;.]{{0,3}}{self.words.pattern('contrast')}")

    @cached_property
    def retract(self) -> re.Pattern[str]:
        """What takes an answer back."""
        return re.compile(self.words.pattern("retract"))

    @cached_property
    def denied(self) -> re.Pattern[str]:
        """What takes an answer back or denies one."""
        return re.compile(self.words.pattern("retract", "negation"))

    @cached_property
    def none(self) -> re.Pattern[str]:
        """What says that no option, or every one, is right."""
        return re.compile(any_of(self.words("none")))

    @cached_property
    def condition(self) -> re.Pattern[str]:
        """What makes a supposition."""
        return re.compile(rf"[\s,،、(]{{0,3}}{self.words.pattern('condition')}")

    @cached_property


@lru_cache(maxsize=256)
def patterns(code: str, last: str) -> Patterns:
    """The patterns of a language, for options whose last letter is ``last``."""
    return Patterns(code, last)
