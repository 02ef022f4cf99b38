"""What a text is searched by: one way to cut and stem.

A text is normalised (Unicode NFKC, case folded, Arabic vowel signs and invisible joiners taken out) and cut into words.
Words are stemmed by Snowball (Porter 2001, https://snowballstem.org) where it has the language. Chinese and Japanese do
not space words: there a run of their characters gives every character and every pair of neighbours (Nie et al. 2000),
and Latin words and numbers between them stay words. Stop words are kept: BM25's idf weighs them down.

:data:`TOKENIZER` names all of this. It is written into every index, and an index of another one is refused, so it
changes with every change, here or of a language's stemmer, that makes other tokens of any text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache

from calm_ext.languages import get_language

#: Version of this module's rules.
TOKENIZER = "tokens-1"

#: Characters that Chinese and Japanese write without spaces: iteration marks, Hiragana, Katakana, Han.
UNSPACED = (
    "\u3005-\u3007\u3041-\u309f\u30a1-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
_ARABIC = "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
# Python's \w has no combining marks, without which Hindi would fall apart at its vowel signs.
_MARKS = "\u0300-\u036f\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963"
_WORD = re.compile(rf"[\w{_MARKS}]+")
_UNSPACED_RUN = re.compile(rf"([{UNSPACED}]+)")
_ARABIC_SIGNS = re.compile(f"[\u0640{_ARABIC}]+")
_INVISIBLE = ("\u00ad", "\u200c", "\u200d", "\u2060", "\ufeff")


def normalise(text: str) -> str:
    """The text as it is compared: NFKC, case folded, without Arabic vowel signs, stretching and invisible joiners.

    >>> normalise("Ｅine STRAẞE, كِتَـاب")
    'eine strasse, كتاب'
    """
    if text.isascii():
        return text.lower().replace("_", " ")
    text = unicodedata.normalize("NFKC", text).casefold().replace("_", " ")
    for character in _INVISIBLE:
        text = text.replace(character, "")
    return _ARABIC_SIGNS.sub("", text)


def words(text: str, language: str) -> list[str]:
    """The words of a text, normalised and not yet stemmed, in order; n-grams where the language has no spaces.

    >>> words("糖尿病 type 2", "zh")
    ['糖', '尿', '病', '糖尿', '尿病', 'type', '2']
    """
    normal = normalise(text)
    if not get_language(language).unspaced:
        return _WORD.findall(normal)
    found: list[str] = []
    for place, part in enumerate(_UNSPACED_RUN.split(normal)):
        if place % 2:
            found += part
            found += [part[i : i + 2] for i in range(len(part) - 1)]
        elif part:
            found += _WORD.findall(part)
    return found


def tokens(text: str, language: str) -> list[str]:
    """What a text is searched by: its words, stemmed where the language has a stemmer.

    >>> tokens("Diabetic patients' feet", "en")
    ['diabet', 'patient', 'feet']
    """
    return stems(words(text, language), language)


def stems(found: Sequence[str], language: str) -> list[str]:
    """The stems of normalised words, one each, in order."""
    stem = _stemmer(get_language(language).stemmer)
    return stem(list(found)) if stem else list(found)


@cache
def _stemmer(name: str | None) -> Callable[[list[str]], list[str]] | None:
    if name is None:
        return None
    import Stemmer

    words_of: Callable[[list[str]], list[str]] = Stemmer.Stemmer(name).stemWords
    return words_of
