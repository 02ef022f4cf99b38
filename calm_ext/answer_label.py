"""What a short piece of text names: an option, nothing, or several. The inner half of :mod:`calm_ext.answers`."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from calm_ext.answer_words import AnswerWords
from calm_ext.prompts import LETTERS

#: Names no option; names several, or contradicts itself; names one and takes it back.
NOTHING, CONFLICT, TAKEN_BACK = -1, -2, -3

# Marks that carry no meaning here: direction, zero width, soft hyphens, tags, emphasis and code, LaTeX.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0e\ufe0f\ufeff\U000e0000-\U000e007f]+")
_MARKED = re.compile(r"[*_`<\\$\r]")
_MARKUP = re.compile(r"[*_`\r]+|</?(?:b|i|em|strong|u|p|br|code|answer)\s*/?>|\\(?:text|textbf|mathrm|mathbf)\b|\$")

_EDGE = " \t\r\n.,;:!?。।۔،؛؟、·…<>()[]{}\"'«»„“”‘’「」『』（）【】-–—=→|/\\"
_OPENING = re.compile(r"[\s<(\[{\"'«„“‘「『【:=→\-–—#>]*")
_DELIMITER = re.compile(r"[\s]*[.:)\]}>»”\"'」』】,،、;。।۔!?/|&+\-–—=→]|\s*$|\s*\n")
_CLAUSE = re.compile(r"[.,;:(\[。।۔،؛、！？!?\n]|\s[-–—]\s")
_NONE = re.compile(r"(?:none|no|not|neither|nothing|unknown|n/a|all|both)\b")
_REMARK = " \t(（[-–—,;:.。।۔、،/\"'»”)>]}"


def clean(text: str) -> str:
    """The text without what carries no meaning: in NFKC, without invisible marks and markup."""
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    if _MARKED.search(text):
        text = _MARKUP.sub("", text)
    return text


@lru_cache(maxsize=100_000)
def fold(text: str) -> str:
    """What two spellings of one option text share: without case, edges and the script of digits."""
    text = clean(text)
    if not text.isascii():
        text = "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in text)
    return " ".join(text.casefold().strip(_EDGE).split())


def _ends(text: str, at: int) -> bool:
    """Whether a word may end before ``at``: no letter, digit or vowel sign follows."""
    return at >= len(text) or unicodedata.category(text[at])[0] not in "LNM"


class Options:
    """The option texts of a question, folded once."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.folded = [fold(t) for t in texts]
        self.last = LETTERS[min(len(texts), len(LETTERS)) - 1]

    @staticmethod
    @lru_cache(maxsize=4096)
    def of(texts: tuple[str, ...]) -> Options:
        """The options of these texts; kept, because the samples of a question follow each other."""
        return Options(texts)

    def __len__(self) -> int:
        return len(self.folded)

    def by_text(self, text: str) -> int | None:
        """The one option that has this text."""
        wanted = fold(text)
        hits = [i for i, option in enumerate(self.folded) if option == wanted]
        return hits[0] if wanted and len(hits) == 1 else None

    def starting(self, folded: str, *, spaced: bool = True) -> tuple[list[int], int]:
        """The options of the longest text that ``folded`` begins with, and that text's length.

        Args:
            spaced: the text must end where a word ends.
        """
        best: list[int] = []
        length = 0
        for i, option in enumerate(self.folded):
            size = len(option)
            if size and size >= length and folded.startswith(option) and (not spaced or _ends(folded, size)):
                best = [*best, i] if size == length else [i]
                length = size
        return best, length

    def mentioned(self, text: str) -> set[int]:
        """The options whose text stands in a longer text, as whole words where words are spaced.

        Texts of one character are not looked for, nor those that are part of another option's text.
        """
        inside = " ".join(text.casefold().split())
        found = set()
        for i, option in enumerate(self.folded):
            at = inside.find(option) if len(option) > 1 else -1
            while at >= 0:
                spaced = option[0].isascii() or unicodedata.category(option[0]) != "Lo"
                before = not spaced or at == 0 or not inside[at - 1].isalnum()
                if before and (not spaced or _ends(inside, at + len(option))):
                    found.add(i)
                    break
                at = inside.find(option, at + 1)
        longer = {i for i in found for j in found if i != j and self.folded[i] in self.folded[j] != self.folded[i]}
        return found - longer

    def whole(self, line: str) -> int | None:
        """The option of a line that is but its letter, with or without its text."""
        match = _whole(self.last).fullmatch(line)
        if match is None:
            return None
        index = LETTERS.index(match[1])
        text = fold(match[2] or "")
        return index if not text or text == self.folded[index] else None


@lru_cache(maxsize=16)
def _whole(last: str) -> re.Pattern[str]:
    return re.compile(rf"[\s(\[\"'-]*([A-{last}])(?:[\s.:)\]]+(.*?))?[\s.)\]\"']*")


