"""The model judges the passages that it is to read, and keeps those it believes in (:mod:`calm_ext.retrieval.judging`).

Two log-likelihoods a passage, yes and no, and two a question and language for an empty passage; through lm-eval's model
class, so that the options' shared prefix is used where the class shares it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from calm_ext.errors import CalmError
from calm_ext.records import ParallelQuestion, Passages
from calm_ext.retrieval import measure
from calm_ext.retrieval.grounding import Found, Grounding
from calm_ext.retrieval.judging import EMPTY, JUDGE, can_judge, judgement_prompt, relevance, verdicts

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
