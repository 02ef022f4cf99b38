"""Which option a short piece of text names; :mod:`calm_ext.answers.read` asks this of the text after a cue."""

from __future__ import annotations

import re

from calm_ext.answers.alike import explains, is_sentence, resembles
from calm_ext.answers.options import Options
from calm_ext.answers.patterns import Patterns
from calm_ext.answers.second import second_denied, several
from calm_ext.answers.text import EDGE, ends, lower
from calm_ext.prompts import LETTERS

#: No option is named; several are, or the text contradicts itself; option i is named and taken back (TAKEN_BACK - i).
NOTHING, CONFLICT, TAKEN_BACK = -1, -2, -10

#: How much of a text is read at most after a cue, in characters.
MOST = 400

_PLAIN = re.compile(r"[\s<\"(]{0,4}([A-J])(?!\w)[.):>]{0,2} ?")
_PLAIN_END = '.>)" \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000' + "".join(
    map(chr, range(0x2000, 0x200B))
)
# A dash before a digit is its sign, but not right behind a letter.
_OPENING = re.compile(r"(?:[\s<(\[{\"'«„“‘「『【:：=→⇒>#~≈✅✔☑✓👉➡🎯📌*]|[-–—](?!\d)|\\boxed(?=\{))*")
_DELIMITER = re.compile(r"\s*[.:)\]}>»”\"'」』】,،、;。।۔!?/|&+\-–—=→✅✔☑✓]|\s*$|\s*\n")
_MARKS = re.compile(r"[-–—]?(?:[\s.:)\]}>»”\"'」』】,،、;。।۔!?/|&→✅✔☑✓*]|[-–—=](?!\d))*")
_BRACKETS = re.compile(r"[\s(\[{<«„“\"'「『【\-–—]*")
_PHRASE_END = re.compile(r"\s*[.。।۔,،、;:!?！？(\[✅✔☑✓]|\s+[\-–—]|\s*\n")
_REMARK = " \t(（[-–—,;:.。।۔、،/\"'»”)>]}✅✔☑✓*"
_NUMBER = re.compile(r"[.,:/-]\d")


def read_piece(piece: str, options: Options, *, closed: str = "") -> int:
    """The option that a piece of text after a cue names: its index, :data:`NOTHING`, or what is below it.

    Args:
        closed: ``text``, where nothing but the answer may stand (the cue had no colon): ``Answer B is wrong`` names
            nothing; ``letter``, where it must also be a capital letter.
    """
    piece = piece[:MOST]
    known = options.memo.get((piece, closed))
    if known is None:
        known = plain_answer(piece, options) if closed != "letter" else None
        if known is not None:
            return known
        if len(options.memo) > 2000:
            options.memo.clear()
        known = options.memo[piece, closed] = _read(piece, options, closed)
    return known


def plain_answer(text: str, options: Options) -> int | None:
    """The option of a text that is but its letter, with or without its text, as answers nearly always are."""
    plain = _PLAIN.match(text)
    if plain is None or options.like_letters:
        return None
    index, own = LETTERS.index(plain[1]), text[plain.end() :].rstrip(_PLAIN_END)
    if index >= len(options.exact) or "\n" in own:
        return None
    if not own or own == options.exact[index] or (options.distinct and own.lower() == options.folded[index]):
        return index
    return None


def _read(piece: str, options: Options, closed: str) -> int:
    words, small = options.words, lower(piece)
    whole = options.whole(piece)
    if whole is not None and closed != "letter":
        as_letter = words.indices_of(options.exact[whole]) if options.exact[whole].isupper() else ()
        clash = [i for i in as_letter if i < len(options) and i != whole]
        return CONFLICT if clash else whole
    begin = start = _OPENING.match(piece).end()  # type: ignore[union-attr]
    denied = words.denied.match(small, start)
    if denied and options.find(piece, start) is None:
        return _after_denial(piece, small, denied.end(), options, closed)
    labelled = False
    for _ in range(4):
        match = words.label.match(small, start) or words.the_letter.match(piece, start)
        labelled = labelled or match is not None
        match = match or words.it.match(small, start) or words.hedge.match(small, start)
        if match is None or match.end() == start:
            break
        start = _OPENING.match(piece, match.end()).end()  # type: ignore[union-attr]
    denied = words.denied.match(small, start) if start > begin else None
    if denied and options.find(piece, start) is None:
        return _after_denial(piece, small, denied.end(), options, closed)
    mark = words.letter.match(piece, start)
    end = _letter_end(piece, mark, words) if mark else None
    indices = [i for i in words.indices_of(mark[0]) if i < len(options)] if mark and end else []
    if not mark or not end or not indices:
        if closed == "letter":
            return NOTHING
        read = _by_text(piece, begin, options, closed)  # "letter box" begins with a label
        return read if read != NOTHING or begin == start else _by_text(piece, start, options, closed)
    if closed == "letter" and mark[0].isascii() and not mark[0].isupper():
        return NOTHING
    if len(indices) > 1:
        tail = _MARKS.match(piece, end).end()  # type: ignore[union-attr]
        found = options.find(piece, tail)
        indices = [i for i in indices if found and i in found.indices]
        if len(indices) != 1:
            return _by_text(piece, begin, options, closed) if words.is_word(mark[0]) else CONFLICT
    return _after_letter(piece, mark, end, indices[0], options, closed=closed, labelled=labelled)


