"""The options of a question, and which of them a text names.

Texts are compared as they are written first, then without case, without articles, without brackets around them, and
last without differences of spelling (:mod:`calm_ext.answers.spelling`). The first way in which an option fits decides,
so that nothing is folded away that tells the options of one question apart.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from calm_ext.answers.han import simplify
from calm_ext.answers.patterns import Patterns, patterns
from calm_ext.answers.spelling import initials, loosely
from calm_ext.answers.text import clean, ends, lower
from calm_ext.errors import CalmError
from calm_ext.prompts import LETTERS

_SENTENCE_EDGE = " \t\r\n.,;:!?。।۔،؛؟、·…\"'«»„“”‘’「」『』"
_WRAPPED = re.compile(r"[(\[{<«‹（【「『](.+)[)\]}>»›）】」』]")
_UNITS = re.compile(r"(?<=\d)\s?[%‰°]$|^[$€£¥₹](?=\d)")
# What continues a text without a space, so that it ends elsewhere: C++, 5%, 3.14, well-being.
_CONTINUES = re.compile(r"[%‰°€$£¥₹+#*^_=<>~@]|[-/'’]\w|[.,:]\d|\s[%‰°€]")


#: A long text is asked about at each of its lines.
_small = lru_cache(maxsize=4)(lower)


class Found(NamedTuple):
    """Options that a text begins with.

    Attributes:
        indices: several where these have one text.
        end: where in the text they end.
    """

    indices: frozenset[int]
    end: int


class Options:
    """The options of a question in a language, prepared for comparison."""

    def __init__(self, texts: Sequence[str], language: str) -> None:
        for x in texts:
            if not isinstance(x, str):
                raise TypeError(f"an option must be text, not {type(x).__name__}: {x!r}")
        if not texts:
            raise CalmError("a response can be read only where there are options: options is empty")
        self.language = language
        together = "\n".join(texts)
        cleaned = clean(together, "*_`").split("\n") if together.count("\n") < len(texts) else []
        if len(cleaned) != len(texts):  # a text has a line break, or becomes one
            cleaned = [clean(text, "*_`") for text in texts]
        plain = [" ".join(text.split()) for text in cleaned]
        simplified = [simplify(text) for text in plain] if language.startswith("zh") else plain
        #: Whether texts are compared in simplified characters.
        self.simplified = language.startswith("zh") and len(set(simplified)) == len(set(plain))
        if self.simplified:
            plain = simplified
        self.exact = [text.strip(_SENTENCE_EDGE) or text for text in plain]
        together = "\n".join(self.exact)
        small = together.lower()
        one_to_one = len(small) == len(together)
        self.folded = small.split("\n") if one_to_one else [lower(text) for text in self.exact]
        #: The texts in small letters that have more than one.
        self.long = [text for text in self.folded if len(text) > 1]
        self.last = LETTERS[max(min(len(texts), len(LETTERS)), 1) - 1]
        joined = "".join(plain)
        self.literal = "".join([c for c in "*_`" if c in joined])
        #: Whether small letters tell all options apart.
        self.distinct = len(set(self.folded)) == len(self.folded)
        #: What has been read before, by text.
        self.memo: dict[tuple[str, str], int] = {}

    @staticmethod
    @lru_cache(maxsize=32)
    def of(texts: tuple[str, ...], language: str) -> Options:
        """The options of these texts; kept, because the samples of a question follow each other.

        Raises:
            CalmError: there are none. TypeError: one is no text.
        """
        return Options(texts, language)

    def __len__(self) -> int:
        return len(self.exact)

    @cached_property
    def like_letters(self) -> bool:
        """Whether an option's text may be taken for the letter of one."""
        letters = self.words.letters
        for text in self.folded:
            first = text[:1]
            if first and (first in "abcdefghij" or first in letters) and not text[1:2].isalpha() and ends(text, 1):
                return True
        return False

    @cached_property
    def words(self) -> Patterns:
        """The words of the language."""
        return patterns(self.language, self.last)

    def clean(self, text: str) -> str:
        """A text as the options are compared with it."""
        text = clean(text, self.literal)
        return simplify(text) if self.simplified else text

    def by_text(self, text: str) -> int | None:
        """The one option that is this text, but for case, punctuation and spelling."""
        text = text.strip()
        for found in self._starting(text, 0):
            if not text[found.end :].strip(_SENTENCE_EDGE):
                return next(iter(found.indices)) if len(found.indices) == 1 else None
        return None

    def whole(self, text: str) -> int | None:
        """The one option that is this text with all of its signs."""
        wanted = " ".join(text.split())
        trimmed = wanted.strip(_SENTENCE_EDGE) or wanted
        if trimmed in self.exact:
            return self.exact.index(trimmed) if self.exact.count(trimmed) == 1 else None
        small = lower(trimmed)
        return self.folded.index(small) if self.distinct and small in self.folded else None

    def find(self, text: str, at: int) -> Found | None:
        """The options that a text begins with at a place, in the first way that fits."""
        return next(self.starting(text, at), None)

    def starting(self, text: str, at: int) -> Iterator[Found]:
        """All ways in which options begin a text at a place, the strictest first."""
        yield from self._starting(text, at)
        small = _small(text)
        article = self.words.article.match(small, at)
        prefix = self.words.prefixed.match(small, article.end() if article else at) if self.words.prefixed else None
        for match in (prefix, article):
            if match and match.end() > at:
                yield from self._starting(text, match.end())
        if at == 0 or text[at - 1] not in "([{<":  # (a, b) is not [a, b]
            yield from self._starting(text, at, self._bare)
            if article:
                yield from self._starting(text, article.end(), self._bare)
        for place in dict.fromkeys((at, article.end() if article else at, prefix.end() if prefix else at)):
            yield from self._loosely(text, place)
        if self.words.endings:
            yield from self._inflected(text, article.end() if article else at)

    def _starting(self, text: str, at: int, forms: Sequence[str] | None = None) -> Iterator[Found]:
        given = forms is None
        best: list[int] = []
        length = 0
        small = lower(text[at : at + self._longest])
        for i, form in enumerate(self.folded if forms is None else forms):
            size = len(form)
            if size and size >= length and small.startswith(form) and self._ends(text, at + size):
                best = [*best, i] if size == length else [i]
                length = size
        if len(best) > 1 and given:  # pH or PH
            best = [i for i in best if text.startswith(self.exact[i], at)] or best
        if best:
            yield Found(frozenset(best), at + length)

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.folded), default=0)

    def _ends(self, text: str, at: int) -> bool:
        """Whether a text may end there: no word, number or sign goes on."""
        if at >= len(text):
            return True
        before, after = text[at - 1], text[at]
        if self.words.unspaced and not (before.isascii() and after.isascii()):
            return True
        if not ends(text, at) and not self.words.glued.match(text, at):
            return False
        match = _CONTINUES.match(text, at)
        if match is None:
            return True
        if not before.isdigit() and match[0][0] in "=<>*_.,: ":
            return match[0][0] not in "*_" or match[0][0] not in self.literal
        return after == "/" and not before.isdigit() and "/" not in "".join(self.folded)

    def without_article(self, text: str) -> str:
        """A text in small letters without its article."""
        article = self.words.article.match(text)
        return text[article.end() :] if article else text

    @cached_property
    def bare(self) -> list[str]:
        """The texts in small letters without their article."""
        return [self.without_article(text) for text in self.folded]

    @cached_property
    def _bare(self) -> list[str]:
        """The texts without article, brackets and unit."""
        bare = []
        for option in self.folded:
            text = option
            wrapped = _WRAPPED.fullmatch(text)
            text = wrapped[1] if wrapped else text
            article = self.words.article.match(text)
            if article and article.end() < len(text):
                text = text[article.end() :]
            elif self.words.prefixed:
                prefix = self.words.prefixed.match(text)
                text = text[prefix.end() :] if prefix and len(text) - prefix.end() > 2 else text
            bare.append(_UNITS.sub("", text) or text)
        return bare

    @cached_property
    def _initials(self) -> frozenset[str]:
        return frozenset(x for text in (*self.folded, *self._bare) if text for x in initials(text[0]))

    def _may_begin(self, text: str, at: int) -> bool:
        """Whether an option may begin there in another spelling: the first letters tell that soon."""
        found = initials(text[at : at + 1])
        return "" in found or "" in self._initials or not self._initials.isdisjoint(found)

    @cached_property
    def _keys(self) -> list[list[str]]:
        """For each way to write ä, the options' texts without differences of spelling."""
        ways = (False, True) if any(c in x for x in self.folded for c in "äöüåøæ") else (False,)
        found = []
        for german in ways:
            keys = [loosely(text, self.language, german=german).text for text in self.exact]
            pairs = zip(self._bare, self.folded, keys, strict=True)
            bare = [key if x == text else loosely(x, self.language, german=german).text for x, text, key in pairs]
            found.append(keys + bare)
        return found

    def _loosely(self, text: str, at: int) -> Iterator[Found]:
        if not self._may_begin(text, at):
            return
        for german, keys in enumerate(self._keys):
            loose = loosely(text, self.language, german=bool(german), start=at, most=2 * self._longest + 20)
            best: set[int] = set()
            length = 0
            opened = at > 0 and text[at - 1] in "([{<"
            for i, key in enumerate(keys[: len(self)] if opened else keys):
                size = len(key)
                if size and size >= length and loose.text.startswith(key) and self._ends(text, loose.ends[size - 1]):
                    best = {*best, i % len(self)} if size == length else {i % len(self)}
                    length = size
            if best:
                yield Found(frozenset(best), loose.ends[length - 1])

    def _inflected(self, text: str, at: int) -> Iterator[Found]:
        """The one option that a text begins with in another case."""
        if not self._may_begin(text, at):
            return
        loose = loosely(text, self.language, start=at, most=2 * self._longest + 20)
        written = list(re.finditer(r"[^\s()\[\]]+", loose.text))
        endings = self._loose_endings
        hits: dict[int, int] = {}
        for i, key in enumerate(self._keys[0][: len(self)]):
            parts = key.split(" ")
            if len(written) >= len(parts) and all(
                same_stem(a, b[0], endings) for a, b in zip(parts, written, strict=False)
            ):
                hits[i] = loose.ends[written[len(parts) - 1].end() - 1]
        if len(hits) == 1:
            ((index, end),) = hits.items()
            yield Found(frozenset({index}), end)

    @cached_property
    def _loose_endings(self) -> frozenset[str]:
        return frozenset(loosely(x, self.language).text for x in self.words.endings)

    def mentioned(self, text: str) -> set[int]:
        """The options whose text stands in a longer text, as whole words where words are spaced.

        Texts of one character are not looked for, nor those that are part of another option's text.
        """
        inside = lower(" ".join(text.split()))
        found = set()
        for i, option in enumerate(self.folded):
            at = inside.find(option) if len(option) > 1 else -1
            while at >= 0:
                spaced = option[0].isascii() or unicodedata.category(option[0]) != "Lo"
                before = not spaced or at == 0 or not inside[at - 1].isalnum()
                if before and (not spaced or ends(inside, at + len(option))):
                    found.add(i)
                    break
                at = inside.find(option, at + 1)
        longer = {i for i in found for j in found if i != j and self.folded[i] in self.folded[j] != self.folded[i]}
        return found - longer


def same_stem(option: str, written: str, endings: frozenset[str]) -> bool:
    """Whether two words are one in two cases: ``biblioteka`` and ``bibliotece``."""
    if option == written:
        return True
    common = 0
    while common < min(len(option), len(written)) and option[common] == written[common]:
        common += 1
    for stem in range(common, 2, -1):
        a, b = option[stem:], written[stem:]
        if max(len(a), len(b)) > 4:
            return False
        if a in endings and b in endings and (stem > 3 or not a):
            return True
    return False