def read_piece(piece: str, options: Options, rows: Sequence[AnswerWords], *, closed: bool = False) -> int:
    """The option that a piece of text after a cue names: its index, :data:`NOTHING`, or what is below it.

    Args:
        closed: nothing but the answer may stand there (the cue had no colon): ``Answer B is wrong`` names nothing.
    """
    start = _OPENING.match(piece).end()  # type: ignore[union-attr]
    words = _words(tuple(rows), options.last)
    labelled = words.label.match(piece, start)
    if labelled:
        start = _OPENING.match(piece, labelled.end()).end()  # type: ignore[union-attr]
    mark = words.letter.match(piece, start)
    if mark is None or (not _ends(piece, mark.end()) and not words.glued(piece, mark)):
        return _by_text(piece[start:], options, words, closed)
    index = words.index_of(mark[0])
    if index is None or index >= len(options):
        return _by_text(piece[start:], options, words, closed)
    return _after_letter(piece, mark, index, options, words, closed=closed, labelled=bool(labelled))


def _after_letter(
    piece: str, mark: re.Match[str], index: int, options: Options, words: _Words, *, closed: bool, labelled: bool
) -> int:
    rest = piece[mark.end() :]
    letter = mark[0]
    tail = fold(rest)
    whole = options.by_text(piece[mark.start() :])
    if whole is not None and whole != index:
        return CONFLICT if tail and letter.isupper() else whole  # option A is called "B"
    if not tail:
        return index if not letter.isdigit() or labelled else NOTHING
    delimited = _DELIMITER.match(rest) is not None or rest.lstrip().startswith(("(", "<", "["))
    named, length = options.starting(tail, spaced=not words.unspaced)
    if index in named and (delimited or not letter.islower() or not letter.isascii()):
        return _remark(_behind(rest, tail[:length]), index, options, words, closed)
    if whole == index:
        return index
    if letter.isdigit() or (letter.islower() and letter.isascii()):
        return _by_text(piece[mark.start() :], options, words, closed)  # "a cat", "2 dogs"
    if named:
        return CONFLICT
    loose = tail.lstrip(_REMARK)
    if words.several(rest, options, index):
        return CONFLICT
    if words.retract.match(loose):
        return TAKEN_BACK
    if words.after.match(tail):
        return _remark(tail[words.after.match(tail).end() :], index, options, words, closed)  # type: ignore[union-attr]
    if closed or (not delimited and (letter in words.ambiguous or not rest[:1].isspace())):
        return NOTHING
    told = rest.lstrip().startswith(("(", "<", "["))
    return index if told or _resembles(tail, index, options) else CONFLICT


def _remark(remark: str, index: int, options: Options, words: _Words, closed: bool) -> int:
    """What follows an answer that is complete: a second answer, words that take it back, or talk."""
    text = remark.strip()
    if not text.strip(_EDGE):
        return index
    if words.several(text, options, index):
        return CONFLICT
    after = words.after.match(text)
    if words.retract.match(text.lstrip(_REMARK)) and not after:
        return TAKEN_BACK
    if closed and not after and text[0] not in "(.。।۔,":
        return NOTHING
    return index


def _by_text(piece: str, options: Options, words: _Words, closed: bool) -> int:
    """The option whose text a piece begins with, and ends with, or a full stop, a parenthesis or a comma follows."""
    text = fold(piece)
    for candidate in (text, words.article.sub("", text, count=1)):
        named, length = options.starting(candidate, spaced=not words.unspaced)
        if len(named) > 1:
            return NOTHING  # equal texts are not told apart by their text
        if named:
            rest = candidate[length:]
            after = words.after.match(rest.lstrip())
            if not rest.strip(_EDGE) or after or re.match(r"\s*[.。।۔,،、;:(\[\-–—]", rest):
                return _remark(_behind(piece, text[: len(text) - len(rest)]), named[0], options, words, closed)
    bare = [words.article.sub("", option, count=1) for option in options.folded]
    same = [i for i, option in enumerate(bare) if option == words.article.sub("", text, count=1)]
    return same[0] if text and len(same) == 1 else NOTHING


def _behind(text: str, folded: str) -> str:
    """What stands behind the beginning of a text that folds to ``folded``, as it was written."""
    flat = " ".join(text.lstrip(_EDGE).split())
    for size in (len(folded), *range(max(len(folded) - 8, 0), len(folded) + 9)):
        if fold(flat[:size]) == folded:
            return flat[size:]
    return ""