def _after_denial(piece: str, small: str, at: int, options: Options, closed: str) -> int:
    """The option that a contrast names: ``not A but B``."""
    words = options.words
    at = _OPENING.match(piece, at).end()  # type: ignore[union-attr]
    label = words.label.match(small, at)
    letter = words.letter.match(piece, label.end() if label else at)
    contrast = words.contrast.search(small, letter.end() if letter and ends(piece, letter.end()) else at)
    if contrast is None:
        return NOTHING
    pointed = words.it.match(small, words.pause.match(small, contrast.end()).end())  # type: ignore[union-attr]
    return _read(piece[pointed.end() if pointed else contrast.end() :], options, closed)


def _letter_end(piece: str, mark: re.Match[str], words: Patterns) -> int | None:
    """Where a letter ends that stands alone: not in ``Athens``, nor in ``C'est`` or ``E' l'acqua``."""
    end = mark.end()
    if mark[0].isdigit() and _NUMBER.match(piece, end):
        return None
    glued = words.glued.match(piece, end)
    if glued and glued.end() > end:
        return glued.end()
    if piece[end : end + 1] in ("'", "’") and (piece[end + 1 : end + 2].isalnum() or words.is_word(mark[0])):
        quoted = mark.start() > 0 and piece[mark.start() - 1] in "'‘’"
        return end if quoted else None
    following = piece[end : end + 1]
    if ends(piece, end) and not _glued_sign(piece, end):
        return end
    letter = mark[0].isascii() and mark[0].isupper()
    return end if words.unspaced and letter and following and not following.isascii() else None


def _glued_sign(piece: str, end: int) -> bool:
    """Whether a sign belongs to what looks like a letter: ``C++``, ``C#``."""
    return piece[end : end + 1] in ("#", "^", "_") or piece[end : end + 2] == "++"


def _after_letter(
    piece: str, mark: re.Match[str], end: int, index: int, options: Options, *, closed: str, labelled: bool
) -> int:
    words, letter = options.words, mark[0]
    rest = piece[end:]
    weak = letter.isdigit() or (letter.islower() and letter.isascii())
    if options.like_letters:  # option A is called "B"
        whole = options.whole(piece[mark.start() :])
        if whole is not None and whole != index:
            return whole if weak and not labelled else CONFLICT
        if whole == index:
            return index
    if not rest.strip(EDGE):
        return index if not letter.isdigit() or labelled else _by_text(piece, mark.start(), options, closed)
    delimited = _DELIMITER.match(rest) is not None or rest.lstrip().startswith(("(", "<", "[", "✅", "✔"))
    tail = _MARKS.match(piece, end).end()  # type: ignore[union-attr]
    inner = _BRACKETS.match(piece, tail).end()  # type: ignore[union-attr]
    found = None
    pointed = words.it.match(lower(piece), tail)  # "B, that is the library"
    for place in dict.fromkeys((tail, inner, pointed.end() if pointed else tail)):
        found = options.find(piece, place) if tail == place or _unsigned(piece, place) else None
        if found:
            break
    if found and index in found.indices and (delimited or not weak or letter.isdigit()):
        return _remark(piece[found.end :], index, options, closed)
    if weak or (words.is_word(letter) and not delimited):
        read = _by_text(piece, mark.start(), options, closed)  # "a cat", "2 dogs"
        if read == NOTHING and not weak:
            read = _by_text(piece, tail, options, closed)  # "E la biblioteca"
        if read != NOTHING or weak:
            return read
    if found and words.is_word(letter) and not delimited:
        return NOTHING  # "A library lends books" is no letter, nor is it an answer yet
    if found or (options.like_letters and options.find(piece, mark.start())):
        return CONFLICT
    return _without_text(piece, end, tail, index, options, closed=closed, delimited=delimited, letter=letter)


