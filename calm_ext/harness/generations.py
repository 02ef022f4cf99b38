"""What a backend said, as records: the lines of a generations file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from calm_ext.models.request import Reply
from calm_ext.prompts import Style, ask, shown_order
from calm_ext.records import Generation, ParallelQuestion, Prompt
from calm_ext.retrieval.grounding import Grounding

Mode = Literal["generate", "options"]


def generations_of(
    questions: Sequence[ParallelQuestion],
    responses: dict[tuple[str, str], list[Any]],
    style: Style,
    mode: Mode,
    chat_template: bool,
    grounding: Grounding | None,
    seed: int,
) -> list[Generation]:
    """A generation for each question and language.

    Args:
        responses: (question id, language) -> the replies, or the (log-probability, greedy) of each option; or one reply
            without a text where such a score is lost.
    """
    result = []
    for question in questions:
        shown = shown_order(question.id, question.n_options, seed) if style == "letters" else None
        for language, version in question.versions.items():
            read = grounding.found[question.id, language].passages if grounding else []
            options = [version.options[i] for i in shown] if shown else version.options
            text = ask(language, version.question, options, style, [p.shown() for p in read])
            prompt: Prompt = [{"role": "user", "content": text}] if chat_template else text
            got = responses[question.id, language]
            is_scored = mode == "options" and not isinstance(got[0], Reply)
            result.append(
                Generation(
                    id=question.id,
                    language=language,
                    source_language=question.source_language,
                    question=version.question,
                    options=version.options,
                    answer=question.answer,
                    prompt=prompt,
                    responses=[] if is_scored else [reply.text for reply in got],
                    finish=None if is_scored else _finish(got),
                    option_logprobs=[float(x[0]) for x in got] if is_scored else None,
                    shown=shown if is_scored else None,
                    passages=[p.id for p in read],
                    names=(question.names or {}).get(language) if style == "open" else None,
                )
            )
    return result


def _finish(replies: Sequence[Reply]) -> list[str | None] | None:
    """How the responses ended; None where all did so by themselves, or nothing is known."""
    ends = [reply.finish for reply in replies]
    return None if set(ends) <= {"stop"} or set(ends) <= {None} else ends
