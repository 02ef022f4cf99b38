"""Invented words: each language of Babel has its own syllables, so that its text is recognisable at a glance."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from types import MappingProxyType
from typing import NamedTuple


class Syllables(NamedTuple):
    """What a language's syllables are made of: an onset, a nucleus, and a coda at the end of a word."""

    onsets: tuple[str, ...]
    nuclei: tuple[str, ...]
    codas: tuple[str, ...]


def _row(onsets: str, nuclei: str, codas: str) -> Syllables:
    return Syllables(tuple(onsets.split()), tuple(nuclei.split()), ("", *codas.split()))


#: code -> inventory. The cue words of :mod:`calm_ext.languages` are of the same kind.
SYLLABLES = MappingProxyType({
    "qaa": _row("t k r v s l m n p", "a e o u", "r k n l"),
    "qab": _row("dz sh k w p ts z ch", "i a u e", "sh l nk"),
    "qac": _row("ng mb nd g b y l k", "o a u e", "m"),
    "qad": _row("spr hj kv fj gr st br v", "aa e u oe", "lt nd rk sk"),
    "qae": _row("h m l f n w", "ai ou ea io ua eo", ""),
    "qaf": _row("tz x tl c hu qu ix", "a o i u", "tl tzin hti n"),
    "qag": _row("br gl dr v kr st zd", "u e o i", "sk rn v st r"),
    "qah": _row("p k h m l n", "i a o e u", ""),
    "names": _row("B D F J R T N Y Z", "a e i o y", "th ck mm ss dd"),
})  # fmt: skip


class WordMaker:
    """Makes words, none of them twice in a world and none of the reserved ones.

    Args:
        rng: source of randomness.
        reserved: words that must not be made.
    """

    def __init__(self, rng: Random, *, reserved: Iterable[str] = ()) -> None:
        self._rng = rng
        self._taken = {word.lower() for word in reserved}

    def word(self, code: str) -> str:
        """A content word of two or three syllables."""
        return self._new(code, 2, 3)

    def particle(self, code: str) -> str:
        """A function word of one syllable."""
        return self._new(code, 1, 1)

    def name(self) -> str:
        """A proper name, the same in all languages."""
        return self._new("names", 2, 3).capitalize()

    def _new(self, code: str, low: int, high: int) -> str:
        inventory = SYLLABLES[code]
        while True:
            n = self._rng.randint(low, high)
            text = "".join(self._rng.choice(inventory.onsets) + self._rng.choice(inventory.nuclei) for _ in range(n))
            text = (text + self._rng.choice(inventory.codas)).lower()
            if text not in self._taken:
                self._taken.add(text)
                return text
