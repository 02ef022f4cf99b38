"""The words of a language and English, and the parts of patterns that are made of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from calm_ext.answers.text import clean, lower
from calm_ext.languages import Language, get_language

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
    def nouns(self) -> set[str]:
        """The words for an answer or an option."""
        return {self.own.answer, "answer"} | self("noun", "head")

    def beginnings(self) -> frozenset[str]:
        """The first words, or characters, of what calls an option right."""
        says = self.nouns | self("verdict", "copula", "hedge", "right", "article", "adjective")
        found = frozenset(match[0] for x in says if (match := re.search(r"\w+", lower(clean(x)))))
        return found | frozenset(x[0] for x in found) if self.unspaced else found

    def cores(self) -> tuple[str, ...]:
        """A word of each phrase that names an answer or calls it right; without the shortest, which are everywhere."""
        entries = {"✅", "✔"} | self.nouns | self("verdict", "right", "sentence")
        cores = {_core(lower(clean(x))) for x in entries}
        cores -= {x for x in cores if x.isascii() and len(x) < 4}
        return tuple(x for x in cores if not any(y in x and y != x for y in cores))

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
