"""The languages calm-ext can ask in: thirty real ones and Babel's eight invented ones with words, others without.

A language is one file in this folder, named by its BCP-47 code (RFC 5646), that holds all of its words; to add one,
copy ``en.py`` and translate it. Whoever changes a word that stands in prompts raises :data:`calm_ext.prompts.PROMPTS`.
Another package adds a language through the entry points of :mod:`calm_ext.plugins`.

A language of BCP-47 without a file (:mod:`calm_ext.languages.codes`) has the words of the language it is a variant of,
as ``pt-BR`` of ``pt``, or none: then its questions are asked bare (styles ``open`` and ``cloze``).
"""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

from calm_ext.errors import CalmError
from calm_ext.plugins import Registry


class AnswerWords(NamedTuple):
    """The words by which an answer is recognised in a model's text.

    The English ones are tried in every language, because models fall back to English. Words are matched without case;
    where a word can be written with and without accents, both are listed.

    Attributes:
        noun: cues that name the answer and want a colon, a dash or the end of the line: ``Correct answer``.
        strong: parts of cues that speak of the right or the last answer; such a cue takes an earlier ``Answer:`` back.
        sentence: cues with a verb, which want nothing: ``The correct answer is``.
        label: words that may stand before a letter: ``option B``.
        join: words between the letters of several answers: ``A or B``.
        opener: words a sentence may begin with before a cue: ``So the answer is``.
        after: what may follow a letter and means nothing more: ``是B选项``, ``正解はBです``.
        retract: how a remark after an answer begins that takes it back: ``B (incorrect)``.
        none: how a text begins that says that no option, or every one, is right; beginnings of words.
        article: words before an option's text that are not part of it: ``the hospital``.
        turn: words that turn an answer round where another letter follows: ``B. Wait, the answer is C``; every
            language's are looked for in every text.
        words: capital letters that are words of the language: ``A place``.
        letters: the language's own letters for options, in their order; one string an option, its spellings joined by
            commas. A letter that may stand for two options is listed with both (``В``, the Latin B or the third
            Cyrillic letter); only the option's text behind it then decides.
        copula: verbs that join an answer and an option, in either order: ``is``, ``would be``.
        adjective: what a right answer is called, beside the word for it: ``correct``, ``most likely``.
        head: words for an option that are a cue only with an ``adjective``: ``option`` in ``the best option``. With
            ``noun`` and ``copula`` they make cues, so that these need not all be written into ``sentence``.
        hedge: adverbs that may stand around a copula and before a letter: ``probably``, ``clearly``, ``therefore``.
        it: how a sentence may point at an option without a word for the answer: ``it is``, ``it must be``. Only a
            letter is read after these.
        right: what an option is called that is the answer, behind a copula: ``the right one``, ``correct``.
        verdict: the same with its verb, where it stands behind the option in another form: ``सही है``, ``が正解``.
        mend: how a remark begins that takes back what was answered before, so that the next answer counts: ``wait``,
            ``sorry``, ``correction``; every language's are looked for in every text.
        condition: words that make a supposition of what follows: ``if``.
        negation: words before an option that say it is not the answer: ``not``, ``rather than``.
        contrast: what stands between an option that is denied and the right one: ``but`` in ``not A but B``.
        glued: what a language writes right behind a letter, as ``'dir`` or ``입니다``; the letter still stands alone.
        prefixed: what a language writes right before a word, as Arabic ``ال`` and ``و``.
        endings: endings that a noun's cases exchange or add, an empty one among them where it may be missing: ``ka``,
            ``ce`` for Polish ``biblioteka``, ``bibliotece``; also postpositions. Used only where one option fits.
        clause: words, or their ends, that close a clause with a space behind and no mark: ``때문에``, ``için``.
    """

    noun: tuple[str, ...] = ()
    strong: tuple[str, ...] = ()
    sentence: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    join: tuple[str, ...] = ()
    opener: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    retract: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    article: tuple[str, ...] = ()
    turn: tuple[str, ...] = ()
    words: str = ""
    letters: tuple[str, ...] = ()
    copula: tuple[str, ...] = ()
    adjective: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    hedge: tuple[str, ...] = ()
    it: tuple[str, ...] = ()
    right: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
    mend: tuple[str, ...] = ()
    condition: tuple[str, ...] = ()
    negation: tuple[str, ...] = ()
    contrast: tuple[str, ...] = ()
    glued: tuple[str, ...] = ()
    prefixed: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    clause: tuple[str, ...] = ()


