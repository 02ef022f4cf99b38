"""The model judges the passages that it is to read: does this one help to answer the question, yes or no?

The model's own judgement of what was retrieved is the idea of Self-RAG (Asai et al. 2023, arXiv 2310.11511). There the
model is trained to write reflection tokens, among them ISREL, relevant or not; here nothing is trained: the
log-likelihoods of a yes and a no are compared, in the question's language. A model that says yes to everything is no
judge, so its odds for a passage are divided by its odds for an empty one (contextual calibration, Zhao et al. 2021,
arXiv 2102.09690).

Two log-likelihoods a passage, yes and no, and two a question and language for an empty passage; through lm-eval's model
class, so that the options' shared prefix is used where the class shares it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp
from typing import Any

from calm_ext.errors import CalmError
from calm_ext.languages import get_language
from calm_ext.prompts import cue, quoted
from calm_ext.records import ParallelQuestion, Passages
from calm_ext.retrieval import measure
from calm_ext.retrieval.grounding import Found, Grounding

#: Name of the wording and of the arithmetic, part of the signature of what was judged.
JUDGE = "judge-1"

#: What stands for a passage that says nothing.
EMPTY = "…"

#: Questions judged at once, between two reports of progress.
_CHUNK = 16


def judge(
    lm: Any,
    questions: Sequence[ParallelQuestion],
    grounding: Grounding,
    *,
    threshold: float,
    chat_template: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Grounding:
    """The passages whose relevance, by the model's own judgement, is at least the threshold, in their order.

    Args:
        threshold: 0 to 1; at 0.5 a passage is kept that makes a yes likelier than an empty one does.
        chat_template: ask as the user's turn of the model's chat template.
        progress: called with the number of questions judged so far.

    Raises:
        CalmError: there are no words to judge in a language.
    """
    for language in dict.fromkeys(x for q in questions for x in q.versions):
        if not can_judge(language):
            judgement_prompt(language, "", "")  # says why
    found: Found = {}
    dropped = total = 0
    for start in range(0, len(questions), _CHUNK):
        part = questions[start : start + _CHUNK]
        for key, own in _judged(lm, part, grounding, chat_template).items():
            kept = [p for p in own.passages if (p.relevance or 0.0) >= threshold]
            total += len(own.passages)
            dropped += len(own.passages) - len(kept)
            found[key] = own.model_copy(update={"passages": kept})
        if progress:
            progress(start + len(part))
    without = sum(not p.passages for p in found.values())
    note = (
        f"the model judged {total} passages and left out {dropped}; {without} of {len(found)} questions and languages "
    )
    signature = f"{grounding.signature}.{JUDGE}.t{threshold:g}"
    known = {key for key, own in grounding.found.items() if any(p.gold is not None for p in own.passages)}
    quality = measure(found.values(), k=grounding.quality["k"], known=known)
    quality = {**grounding.quality, "after_judging": quality}
    return Grounding(found, signature, [*grounding.notes, note + "have none left"], quality)


def _judged(
    lm: Any, questions: Sequence[ParallelQuestion], grounding: Grounding, chat_template: bool
) -> dict[tuple[str, str], Passages]:
    from calm_ext.models.request import loglikelihoods

    asked: list[tuple[str, str]] = []
    for question in questions:
        for language, version in question.versions.items():
            texts = grounding.texts(question.id, language)
            yes, no = verdicts(language)
            for text in [EMPTY, *texts] if texts else []:
                prompt = judgement_prompt(language, text, version.question)
                if chat_template:
                    prompt = _as_turn(lm, prompt)
                    yes, no = yes.strip(), no.strip()
                asked += [(prompt, yes), (prompt, no)]
    scores = iter(loglikelihoods(lm, asked) if asked else [])
    found = {}
    for question in questions:
        for language in question.versions:
            own = grounding.found[question.id, language]
            passages = []
            if own.passages:
                empty = next(scores), next(scores)
                for passage in own.passages:
                    value = relevance(next(scores), next(scores), *empty)
                    passages.append(passage.model_copy(update={"relevance": round(value, 6)}))
            found[question.id, language] = own.model_copy(update={"passages": passages})
    return found


def _as_turn(lm: Any, prompt: str) -> str:
    if not getattr(getattr(lm, "tokenizer", None), "chat_template", None):
        raise CalmError("a chat template was asked for, but the model's tokenizer has none")
    rendered: str = lm.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True)
    return rendered


# --- what the model is asked, and what its answer means ---------------------------------------------------------------


def can_judge(code: str) -> bool:
    """Whether there are words to ask in a language; not in Babel's, whose models know no yes and no."""
    return bool(get_language(code).relevance)


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
    language = get_language(code)
    if not language.relevance:
        raise CalmError(
            f"passages cannot be judged in {code}: there are no words to ask for it; set retrieval.judge: false"
        )
    lines = [
        cue(language, language.passage) + language.space + quoted(passage),
        cue(language, language.question) + language.space + question,
        language.relevance,
        cue(language, language.answer),
    ]
    return "\n".join(lines)


def verdicts(code: str) -> tuple[str, str]:
    """The yes and the no, as they follow the prompt.

    >>> verdicts("en"), verdicts("zh")
    ((' Yes', ' No'), ('是', '否'))
    """
    language = get_language(code)
    return language.space + language.yes, language.space + language.no


def relevance(yes: float, no: float, empty_yes: float, empty_no: float) -> float:
    """The probability that a passage helps, from log-likelihoods (nats) with it and with an empty one in its place.

    Half means: as likely a yes as for a passage that says nothing.

    >>> relevance(-1.0, -1.0, -1.0, -1.0)
    0.5
    """
    odds = (yes - no) - (empty_yes - empty_no)
    return 1 / (1 + exp(-odds)) if odds > -700 else 0.0
