"""The words of a language, and English, as patterns on text in small letters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache

from calm_ext.answers.text import clean, lower
from calm_ext.languages import Language, get_language
from calm_ext.prompts import LETTERS

# Capitals of other scripts that look like Latin ones.
_LOOKALIKES = {"А": 0, "В": 1, "С": 2, "Е": 4, "Α": 0, "Β": 1, "Ε": 4}

#: What may close a clause. What may stand between a word and the next one: nothing where words are not spaced.
CLAUSE = r"\n.。।۔!?:;,、،؛؟()\[\]」”\"–—…"


def any_of(words: Iterable[str], blank: str = r"[ \t]+") -> str:
    """A pattern of alternatives, longer ones first; those that begin alike stand together, which is found faster.

    Matches nothing where there are no words.
    """
    root: dict[str, list[str]] = {}
    for word in sorted({lower(clean(word)) for word in words}, key=len, reverse=True):
        root.setdefault(word[:1], []).append("".join(blank if c == " " else _escape(c) for c in word[1:]))
    found = [f"{_escape(c)}(?:{'|'.join(rest)})" if len(rest) > 1 else _escape(c) + rest[0] for c, rest in root.items()]
    return f"(?:{'|'.join(found)})" if found else "(?!)"


def _escape(character: str) -> str:
    return "['’]" if character in "'’" else re.escape(character)


class Words:
    """The words of a language and English, each field of :class:`~calm_ext.languages.AnswerWords` joined."""

    def __init__(self, code: str) -> None:
        self.own: Language = get_language(code)
        self.rows = (self.own.answers, get_language("en").answers)
        self.unspaced = self.own.unspaced
        #: ends a word, starts one, and what stands between two words
        self.end = "" if self.unspaced else r"(?!\w)"
        self.gap = r"[ \t]{0,3}" if self.unspaced else r"[ \t]{1,3}"

    def __call__(self, *fields: str) -> set[str]:
        """The words of some fields."""
        return {word for row in self.rows for field in fields for word in getattr(row, field) if word}

    @property
    def two(self) -> str:
        """A pattern of a word, group 2, and the next one; of characters where words are not spaced."""
        return r"(\w)\w?" if self.unspaced else r"(\w+)(?:[ \t]\w+)?"

    def first(self, words: Collection[str], articles: Collection[str] = ()) -> frozenset[str]:
        """What ``words``, with an article or without, begin with: a word, or two words; see :attr:`two`."""
        two = re.compile(f"[^\\w]*({self.two})")
        found = {match[1] for word in words if (match := two.match(lower(clean(word))))}
        if self.unspaced:
            return frozenset(found)
        alone = {match[2] for word in words if (match := two.match(lower(clean(word))))}
        for article in map(lower, articles):
            first = two.match(article)
            if first and article[-1].isalnum() and " " not in article:
                found |= {f"{article} {word}" for word in alone}
            elif first:
                found.add(first[1])
        return frozenset(found)

    def pattern(self, *fields: str) -> str:
        """A pattern of whole words; where words are not spaced English ones still are: "No" does not begin "Note"."""
        return self.whole(self(*fields))

    def whole(self, words: Collection[str]) -> str:
        """A pattern of whole words."""
        if not self.unspaced:
            return f"(?:{any_of(words)}{self.end})"
        latin = [w for w in words if w[-1].isascii() and w[-1].isalpha()]
        return f"(?:{any_of(latin)}(?![a-z])|{any_of(set(words) - set(latin))})"

    def phrase(self, *, named: bool = False) -> str:
        """A pattern of what an answer is called: ``the most likely answer``, ``correct option``, ``option``.

        Args:
            named: with the groups ``head``, a word without an adjective before it, and ``behind``, one after it.
        """
        nouns = {self.own.answer, get_language("en").answer, *self("noun")}
        adjective, head, noun = (f"(?:{any_of(x)}{self.end})" for x in (self("adjective"), self("head"), nouns))
        article = any_of({w for w in self("article") if not w.endswith("'")})
        b, c = ("?P<behind>", "?P<head>") if named else ("?:", "?:")
        before, behind = rf"(?:{adjective}{self.gap})", rf"({b}{self.gap}{adjective})"
        start = rf"(?:{article}{self.gap})?" if not self.unspaced else ""
        return rf"{start}(?:{noun}|{before}{{1,2}}(?:{noun}|{head})|({c}{head})){behind}{{0,2}}"

    @property
    def copula(self) -> str:
        """A pattern of a verb that joins an answer and an option, with the adverbs around it."""
        hedge = rf"(?:{self.pattern('hedge')}[,،、]?{self.gap})"
        verb = self.pattern("copula")
        return rf"{hedge}{{0,2}}{verb}(?:{self.gap}{self.pattern('hedge')},?){{0,2}}(?:{self.gap}{verb})?"


def _core(entry: str) -> str:
    """The longest word of a phrase, or all of it where that is short."""
    longest = max(re.findall(r"[^\W\d_]\S*", entry) or [entry], key=len)
    return longest if len(longest) > 4 or not longest.isascii() else entry


class Patterns:
    """What :mod:`calm_ext.answers.label` looks for: all on text in small letters, but for ``letter``."""

    def __init__(self, code: str, last: str) -> None:
        words = Words(code)
        own = words.own
        self.language, self.unspaced = code, words.unspaced
        # Where words are not spaced, what follows may turn the meaning: 正解はBです, but 正解はBですが…
        closed = r"(?=$|[\s。、，,.．!！?？」』）)】;；:：])" if words.unspaced else ""

        self.letters: dict[str, tuple[int, ...]] = {}
        for place, spelled in enumerate(own.answers.letters):
            for x in map(clean, spelled.split(",")):
                self.letters[x] = tuple(dict.fromkeys((*self.letters.get(x, ()), place)))
        self.own_letters = bool(self.letters)
        if own.script not in {"Cyrl", "Grek"}:
            self.letters |= {x: (i,) for x, i in _LOOKALIKES.items() if x not in self.letters}
        letters = "|".join(sorted(map(re.escape, self.letters), key=len, reverse=True))
        small = last.lower()
        self.letter = re.compile(rf"[A-{last}a-{small}]|{letters}|\d")
        self.glued = re.compile(rf"['’]?{any_of(words('glued'))}(?!\w)")
        self.label = re.compile(rf"{words.pattern('label')}\s{{0,3}}[:(\"'<]?\s{{0,3}}")
        # "la B", in the text as it is written
        self.the_letter = re.compile(
            rf"(?:[Ll]a|[Ll]e|[Ii]l|[Tt]he|[Dd]ie|[Dd]er|[Dd]as|[Dd]e|[Hh]et|a|o)\s+(?=[A-{last}]\b)"
        )
        self.hedge = re.compile(rf"{words.pattern('hedge')}[,،、]?\s{{0,3}}")
        self.contrast = re.compile(rf"[\s,،、;.]{{0,3}}{words.pattern('contrast')}")
        self.negation = re.compile(rf"[\s,،、;(\-–—.]{{0,4}}{words.pattern('negation')}")
        self.retract = re.compile(words.pattern("retract"))
        self.denied = re.compile(words.pattern("retract", "negation"))
        self.none = re.compile(any_of(words("none")))
        self.condition = re.compile(rf"[\s,،、(]{{0,3}}{words.pattern('condition')}")
        self.verdict = re.compile(verdict(words))
        self.it = re.compile(rf"{words.pattern('it')}\s{{0,3}}")
        self.pause = re.compile(r"[\s,.:;!،、。，！：…–—-]{0,6}")
        self.noun = re.compile(any_of({own.answer, "answer"} | words("noun", "head")))
        self.right = re.compile(rf"(?:{words.phrase()}{words.end}|{words.pattern('right')})")
        unit = {w for w in own.answers.label if words.unspaced} | (
            {"の", "项", "的", "選択肢", "选项"} if words.unspaced else set()
        )
        # what the words that call an option right begin with
        says = {own.answer, "answer"} | words(
            "verdict", "copula", "hedge", "right", "article", "adjective", "noun", "head"
        )
        self.says = frozenset(re.findall(r"\w+", lower(clean(x)))[0] for x in says if re.search(r"\w", x))
        self.says |= frozenset(x[0] for x in self.says) if words.unspaced else frozenset()
        #: one of these stands in every text that names an option in words; but for the shortest, which are everywhere
        entries = {own.answer, "answer", "✅", "✔"} | words("verdict", "right", "noun", "head", "sentence")
        cores = {_core(lower(clean(x))) for x in entries}
        cores -= {x for x in cores if x.isascii() and len(x) < 4}
        self.cores = tuple(x for x in cores if not any(y in x and y != x for y in cores))
        self.answer = re.compile(rf"[^\w\n]{{0,4}}{any_of({own.answer, 'answer'})}[ \t]?[:=]")
        self.capital = re.compile(rf"(?<![A-Za-z0-9'’-])[A-{last}](?![A-Za-z0-9'’])")
        self.following = re.compile(rf"[^\w\n]{{0,8}}(\w{'' if words.unspaced else '+'})")
        self.behind = re.compile(any_of(unit))
        after = words("after")
        if not words.unspaced:  # these are what called_right() finds
            after = {w for w in after if not self.verdict.fullmatch(lower(clean(w)))}
        self.after = re.compile(rf"(?:{words.whole(after)}|{words.pattern('hedge')}){closed}")
        self.reason = re.compile(f"(?:{words.whole(after)}|{words.pattern('hedge')})")
        articles = {w for w in words("article") if not w.endswith("'")}
        elided = any_of({w for w in words("article") if w.endswith("'")} | {"l'"})
        gap = r"\s{0,3}" if words.unspaced else r"(?:\s{1,3}|(?<='))"
        self.article = re.compile(rf"(?:(?:{any_of(articles)}{gap}|{elided})(?=\S)){{1,2}}")
        self.prefixed = re.compile(any_of(words("prefixed"))) if words("prefixed") else None
        self.endings = frozenset(x for row in words.rows[:1] for x in row.endings)
        self.ambiguous = frozenset("A" + "".join(row.words for row in words.rows))
        self.english_words = frozenset(words.rows[1].words)

        marks = r"[\s.:)\]}>»”\"'」』】,،、;/&+→(\-–—]{0,8}"
        label = rf"(?:{words.pattern('label')}\s{{0,3}})?"
        joins = rf"(?:{words.pattern('join')}|و(?=\s?[a-{small}](?!\w)))"
        capital = rf"(?P<letter>[a-{small}]|{any_of(self.letters)})(?=$|[\s.:)\]>,،、;。/&(\"+\-–—])"
        self.second = re.compile(rf"{marks}(?:{joins}\s{{0,3}})?{label}[<(\[{{\"'«]{{0,3}}{capital}")
        self.join = re.compile(rf"[\s,،、)\](]{{0,4}}(?:{joins}|/)\s{{0,3}}{label}")
        self.later = re.compile(rf"(?:(?<![^\W\d_])|(?<=و))([A-{last}])[.):、]\s{{0,3}}")
        self.turned = re.compile(
            rf"{'' if words.unspaced else chr(92) + 'b'}{words.pattern('turn')}[^\n]{{0,80}}?"
            rf"(?<![^\W\d_])(?P<other>[a-{small}])(?![\w'’])"
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


def verdict(words: Words) -> str:
    """A pattern of what stands behind an option that is called right: ``is the correct answer``, ``が正解です``.

    The group ``bare`` matches where there is no verb, as in ``daher ist Option B die richtige Antwort``.
    """
    right = f"(?:{words.phrase()}{words.end}|{words.pattern('right')})"
    copula = rf"(?:{words.copula}{words.gap})"
    negated = rf"(?![ \t]{{0,3}}(?:{any_of(words('negation', 'retract'))}{words.end}|[?？؟]))"
    said = rf"(?:{copula}{right}|{words.pattern('verdict')})"
    if not words.unspaced:
        return f"{said}{negated}"
    following = any_of(words("after"))
    # 是正确的。 and が正解です。 end there; が正解だと思われますが does not.
    return rf"{said}(?:{following})?(?=$|[\s。、，,.．!！?？」』）)】;；:：])(?!\s?[?？])"


@lru_cache(maxsize=256)
def patterns(code: str, last: str) -> Patterns:
    """The patterns of a language, for options whose last letter is ``last``."""
    return Patterns(code, last)
