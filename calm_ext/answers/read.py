"""From a model's text to the option it names, or None. It is None where the parser is unsure: it never guesses.

The name of the parser, :data:`PARSER`, is part of every signature: raise it whenever a text may be read differently.
The words it knows are in :mod:`calm_ext.languages`; how well it reads real responses is in docs/RESULTS.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from calm_ext.answers.clauses import mark_clauses
from calm_ext.answers.label import CONFLICT, NOTHING, TAKEN_BACK, read_piece
from calm_ext.answers.patterns import patterns
from calm_ext.answers.text import Options, clean
from calm_ext.answers.thoughts import Marks, split_thoughts, strip_thoughts
from calm_ext.languages import get_language, language_with_words
from calm_ext.prompts import LETTERS, Style, cue, instruction

PARSER = "answers-2"

_LETTER_IN_TEXT = re.compile(r"\(([A-J])\)|(?:[Oo]ption|选项|選択肢) ?([A-J])(?![A-Za-z])")


def read_answer(
    text: str, options: Sequence[str], language: str, *, style: Style = "explain", thoughts: Marks = ()
) -> int | None:
    """The index of the option that a response names; None where it names no option or several.

    In ``explain`` style the answer is what follows an answer cue: a letter, an option's text, or both, which must not
    contradict each other. Where cues name different options the parser abstains, unless the text takes the earlier ones
    back. Where there is no cue, a line with nothing but the letter and text of one option is the answer. In ``direct``
    style it is the first line, which must be an option's text. Two options with the same text are never distinguished
    by that text. Thoughts (:mod:`calm_ext.answers.thoughts`) are not part of the answer, nor is what follows a new
    question; a response whose thought has no end has no answer.

    Args:
        text: a response. options: the option texts, in the order of their letters. language: code of both.
        thoughts: marks of thoughts besides the known ones, pairs of opening and closing.

    Raises:
        CalmError: there are no cue words for the language.
        TypeError: the text is no string.

    >>> read_answer("Explanation: they breathe water.\\nAnswer: B. water", ["air", "water"], "en")
    1
    >>> read_answer("Answer: B. air", ["air", "water"], "en") is None
    True
    >>> read_answer(" water", ["air", "water"], "en", style="direct")
    1
    """
    if not isinstance(text, str):
        raise TypeError(f"a response must be text, not {type(text).__name__}")
    known = Options.of(tuple(options))
    _, text, unclosed = split_thoughts(text, thoughts)
    if unclosed:
        return None
    if style != "explain":
        lines = (line for line in clean(text).split("\n") if line.strip())
        return known.by_text(next(lines, ""))
    return _explained(mark_clauses(clean(text), language), known, language)


def explanation_of(text: str, language: str, *, thoughts: Marks = ()) -> str:
    """The text before the first answer cue, without thoughts and the cue of the explanation; markup is kept.

    >>> explanation_of("Explanation: They breathe water.\\n\\nAnswer: B. water", "en")
    'They breathe water.'
    """
    grammar = _grammar(language)
    text = strip_thoughts(text, thoughts)
    match = grammar.cue.search(_lower("\n" + text))
    before = text[: max(match.start() - 1, 0)] if match else text
    return grammar.explanation.sub("", before.strip(), count=1).strip()


def contradicts(text: str, options: Sequence[str], answer: int, language: str, *, thoughts: Marks = ()) -> bool:
    """Whether a response's explanation mentions other options and never the one that the response answers.

    >>> contradicts("Explanation: Fish need air.\\nAnswer: B", ["air", "water"], 1, "en")
    True
    >>> contradicts("Explanation: Not air but water.\\nAnswer: B", ["air", "water"], 1, "en")
    False
    """
    explanation = clean(explanation_of(text, language, thoughts=thoughts))
    if not explanation:
        return False
    known = Options.of(tuple(options))
    named = {LETTERS.index(a or b) for a, b in _LETTER_IN_TEXT.findall(explanation)} | known.mentioned(explanation)
    same = {i for i, option in enumerate(known.folded) if option == known.folded[answer]}
    return bool(named & set(range(len(options)))) and not named & same


def _explained(text: str, options: Options, language: str) -> int | None:
    grammar = _grammar(language)
    for echo in _echoes(language, len(options)):
        if echo in text:
            text = text.replace(echo, "")
    text = "\n" + text
    found: list[int] = []
    cued = False
    firm = False  # whether what was found is called the right or the last answer
    end = len(text)
    for match in grammar.cue.finditer(_lower(text)):
        if match.start() >= end:
            break
        cued = True
        bare = match["noun"] is not None and not match["mark"]
        read = read_piece(_line(text, match.end(), bare), options, language, closed=bare)
        if read >= 0 and end == len(text):
            question = grammar.question.search(text, match.end())
            end = question.start() if question else end
        if read == NOTHING or (bare and read == CONFLICT):
            continue  # "Answer A or B …" without a colon is talk
        if read <= TAKEN_BACK:
            found = [x for x in found if x != TAKEN_BACK - read]
            continue
        # "Many think: the correct answer is A" does not take an answer back, a sentence of its own does.
        strong = match[0][0] in "\n.。।۔!?" and _is_strong(language, match["noun"] or match["sentence"] or "")
        if strong and not firm:
            found.clear()
        found += _lines_alone(text, match.end(), end, options) if read >= 0 and not found else []
        found.append(read)
        firm = firm or strong
    if not found:
        return _alone(text[:end], options, language, cued)
    return found[0] if found[0] >= 0 and len(set(found)) == 1 else None


@lru_cache(maxsize=4096)
def _is_strong(language: str, cue_words: str) -> bool:
    return _grammar(language).strong.search(cue_words) is not None


def _lower(text: str) -> str:
    """The text in small letters, of the same length: small letters are found faster than both kinds are."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _line(text: str, start: int, bare: bool) -> str:
    """The rest of the line, or the next line that is not empty where the cue has its mark."""
    end = text.find("\n", start)
    line = text[start:] if end < 0 else text[start:end]
    if line.strip(" *#>\r\t") or bare or end < 0:
        return line
    return text[end:].lstrip("\n\r\t *#>").split("\n", 1)[0]


