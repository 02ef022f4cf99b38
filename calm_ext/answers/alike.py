"""What the words behind a letter are: its option in other words, a reason, or a text that is no option's."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence

from calm_ext.answers.options import Options
from calm_ext.answers.text import EDGE, lower

_SENTENCE = re.compile(r"([^.。।۔!?\n]{6,300})[.。।۔!](?:\s|$|(?=[^\W\d]))")
_STOP = re.compile(r"[.。।۔!?\n]")
_CLAUSE = re.compile(r"[.,;:(\[。।۔،؛、！？!?\n]|\s[-–—]\s")


def is_sentence(text: str, own: str, unspaced: bool) -> bool:
    """Whether what follows a letter is a sentence, which gives a reason, and no option's text: it ends like one."""
    match = _SENTENCE.match(text)
    if match is None:
        return False
    if unspaced and not text[:1].isascii():
        return len(match[1]) > len(own) + 6
    words = match[1].split()
    small = sum(word[0].islower() or not (word[0].isupper() or word[0].isdigit()) for word in words[1:])
    return len(words) >= 3 and not words[0][0].islower() and small * 2 > len(words) - 1


def explains(rest: str, index: int, options: Options) -> bool:
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
    words = lower(inner[0]).strip(EDGE).split()
    begun = [" ".join(words[n:]) for n in range(len(words))]
    cut = {i for i, option in enumerate(options.folded) if any(len(x) > 4 and option.startswith(x) for x in begun)}
    return cut == {index} == same


def resembles(tail: str, index: int, options: Options) -> bool:
    """Whether the text after a letter can be that option's in other words, or is too long to be an option's text.

    ``A. Alabama`` where option A is New Jersey names an option that is not there, ``A. illegal`` is not "legal" and
    ``B. 1995`` not 1990; ``B. Amazzon`` is misspelt.
    """
    bare = options.bare
    own = bare[index]
    claimed = options.without_article(_CLAUSE.split(tail, maxsplit=1)[0].strip())[:120]
    if re.findall(r"\d+", claimed) != re.findall(r"\d+", own) or not own:
        return False
    if len(claimed) > 2 * len(own) + 12:
        return True
    if own.startswith(claimed) or (claimed.startswith(own) and len(claimed) - len(own) < 4 and claimed[-1].isalpha()):
        return True  # cut off, or another ending
    if claimed.isascii() and not own.isascii() and unicodedata.category(own[0]) == "Lo":
        return True  # a translation: it cannot be another option's text
    if claimed.endswith(own) or own.endswith(claimed):
        return False  # a negation, mostly
    if any(other != own and len(other) > 2 and other in claimed for other in options.folded):
        return False
    if " " in own and " " not in claimed and len(claimed) > 5 and own[:4] == claimed[:4]:
        return not any(x[:3] == claimed[:3] for x in bare if x != own)  # "scoprire" for "scoperta di nuovi"
    if own.isascii() or unicodedata.category(own[0]) != "Lo":
        same_start = claimed[:4] == own[:4] and sum(x[:4] == own[:4] for x in bare) == 1
        return _nearest(claimed, index, bare, 0.6 if same_start or " " in own else 0.8 if len(own) > 4 else 0.95)
    # Characters: the same first one, or one in two written otherwise.
    same_start = claimed[:1] == own[:1] and sum(x[:1] == own[:1] for x in options.folded) == 1
    places = [len(x) == len(claimed) and sum(map(str.__eq__, x, claimed)) * 2 >= len(x) for x in options.folded]
    return same_start or (places[index] and sum(places) == 1) or _nearest(claimed, index, bare, 0.6)


def _nearest(claimed: str, index: int, texts: Sequence[str], enough: float) -> bool:
    """Whether a text is like that option's to a degree, 0 to 1, and no other one is much more like it."""
    matcher = difflib.SequenceMatcher(None, "", claimed)  # keeps what it knows of its second text
    matcher.set_seq1(texts[index][:120])
    own = matcher.ratio()
    if own < enough:
        return False
    for text in texts:
        matcher.set_seq1(text[:120])
        if matcher.quick_ratio() - 0.1 >= own and matcher.ratio() - 0.1 >= own:
            return False
    return True
