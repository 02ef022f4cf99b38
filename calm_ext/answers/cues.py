"""Where a text says that an answer follows: ``Answer:``, ``the best option is``, ``it must be``, ``so``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from calm_ext.answers.words import CLAUSE, Words, any_of
from calm_ext.languages import get_language, language_with_words

# Letters of which none is a digit, in the scripts that most texts are in.
_COMMON = "a-zà-öø-ɏа-ӿぁ-ヿ一-鿿"


class Grammar(NamedTuple):
    """The patterns of a language for whole texts, in small letters.

    Attributes:
        starts, ascii_starts: where a clause begins, up to its second word (character, where words are not spaced).
        first: what a cue may begin with: a word, or two and the blank between them.
        cue: what an answer follows, from the end of the clause before. Groups: ``box``, ``sentence`` (a cue that wants
            nothing), ``phrase`` (what an answer is called) with ``copula`` or ``mark``, ``clause``, ``it``, ``hedge``
            and ``then`` (only a letter is read after these).
        strong: words of cues that speak of the right or the last answer.
        mend: the beginning of a remark that takes an answer back. turn: words that turn it round.
        lead: what may stand before an option that is called right, to its left up to a clause's end.
        condition: words that make a supposition.
        question: a new question. explanation: the cue of the explanation.
    """

    starts: re.Pattern[str]
    ascii_starts: re.Pattern[str]
    first: frozenset[str]
    cue: re.Pattern[str]
    strong: re.Pattern[str]
    mend: re.Pattern[str]
    turn: re.Pattern[str]
    lead: re.Pattern[str]
    condition: re.Pattern[str]
    question: re.Pattern[str]
    explanation: re.Pattern[str]


@lru_cache(maxsize=64)
def grammar(code: str) -> Grammar:
    """The patterns of a language and English.

    Raises:
        CalmError: there are no cue words for the language.
    """
    language_with_words(code, use="reading answers")
    words = Words(code)
    own, english = words.own, get_language("en")
    mends = words("mend")
    denials = words("negation", "retract")
    short = {w for w in mends if len(w) <= (2 if words.unspaced else 4) or w in denials}  # these want a pause: "No, …"
    opening = words("opener", "turn", "hedge") | (mends - short)
    openers = rf"(?:(?:{words.whole(opening)}|{any_of(short)}(?=[,،、:.!]))[ \t]{{0,3}}[,،、:.!]?[ \t]{{0,3}})"
    letters = {x for spelled in own.answers.letters for x in spelled.split(",")}
    label = rf"(?:{words.pattern('label')}[ \t]{{0,3}})?"
    quotes = "\"'«「【"
    one = rf"{label}[(\[{quotes}]{{0,2}}(?:[a-j]|{any_of(letters)})"
    closed = r"(?=[.,;:!?()\[\]\"'»」】。，、،۔।؟！？…]|\s*$|\s*\n|\s+[-–—(]|[ \t])"
    then = one + r"[)\]\"'»」】]{0,2}(?=[.;!?。۔।؟！？…]|,[ \t]|\s{0,3}(?:$|\n|[-–—(]))"
    start = rf"[{CLAUSE}>→⇒✅✔☑✓👉➡📌🎯💡\\]"
    denied = words.pattern("negation", "retract")
    # "the option that fits best is"; where words are not spaced such a clause stands before its noun
    between = rf"(?:(?![ \t]{denied})[^\n.!?:;。！？।۔؟]){{1,70}}?"
    after = rf"(?![ \t]*[:=]|[ \t]+{words.copula}|[ \t]*{one}{closed})"
    far = rf"(?=(?P<whole>{words.phrase()}{words.end}))(?P=whole){after}{between}[ \t]{words.copula}"
    cue = rf"""
        {start}
        [^\w\n]{{0,12}} (?: \(?\d{{1,2}}[.)][ \t]{{0,4}} )? (?P<opener>{openers}{{1,3}})?
        (?: (?P<box> \\?boxed\{{ )
          | (?P<sentence> {words.pattern("sentence")} ) (?: {words.gap}{words.pattern("opener", "hedge")} ){{0,2}} [,،、]? [ \t]* [:=]?
          | (?P<clause> {"(?!)" if words.unspaced else far} ) (?= [ \t]* {one} {closed} )
          | (?P<phrase> {words.phrase(named=True)} ) {words.end} [ \t]* (?: \( (?! \s*\w\s* \) ) [^()\n]{{0,20}}\) )?
            (?: (?P<copula> [ \t]{{0,3}} {words.copula} [,،、]? (?: [ \t]{{0,3}}{words.pattern("opener")} )? [ \t]* [:=]? )
              | [ \t]* (?P<mark> [>\])】」》"']? [ \t]* [:=→?？] | [>\])】」》] | [-–—](?=\s) | \n )? )
          | (?P<it> (?: {words.pattern("it")} | {words.pattern("right")}{words.gap}{words.copula} )
              (?: {words.gap}{words.pattern("hedge")} ){{0,2}} [ \t]* :? ) (?= [ \t*]* {one} {closed} )
          | (?P<hedge> {words.pattern("hedge")} [ \t]* : )
          | (?(opener) (?P<then> (?= {then} ) ) | (?!) )
        )
    """  # noqa: E501
    pause = r"(?=\s{0,2}[,.!:;،、。，！：…–—-])"
    mend = (
        rf"[\n.!?。！？।۔؟…;–—)][^\w\n]{{0,8}}(?:{words.whole(mends - short)}|{any_of(short)}{pause})"
        rf"|[,،，、][ \t]{{0,2}}{words.whole({w for w in mends - short if ' ' in w or words.unspaced})}"
    )
    free = words.pattern("opener", "hedge", "label", "article")
    # "option B", "so option B"; "daher ist Option B …", but not "ist Option B …?"
    free = rf"(?:{free}[ \t,،、:]{{0,3}})"
    clause = rf"(?:^|[{CLAUSE}])[^\w\n]{{0,8}}"
    lead = rf"{clause}(?:{free}{{0,4}}|{free}{{1,3}}(?P<copula>{words.copula}[ \t]{{0,3}}{free}?))$"
    question = rf"^[ \t#>\-*]*(?:{any_of({own.question, english.question})})(?:[^\n:]{{0,12}}\d+)?[ \t.)]*:"
    explanation = rf"^[ \t#>\-]*(?:{any_of({own.explanation, english.explanation})})[ \t]*:[ \t]*"
    begin = {own.answer, english.answer, "boxed"} | opening | short
    begin |= words("sentence", "adjective", "noun", "head", "it", "hedge", "right")
    first = words.first(begin, words("article"))
    may_begin = _may_begin(first)
    return Grammar(
        re.compile(rf"{start}[^\w\n]{{0,12}}{may_begin}({words.two})"),
        re.compile(rf"[\n.!?:;,()\[\]\">\\][^\w\n]{{0,12}}{may_begin}({words.two})"),
        first,
        re.compile(cue, re.VERBOSE),
        re.compile(any_of(words("strong"))),
        re.compile(mend),
        re.compile(words.pattern("turn")),
        re.compile(lead),
        re.compile(rf"{'' if words.unspaced else chr(92) + 'b'}{words.pattern('condition')}"),
        re.compile(question, re.MULTILINE | re.IGNORECASE),
        re.compile(explanation, re.IGNORECASE),
    )


def _may_begin(first: frozenset[str]) -> str:
    """A pattern in front of a word: what the first words, a digit or a rare letter begin with, for speed alone."""
    seconds: dict[str, set[str]] = {}
    for word in first:
        seconds.setdefault(word[0], set()).add(word[1:2])
    found = [c if "" in x else f"{c}[{re.escape(''.join(sorted(x)))}]" for c, x in sorted(seconds.items())]
    return rf"(?=[^\W{_COMMON}]|{'|'.join(found)})"


def cues_in(small: str, rules: Grammar) -> Iterator[re.Match[str]]:
    """The cues of a text in small letters that begins with a newline."""
    first, at = rules.first, 0
    starts = rules.ascii_starts if small.isascii() else rules.starts
    while True:
        for start in starts.finditer(small, at):
            word = start[1]
            if word in first or start[2] in first or word[0].isdigit():
                match = rules.cue.match(small, start.start())
                if match and _counts(match):
                    yield match
                    at = match.end()  # what ends a cue may end the clause before another one
                    while at > start.start() + 1 and not small[at - 1].isalnum():
                        at -= 1
                    break
        else:
            return


def _counts(match: re.Match[str]) -> bool:
    """Whether it is a cue: not "option" without "best", and not what is quoted, but for a key of a JSON object."""
    if match["head"] is not None and match["behind"] is None:
        return False
    return match[0][0] not in '"”' or match["mark"] is not None
