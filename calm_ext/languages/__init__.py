"""The languages calm-ext can ask in: codes, names, script, cue words (the 16 of X-CSQA and Babel's invented ones).

A language is named by its BCP-47 code (RFC 5646). Babel's invented languages use the codes ``qaa`` to ``qah``, which
ISO 639-2 reserves for local use. To add a language, add a row to ``_TABLE`` here, its answer words to
:mod:`calm_ext.languages.answer_words` and its instruction to :mod:`calm_ext.prompts`; nothing else names languages.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

from calm_ext.errors import CalmError


class Language(NamedTuple):
    """One language.

    Attributes:
        code: BCP-47 code, the key everywhere.
        name: English name.
        endonym: the language's own name.
        script: ISO 15924 code of the script questions are written in.
        question, explanation, answer, passage: the cue words of the prompt, without punctuation.
        colon: the punctuation that follows a cue.
        space: what joins a cue and the text after it; empty in scripts that do not space words.
        comma, last_comma: what joins the items of a choice, and its last two: ``A, B or C``.
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

    @property
    def right_to_left(self) -> bool:
        """Whether the script runs from right to left."""
        return self.script in {"Arab", "Hebr"}

    @property
    def invented(self) -> bool:
        """Whether this is one of Babel's languages."""
        return self.code.startswith("qa")


_TABLE = (
    Language("en", "English", "English", "Latn", "Question", "Explanation", "Answer", "Passage", last_comma=" or "),
    Language("zh", "Chinese", "中文", "Hans", "问题", "解释", "答案", "资料", space="", comma="、", last_comma="或"),
    Language("fr", "French", "français", "Latn", "Question", "Explication", "Réponse", "Passage", colon=" :", last_comma=" ou "),
    Language("de", "German", "Deutsch", "Latn", "Frage", "Erklärung", "Antwort", "Textstelle", last_comma=" oder "),
    Language("it", "Italian", "italiano", "Latn", "Domanda", "Spiegazione", "Risposta", "Brano", last_comma=" o "),
    Language("ja", "Japanese", "日本語", "Jpan", "質問", "説明", "答え", "資料", space="", comma="、", last_comma="、"),
    Language("es", "Spanish", "español", "Latn", "Pregunta", "Explicación", "Respuesta", "Pasaje", last_comma=" o "),
    Language("nl", "Dutch", "Nederlands", "Latn", "Vraag", "Uitleg", "Antwoord", "Passage", last_comma=" of "),
    Language("pl", "Polish", "polski", "Latn", "Pytanie", "Wyjaśnienie", "Odpowiedź", "Fragment", last_comma=" albo "),
    Language("pt", "Portuguese", "português", "Latn", "Pergunta", "Explicação", "Resposta", "Trecho", last_comma=" ou "),
    Language("ru", "Russian", "русский", "Cyrl", "Вопрос", "Объяснение", "Ответ", "Отрывок", last_comma=" или "),
    Language("ar", "Arabic", "العربية", "Arab", "السؤال", "الشرح", "الإجابة", "المقطع", comma="، ", last_comma=" أو "),
    Language("vi", "Vietnamese", "Tiếng Việt", "Latn", "Câu hỏi", "Giải thích", "Câu trả lời", "Đoạn văn", last_comma=" hoặc "),
    Language("hi", "Hindi", "हिन्दी", "Deva", "प्रश्न", "व्याख्या", "उत्तर", "गद्यांश", last_comma=" या "),
    Language("sw", "Swahili", "Kiswahili", "Latn", "Swali", "Maelezo", "Jibu", "Kifungu", last_comma=" au "),
    Language("ur", "Urdu", "اردو", "Arab", "سوال", "وضاحت", "جواب", "اقتباس", comma="، ", last_comma=" یا "),
    Language("qaa", "Babel A", "velar", "Latn", "Ruvo", "Sumek", "Talor", "Lumek"),
    Language("qab", "Babel B", "kishti", "Latn", "Dzira", "Ponke", "Wishul", "Tsilka"),
    Language("qac", "Babel C", "ombaru", "Latn", "Gombe", "Yalu", "Ndoro", "Ndumba"),
    Language("qad", "Babel D", "fjelte", "Latn", "Spraak", "Hjund", "Kvelt", "Bjort"),
    Language("qae", "Babel E", "aoluei", "Latn", "Oiea", "Uale", "Iamea", "Oaliu"),
    Language("qaf", "Babel F", "tzotlan", "Latn", "Xuhti", "Tlamek", "Cazotl", "Zacuitl"),
    Language("qag", "Babel G", "drumnia", "Latn", "Brusk", "Glenar", "Vorst", "Gnarv"),
    Language("qah", "Babel H", "pipiko", "Latn", "Pelia", "Hanohu", "Makiko", "Lipuna"),
)  # fmt: skip

#: code -> :class:`Language`, in the order of the table; read-only.
LANGUAGES = MappingProxyType({row.code: row for row in _TABLE})

#: The languages of Babel, pivot first.
BABEL_CODES = tuple(code for code, row in LANGUAGES.items() if row.invented)

#: Codes other projects use for languages of the table.
ALIASES = MappingProxyType({"cn": "zh", "jap": "ja", "jp": "ja"})


def is_known(code: str) -> bool:
    """Whether ``code`` is in the table (aliases are not: they are resolved where files are read)."""
    return code in LANGUAGES


def get_language(code: str) -> Language:
    """The language of a code.

    Raises:
        CalmError: there is none; the message lists what there is.
    """
    try:
        return LANGUAGES[code]
    except KeyError:
        hint = f" (did you mean {ALIASES[code]!r}?)" if code in ALIASES else ""
        known = ", ".join(c for c in LANGUAGES if not LANGUAGES[c].invented)
        raise CalmError(f"no cue words for language {code!r}{hint}; known: {known}, and Babel's qaa to qah") from None