def _lines_alone(text: str, start: int, end: int, options: Options) -> list[int]:
    """The options of the lines behind an answer that are nothing but an option's letter and text."""
    if text.find("\n", start, end) < 0:
        return []
    return [i for i in (options.whole(line) for line in text[start:end].split("\n")[1:] if line) if i is not None]


def _alone(text: str, options: Options, language: str, cued: bool) -> int | None:
    """The answer of a response without a cue: its only line that is an option's letter, with or without its text."""
    explanation = _grammar(language).explanation
    lines = [explanation.sub("", line, count=1) for line in text.strip().split("\n") if line.strip()]
    if len(lines) == 1 and not cued:
        read = read_piece(lines[0], options, language, closed=True)
        return read if read >= 0 else None
    named = [(place, i) for place, i in enumerate(options.whole(line) for line in lines) if i is not None]
    if len({i for _, i in named}) != 1 or named[0][0] not in (0, len(lines) - 1):
        return None
    following = lines[named[0][0] + 1 : named[0][0] + 2]
    taken_back = following and patterns(language, options.last).retract.match(following[0].strip())
    return None if taken_back else named[0][1]


# --- what depends on the language only --------------------------------------------------------------------------------


class _Grammar(NamedTuple):
    cue: re.Pattern[str]
    strong: re.Pattern[str]
    question: re.Pattern[str]
    explanation: re.Pattern[str]


@lru_cache(maxsize=64)
def _grammar(code: str) -> _Grammar:
    own, english = language_with_words(code, use="reading answers"), get_language("en")
    words = (own.answers, english.answers)
    sentences = {w for row in words for w in row.sentence}
    nouns = {own.answer, english.answer, *(w for row in words for w in row.noun)}
    openers = {w for row in words for w in row.opener}
    # A pattern that begins with a set of characters is found fast: hence the newline before every text, and no "^".
    # Scripts that write no spaces need none after a word; in others "Answers" is not "Answer".
    end = "" if own.unspaced else r"(?!\w)"
    pattern = rf"""
        [\n.。।۔!?:;,、،؛؟)\]」”"]
        [ \t\#<>\-–—•~|=\[(【「《\\]{{0,12}} (?: \(?\d{{1,2}}[.)][ \t]{{0,4}} )?
        (?: (?:{_any(openers)}) {end} [ \t]{{0,4}} [,،、]? [ \t]{{0,4}} )?
        (?: \\boxed\{{ | (?P<sentence> {_any(sentences)} ) {end} (?: [ \t]+ (?:{_any(openers)}) {end} )? [ \t]* [:=]?
          | (?P<noun> {_any(nouns)} ) {end} [ \t]* (?: \( (?! \s*\w\s* \) ) [^()\n]{{0,20}}\) )? [ \t]*
            (?P<mark> [>\])】」》]? [ \t]* [:=→] | [>\])】」》] | [-–—](?=\s) | \n )? )
    """
    question = rf"^[ \t#>\-]*(?:{_any({own.question, english.question})})[ \t]*\d*[ \t]*:"
    explanation = rf"^[ \t#>\-]*(?:{_any({own.explanation, english.explanation})})[ \t]*:[ \t]*"
    return _Grammar(
        re.compile(pattern, re.VERBOSE),
        re.compile(_any({w for row in words for w in row.strong})),
        re.compile(question, re.MULTILINE | re.IGNORECASE),
        re.compile(explanation, re.IGNORECASE),
    )


def _any(words: set[str]) -> str:
    """A pattern of alternatives that share their beginnings, which is faster than trying one after the other."""
    root: dict[str, Any] = {}
    for word in words:
        place = root
        for character in clean(word).lower():
            place = place.setdefault(r"[ \t]+" if character == " " else re.escape(character), {})
        place[""] = {}

    def pattern(place: dict[str, Any]) -> str:
        following = [key + pattern(rest) for key, rest in sorted(place.items()) if key]
        if not following:
            return ""
        return f"(?:{'|'.join(following)})" + ("?" if "" in place else "")

    return pattern(root) if words else "(?!)"


@lru_cache(maxsize=256)
def _echoes(code: str, n: int) -> tuple[str, ...]:
    """The instruction, and its last line, as a model that repeats its prompt writes them."""
    if not 2 <= n <= len(LETTERS):
        return ()
    head = clean(instruction(code, n))
    own = get_language(code)
    return (head, clean(f"{cue(own, own.explanation)}{own.space}…\n{cue(own, own.answer)}{own.space}A")) if head else ()
