"""The answer of a response in free text (style ``open``): the one option that it names, by its text or another name.

The model has not seen the options, so that it writes what it likes: ``It is the Pacific.``, ``In Warschau``, ``巴黎。``
A response is cleaned and loses its thoughts as everywhere (:mod:`.text`, :mod:`.thoughts`); of what is left the first
line counts, and of that the first sentence that names an option and is no question. Names are compared

- as whole words, without case; as parts of the text in languages that do not space words;
- without accents and differences of spelling (:mod:`.spelling`), unless two options differ by these alone;
- without articles, and without what Arabic and Hebrew write right before a word;
- in another case: a word of at least four letters also by its stem and the endings of the language.

Where a name is part of another one, the longer counts: ``Equatorial Guinea`` does not name Guinea. So it is with a word
for new, or of a point of the compass, that no option has: ``New York`` does not name York, ``Corea del Sur`` not Corea.
Other words (``Barack Obama``, ``Northern Italy``) leave a name what it is, and so do all in languages that do not space
words. A name that is denied (``not Paris``) is not the answer. Where different options are named, nothing is.

The name of the reader, :data:`OPEN_PARSER`, is part of every signature of style ``open``: raise it whenever a response
may be read differently.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from calm_ext.answers.names import Names, Span
from calm_ext.answers.text import clean, lower
from calm_ext.answers.thoughts import Marks, split_thoughts
from calm_ext.languages import get_language
from calm_ext.prompts import cue

OPEN_PARSER = "open-2"

#: How much of a line is read, in characters; how many lines; how much of a response.
_LINE, _LINES, _READ = 600, 12, 8000
_SENTENCE = re.compile(r"[.!?](?=\s|$)|[。！？؟।۔]|;(?=\s)")
_QUESTION = frozenset("?？؟")
_ITEM = re.compile(r"\s{0,8}(?:\d{1,2}[.)]|[-*•–])\s")
_INTRODUCES = re.compile(r"[:：?？؟]\s*$")
_WORD = re.compile(r"\w+")
#: A question of this many words at most is an unsure answer: ``Paris?``
_SHORT = 4


def read_open(
    response: str,
    options: Sequence[str],
    names: Sequence[Sequence[str]] | None,
    language: str,
    *,
    thoughts: Marks = (),
) -> int | None:
    """The index of the option that a response in free text names; None where it names none or several.

    Args:
        response: what the model wrote after the question.
        options: the options' texts, which the model has not seen.
        names: for each option what else it is called in the language; None where nothing is known.
        language: code of both.
        thoughts: marks of thoughts besides the known ones, pairs of opening and closing.

    Raises:
        CalmError: there is no such language, there are no options, or another number of lists of names.
        TypeError: the response is no text.

    >>> countries = ["Guinea", "Equatorial Guinea", "United Kingdom"]
    >>> read_open("It is Equatorial Guinea.\\nQuestion: …", countries, None, "en")
    1
    >>> read_open("the UK", countries, [[], [], ["UK", "Great Britain"]], "en")
    2
    >>> read_open("Guinea or the UK", countries, [[], [], ["UK"]], "en") is None
    True
    """
    if not isinstance(response, str):
        raise TypeError(f"a response must be text, not {type(response).__name__}")
    known = Names.of(tuple(options), tuple(tuple(own) for own in names) if names else (), language)
    _, text, unclosed = split_thoughts(response, thoughts)
    if unclosed:
        return None
    for line in _lines(known.cleaned(clean(text[:_READ])), language):
        named = _line(line, known)
        if named or not _INTRODUCES.search(line):
            return next(iter(named)) if len(named) == 1 else None
    return None


def _lines(text: str, language: str) -> list[str]:
    """The first lines that are not empty, up to the next question; items of a list that comes first as one."""
    found: list[str] = []
    at = 0
    while at < len(text) and len(found) < _LINES:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at : min(end, at + _LINE)]
        at = end + 1
        if not line.strip():
            continue
        question = next_question(language).search(line)
        if question:
            line = line[: question.start()]
            at = len(text)
        if line.strip():
            found.append(line)
    n_items = next((i for i, line in enumerate(found) if not _ITEM.match(line)), len(found))
    items = [_ITEM.sub("", line, count=1) for line in found[:n_items]]
    return [", ".join(items), *found[n_items:]] if n_items > 1 else found


@lru_cache(maxsize=256)
def next_question(language: str) -> re.Pattern[str]:
    """Where a model that runs on asks itself the next question, in the language or in English."""
    words = {get_language(language), get_language("en")}
    cues = {cue(row, row.question).rstrip(row.colon) for row in words if row.question}
    return re.compile(rf"(?:{'|'.join(sorted(map(re.escape, cues)))})\s?[:：]")


def _line(line: str, known: Names) -> set[int]:
    """The options that the first sentence names that names any, without those it denies."""
    spans = known.spans(line)
    if not spans:
        return set()
    small = lower(line)
    for start, end in _sentences(line, spans):
        inside = [span for span in spans if start <= span.start < end]
        if not inside or (line[end - 1] in _QUESTION and _n_words(line[start:end], known) > _SHORT):
            continue
        affirmed = [span for span in inside if not known.denied(small, span)]
        if affirmed:
            following = [span.options for span in spans if span.start >= end and not known.denied(small, span)]
            named = {i for span in affirmed for i in span.options}
            return named.union(*following) if known.takes_back(small, end) else named
    return set()


def _sentences(line: str, spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Where the sentences of a line begin and end; a point inside a name, as in St. Petersburg, ends none."""
    found, start, at = [], 0, 0
    for match in _SENTENCE.finditer(line):
        while at < len(spans) and spans[at].end < match.end():
            at += 1
        if at < len(spans) and spans[at].start < match.start():
            continue
        found.append((start, match.end()))
        start = match.end()
    return [*found, (start, len(line))] if start < len(line) else found


def _n_words(sentence: str, known: Names) -> int:
    return len(sentence.strip()) // 2 if known.unspaced else len(_WORD.findall(sentence))
