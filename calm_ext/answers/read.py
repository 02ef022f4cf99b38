"""From a model's text to the option it names, or None. It is None where the parser is unsure: it never guesses.

The name of the parser, :data:`PARSER`, is part of every signature: raise it whenever a text may be read differently.
The words it knows are in :mod:`calm_ext.languages`; how well it reads real responses is in docs/RESULTS.md.

A response is cleaned (:mod:`.text`) and loses its thoughts (:mod:`.thoughts`). Cues (:mod:`.cues`) and options that are
called right (:mod:`.subjects`) make claims, each of which names an option (:mod:`.label`). All claims that no later
word takes back must name the same one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache

from calm_ext.answers.check import options_of
from calm_ext.answers.claims import Claim, agreed
from calm_ext.answers.clauses import mark_clauses, spell_keys
from calm_ext.answers.cues import Grammar, cues_in, grammar
from calm_ext.answers.han import simplify
from calm_ext.answers.label import CONFLICT, NOTHING, plain_answer, read_piece
from calm_ext.answers.lines import alone, echoes, mends_in, piece_behind
from calm_ext.answers.named import read_open
from calm_ext.answers.options import Options
from calm_ext.answers.sentences import stated
from calm_ext.answers.subjects import called_right
from calm_ext.answers.text import lower
from calm_ext.answers.thoughts import Marks, split_thoughts, strip_thoughts
from calm_ext.answers.verdicts import judged
from calm_ext.prompts import LETTERS, Style

PARSER = "answers-4"

_LETTER_IN_TEXT = re.compile(r"\(([A-J])\)|(?:[Oo]ption|选项|選択肢) ?([A-J])(?![A-Za-z])")
_SENTENCES = re.compile(r"[\n.。।۔!?！？]")
_SENTENCE_START = "\n.。।۔!?！？"


def read_answer(
    text: str,
    options: Sequence[str],
    language: str,
    *,
    style: Style = "explain",
    thoughts: Marks = (),
    names: Sequence[Sequence[str]] | None = None,
) -> int | None:
    """The index of the option that a response names; None where it names no option or several.

    In ``explain`` style the answer is what follows an answer cue: a letter, an option's text, or both, which must not
    contradict each other; or an option that the text calls the right one. Where a response names different options the
    parser abstains, unless it takes the earlier ones back. Where there is no cue, a line with nothing but the letter
    and text of one option is the answer. In ``direct`` style it is the first line, which must be an option's text. In
    ``open`` style it is the one option that the response names (:mod:`calm_ext.answers.named`). Two options with the
    same text are never distinguished by that text. Thoughts (:mod:`calm_ext.answers.thoughts`) are not part of the
    answer, nor is what follows a new question; a response whose thought has no end has no answer.

    Args:
        text: a response. options: the option texts, in the order of their letters. language: code of both.
        thoughts: marks of thoughts besides the known ones, pairs of opening and closing.
        names: in ``open`` style, for each option what else it is called.

    Raises:
        CalmError: there are no cue words for the language; there are no options.
        TypeError: the text is no string, or the options are no list of them.

    >>> read_answer("Explanation: they breathe water.\\nAnswer: B. water", ["air", "water"], "en")
    1
    >>> read_answer("Answer: B. air", ["air", "water"], "en") is None
    True
    >>> read_answer(" water", ["air", "water"], "en", style="direct")
    1
    """
    return read_responses([text], options, language, style=style, thoughts=thoughts, names=names)[0]


def read_responses(
    texts: Iterable[str],
    options: Sequence[str],
    language: str,
    *,
    style: Style = "explain",
    thoughts: Marks = (),
    names: Sequence[Sequence[str]] | None = None,
) -> tuple[int | None, ...]:
    """What :func:`read_answer` gives for each of the responses to a question."""
    known = options_of(options, language)
    found = []
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"a response must be text, not {type(text).__name__}")
        if style == "open":
            found.append(read_open(text, options, names, language, thoughts=thoughts))
        else:
            found.append(_read(text, known, style, thoughts))
    return tuple(found)


def _read(text: str, known: Options, style: Style, thoughts: Marks) -> int | None:
    _, text, unclosed = split_thoughts(text, thoughts)
    if unclosed:
        return None
    text = known.clean(text)
    if style != "explain":
        lines = (line for line in text.split("\n") if line.strip())
        return known.by_text(next(lines, ""))
    text = mark_clauses(spell_keys(text), known.language, known.exact)
    read = _last_line(text, known)
    return _explained(text, known) if read is None else read


def _last_line(text: str, options: Options) -> int | None:
    """The option of a last line ``Answer: B. water`` where nothing before it can name one, which is the usual case.

    The line may be broken behind its colon. No letter stands before it, and no option's text or no word for an answer;
    None sends a text to :func:`_explained`.
    """
    text = text.rstrip()
    cut = text.rfind("\n") + 1
    words = options.words
    match = words.answer.match(lower(text[cut:]))
    if match is None and cut:
        cut = text.rfind("\n", 0, cut - 1) + 1
        match = words.answer.match(lower(text[cut:]))
    read = plain_answer(text[cut + match.end() :], options) if match else None
    if read is None or words.capital.search(text, 0, cut):
        return None
    before = lower(text[:cut])
    if not words.own_letters:
        for option in options.long:
            if option in before:
                break
        else:
            return read
    for core in words.cores:
        if core in before:
            return None
    return read


def explanation_of(text: str, language: str, *, thoughts: Marks = ()) -> str:
    """The text before the first answer cue, without thoughts and the cue of the explanation; markup is kept.

    >>> explanation_of("Explanation: They breathe water.\\n\\nAnswer: B. water", "en")
    'They breathe water.'
    """
    rules = grammar(language)
    text = strip_thoughts(text, thoughts)
    found = cues_in(_searched("\n" + text, language), rules)
    match = next((m for m in found if not _is_weak(m)), None)
    before = text[: max(match.start() - 1, 0)] if match else text
    return rules.explanation.sub("", before.strip(), count=1).strip()


def contradicts(text: str, options: Sequence[str], answer: int, language: str, *, thoughts: Marks = ()) -> bool:
    """Whether a response's explanation mentions other options and never the one that the response answers.

    >>> contradicts("Explanation: Fish need air.\\nAnswer: B", ["air", "water"], 1, "en")
    True
    >>> contradicts("Explanation: Not air but water.\\nAnswer: B", ["air", "water"], 1, "en")
    False
    """
    known = Options.of(tuple(options), language)
    explanation = known.clean(explanation_of(text, language, thoughts=thoughts))
    if not explanation:
        return False
    named = {LETTERS.index(a or b) for a, b in _LETTER_IN_TEXT.findall(explanation)} | known.mentioned(explanation)
    same = {i for i, option in enumerate(known.folded) if option == known.folded[answer]}
    return bool(named & set(range(len(options)))) and not named & same


def _explained(text: str, options: Options) -> int | None:
    language = options.language
    for echo in echoes(language, len(options)):
        if echo in text:
            text = text.replace(echo, "")
    text = "\n" + text
    rules = grammar(language)
    small = _searched(text, language)
    cues = list(cues_in(small, rules))
    if len(cues) == 1 and not _is_weak(cues[0]):
        read = plain_answer(text[cues[0].end() :], options)  # "Answer: B. water" at the end, as nearly always
        if read is not None and all(index == read for _, index in called_right(text, small, options, rules)):
            return read
    mends = mends_in(small, cues[0].end(), options, rules) if cues else []
    claims: list[Claim] = []
    past, end, bounded = 0, len(text), False
    for match in cues:
        if match.start() >= end:
            break
        if claims and claims[-1].read >= 0 and match.start() < past:
            continue  # "答案：选手" has no second cue 选
        claim, past = _claim(text, small, match, mends, options, rules), match.end()
        if claim is None:
            continue
        if claim.read >= 0 and not bounded:
            question = rules.question.search(text, match.end())
            end, bounded = question.start() if question else end, True
        claims.append(claim)
    claims += [Claim(at, index) for at, index in called_right(text[:end], small[:end], options, rules)]
    if not claims:
        return _unclaimed(text, cues, mends, options, rules)
    claims.sort()
    if not cues or claims[0].at < cues[0].end():
        mends = mends_in(small, claims[0].at, options, rules)
    claims += _after_mends(text, small, mends, claims, end, options, rules)
    claims.sort()
    return agreed(text[:end], claims, [at for at, _ in mends if at < end], options)


def _unclaimed(
    text: str, cues: list[re.Match[str]], mends: list[tuple[int, int]], options: Options, rules: Grammar
) -> int | None:
    """The option of a text without a claim: of its list of verdicts, of a sentence behind a cue, or of a line."""
    listed = judged(text, options)
    if listed is not None:
        return None if cues and mends else listed
    said = {stated(piece_behind(text, cue.end(), False, mends), options) for cue in cues if not _is_weak(cue)}
    said.discard(NOTHING)
    if said:
        return said.pop() if len(said) == 1 and not mends else None
    return alone(text, options, rules, bool(cues))


def _is_weak(cue: re.Match[str]) -> bool:
    """Whether only a letter is read after a cue."""
    return any(cue[group] is not None for group in ("it", "clause", "then", "hedge"))


def _claim(
    text: str, small: str, match: re.Match[str], mends: list[tuple[int, int]], options: Options, rules: Grammar
) -> Claim | None:
    bare = match["phrase"] is not None and not match["mark"] and not match["copula"]
    weak = _is_weak(match)
    start = match.end()
    piece = piece_behind(text, start, bare, mends)
    if match["box"]:
        piece = piece.partition("}")[0]
    elif match["mark"] and match["mark"][0] in "\"'":  # of a JSON object
        piece = piece.lstrip(" \"'").partition(text[match.start("mark")])[0]
    read = read_piece(piece, options, closed="letter" if weak else "text" if bare else "")
    if read == NOTHING or ((bare or weak) and read == CONFLICT and match["then"] is None):
        return None  # "Answer A or B …" without a colon is talk
    called = match["phrase"] or match["sentence"] or ""
    strong = _is_strong(options.language, called)
    turned = strong and match["opener"] is not None and rules.turn.match(match["opener"]) is not None
    supposed = False
    if match[0][0] not in _SENTENCE_START:
        before = small[max(match.start() - 120, 0) : match.start()]
        if rules.condition.search(before):
            supposed = rules.condition.search(_SENTENCES.split(before)[-1]) is not None
    firm = strong and match[0][0] in _SENTENCE_START
    return Claim(match.end(), read, firm, start + len(piece), supposed, turned)


@lru_cache(maxsize=4096)
def _is_strong(language: str, called: str) -> bool:
    return grammar(language).strong.search(called) is not None


def _searched(text: str, language: str) -> str:
    """The text as cues are looked for in it: in small letters and simplified characters, of the same length."""
    small = lower(text)
    return simplify(small) if language.startswith("zh") else small


def _after_mends(
    text: str,
    small: str,
    mends: list[tuple[int, int]],
    claims: list[Claim],
    stop: int,
    options: Options,
    rules: Grammar,
) -> list[Claim]:
    """What is named right behind a remark that takes an answer back: ``No, B.``"""
    found = []
    starts = [claim.at for claim in claims]
    for number, (at, end) in enumerate(mends):
        following = mends[number + 1][0] if number + 1 < len(mends) else stop
        if end >= stop or bisect_left(starts, at) < bisect_left(starts, following):
            continue
        pointed = options.words.it.match(small, options.words.pause.match(small, end).end())  # type: ignore[union-attr]
        piece = text[pointed.end() if pointed else end : min(following, stop)].split("\n\n", 1)[0]
        read = read_piece(piece.lstrip(" ,.:;!،、。，！：…-–—\n"), options, closed="text")
        if read >= 0:
            found.append(Claim(at, read, False, at))
    return found
