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
        self.endings = frozenset({*words.own.answers.endings, ""}) if words.own.answers.endings else frozenset()
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
        # The letter comes first: what begins with a set of characters is found faster.
        return re.compile(rf"[A-{self.last}](?<![A-Za-z0-9'’-].)(?![A-Za-z0-9'’])")

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
    def verdict(self) -> re.Pattern[str]:
        """What calls an option right; see :meth:`called_right`."""
        return re.compile(verdict(self.words))

    @cached_property
    def it(self) -> re.Pattern[str]:
        """How a sentence points at an option."""
        return re.compile(rf"{self.words.pattern('it')}\s{{0,3}}")

    @cached_property
    def pause(self) -> re.Pattern[str]:
        """Punctuation behind a remark."""
        return re.compile(r"[\s,.:;!،、。，！：…–—-]{0,6}")

    @cached_property
    def noun(self) -> re.Pattern[str]:
        """A word for an answer or an option."""
        return re.compile(any_of(self.words.nouns))

    @cached_property
    def right(self) -> re.Pattern[str]:
        """What a right option is called, without a verb."""
        return re.compile(rf"(?:{self.words.phrase()}{self.words.end}|{self.words.pattern('right')})")

    @cached_property
    def following(self) -> re.Pattern[str]:
        """The next word, or character where words are not spaced."""
        return re.compile(rf"[^\w\n]{{0,8}}(\w{'' if self.unspaced else '+'})")

    @cached_property
    def behind(self) -> re.Pattern[str]:
        """A word for an option right behind its letter: ``B选项``."""
        unit = {*self.words.own.answers.label, "の", "项", "的", "選択肢", "选项"} if self.unspaced else set()
        return re.compile(any_of(unit))

    @cached_property
    def _after(self) -> str:
        """What may follow an answer; where words are spaced without what :meth:`called_right` finds."""
        after = self.words("after")
        if not self.unspaced:
            after = {w for w in after if not self.verdict.fullmatch(lower(clean(w)))}
        return f"(?:{self.words.whole(after)}|{self.words.pattern('hedge')})"

    @cached_property
    def after(self) -> re.Pattern[str]:
        """What may follow an answer and means nothing more."""
        # Where words are not spaced, what follows may turn the meaning: 正解はBです, but 正解はBですが…
        closed = r"(?=$|[\s。、，,.．!！?？」』）)】;；:：])" if self.unspaced else ""
        return re.compile(rf"{self._after}{closed}")

    @cached_property
    def reason(self) -> re.Pattern[str]:
        """The same, whatever stands behind it."""
        return re.compile(self._after)

    @cached_property
    def article(self) -> re.Pattern[str]:
        """Words before an option's text that are not part of it."""
        articles = {w for w in self.words("article") if not w.endswith("'")}
        elided = any_of({w for w in self.words("article") if w.endswith("'")} | {"l'"})
        gap = r"\s{0,3}" if self.unspaced else r"(?:\s{1,3}|(?<='))"
        return re.compile(rf"(?:(?:{any_of(articles)}{gap}|{elided})(?=\S)){{1,2}}")

    @cached_property
    def prefixed(self) -> re.Pattern[str] | None:
        """What is written right before a word; None where nothing is."""
        prefixes = self.words("prefixed")
        return re.compile(any_of(prefixes)) if prefixes else None

    @cached_property
    def _joins(self) -> str:
        return rf"(?:{self.words.pattern('join')}|و(?=\s?[a-{self.small}](?!\w)))"

    @cached_property
    def second(self) -> re.Pattern[str]:
        """A second letter behind an answer."""
        marks = r"[\s.:)\]}>»”\"'」』】,،、;/&+→(\-–—]{0,8}"
        label = rf"(?:{self.words.pattern('label')}\s{{0,3}})?"
        letter = rf"(?P<letter>[a-{self.small}]|{any_of(self.letters)})"
        capital = rf"{letter}(?=$|[\s.:)\]>,،、;。/&(\"+\-–—])"
        return re.compile(rf"{marks}(?:{self._joins}\s{{0,3}})?{label}[<(\[{{\"'«]{{0,3}}{capital}")

    @cached_property
    def join(self) -> re.Pattern[str]:
        """A word between two answers."""
        return re.compile(
            rf"[\s,،、)\](]{{0,4}}(?:{self._joins}|/)\s{{0,3}}(?:{self.words.pattern('label')}\s{{0,3}})?"
        )

    @cached_property
    def later(self) -> re.Pattern[str]:
        """A letter with its mark, as it is written."""
        return re.compile(rf"(?:(?<![^\W\d_])|(?<=و))([A-{self.last}])[.):、]\s{{0,3}}")

    @cached_property
    def turned(self) -> re.Pattern[str]:
        """A word that turns an answer round, and another letter."""
        start = "" if self.unspaced else r"\b"
        return re.compile(
            rf"{start}{self.words.pattern('turn')}[^\n]{{0,80}}?(?<![^\W\d_])(?P<other>[a-{self.small}])(?![\w'’])"
        )

    def called_right(self, small: str, at: int = 0) -> re.Match[str] | None:
        """What calls an option right at a place: ``is right because``, but not ``is right next to``."""
        said = self.verdict.match(small, at)
        if said is None or self.unspaced or small[said.end() : said.end() + 1] not in (" ", "\t"):
            return said
        rest = small[said.end() : said.end() + 40].lstrip()
        ends = not rest[:1].isalnum() or self.reason.match(rest) or rest.startswith(("for ", "in ", "here"))
        return said if ends or self.noun.search(said[0]) else None

    def indices_of(self, mark: str) -> tuple[int, ...]:
        """The places that a letter or digit may stand for, from 0."""
        if mark in self.letters:
            return self.letters[mark]
        if mark.isdigit():
            place = unicodedata.digit(mark, 0)
            return (place - 1,) if place else ()
        return (LETTERS.index(mark.upper()),) if len(mark) == 1 and mark.upper() in LETTERS else ()

    def is_word(self, mark: str) -> bool:
        """Whether a letter may be a word of the language: ``A place``."""
        return mark.upper() in self.ambiguous


@lru_cache(maxsize=256)
def patterns(code: str, last: str) -> Patterns:
    """The patterns of a language, for options whose last letter is ``last``."""
    return Patterns(code, last)
