"""Which option a short piece of text names; :mod:`calm_ext.answers.read` asks this of the text after a cue."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence

from calm_ext.answers.patterns import Patterns, patterns
from calm_ext.answers.text import EDGE, Options, ends, fold

#: No option is named; several are, or the text contradicts itself; option i is named and taken back (TAKEN_BACK - i).
NOTHING, CONFLICT, TAKEN_BACK = -1, -2, -10

_OPENING = re.compile(r"(?:[\s<(\[{\"'«„“‘「『【:=→\-–—#>]|\\boxed(?=\{))*")
_DELIMITER = re.compile(r"[\s]*[.:)\]}>»”\"'」』】,،、;。।۔!?/|&+\-–—=→]|\s*$|\s*\n")
_PHRASE_END = re.compile(r"\s*[.。।۔,،、;:(\[]|\s+[\-–—]")
_STOP = re.compile(r"[.。।۔!?\n]")
_CLAUSE = re.compile(r"[.,;:(\[。।۔،؛、！？!?\n]|\s[-–—]\s")
_REMARK = " \t(（[-–—,;:.。।۔、،/\"'»”)>]}"


def read_piece(piece: str, options: Options, language: str, *, closed: bool = False) -> int:
    """The option that a piece of text after a cue names: its index, :data:`NOTHING`, or what is below it.

    Args:
        language: code of the text.
        closed: nothing but the answer may stand there (the cue had no colon): ``Answer B is wrong`` names nothing.
    """
    begin = start = _OPENING.match(piece).end()  # type: ignore[union-attr]
    words = patterns(language, options.last)
    labelled = words.label.match(piece, start)
    if labelled:
        start = _OPENING.match(piece, labelled.end()).end()  # type: ignore[union-attr]
    mark = words.letter.match(piece, start)
    index = words.index_of(mark[0]) if mark and _is_letter(piece, mark, words) else None
    if mark is None or index is None or index >= len(options):
        whole = _by_text(piece[begin:], options, words, closed)  # "letter box" begins with a label
        return whole if whole != NOTHING or begin == start else _by_text(piece[start:], options, words, closed)
    return _after_letter(piece, mark, index, options, words, closed=closed, labelled=bool(labelled))


def _is_letter(piece: str, mark: re.Match[str], words: Patterns) -> bool:
    """Whether a letter stands alone: not ``Athens``, nor ``C'est`` or ``E' l'acqua``."""
    end = mark.end()
    if piece[end : end + 1] in ("'", "’") and piece[end + 1 : end + 2].strip(EDGE) + piece[end + 1 : end + 2] != "":
        quoted = mark.start() > 0 and piece[mark.start() - 1] in "'‘’"
        return quoted
    return ends(piece, end) or words.glued(piece, mark)


def _after_letter(
    piece: str, mark: re.Match[str], index: int, options: Options, words: Patterns, *, closed: bool, labelled: bool
) -> int:
    rest = piece[mark.end() :]
    letter = mark[0]
    tail = fold(rest)
    whole = options.by_text(piece[mark.start() :]) if options.like_letters else None
    if whole is not None and whole != index:  # option A is called "B"
        return CONFLICT if letter.isupper() or labelled else whole
    if not tail:
        return index if not letter.isdigit() or labelled else NOTHING
    delimited = _DELIMITER.match(rest) is not None or rest.lstrip().startswith(("(", "<", "["))
    named, length = options.starting(tail, spaced=not words.unspaced)
    if index in named and (delimited or not letter.islower() or not letter.isascii()):
        if length == len(tail):
            return index
        return _remark(_behind(rest, tail[:length]), index, options, words, closed)
    if whole == index:
        return index
    if letter.isdigit() or (letter.islower() and letter.isascii()):
        return _by_text(piece[mark.start() :], options, words, closed)  # "a cat", "2 dogs"
    if named or (options.like_letters and options.starting(fold(piece[mark.start() :]))[0]):
        return CONFLICT
    loose = tail.lstrip(_REMARK)
    if words.several(rest, options, index):
        return CONFLICT
    if words.retract.match(loose):
        return TAKEN_BACK - index
    if words.none.match(loose):
        return CONFLICT
    if words.after.match(tail):
        return _remark(tail[words.after.match(tail).end() :], index, options, words, closed)  # type: ignore[union-attr]
    if delimited and _explains(rest, index, options):
        return index
    if closed or (not delimited and (letter in words.ambiguous or not rest[:1].isspace())):
        return NOTHING
    others = options.mentioned(tail)
    if others and index not in others:
        return CONFLICT
    told = rest.lstrip().startswith(("(", "<", "["))
    return index if told or _resembles(tail, index, options, words) else CONFLICT


def _remark(remark: str, index: int, options: Options, words: Patterns, closed: bool) -> int:
    """What follows an answer that is complete: a second answer, words that take it back, or talk."""
    text = remark.strip()
    if not text.strip(EDGE):
        return index
    if words.several(text, options, index):
        return CONFLICT
    after = words.after.match(text)
    if words.retract.match(text.lstrip(_REMARK)) and not after:
        return TAKEN_BACK - index
    if closed and not after and text[0] not in "(.。।۔,":
        return NOTHING
    return index


