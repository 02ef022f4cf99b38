"""What the model is asked, in each language.

Three styles:

- ``explain``: the paper's (Wang et al. 2025, arXiv 2501.18457, appendix; the ``instruction`` and ``input`` of its
  published samples): an instruction, the question with lettered options; the model explains, then names a letter.
- ``direct``: the question with its options listed without letters, and the answer cue; the model answers with an
  option's text at once.
- ``cloze``: the question and the answer cue without the options; each option's text is scored as the continuation.
  Small base models can use it where they cannot use letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Literal

from calm_ext.languages import Language, get_language

Style = Literal["explain", "direct", "cloze"]

LETTERS = "ABCDEFGHIJ"

#: Name of the wording, part of every signature: raise it whenever a prompt may read differently.
PROMPTS = "prompts-2"

# The paper's instruction, with the letters of the question at hand instead of its fixed "A or B or C or D"
# (X-CSQA has five options). {letters} and the cue words are filled in by `instruction`.
_INSTRUCTIONS = MappingProxyType({
    "en": "Answer the multiple-choice question. Give a short explanation and then ONE correct option: {letters}. "
          "Be concise. Answer in English. Output format:",
    "zh": "回答选择题。请先给出简短的解释，再给出唯一正确的选项：{letters}。回答要简洁，请用中文作答。输出格式：",
    "fr": "Répondez à la question à choix multiples. Donnez une brève explication, puis UNE seule bonne réponse : "
          "{letters}. Soyez concis. Répondez en français. Format de sortie :",
    "de": "Beantworten Sie die Multiple-Choice-Frage. Geben Sie eine kurze Erklärung und nennen Sie dann GENAU EINE "
          "richtige Option: {letters}. Fassen Sie sich kurz. Antworten Sie auf Deutsch. Ausgabeformat:",
    "it": "Rispondi alla domanda a scelta multipla. Fornisci una breve spiegazione e poi UNA sola opzione corretta: "
          "{letters}. Sii conciso. Rispondi in italiano. Formato di output:",
    "ja": "多肢選択問題に答えてください。まず簡単な説明を書き、"
          "そのあとに{letters}の中から正しい選択肢を1つだけ示してください。簡潔に、日本語で答えてください。出力形式：",
    "es": "Responde a la pregunta de opción múltiple. Da una breve explicación y después UNA sola opción correcta: "
          "{letters}. Sé conciso. Responde en español. Formato de salida:",
    "nl": "Beantwoord de meerkeuzevraag. Geef een korte uitleg en daarna ÉÉN juiste optie: {letters}. "
          "Wees beknopt. Antwoord in het Nederlands. Uitvoerformaat:",
    "pl": "Odpowiedz na pytanie jednokrotnego wyboru. Podaj krótkie wyjaśnienie, a następnie JEDNĄ poprawną opcję: "
          "{letters}. Odpowiadaj zwięźle, po polsku. Format odpowiedzi:",
    "pt": "Responda à pergunta de múltipla escolha. Dê uma breve explicação e depois UMA única opção correta: "
          "{letters}. Seja conciso. Responda em português. Formato de saída:",
    "ru": "Ответьте на вопрос с вариантами ответа. Дайте краткое объяснение, а затем укажите ОДИН правильный вариант: "
          "{letters}. Отвечайте кратко, на русском языке. Формат ответа:",
    "ar": "أجب عن سؤال الاختيار من متعدد. قدّم شرحًا موجزًا ثم خيارًا صحيحًا واحدًا فقط: {letters}. "
          "كن موجزًا وأجب باللغة العربية. صيغة الإجابة:",
    "vi": "Hãy trả lời câu hỏi trắc nghiệm. Đưa ra lời giải thích ngắn gọn rồi chọn MỘT phương án đúng: {letters}. "
          "Trả lời ngắn gọn bằng tiếng Việt. Định dạng đầu ra:",
    "hi": "बहुविकल्पीय प्रश्न का उत्तर दें। पहले संक्षिप्त व्याख्या दें, फिर केवल एक सही विकल्प बताएँ: {letters}। "
          "संक्षेप में, हिन्दी में उत्तर दें। आउटपुट प्रारूप:",
    "sw": "Jibu swali la chaguo nyingi. Toa maelezo mafupi kisha chaguo MOJA sahihi: {letters}. "
          "Jibu kwa ufupi na kwa Kiswahili. Muundo wa jibu:",
    "ur": "کثیر الانتخابی سوال کا جواب دیں۔ پہلے مختصر وضاحت دیں، پھر صرف ایک درست آپشن بتائیں: {letters}۔ "
          "مختصراً اور اردو میں جواب دیں۔ جواب کی شکل:",
})  # fmt: skip


def cue(language: Language, word: str) -> str:
    """A cue word with its punctuation, ``Answer:``."""
    return f"{word}{language.colon}"


def letters(n: int, language: Language) -> str:
    """The letters of n options as a choice.

    >>> letters(3, get_language("en")), letters(3, get_language("zh"))
    ('A, B or C', 'A、B或C')
    """
    return language.comma.join(LETTERS[: n - 1]) + language.last_comma + LETTERS[n - 1]


def instruction(code: str, n_options: int) -> str:
    """The paper's instruction in a language; empty for Babel's languages, whose models follow the format unasked."""
    language = get_language(code)
    text = _INSTRUCTIONS.get(code)
    if text is None:
        return ""
    head = text.format(letters=letters(n_options, language))
    explanation, answer = (cue(language, word) + language.space for word in (language.explanation, language.answer))
    return f"{head}\n{explanation}…\n{answer}{LETTERS[0]}"


def ask(code: str, question: str, options: Sequence[str], style: Style) -> str:
    """The question as the user's turn: everything up to where the model begins to write.

    >>> print(ask("en", "Where do fish live?", ["water", "air"], "direct"))
    Question: Where do fish live?
    - water
    - air
    Answer:
    >>> ask("zh", "鱼住在哪里？", ["水", "空气"], "cloze")
    '问题:鱼住在哪里？\\n答案:'
    """
    language = get_language(code)
    lines = [cue(language, language.question) + language.space + question]
    if style == "cloze":
        return "\n".join([*lines, cue(language, language.answer)])
    if style == "direct":
        return "\n".join([*lines, *(f"- {text}" for text in options), cue(language, language.answer)])
    lines += [f"{LETTERS[i]}. {text}" for i, text in enumerate(options)]
    head = instruction(code, len(options))
    if head:
        lines = [head, "", *lines]
    return "\n".join([*lines, cue(language, language.explanation)])


def delimiter(code: str) -> str:
    """What stands between the end of :func:`ask` and the answer: a space, or nothing in Chinese and Japanese."""
    return get_language(code).space


def answer_text(code: str, options: Sequence[str], answer: int, style: Style) -> str:
    """The right answer in the task's format, for few-shot examples and ``answer_only`` targets.

    In ``explain`` style the answer line follows where the explanation would end.
    """
    if style != "explain":
        return options[answer]
    language = get_language(code)
    return f"\n{cue(language, language.answer)}{language.space}{LETTERS[answer]}. {options[answer]}"
