"""The names of a question's options, and where a text has them (:mod:`calm_ext.answers.named` says how)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from calm_ext.answers.han import simplify
from calm_ext.answers.options import same_stem
from calm_ext.answers.patterns import patterns
from calm_ext.answers.spelling import Loose, loosely
from calm_ext.answers.text import clean, lower
from calm_ext.answers.words import any_of
from calm_ext.errors import CalmError
from calm_ext.languages import get_language

# A word of a folded text: signs that tell 5 %, C++ or -3 apart belong to it or are words of their own.
_BREAKS = r"\s!\"$&'()*,./:;<=>?@\[\\\]^_`{|}~«»„“”‘’…–—・、。।۔؟،؛！？「」『』（）【】\-"
_WORD = re.compile(rf"[%‰°]|(?:(?<![^\s(])-(?=\d))?(?:(?<=\d)[.,:/](?=\d)|[^{_BREAKS}%‰°])+")
_HYPHENS = ("-", "\u2010", "\u2011")
# Elided articles, and 's or a Turkish ending behind an apostrophe, which are no part of a name.
_ELIDED = re.compile(r"(?<![^\W_])(?:[ldnscjmt]|qu|dell|all|nell|dall|sull|un|quest)['’](?=\w)", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’]s?(?![^\W_])")
_ELIDING = frozenset({"fr", "it", "ca", "oc", "co", "gl", "pt"})
_TURKIC = frozenset({"tr", "az", "crh"})
_UMLAUTS = frozenset("äöüåøæÄÖÜÅØÆ")
#: What forms a plural where :class:`~calm_ext.languages.AnswerWords` lists no endings.
_PLURALS = {"en": ("s", "es"), "fr": ("s", "x"), "es": ("s", "es"), "pt": ("s", "es"), "ca": ("s", "es"),
            "nl": ("s", "en", "n"), "it": (), "id": (), "vi": (), "sw": (), "fa": ("ها", "های")}  # fmt: skip
# What makes another word rather than another case: Niger, Nigeria.
_DERIVES = frozenset(
    {"ia", "ian", "ien", "iens", "ana", "ano", "an", "isch", "ish", "ese", "land", "stan", "er", "ers"}
)
# Endings of adjectives, where the language's endings are those of nouns.
_ADJECTIVES = {
    "ru": ("ый", "ий", "ой", "ая", "яя", "ое", "ее", "ые", "ие", "ого", "его", "ому", "ему", "ым", "им", "ом",
           "ем", "ую", "юю", "ых", "их", "ыми", "ими", "ей"),
    "uk": ("ий", "ій", "а", "я", "е", "є", "і", "ого", "ього", "ому", "ьому", "им", "ім", "ої", "ьої", "ій", "у",
           "ю", "ою", "ьою", "их", "іх", "ими", "іми"),
    "pl": ("y", "i", "a", "e", "ego", "iego", "emu", "iemu", "ym", "im", "ej", "iej", "ą", "ych", "ich", "ymi",
           "imi"),
    "cs": ("ý", "í", "á", "é", "ého", "ího", "ému", "ímu", "ým", "ím", "ém", "ou", "ých", "ích", "ými", "ími"),
}  # fmt: skip
_VOWELS = frozenset("aeiouyаеиоуыяюэіο")
_ARTICLES = {"ar": "ال", "he": "ה"}
_NEITHER = frozenset({"neither", "weder", "noch", "hverken", "varken"})
#: What makes another name of one behind it, capitals as here; the English words count in every language.
_ANOTHER_BEFORE = {
    "en": "New|North|South|East|West", "de": "Neu|Nord|Süd|Ost|West", "nl": "Nieuw|Noord|Zuid|Oost|West",
    "fr": "Nouvelle|Nouveau", "es": "Nueva|Nuevo", "pt": "Nova|Novo", "it": "Nuova|Nuovo", "ca": "Nova|Nou",
    "ru": "Нью|Новый|Новая",
}  # fmt: skip
#: The same behind it.
_ANOTHER_BEHIND = {
    "fr": "du (?:Sud|Nord)|de l.(?:Est|Ouest)", "es": "del (?:Sur|Norte|Este|Oeste)",
    "pt": "do (?:Sul|Norte|Leste|Oeste)", "it": "del (?:Sud|Nord)|dell.(?:Est|Ovest)", "ca": "del (?:Sud|Nord)",
}  # fmt: skip
#: Languages whose verbs stand last, so that a denial follows what it denies, in some of them always.
_DENIED_ONLY_BEHIND = frozenset({"ja", "ko", "tr", "az", "kk"})
_DENIED_BEHIND = _DENIED_ONLY_BEHIND | {"hi", "ur", "bn", "fa", "ta", "te", "mr"}
#: The least letters of a word that is looked for in another case.
_STEM = 4
# What may stand before and behind a name of one character that is no part of a longer word, beside punctuation.
_COPULA, _BEHIND = frozenset("是为在はがのと与和"), frozenset("です的でだのはがとをに和或与が")


class Span(NamedTuple):
    """Where a text names options.

    Attributes:
        start, end: of the words, in the text.
        options: several where these share a name.
    """

    start: int
    end: int
    options: frozenset[int]


class _Name(NamedTuple):
    words: tuple[str, ...]
    option: int
    shouted: bool  # written in capitals only, as US


class Names:
    """The options' texts and their other names in a language, prepared for comparison."""

    def __init__(self, options: tuple[str, ...], names: tuple[tuple[str, ...], ...], language: str) -> None:
        if not options:
            raise CalmError("a response can be read only where there are options: options is empty")
        if names and len(names) != len(options):
            raise CalmError(f"{len(names)} lists of names for {len(options)} options; give [] to an option without any")
        own = get_language(language)
        self.language, self.unspaced = language, own.unspaced
        self.patterns = patterns(language, "B")
        texts = [(clean(x), i) for i, x in enumerate(options)]
        texts += [(clean(x), i) for i, more in enumerate(names) for x in more]
        #: Whether accents and spelling may be left out: where they tell no two options apart.
        self.loose = self._tell_apart(texts)
        folds = [False, True] if self.loose else [False]
        found = [name for text, i in texts for german in folds for name in self._forms(text, i, german)]
        self.names = list(dict.fromkeys(found))
        self._starting: dict[str, list[_Name]] = {}
        for name in self.names:
            self._starting.setdefault(name.words[0][:2], []).append(name)
        endings = {*self.patterns.endings, *_ADJECTIVES.get(language, ())}
        self._endings = frozenset(self._fold(x).text for x in endings)
        self._prefixes = tuple(sorted({self._fold(x).text for x in own.answers.prefixed}, key=len, reverse=True))
        self._article = self._fold(_ARTICLES.get(language, "")).text

    @staticmethod
    @lru_cache(maxsize=4096)
    def of(options: tuple[str, ...], names: tuple[tuple[str, ...], ...], language: str) -> Names:
        """The names of these options; kept, because the samples of a question follow each other."""
        return Names(options, names, language)

    def cleaned(self, text: str) -> str:
        """A text whose apostrophes are spaces where they join what is no part of a name; of the same length."""
        if "'" in text or "’" in text:
            text = _POSSESSIVE.sub(lambda m: " " * len(m[0]), text)
            if self.language in _ELIDING:
                text = _ELIDED.sub(lambda m: m[0][:-1] + " ", text)
            elif self.language in _TURKIC:
                text = text.replace("'", " ").replace("’", " ")
        return text

    # --- folding

    def _fold(self, text: str, *, german: bool = False) -> Loose:
        if self.loose:
            text = text.replace("İ", "I")
            return loosely(text, self.language, german=german, most=len(text))
        if self.language in _TURKIC:
            text = text.replace("I", "ı").replace("İ", "i")
        small = lower(text)
        small = simplify(small) if self.language.startswith("zh") else small
        return Loose(small, list(range(1, len(small) + 1)))

    def _tell_apart(self, texts: Sequence[tuple[str, int]]) -> bool:
        """Whether no two options that are written differently become one without accents."""
        self.loose = False
        strict = [self._fold(self.cleaned(text)).text for text, _ in texts]
        self.loose = True
        folded: dict[str, tuple[int, str]] = {}
        for (text, option), written in zip(texts, strict, strict=True):
            other, as_written = folded.setdefault(self._fold(self.cleaned(text)).text, (option, written))
            if other != option and as_written != written:
                return False
        return True

    def _forms(self, text: str, option: int, german: bool) -> Iterator[_Name]:
        """A name with its article and without it."""
        article = self.patterns.article.match(lower(text))
        text = self.cleaned(text)
        for at in (0, article.end() if article else 0):
            words = tuple(_WORD.findall(self._fold(text[at:], german=german).text))
            if words:
                bare = text.strip()
                yield _Name(words, option, bare.isascii() and bare.isupper() and bare.isalpha() and len(bare) < 4)

    # --- finding

    def spans(self, line: str) -> list[Span]:
        """Where a line names options, the first place first; a name inside a longer one is left out."""
        found = self._spans(line, self._fold(line))
        if not found and self.loose and not _UMLAUTS.isdisjoint(line):
            found = self._spans(line, self._fold(line, german=True))
        return found

    def _spans(self, line: str, folded: Loose) -> list[Span]:
        hits = list(self._parts(line, folded) if self.unspaced else self._words(line, folded))
        best: dict[tuple[int, int], tuple[int, set[int]]] = {}
        for start, end, rank, option in hits:
            level, options = best.get((start, end), (-1, set()))
            if rank > level:
                best[start, end] = (rank, {option})
            elif rank == level:
                options.add(option)
        kept: list[Span] = []
        for start, end in sorted(best, key=lambda place: (place[0] - place[1], place[0])):
            if all(end <= other.start or start >= other.end for other in kept):
                kept.append(Span(start, end, frozenset(best[start, end][1])))
        return sorted(span for span in kept if self.unspaced or not self._is_another(line, span))

    def _is_another(self, line: str, span: Span) -> bool:
        """Whether a word beside a name makes another name of both that no option has: ``New York``, not York.

        So does a capitalised word behind a hyphen (``Guinea-Bissau``), but in German, which capitalises all nouns.
        """
        if line[span.end : span.end + 1] in _HYPHENS and line[span.end + 1 : span.end + 2].isupper():
            return self.language != "de"
        before, behind = self._another
        near = line[max(span.start - 12, 0) : span.start]
        return before.search(near) is not None or bool(behind and behind.match(line, span.end))

    @cached_property
    def _another(self) -> tuple[re.Pattern[str], re.Pattern[str] | None]:
        words = {_ANOTHER_BEFORE["en"], _ANOTHER_BEFORE.get(self.language, "New")}
        behind = _ANOTHER_BEHIND.get(self.language)
        before = re.compile(rf"(?<![^\W_])(?:{'|'.join(sorted(words))})[ -]$")
        return before, re.compile(rf" (?:{behind})(?![^\W_])") if behind else None

    def _words(self, line: str, folded: Loose) -> Iterator[tuple[int, int, int, int]]:
        """Where names stand as whole words: start, end, how well they fit, option."""
        words = [(m[0], m.start(), m.end()) for m in _WORD.finditer(folded.text)]
        for at in range(len(words)):
            for name in self.names if self._prefixes else self._starting.get(words[at][0][:2], ()):
                size = len(name.words)
                if at + size > len(words):
                    continue
                ranks = [self._fits(a, words[at + k][0]) for k, a in enumerate(name.words)]
                if not all(ranks):
                    continue
                start = folded.ends[words[at][1]] - 1
                end = folded.ends[words[at + size - 1][2] - 1]
                if name.shouted and len(words) > 1 and not line[start:end].isupper():
                    continue  # us is not the US
                if size == 1 and len(name.words[0]) == 1 and name.words[0].isalpha() and len(words) > 1:
                    continue  # a letter
                yield start, end, min(ranks), name.option

    def _parts(self, line: str, folded: Loose) -> Iterator[tuple[int, int, int, int]]:
        """Where names stand in a text without spaces; names in Latin letters and digits as whole words."""
        for name in self.names:
            if name.words[0] not in folded.text:
                continue
            for match in re.finditer(rf"[{_BREAKS}]{{0,3}}".join(map(re.escape, name.words)), folded.text):
                start, stop = folded.ends[match.start()] - 1, folded.ends[match.end() - 1]
                if _stands_alone(line, start, stop):
                    yield start, stop, 99, name.option

    def _fits(self, name: str, word: str) -> int:
        """How well a word of a text fits one of a name: 0 not at all, 99 exactly, else by letters in common."""
        if name == word:
            return 99
        if self._prefixes:
            bare = name.removeprefix(self._article) if len(name) - len(self._article) > 2 else name
            if bare == word:
                return 98
            for prefix in self._prefixes:
                if word.startswith(prefix) and len(word) - len(prefix) >= 2:
                    rest = word[len(prefix) :]
                    if rest in (name, bare) and len(rest) > 2:
                        return 97
        if name[:2] != word[:2] or name.isdigit():
            return 0
        if self.language == "ko":
            return len(name) if word.startswith(name) and word[len(name) :] in self._endings else 0
        if len(name) < _STEM or not name[-1].isalpha():
            return 0
        if self._endings:
            return _nearness(name, word) if same_stem(name, word, self._endings) else 0
        plurals = _PLURALS.get(self.language)
        if plurals is not None:
            return len(name) if word.startswith(name) and word[len(name) :] in plurals else 0
        cut = name[-1] in _VOWELS and len(name) > _STEM and not word.startswith(name)
        stem = name[:-1] if cut else name
        rest = word[len(stem) :]
        near = word.startswith(stem) and len(rest) <= 4 and rest not in _DERIVES
        return len(stem) if near and rest.isalpha() and not self.language.startswith("qa") else 0

    # --- what is said of a name

    @cached_property
    def _before(self) -> re.Pattern[str]:
        words = self.patterns.words("negation") | _NEITHER
        start = r"" if self.unspaced else r"(?<![^\W_])"
        gap = r"\s{0,2}" if self.unspaced else r"\s{1,2}"
        articles = any_of({x for x in self.patterns.words("article") if not x.endswith("'")})
        elided = r"(?:\w{1,5}['’ ])?"
        return re.compile(rf"(?:{start}{any_of(words)}|n['’]t){gap}(?:{articles}{gap}){{0,2}}{elided}[\"'«“*(]?$")

    @cached_property
    def _behind(self) -> re.Pattern[str]:
        fields = ("retract", "negation") if self.language in _DENIED_BEHIND else ("retract",)
        words = self.patterns.words(*fields) - {"x)"}
        return re.compile(rf"[\"'»”]?\s{{0,2}}{self.patterns.words.whole(words)}")

    def denied(self, small: str, span: Span) -> bool:
        """Whether a text in small letters says that it is not what it names there."""
        if self.language not in _DENIED_ONLY_BEHIND and self._before.search(small, max(span.start - 40, 0), span.start):
            return True
        return self._behind.match(small, span.end) is not None

    def takes_back(self, small: str, at: int) -> bool:
        """Whether a sentence that begins there takes back what stands before it: ``Wait, …``."""
        return self._mend.match(small, at) is not None

    @cached_property
    def _mend(self) -> re.Pattern[str]:
        return re.compile(rf"[\s\"'*(]{{0,4}}{self.patterns.words.pattern('mend', 'turn')}")


def _nearness(name: str, word: str) -> int:
    """The letters in common from the first one on, doubled, and one more where the name is all of them."""
    n = 0
    while n < min(len(name), len(word)) and name[n] == word[n]:
        n += 1
    return min(2 * n + (n == len(name)), 90)


def _stands_alone(line: str, start: int, end: int) -> bool:
    """Whether a name in a text without spaces is not part of a longer word, as far as that is seen."""
    before, after = line[start - 1 : start] if start else "", line[end : end + 1]
    for edge, beyond in ((line[start], before), (line[end - 1], after)):
        if edge.isascii() and edge.isalnum() and beyond.isascii() and beyond.isalnum():
            return False
    if line[end - 1].isdigit() and after in (".", ",") and line[end + 1 : end + 2].isdigit():
        return False
    if end - start > 1 or line[start].isascii():
        return True
    joined = before.isalnum() and before not in _COPULA
    return not joined and not (after.isalnum() and after not in _BEHIND)