def _by_text(piece: str, options: Options, words: Patterns, closed: bool) -> int:
    """The option whose text a piece begins with, and ends with, or a full stop, a parenthesis or a comma follows."""
    text = fold(piece)
    for candidate in (text, words.article.sub("", text, count=1)):
        named, length = options.starting(candidate, spaced=not words.unspaced)
        if len(named) > 1:
            return NOTHING  # options with the same text cannot be distinguished by it
        if named:
            rest = candidate[length:]
            after = words.after.match(rest.lstrip())
            if after and after[0] in ("项", "选项"):
                after = None  # these follow letters; 事项 is another word than 事
            if candidate[length - 1].isdigit() and re.match(r"[.,:\-–]\d", rest):
                return NOTHING  # 3.14 is not 3
            if not rest.strip(EDGE) or after or _PHRASE_END.match(rest):
                if set(options.starting(fold(rest), spaced=not words.unspaced)[0]) - set(named):
                    return CONFLICT  # "water, air"
                return _remark(_behind(piece, text[: len(text) - len(rest)]), named[0], options, words, closed)
    bare = [words.article.sub("", option, count=1) for option in options.folded]
    same = [i for i, option in enumerate(bare) if option == words.article.sub("", text, count=1)]
    return same[0] if text and len(same) == 1 else NOTHING


def _behind(text: str, folded: str) -> str:
    """What stands behind the beginning of a text that folds to ``folded``, as it was written."""
    flat = " ".join(text.lstrip(EDGE).split())
    for size in (len(folded), *range(max(len(folded) - 8, 0), len(folded) + 9)):
        if fold(flat[:size]) == folded:
            return flat[size:]
    return ""


def _explains(rest: str, index: int, options: Options) -> bool:
    """Whether a parenthesis in what follows a letter has that option's text and no other: ``C. Edinburgh (Edimburgo)``.

    The text may be quoted in a sentence, or cut off with the response.
    """
    before, _, behind = rest.partition("(")
    if _STOP.search(before.lstrip(EDGE)):
        return False  # another sentence
    inner = behind.partition(")")
    same = {i for i, option in enumerate(options.folded) if option == options.folded[index]}
    if inner[1] or not inner[0]:
        return options.mentioned(inner[0]) == {index} == same
    words = fold(inner[0]).split(" ")
    cut = {i for i, option in enumerate(options.folded) for n in range(len(words)) if _begins(option, words[n:])}
    return cut == {index} == same


def _begins(option: str, words: Sequence[str]) -> bool:
    begun = " ".join(words)
    return len(begun) > 4 and option.startswith(begun)


def _resembles(tail: str, index: int, options: Options, words: Patterns) -> bool:
    """Whether the text after a letter can be that option's in other words, or is too long to be an option's text.

    ``A. Alabama`` where option A is New Jersey names an option that is not there, ``A. illegal`` is not "legal" and
    ``B. 1995`` not 1990; ``B. Amazzon`` is misspelt.
    """
    own = words.article.sub("", options.folded[index], count=1)
    claimed = words.article.sub("", _CLAUSE.split(tail, maxsplit=1)[0].strip(), count=1)
    if re.findall(r"\d+", claimed) != re.findall(r"\d+", own):
        return False
    if len(claimed) > 2 * len(own) + 12:
        return True
    if own.startswith(claimed) or (claimed.startswith(own) and len(claimed) - len(own) < 4):
        return True  # cut off, or another ending
    if claimed.isascii() and not own.isascii() and unicodedata.category(own[0]) == "Lo":
        return True  # a translation: it cannot be another option's text
    if claimed.endswith(own) or own.endswith(claimed):
        return False  # a negation, mostly
    if any(other != own and len(other) > 2 and other in claimed for other in options.folded):
        return False
    bare = [words.article.sub("", option, count=1) for option in options.folded]
    alike = [difflib.SequenceMatcher(None, option, claimed).ratio() for option in bare]
    if " " in own and " " not in claimed and len(claimed) > 5 and own[:4] == claimed[:4]:
        return not any(x[:3] == claimed[:3] for x in bare if x != own)  # "scoprire" for "scoperta di nuovi"
    if own.isascii() or unicodedata.category(own[0]) != "Lo":
        same_start = claimed[:4] == own[:4] and sum(x[:4] == own[:4] for x in bare) == 1
        enough = 0.6 if same_start or " " in own else 0.8 if len(own) > 4 else 0.95
        return alike[index] >= enough and alike[index] > max(alike) - 0.1
    # Characters: the same first one, or one in two written otherwise, in the other Chinese script say.
    same_start = claimed[:1] == own[:1] and sum(x[:1] == own[:1] for x in options.folded) == 1
    places = [len(x) == len(claimed) and sum(map(str.__eq__, x, claimed)) * 2 >= len(x) for x in options.folded]
    near = alike[index] >= 0.6 and alike[index] > max(alike) - 0.1
    return same_start or near or (places[index] and sum(places) == 1)