def _unsigned(piece: str, at: int) -> bool:
    return not (piece[at : at + 1].isdigit() and piece[at - 1 : at] in "-–—")


def _without_text(
    piece: str, end: int, tail: int, index: int, options: Options, *, closed: str, delimited: bool, letter: str
) -> int:
    """What a letter means that no option's text follows: talk, a reason, a remark, or a text that is none of them."""
    words = options.words
    rest = piece[end:]
    small = lower(piece[tail:])
    loose = small.lstrip(_REMARK)
    if several(rest, options, index):
        return CONFLICT
    said = words.called_right(small)
    denied = None if said else words.retract.match(loose)
    if denied:
        contrast = words.contrast.match(loose) or words.contrast.match(loose, denied.end())
        if contrast:  # "A नहीं बल्कि B"
            at = len(piece) - len(loose) + contrast.end()
            read = _read(piece[at:], options, closed)
            return read if read >= 0 else TAKEN_BACK - index
        if not _of_another(loose, index, options):
            return TAKEN_BACK - index
    if words.none.match(loose) or words.condition.match(small):
        return CONFLICT
    after = said or words.after.match(small) or (words.reason if delimited else words.right).match(small)
    perhaps = not said and not delimited and words.is_word(letter) and words.hedge.match(small)  # "А может быть, …"
    if after and not perhaps:
        return _remark(piece[tail + after.end() :], index, options, closed)
    if delimited and explains(rest, index, options):
        return index
    if (closed and not delimited) or (not delimited and (words.is_word(letter) or not rest[:1].isspace())):
        return NOTHING
    if _of_another(loose, index, options) or second_denied(rest, options, index):
        return index
    others = options.mentioned(small)
    if others and index not in others:
        return CONFLICT
    open_bracket = rest.lstrip().startswith(("(", "<", "["))
    if delimited and is_sentence(piece[tail:], options.bare[index], words.unspaced):
        return index
    if open_bracket or resembles(loose, index, options):
        return index
    return CONFLICT


def _of_another(text: str, index: int, options: Options) -> bool:
    """Whether a text denies another option: ``not A``, where B was named."""
    denied = options.words.denied.match(text)
    if not denied:
        return False
    at = _OPENING.match(text, denied.end()).end()  # type: ignore[union-attr]
    label = options.words.label.match(text, at)
    at = label.end() if label else at
    match = options.words.letter.match(text.upper(), at)
    if (match and ends(text, match.end())) or (match and options.words.unspaced):
        return index not in options.words.indices_of(match[0])
    found = options.find(text, at)
    return found is not None and index not in found.indices


def _remark(remark: str, index: int, options: Options, closed: str) -> int:
    """What follows an answer that is complete: a second answer, words that take it back, or talk."""
    text = remark.strip()
    if not text.strip(EDGE):
        return index
    words, small = options.words, lower(text)
    if several(text, options, index):
        return CONFLICT
    loose = small.lstrip(_REMARK)
    after = words.called_right(loose) or words.after.match(loose)
    if words.retract.match(loose) and not after and not _of_another(loose, index, options):
        return TAKEN_BACK - index
    if words.condition.match(small):
        return CONFLICT
    goes_on = text.lstrip(" )]}\"'»”」』】")
    if closed and goes_on and not after and goes_on[0] not in "(.。।۔,،、;:!-–—✅✔☑✓":
        return NOTHING
    return index


def _by_text(piece: str, at: int, options: Options, closed: str) -> int:
    """The option whose text a piece begins with, and ends with, or a full stop, a parenthesis or a comma follows."""
    words = options.words
    for found in options.starting(piece, at):
        rest = piece[found.end :]
        small = lower(rest)
        stripped = small.lstrip(" )]}\"'»”」』】")
        after = words.called_right(stripped) or words.after.match(stripped)
        if after and after[0] in ("项", "选项"):
            after = None  # these follow letters; 事项 is another word than 事
        case = stripped.strip(EDGE) in words.endings  # a postposition
        if not rest.strip(EDGE) or after or case or _PHRASE_END.match(rest):
            if len(found.indices) > 1:
                return NOTHING  # options with the same text cannot be distinguished by it
            (index,) = found.indices
            following = _BRACKETS.match(rest.lstrip(",;、، ")).end()  # type: ignore[union-attr]
            second = options.find(rest.lstrip(",;、، "), following)
            if second and index not in second.indices and rest[:1] != "(":
                return CONFLICT  # "water, air"
            return _remark(rest, index, options, closed)
    return NOTHING