def _resembles(tail: str, index: int, options: Options) -> bool:
    """Whether the text after a letter can be that option's in other words, or is too long to be an option's text.

    ``A. Alabama`` where option A is New Jersey names an option that is not there; ``B. Amazzon`` is misspelt.
    """
    own = options.folded[index]
    claimed = _CLAUSE.split(tail, maxsplit=1)[0].strip()
    if len(claimed) > 2 * len(own) + 12:
        return True
    if claimed.isascii() and not own.isascii() and unicodedata.category(own[0]) == "Lo":
        return not _NONE.match(claimed)  # a translation: it cannot be another option's text
    if any(other != own and len(other) > 2 and other in claimed for other in options.folded):
        return False
    begin = 4 if own.isascii() or unicodedata.category(own[0]) != "Lo" else 1
    alike = [difflib.SequenceMatcher(None, option, claimed).ratio() for option in options.folded]
    same_start = claimed[:begin] == own[:begin] and sum(x[:begin] == own[:begin] for x in options.folded) == 1
    places = [len(x) == len(claimed) and sum(map(str.__eq__, x, claimed)) * 2 >= len(x) for x in options.folded]
    if begin == 1 and places[index] and sum(places) == 1:
        return True  # one character written otherwise, in the other Chinese script say
    return (alike[index] >= 0.6 and alike[index] > max(alike) - 0.1) or same_start


class _Words:
    """The words of a language and English as patterns."""

    def __init__(self, rows: Sequence[AnswerWords], last: str) -> None:
        def joined(field: str) -> list[str]:
            found = {fold(w) if field != "label" else clean(w) for row in rows for w in getattr(row, field)}
            return sorted((w for w in found if w), key=len, reverse=True)

        def pattern(words: Sequence[str], end: str = "") -> str:
            return "(?:" + ("|".join(re.escape(w) for w in words) or "(?!)") + ")" + end

        own = rows[0]
        self.unspaced = bool(own.after) and not any(" " in w for w in (*own.noun, *own.sentence))
        stop = "" if self.unspaced else r"(?!\w)"
        self.letters: dict[str, int] = {}
        for place, spelled in enumerate(own.letters):
            self.letters |= {clean(x): place for x in spelled.split(",")}
        letters = sorted(self.letters, key=len, reverse=True)
        self.letter = re.compile(rf"[A-{last}a-{last.lower()}]|{pattern(letters)}|\d")
        self.label = re.compile(rf"{pattern(joined('label'))}{stop}\s*[:(\"'<]?\s*", re.IGNORECASE)
        self.after = re.compile(pattern(joined("after"), stop), re.IGNORECASE)
        self.retract = re.compile(pattern(joined("retract"), stop), re.IGNORECASE)
        self.article = re.compile(
            pattern([w for w in joined("article") if not w.endswith("'")], r"\s+") + r"|^\w{1,2}'"
        )
        joins = pattern(joined("join"), stop)
        label = rf"(?:{pattern(joined('label'))}\s*)?"
        letter = rf"[<(\[{{\"'«]*(?P<letter>[A-{last}]|{pattern(letters)})(?=$|[\s.:)\]>,،、;。/&(\"+-])"
        self._second = re.compile(rf"[\s.:)\]}}>»”\"'」』】,،、;/&+→(-]*(?:{joins}\s*)?{label}{letter}", re.IGNORECASE)
        self._join = re.compile(rf"[\s,،、)\](]*(?:{joins}|/)\s*{label}", re.IGNORECASE)
        self._later = re.compile(rf"(?<![^\W\d_])([A-{last}])[.):、]\s*")
        self.ambiguous = set("A" + "".join(row.words for row in rows))

    def index_of(self, mark: str) -> int | None:
        """The place of a letter or digit, from 0."""
        if mark in self.letters:
            return self.letters[mark]
        if mark.isdigit():
            return unicodedata.digit(mark) - 1 if unicodedata.digit(mark) else None
        return LETTERS.index(mark.upper())

    def glued(self, piece: str, mark: re.Match[str]) -> bool:
        """Whether text may follow a letter without a space: Chinese and Japanese."""
        following = piece[mark.end()]
        return self.unspaced and mark[0].isascii() and mark[0].isupper() and not following.isascii()

    def several(self, rest: str, options: Options, index: int) -> bool:
        """Whether what follows an answer names a second one.

        It does where another letter follows (``A, C``, ``A or C``, ``A (x) C (y)``), where "or" and another option's
        text do, or where another letter stands anywhere before that letter's text (``A. x; C. y``).
        """
        head = rest.lstrip()
        if head.startswith("("):  # what is told about the first answer
            inner, _, behind = head[1:].partition(")")
            if self._next(inner, options, index, joined=True) or self._next(behind, options, index):
                return True
        elif self._next(rest, options, index):
            return True
        for match in self._later.finditer(rest):
            other = LETTERS.index(match[1])
            text = options.folded[other] if other < len(options) else ""
            if other != index and text and fold(rest[match.end() : match.end() + 2 * len(text) + 8]).startswith(text):
                return True
        return False

    def _next(self, rest: str, options: Options, index: int, *, joined: bool = False) -> bool:
        second = self._second.match(rest)
        join = self._join.match(rest)
        if second and not (joined and join is None):
            mark = second["letter"]
            if (mark.isupper() or not mark.isascii()) and self.index_of(mark) != index:
                return True
        return join is not None and bool(
            set(options.starting(fold(rest[join.end() :]), spaced=not self.unspaced)[0]) - {index}
        )


@lru_cache(maxsize=256)
def _words(rows: tuple[AnswerWords, ...], last: str) -> _Words:
    return _Words(rows, last)
