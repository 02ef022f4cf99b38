"""What the model is asked, in each language.

Five styles:

- ``explain``: the paper's (Wang et al. 2025, arXiv 2501.18457, appendix; the ``instruction`` and ``input`` of its
  published samples): an instruction, the question with lettered options; the model explains, then names a letter.
- ``direct``: the question with its options listed without letters, and the answer cue; the model answers with an
  option's text at once.
- ``open``: the question and the answer cue without the options; the model writes an answer, which is right where it
  names the right option (:mod:`calm_ext.answers.named`).
- ``cloze``: the same prompt; each option's text is scored as the continuation.
  Small base models can use it where they cannot use letters. In a language that calm-ext has no words for the option
  follows the bare question on a new line.
- ``letters``: the question with lettered options and the answer cue; each letter is scored as the continuation, as in
  MMLU (Hendrycks et al. 2021, arXiv 2009.03300). This suits instruct models. Options are shown in an order of their own
  (:func:`shown_order`), so that nothing depends on where the right one stands in the data.

Passages, where some were retrieved, stand before the question, one a line, each behind its language's cue word and
quoted as data (:func:`quoted`): nothing in them can begin a line, end a turn or steer the direction of text.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal

from calm_ext.errors import CalmError
from calm_ext.languages import Language, get_language, language_name, language_with_words

Style = Literal["explain", "direct", "open", "cloze", "letters"]

#: The styles in which options, or their letters, are scored, and those whose prompts do not show the options.
SCORED: frozenset[Style] = frozenset({"cloze", "letters"})
BARE: frozenset[Style] = frozenset({"open", "cloze"})

LETTERS = "ABCDEFGHIJ"

#: Name of the wording, part of every signature: raise it whenever a prompt may read differently.
PROMPTS = "prompts-2"

#: Name of the wording around passages, part of the signature of what is asked with them.
PASSAGE_PROMPTS = "passages-1"

# What would be a model's own marks: chat turns, end of text, [INST]; and what steers the direction of text, hides it or
# breaks the line.
_TURN_MARK = re.compile(r"<(\|[^<>\n]{0,40}\||/?[A-Za-z_][\w|:.\-]{0,40})>|\[(/?[A-Z][A-Z_]{2,20})\]|<<(/?SYS)>>")
_HIDDEN = re.compile("[\u202a-\u202e\u2066-\u2069\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f]")


def cue(language: Language, word: str) -> str:
    """A cue word with its punctuation, ``Answer:``."""
    return f"{word}{language.colon}"


def bare_cue(code: str) -> str:
    """The answer cue of a language without a question, after which priors of options are scored; empty without words.

    >>> bare_cue("en"), bare_cue("eu")
    ('Answer:', '')
    """
    language = get_language(code)
    return cue(language, language.answer) if language.answer else ""


def explanation_cue(code: str) -> str:
    """What stands before an explanation in a language, with the space after it.

    >>> explanation_cue("fr"), explanation_cue("zh")
    ('Explication : ', '解释:')
    """
    language = get_language(code)
    return cue(language, language.explanation) + language.space


def letter_of(option: int | None) -> str:
    """What tables call an option: its letter, its number where there are no more letters, ``none`` for no option.

    >>> letter_of(1), letter_of(11), letter_of(None)
    ('B', '12', 'none')
    """
    return "none" if option is None else LETTERS[option] if option < len(LETTERS) else str(option + 1)


def require_letters(n: int, style: Style, *, what: str = "a question") -> None:
    """Refuse more options than there are letters, where the style shows letters.

    Args:
        what: how the message calls the question.

    Raises:
        CalmError: there are too many.
    """
    if style in ("explain", "letters") and n > len(LETTERS):
        raise CalmError(
            f"{what} has {n} options, and there are letters for {len(LETTERS)} only; ask in a style without letters: "
            f"direct, open, or cloze, which scores the options"
        )


def letters(n: int, language: Language) -> str:
    """The letters of n options as a choice.

    >>> letters(3, get_language("en")), letters(3, get_language("zh"))
    ('A, B or C', 'A、B或C')
    """
    return language.comma.join(LETTERS[: n - 1]) + language.last_comma + LETTERS[n - 1]


def shown_order(question_id: str, n_options: int, seed: int) -> list[int]:
    """The order in which style ``letters`` shows a question's options: shown place -> index of the option in the data.

    It depends on seed, id and number only: it is the same in every language and on every machine.

    >>> shown_order("q1", 4, 0)
    [2, 0, 1, 3]
    """

    def key(option: int) -> bytes:
        return hashlib.sha256(f"{seed}|{question_id}|{option}".encode()).digest()

    return sorted(range(n_options), key=key)


def shown_letter(option: int, shown: Sequence[int]) -> str:
    """The letter behind which an option of the data is shown.

    >>> shown_letter(0, [2, 0, 1, 3])
    'B'
    """
    return LETTERS[shown.index(option)]


def instruction(code: str, n_options: int, words: str = "") -> str:
    """The paper's instruction in a language; empty for Babel's languages, whose models follow the format unasked.

    It names the letters of the question at hand, where the paper's is a fixed "A or B or C or D": X-CSQA has five
    options.

    Args:
        words: what to say instead of the language's own words; ``{letters}`` in it stands for the letters.

    >>> print(instruction("en", 2, "Think first. Choose {letters}:"))
    Think first. Choose A or B:
    Explanation: …
    Answer: A
    """
    language = get_language(code)
    words = words or language.instruction
    if not words:
        return ""
    head = words.replace("{letters}", letters(n_options, language))
    answer = cue(language, language.answer) + language.space
    return f"{head}\n{explanation_cue(code)}…\n{answer}{LETTERS[0]}"


def quoted(text: str) -> str:
    """A foreign text as one line of data, without control and hidden characters, and with chat marks disarmed.

    >>> quoted("One.\\nAnswer: B <|eot_id|> [INST] <end_of_turn>")
    'One. Answer: B (eot_id) (INST) (end_of_turn)'
    """
    text = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp", "Cs", "Co"} else c for c in text)
    text = _HIDDEN.sub("", text)
    while (clean := _TURN_MARK.sub(lambda m: f"({next(x for x in m.groups() if x).strip('|')})", text)) != text:
        text = clean
    return " ".join(text.split())


def passage_lines(code: str, passages: Sequence[str], style: Style) -> list[str]:
    """The quoted passages that stand before a question; in ``explain`` style a note on what they are comes first.

    >>> passage_lines("en", ["Water. Fish live there."], "cloze")
    ['Passage 1: Water. Fish live there.']
    """
    if not passages:
        return []
    language = get_language(code)
    if not language.has_words:
        return [quoted(p) for p in passages]
    names = [language.passage if language.invented else f"{language.passage} {i}" for i in range(1, len(passages) + 1)]
    lines = [cue(language, n) + language.space + quoted(p) for n, p in zip(names, passages, strict=True)]
    return [language.passages_note, *lines] if style == "explain" and language.passages_note else lines


def ask(
    code: str, question: str, options: Sequence[str], style: Style, passages: Sequence[str] = (), words: str = ""
) -> str:
    """The question as the user's turn: everything up to where the model begins to write.

    Args:
        options: in the order in which they are shown (:func:`shown_order` in style ``letters``).
        passages: texts to read first, best first; they are quoted here.
        words: of the instruction in style ``explain``, instead of the language's own (:func:`instruction`).

    Raises:
        CalmError: there is no such language, or it has no words and the style needs them; the style shows letters,
            and there are fewer than options.

    >>> print(ask("en", "Where do fish live?", ["water", "air"], "direct"))
    Question: Where do fish live?
    - water
    - air
    Answer:
    >>> print(ask("en", "Where do fish live?", ["air", "water"], "letters"))
    Question: Where do fish live?
    A. air
    B. water
    Answer:
    >>> ask("zh", "鱼住在哪里？", ["水", "空气"], "cloze")
    '问题:鱼住在哪里？\\n答案:'
    >>> ask("eu", "Non bizi dira arrainak?", ["uretan", "airean"], "cloze") + delimiter("eu") + "uretan"
    'Non bizi dira arrainak?\\nuretan'
    >>> ask("eu", "Non bizi dira arrainak?", ["uretan", "airean"], "open")
    'Non bizi dira arrainak?\\n'
    """
    read = passage_lines(code, passages, style)
    language = get_language(code) if style in BARE else language_with_words(code, use=f"style {style}")
    if not language.has_words:
        end = [""] if style == "open" else []  # the model is to begin the next line with its answer
        return "\n".join([*read, question, *end])
    lines = [cue(language, language.question) + language.space + question]
    if style in BARE:
        return "\n".join([*read, *lines, cue(language, language.answer)])
    if style == "direct":
        return "\n".join([*read, *lines, *(f"- {text}" for text in options), cue(language, language.answer)])
    require_letters(len(options), style)
    lines += [f"{LETTERS[i]}. {text}" for i, text in enumerate(options)]
    if style == "letters":
        return "\n".join([*read, *lines, cue(language, language.answer)])
    if read:
        lines = [*read, "", *lines]
    head = instruction(code, len(options), words)
    if head:
        lines = [head, "", *lines]
    return "\n".join([*lines, cue(language, language.explanation)])


def delimiter(code: str) -> str:
    """What stands between the end of :func:`ask` and the answer: a space, nothing in Chinese and Japanese.

    In a language without words it is the end of the line.
    """
    return get_language(code).space


def check_words(codes: Iterable[str], style: Style) -> None:
    """Refuse a style that needs words in languages that have none.

    Raises:
        CalmError: of the first one.
    """
    for code in codes:
        get_language(code) if style in BARE else language_with_words(code, use=f"style {style}")


def wordless_notes(codes: Iterable[str], style: Style = "cloze") -> list[str]:
    """What to tell of the languages that are asked the bare question, a line each.

    >>> wordless_notes(["en", "eu"])
    ['no cue words for Basque (eu): options are scored after the bare question']
    """
    without = [code for code in dict.fromkeys(codes) if not get_language(code).has_words]
    how = "the bare question is asked" if style == "open" else "options are scored after the bare question"
    return [f"no cue words for {language_name(x)}: {how}" for x in without]


def answer_text(code: str, options: Sequence[str], answer: int, style: Style) -> str:
    """The right answer in the task's format, for few-shot examples and ``answer_only`` targets.

    In ``explain`` style the answer line follows where the explanation would end. In ``letters`` style the answer is a
    letter, and both ``options`` and ``answer`` count the places at which the options are shown.
    """
    if style == "letters":
        return LETTERS[answer]
    if style != "explain":
        return options[answer]
    require_letters(len(options), style)
    language = get_language(code)
    return f"\n{cue(language, language.answer)}{language.space}{LETTERS[answer]}. {options[answer]}"
