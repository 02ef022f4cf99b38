"""What is written into a text so that cues are found: marks at ends of clauses, blanks in the keys of JSON objects.

Cues are looked for where a clause begins. Most languages mark that; where one does not (``için doğru cevap B'dir``,
``때문에 정답은 B입니다``, Thai's spaces), a comma is written in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from calm_ext.answers.text import clean
from calm_ext.languages import get_language

_KEY = re.compile(r'"[A-Za-z]+(?:_[A-Za-z]+|(?<=[a-z])[A-Z][a-z]+)+"(?=\s*:)')
_JOINT = re.compile(r"_|(?<=[a-z])(?=[A-Z])")


def spell_keys(text: str) -> str:
    """A text with the keys of JSON objects as words.

    >>> spell_keys('{"correct_answer": "B", "finalAnswer": "B"}')
    '{"correct answer": "B", "final Answer": "B"}'
    """
    return _KEY.sub(lambda key: _JOINT.sub(" ", key[0]), text) if '"' in text else text


def mark_clauses(text: str, language: str, options: Sequence[str] = ()) -> str:
    """A cleaned text with a comma at the ends of clauses that have no mark.

    Args:
        options: cleaned texts of the options; inside one of them nothing is marked.

    >>> mark_clauses("Suda yaşadığı için doğru cevap B", "tr")
    'Suda yaşadığı için, doğru cevap B'
    >>> mark_clauses("Cevap: para için çalışmak", "tr", ["para için", "para için çalışmak"])
    'Cevap: para için çalışmak'
    """
    rule = _rule(language)
    if rule is None:
        return text
    whole = [re.escape(option) for option in sorted(options, key=len, reverse=True) if rule.search(option)]
    if not whole:
        return rule.sub(r"\g<0>,", text)
    inside = [found.span() for found in re.finditer("|".join(whole), text, re.IGNORECASE)]

    def marked(found: re.Match[str]) -> str:
        within = any(start <= found.start() and found.end() < end for start, end in inside)
        return found[0] if within else f"{found[0]},"

    return rule.sub(marked, text)


@lru_cache(maxsize=64)
def _rule(code: str) -> re.Pattern[str] | None:
    """What a comma is written behind; None where the language has no such words."""
    own = get_language(code)
    if own.answers.clause:
        return re.compile(rf"(?:{_any(own.answers.clause)})(?=[ \t]\S)", re.IGNORECASE)
    if own.unspaced and own.space:  # Thai: a space may end a clause; before these words it does
        words = own.answers
        begins = {own.answer, *words.opener, *words.sentence, *words.noun, *words.after}
        return re.compile(rf"(?<=[^\s\d.,:;()\[\]\"'])(?=[ \t]+(?:{_any(tuple(w for w in begins if len(w) > 4))}))")
    return None


def _any(words: tuple[str, ...]) -> str:
    return "|".join(re.escape(clean(w)) for w in sorted(words, key=len, reverse=True))
