"""Long texts cut into passages at the ends of sentences, each beginning with the last sentences of the one before.

A piece has at most so many words; a Chinese or Japanese character counts as one. A sentence that alone is longer is cut
between words, and a word that is longer than 40 characters counts as several and is cut inside, so that whatever the
text, every character of it that is not white space is in a piece.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from calm_ext.errors import CalmError
from calm_ext.records import CorpusPassage
from calm_ext.retrieval.tokens import UNSPACED

# A full stop ends a sentence only where white space follows (3.5, e.g.); those of scripts without spaces do always.
_END = re.compile(r"[.!?…؟۔।॥]+[\"'”’»)\]]*(?=\s)|[。！？｡]+[”’」』）\]]*|\n+")
_UNIT = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]{{1,40}}")
_CHUNK_ID = re.compile(r"#\d+$")


class Chunking(NamedTuple):
    """How passages are cut.

    Attributes:
        words: the most words of a piece, Chinese and Japanese characters counted one by one.
        overlap: how many sentences a piece repeats of the one before, as far as its length allows.
    """

    words: int
    overlap: int = 1


class _Piece(NamedTuple):
    start: int
    end: int
    words: int


def check(chunk: Chunking) -> None:
    """Refuse what cannot be cut by.

    Raises:
        CalmError: fewer than one word, or an overlap below zero.
    """
    if chunk.words < 1 or chunk.overlap < 0:
        raise CalmError(f"chunks of {chunk.words} words that overlap by {chunk.overlap} sentences: "
                        f"at least 1 word and 0 sentences are needed")  # fmt: skip


def cut(passage: CorpusPassage, chunk: Chunking | None) -> list[CorpusPassage]:
    """The passage, or its pieces where it is too long for one: ids ``<id>#1``, ``<id>#2``, ….

    Pieces have no ``answers``: which of them answers the question, the corpus does not say.
    """
    if chunk is None:
        return [passage]
    pieces = chunks(passage.text, words=chunk.words, overlap=chunk.overlap)
    if len(pieces) <= 1:
        return [passage]
    return [
        CorpusPassage(id=f"{passage.id}#{n}", language=passage.language, title=passage.title, text=text)
        for n, text in enumerate(pieces, 1)
    ]


def is_piece(id: str) -> bool:
    """Whether an id is that of a piece, in an index whose passages were cut."""
    return bool(_CHUNK_ID.search(id))


def chunks(text: str, *, words: int, overlap: int) -> list[str]:
    """The pieces of a text, in order; none of a blank one.

    >>> chunks("One two. Three four. Five six. Seven.", words=4, overlap=1)
    ['One two. Three four.', 'Three four. Five six.', 'Five six. Seven.']
    """
    pieces = list(_pieces(text, words))
    found: list[str] = []
    start = 0
    while start < len(pieces):
        end, total = start, 0
        while end < len(pieces) and (end == start or total + pieces[end].words <= words):
            total += pieces[end].words
            end += 1
        found.append(text[pieces[start].start : pieces[end - 1].end].strip())
        if end == len(pieces):
            break
        following = max(end - overlap, start + 1)
        while following < end and sum(p.words for p in pieces[following : end + 1]) > words:
            following += 1
        start = following
    return found


def sentences(text: str) -> list[str]:
    """The sentences of a text without the white space around them; line ends end one too.

    >>> sentences("He has 3.5 mg. Why? 为什么？因为。")
    ['He has 3.5 mg.', 'Why?', '为什么？', '因为。']
    """
    return [part for a, b in _bounds(text) if (part := text[a:b].strip())]


def _bounds(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _END.finditer(text):
        yield start, match.end()
        start = match.end()
    if start < len(text):
        yield start, len(text)


def _pieces(text: str, words: int) -> Iterator[_Piece]:
    """Sentences, and parts of at most ``words`` words of those that are longer."""
    for a, b in _bounds(text):
        units = list(_UNIT.finditer(text, a, b))
        for first in range(0, len(units), words):
            own = units[first : first + words]
            yield _Piece(own[0].start(), own[-1].end(), len(own))
