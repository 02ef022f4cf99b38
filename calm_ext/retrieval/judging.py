"""What a model is asked about a passage: whether it helps to answer a question, yes or no, in the question's language.

The model's own judgement of what was retrieved is the idea of Self-RAG (Asai et al. 2023, arXiv 2310.11511). There the
model is trained to write reflection tokens, among them ISREL, relevant or not; here nothing is trained: the
log-likelihoods of a yes and a no are compared. A model that says yes to everything is no judge, so its odds for a
passage are divided by its odds for an empty one (contextual calibration, Zhao et al. 2021, arXiv 2102.09690).
"""

from __future__ import annotations

from math import exp
from types import MappingProxyType
from typing import NamedTuple

from calm_ext.errors import CalmError
from calm_ext.languages import get_language
from calm_ext.prompts import cue, delimiter, quoted

#: Name of the wording and of the arithmetic, part of the signature of what was judged.
JUDGE = "judge-1"

#: What stands for a passage that says nothing.
EMPTY = "…"


class _Words(NamedTuple):
    question: str
    yes: str
    no: str


_WORDS = MappingProxyType(
    {
        "en": _Words("Does this passage help to answer the question? Yes or no?", "Yes", "No"),
        "zh": _Words("这段资料是否有助于回答该问题？请回答“是”或“否”。", "是", "否"),
        "fr": _Words("Ce passage aide-t-il à répondre à la question ? Oui ou non ?", "Oui", "Non"),
        "de": _Words("Hilft diese Textstelle dabei, die Frage zu beantworten? Ja oder nein?", "Ja", "Nein"),
        "it": _Words("Questo brano aiuta a rispondere alla domanda? Sì o no?", "Sì", "No"),
        "ja": _Words("この資料は質問への回答に役立ちますか？「はい」か「いいえ」で答えてください。", "はい", "いいえ"),
        "es": _Words("¿Ayuda este pasaje a responder a la pregunta? ¿Sí o no?", "Sí", "No"),
        "nl": _Words("Helpt deze passage bij het beantwoorden van de vraag? Ja of nee?", "Ja", "Nee"),
        "pl": _Words("Czy ten fragment pomaga odpowiedzieć na pytanie? Tak czy nie?", "Tak", "Nie"),
        "pt": _Words("Este trecho ajuda a responder à pergunta? Sim ou não?", "Sim", "Não"),
        "ru": _Words("Помогает ли этот отрывок ответить на вопрос? Да или нет?", "Да", "Нет"),
        "ar": _Words("هل يساعد هذا المقطع في الإجابة عن السؤال؟ نعم أم لا؟", "نعم", "لا"),
        "vi": _Words("Đoạn văn này có giúp trả lời câu hỏi không? Có hay không?", "Có", "Không"),
        "hi": _Words("क्या यह गद्यांश प्रश्न का उत्तर देने में सहायक है? हाँ या नहीं?", "हाँ", "नहीं"),
        "sw": _Words("Je, kifungu hiki kinasaidia kujibu swali? Ndiyo au hapana?", "Ndiyo", "Hapana"),
        "ur": _Words("کیا یہ اقتباس سوال کا جواب دینے میں مدد کرتا ہے؟ ہاں یا نہیں؟", "ہاں", "نہیں"),
    }
)


def can_judge(code: str) -> bool:
    """Whether there are words to ask in a language; not in Babel's, whose models know no yes and no."""
    return code in _WORDS


def judgement_prompt(code: str, passage: str, question: str) -> str:
    """What the model is asked about one passage.

    Raises:
        CalmError: there are no words for it in the language.

    >>> print(judgement_prompt("en", "Fish live in water.", "Where do fish live?"))
    Passage: Fish live in water.
    Question: Where do fish live?
    Does this passage help to answer the question? Yes or no?
    Answer:
    """
    if code not in _WORDS:
        raise CalmError(
            f"passages cannot be judged in {code}: its models know no yes and no; set retrieval.judge: false"
        )
    language = get_language(code)
    lines = [
        cue(language, language.passage) + language.space + quoted(passage),
        cue(language, language.question) + language.space + question,
        _WORDS[code].question,
        cue(language, language.answer),
    ]
    return "\n".join(lines)


def verdicts(code: str) -> tuple[str, str]:
    """The yes and the no, as they follow the prompt.

    >>> verdicts("en"), verdicts("zh")
    ((' Yes', ' No'), ('是', '否'))
    """
    words, between = _WORDS[code], delimiter(code)
    return between + words.yes, between + words.no


def relevance(yes: float, no: float, empty_yes: float, empty_no: float) -> float:
    """The probability that a passage helps, from log-likelihoods (nats) with it and with an empty one in its place.

    Half means: as likely a yes as for a passage that says nothing.

    >>> relevance(-1.0, -1.0, -1.0, -1.0)
    0.5
    """
    odds = (yes - no) - (empty_yes - empty_no)
    return 1 / (1 + exp(-odds)) if odds > -700 else 0.0
