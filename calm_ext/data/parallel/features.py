"""What of a text survives translation, as sparse matrices: the raw material of :mod:`calm_ext.data.parallel.evidence`.

A text gives two bags:

- ``own``: words, their beginnings and (for short texts) character 4-grams, or characters and their pairs where a script
  does not space words. They mean something in their own language only; what they correspond to is learned.
- ``shared``: what can be compared across languages as it stands: numbers, words and their 4-grams without accents in
  Latin letters (cognates, and DNA, IL-4 and drug names among other letters), and Chinese characters (zh and ja).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

# Kana, CJK ideographs, half-width kana, Thai and Lao: scripts without spaces between words.
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
_RUN = re.compile(rf"([{_UNSPACED}]+)|(\d+(?:[.,٫٬]\d+)*)|([^\W\d_{_UNSPACED}]+)")
# Digit groups joined by a no-break, thin or narrow no-break space, as French writes 12 000.
_GROUPED = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_HAN = "\u3400"

Array = np.ndarray


class Bags(NamedTuple):
    """The two bags of a text and the logarithm of its length."""

    own: list[str]
    shared: list[str]
    length: float


def number(text: str) -> str:
    """One spelling for a number, whatever its digits and separators.

    A single separator before exactly three digits is read as one of thousands, in every language alike, because
    ``1.234`` is a decimal fraction in one and a thousand in another; ``0.375`` cannot be.

    >>> [number(x) for x in ("1,000", "1.000", "٣٫٥", "3,50", "０.375", "007")]
    ['1000', '1000', '3.5', '3.5', '0.375', '7']
    """
    digits = "".join(str(unicodedata.digit(c)) if c.isdigit() else "." for c in text)
    whole, *rest = digits.split(".")
    if not rest:
        return whole.lstrip("0") or "0"
    if len(rest) == 1 and (len(rest[0]) != 3 or not whole.strip("0")):
        fraction = rest[0].rstrip("0")
        return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")
    return (whole + "".join(rest)).lstrip("0") or "0"


def plain(text: str) -> str:
    """The text without accents and other combining marks."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _grams(word: str, size: int = 4) -> list[str]:
    padded = f"^{word}$"
    return [padded[i : i + size] for i in range(len(padded) - size + 1)]


def bags(text: str, *, short: bool = False) -> Bags:
    """The bags of a text; ``short`` texts give the 4-grams of their words as own features, too."""
    folded = unicodedata.normalize("NFKC", _GROUPED.sub("", text)).casefold()
    own: list[str] = []
    shared: list[str] = []
    for match in _RUN.finditer(folded):
        unspaced, digits, word = match.groups()
        if unspaced:
            own += unspaced
            own += [unspaced[i : i + 2] for i in range(len(unspaced) - 1)]
            shared += [c for c in unspaced if c >= _HAN]
        elif digits:
            value = "#" + number(digits)
            own.append(value)
            shared.append(value)
        else:
            own.append(word)
            if len(word) > 5:
                own.append(word[:5] + "-")
            if short and len(word) > 3:
                own += _grams(word)
            bare = plain(word)
            if bare.isascii():
                shared.append(bare)
                if len(bare) > 4:
                    shared += _grams(bare)
    return Bags(own, shared, math.log(2 + len(folded)))


def tfidf(documents: Sequence[Sequence[str]], *, max_share: float = 1.0) -> sp.csr_matrix:
    """Rows of unit length: (1 + ln count) · ln((n + 1) / (df + ½)).

    Args:
        max_share: features in more than this share of the documents are left out; it keeps products sparse.
    """
    vocabulary: dict[str, int] = {}
    indices: list[int] = []
    starts = [0]
    for document in documents:
        indices += [vocabulary.setdefault(x, len(vocabulary)) for x in document]
        starts.append(len(indices))
    n = len(documents)
    ones = np.ones(len(indices), np.float32)
    table = sp.csr_matrix((ones, np.asarray(indices, np.int32), starts), shape=(n, max(1, len(vocabulary))))
    table.sum_duplicates()
    df = np.bincount(table.indices, minlength=table.shape[1])
    weight = np.log((n + 1) / (df + 0.5)).clip(min=0).astype(np.float32)
    if n > 20:
        weight[df > max_share * n] = 0
    table.data = (1 + np.log(table.data)) * weight[table.indices]
    table.eliminate_zeros()
    norms = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel())
    scale = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
    return sp.csr_matrix(sp.diags(scale.astype(np.float32)) @ table)


def gram(table: sp.csr_matrix) -> Array:
    """All inner products of the rows, dense, single precision."""
    return np.asarray((table @ table.T).toarray(), np.float32)
