"""Texts for comparison: without what carries no meaning."""

from __future__ import annotations

import html
import re
import unicodedata

# Marks that carry no meaning here: direction, zero width, soft hyphens, tags.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0e\ufe0f\ufeff\U000e0000-\U000e007f]+")
_RAISED = re.compile("[\u00b2\u00b3\u00b9\u2070-\u207f]+")
_UNSEEN = re.compile("[\u00ad\u200b-\u2013\u202a-\u202e\u2060-\u2069\u2212\ufe0e\ufe0f\ufeff]")
_TAG_END = "\U000e007f"  # of a flag that is spelled in tags
_MINUS = re.compile(r"[\u2212\u2010\u2011]|[\u2012\u2013](?=\d)")
_ENTITY = re.compile(r"&(?:#\d{1,6}|#x[0-9a-fA-F]{1,5}|amp|lt|gt|quot|apos|nbsp|ndash|mdash|hellip);")
# A vowel sign of the end of a word is written before or behind its alif.
_TANWIN = re.compile("\u0627\u064b")
_BLANKS = re.compile(r"[ \t]{2,}|\t")

# Emphasis and code: a star between two words' ends is multiplication, a low line inside a word part of it.
_EMPHASIS = {
    "*": re.compile(r"\*(?:\*+|(?<!\w\*)|(?!\w))"),
    "_": re.compile(r"_(?<![^\W_]_)_*|_+(?![^\W_])"),
    "`": re.compile("`+"),
}
_TAG = re.compile(
    r"<(?:/?(?:b|i|em|strong|u|p|br|code|span|div|mark|center|output|response|solution|final|conclusion|summary)"
    r"\s{0,3}/?>|\|[^|<>\n]{1,40}\|>|/?s>|(?:bos|pad|start_of_turn)>)"
)
_LATEX = re.compile(
    r"\\(?:(?:text(?:bf|it|rm)?|math(?:rm|bf|bb|it)|operatorname|left|right|displaystyle)(?![a-zA-Z])|[,;! ])"
)
_MATH = re.compile(r"\$\$?(?=\S)([^$\n]{1,300}?)(?<=\S)\$\$?(?!\d)")
_ESCAPED = re.compile(r"\\([%$_&#.*!>()\[\]{}-])")
_ANSWER_TAG = re.compile(r"<(/?)answer\s{0,3}>", re.IGNORECASE)
# Where a turn ends; what follows is nobody's answer.
_TURN_END = re.compile(
    r"<\|(?:im_end|eot_id|eom_id|end|return|endoftext|end_of_text|end_of_turn|user|END_OF_TURN_TOKEN)\|>|</s>|<eos>"
    r"|<end_of_turn>"
)
# What may be one of these tags.
_ANGLE = re.compile(r"<(?:[/|a-z]|[Aa]nswer)")

#: What may stand around an answer and is not part of it.
EDGE = " \t\r\n.,;:!?。।۔،؛؟、·…<>()[]{}\"'«»„“”‘’「」『』（）【】-–—=→|/\\✅✔☑✓👉➡🎯*_#"


def clean(text: str, literal: str = "") -> str:
    """The text without what carries no meaning: in NFKC, without invisible marks and markup.

    Raised digits become ``^2``, because ``x²`` is not ``x2``.

    Args:
        literal: which of ``*``, ``_`` and the backquote are no markup, in this order.

    >>> clean("**x²** is $x^2$"), clean("a*b, __init__", "*_")
    ('x^2 is x^2', 'a*b, __init__')
    """
    if not text.isascii():
        if not unicodedata.is_normalized("NFKC", text):
            text = _RAISED.sub(lambda m: "^" + unicodedata.normalize("NFKC", m[0]), text)
            text = unicodedata.normalize("NFKC", text).replace("\u2044", "/")
        if _UNSEEN.search(text) or _TAG_END in text:
            text = _MINUS.sub("-", _INVISIBLE.sub("", text))
        text = _TANWIN.sub("\u064b\u0627", text)
    if "&" in text:
        text = _ENTITY.sub(lambda m: html.unescape(m[0]).replace("\xa0", " "), text)
    if "<" in text and _ANGLE.search(text):
        text = _without_tags(text)
    for mark in "*_`":
        if mark in text and mark not in literal:
            text = _EMPHASIS[mark].sub("", text)
    if "$" in text:
        text = _MATH.sub(r"\1", text)
    if "\\" in text:
        text = _ESCAPED.sub(r"\1", _LATEX.sub("", text)).replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
    if "\r" in text:
        text = text.replace("\r", "")
    return _BLANKS.sub(" ", text) if "  " in text or "\t" in text else text


def _without_tags(text: str) -> str:
    end = _TURN_END.search(text)
    while end and not text[: end.start()].strip():
        end = _TURN_END.search(text, end.end())
    text = text[: end.start()] if end else text
    return _TAG.sub("", _ANSWER_TAG.sub(lambda m: "\n" if m[1] else "\nAnswer: ", text))


def lower(text: str) -> str:
    """The text in small letters, of the same length: small letters are found faster than both kinds are."""
    small = text.lower()
    return small if len(small) == len(text) else "".join(c.lower()[0] for c in text)  # Turkish İ has two


def ends(text: str, at: int) -> bool:
    """Whether a word may end before ``at``: no letter, digit or vowel sign follows."""
    return at >= len(text) or unicodedata.category(text[at])[0] not in "LNM"