class Language(NamedTuple):
    """One language: all of its words.

    Attributes:
        code: BCP-47 code, the key everywhere.
        name: English name.
        endonym: the language's own name.
        script: ISO 15924 code of the script questions are written in.
        question, explanation, answer, passage: the cue words of the prompt, without punctuation.
        colon: the punctuation that follows a cue.
        space: what joins a cue and the text after it; empty in scripts that do not space words.
        comma, last_comma: what joins the items of a choice, and its last two: ``A, B or C``.
        instruction: what the model is asked to do in ``explain`` style (Wang et al. 2025, arXiv 2501.18457, appendix),
            with ``{letters}`` for the letters of the options; empty: the question stands alone.
        passages_note: what stands before passages in ``explain`` style; empty: nothing does.
        relevance: the question whether a passage helps; empty: the model cannot judge passages in this language.
        yes, no: the two answers to ``relevance``.
        stemmer: name of the Snowball stemmer (https://snowballstem.org), None where there is none.
        unspaced: whether words are not spaced. Retrieval then cuts runs of such characters into short pieces.
        flores: FLORES-200 code, which NLLB uses; None where there is none.
        answers: the words by which answers are recognised, besides the cue words.
        aliases: codes that others use for the language.
    """

    code: str
    name: str
    endonym: str
    script: str
    question: str
    explanation: str
    answer: str
    passage: str
    colon: str = ":"
    space: str = " "
    comma: str = ", "
    last_comma: str = ", "
    instruction: str = ""
    passages_note: str = ""
    relevance: str = ""
    yes: str = ""
    no: str = ""
    stemmer: str | None = None
    unspaced: bool = False
    flores: str | None = None
    answers: AnswerWords = AnswerWords()
    aliases: tuple[str, ...] = ()

    @property
    def right_to_left(self) -> bool:
        """Whether the script runs from right to left."""
        return self.script in {"Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm"}

    @property
    def has_words(self) -> bool:
        """Whether there are cue words: without them the bare question is asked (styles ``open`` and ``cloze``)."""
        return bool(self.answer)

    @property
    def invented(self) -> bool:
        """Whether this is one of Babel's languages."""
        return self.code.startswith("qa")


#: code -> :class:`Language`; the files are read when it is first asked.
LANGUAGES: Registry[Language] = Registry("language", "calm_ext.languages", constant="LANGUAGE", key="code")


def is_known(code: str) -> bool:
    """Whether there is a file of this code (other ways to write a code do not count: see :func:`normalise_code`)."""
    return code in LANGUAGES


def is_language(code: str) -> bool:
    """Whether :func:`get_language` gives a language: one with a file, or another of BCP-47, in our way to write it."""
    return code in LANGUAGES or bool(_codes().derived(code))


def resolve_alias(code: str) -> str:
    """The code of the language that others call ``code``; ``code`` itself where none is called so.

    >>> resolve_alias("cn"), resolve_alias("fr"), resolve_alias("xx")
    ('zh', 'fr', 'xx')
    """
    if code in LANGUAGES:
        return code
    return next((row.code for row in LANGUAGES.values() if code in row.aliases), code)


def normalise_code(code: str) -> str:
    """Our code of a language that is written in another way (:func:`calm_ext.languages.codes.normalise_code`)."""
    if code in LANGUAGES:
        return code
    ours: str = _codes().normalise_code(code)
    return ours


def get_language(code: str) -> Language:
    """The language of a code, which may have no words (``has_words``).

    Raises:
        CalmError: there is none; the message names the nearest.
    """
    language: Language | None = LANGUAGES.get(code) or _codes().derived(code)
    if language is None:
        raise CalmError(f"no language {code!r}{code_hint(code)}; `calm-ext languages` lists those with cue words")
    return language


def language_with_words(code: str, *, use: str) -> Language:
    """The language of a code where words are needed.

    Args:
        use: what they are needed for, as the message says it.

    Raises:
        CalmError: there is no such language, or it has no words; the message says which languages have.
    """
    language = get_language(code)
    if not language.has_words:
        known = ", ".join(row.code for row in LANGUAGES.values() if not row.invented)
        raise CalmError(
            f"{use} needs words, and there are none for {language.name} ({code}): score the options instead "
            f"(mode options, style cloze), ask in free text (style open), or add "
            f"calm_ext/languages/{code.replace('-', '_').lower()}.py as CONTRIBUTING.md says; languages with words: "
            f"{known}"
        )
    return language


def code_hint(code: str) -> str:
    """`` (did you mean 'x'?)`` where another code, or a language's name, is near to a wrong one; else nothing."""
    hint: str = _codes().hint(code)
    return hint


def language_name(code: str) -> str:
    """Name and code, ``French (fr)``; the code alone where no language has it.

    >>> language_name("fr"), language_name("xx")
    ('French (fr)', 'xx')
    """
    return f"{get_language(code).name} ({code})" if is_language(code) else code


def _codes() -> ModuleType:
    """What needs langcodes, imported when a code is asked for that is not one of ours."""
    from calm_ext.languages import codes

    return codes
