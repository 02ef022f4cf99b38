"""What a text is searched by: one way to cut and stem.

A text is normalised (Unicode NFKC, case folded, Arabic and Hebrew vowel signs and invisible joiners taken out) and cut
into words. Words are stemmed by Snowball (Porter 2001, https://snowballstem.org) where it has the language. Chinese and
Japanese do not space words: there a run of their characters gives every character and every pair of neighbours (Nie et
al. 2000). Thai, Lao, Khmer and Burmese do not either, but their characters are letters: there a run gives every three
neighbours (McNamee and Mayfield 2004), and a shorter one itself. Korean glues particles to its words: there a word
gives every two of its syllables (Lee and Ahn 1996). Latin words and numbers between them stay words. Stop words are
kept: BM25's idf weighs them down.

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
TOKENIZER = "tokens-2"

#: Characters that Chinese and Japanese write without spaces: iteration marks, Hiragana, Katakana, Han.
UNSPACED = (
    "\u3005-\u3007\u3041-\u309f\u30a1-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
#: Letters and signs of scripts that do not space words either: Thai, Lao, Burmese, Khmer.
_UNSPACED_LETTERS = "\u0e01-\u0e4e\u0e81-\u0ece\u0edc-\u0edf\u1000-\u103f\u1050-\u109d\u1780-\u17d3\uaa60-\uaa7f"
_ARABIC = "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
_HEBREW = "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
# Python's \w has no combining marks, without which Hindi would fall apart at its vowel signs. In the nine blocks from
# Devanagari to Malayalam, and in Sinhala, they have the same places, but for a few.
_MARKS = "\u0300-\u036f" + "".join(
    f"{chr(start)}-{chr(start + 3)}{chr(start + 0x3A)}-{chr(start + 0x4F)}{chr(start + 0x51)}-{chr(start + 0x57)}"
    f"{chr(start + 0x62)}{chr(start + 0x63)}"
    for start in range(0x900, 0xE00, 0x80)
)
_WORD = re.compile(rf"[\w{_MARKS}]+")
_UNSPACED_RUN = re.compile(rf"([{UNSPACED}]+)")
_LETTERS_RUN = re.compile(rf"([{_UNSPACED_LETTERS}]+)")
_HANGUL_RUN = re.compile("([\uac00-\ud7a3]+)")
_SIGNS = re.compile(f"[\u0640{_ARABIC}{_HEBREW}]+")
#: Languages whose I without a dot is another letter.
_DOTLESS = {"tr", "az"}
#: Scripts whose characters are words or syllables.
_BY_CHARACTER = {"Hans", "Hant", "Hani", "Jpan"}
_INVISIBLE = ("\u00ad", "\u200c", "\u200d", "\u2060", "\ufeff")


def normalise(text: str) -> str:
    """The text as it is compared: NFKC, case folded, without vowel signs (Arabic, Hebrew) and invisible marks.

    >>> normalise("Ｅine STRAẞE, كِتَـاب")
    'eine strasse, كتاب'
    """
    if text.isascii():
        return text.lower().replace("_", " ")
    text = unicodedata.normalize("NFKC", text).casefold().replace("_", " ")
    for character in _INVISIBLE:
        text = text.replace(character, "")
    return _SIGNS.sub("", text)


def words(text: str, language: str) -> list[str]:
    """The words of a text, normalised and not yet stemmed, in order; n-grams where the language has no spaces.

    >>> words("糖尿病 type 2", "zh")
    ['糖', '尿', '病', '糖尿', '尿病', 'type', '2']
    >>> words("ไต และ ปอด", "th"), words("당뇨병은 2형", "ko")
    (['ไต', 'และ', 'ปอด'], ['당뇨', '뇨병', '병은', '2', '형'])
    >>> words("IŞIK ve İstanbul", "tr")
    ['ışık', 've', 'istanbul']
    """
    if language in _DOTLESS:
        text = text.replace("I", "ı").replace("İ", "i")
    normal = normalise(text)
    own = get_language(language)
    if own.script == "Kore":
        return _pieces(normal, _HANGUL_RUN, 2)
    if not own.unspaced:
        return _WORD.findall(normal)
    if own.script not in _BY_CHARACTER:
        return _pieces(normal, _LETTERS_RUN, 3)
    found: list[str] = []
    for place, part in enumerate(_UNSPACED_RUN.split(normal)):
        if place % 2:
            found += part
            found += [part[i : i + 2] for i in range(len(part) - 1)]
        elif part:
            found += _WORD.findall(part)
    return found


def _pieces(normal: str, run: re.Pattern[str], size: int) -> list[str]:
    """The words of a text, and of each run of certain characters every ``size`` neighbours."""
    found: list[str] = []
    for place, part in enumerate(run.split(normal)):
        if place % 2:
            found += [part[i : i + size] for i in range(max(len(part) - size + 1, 1))]
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
