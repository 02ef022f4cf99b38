"""The turns of a conversation that a task's document becomes, what is scored behind them, and what is read there.

Documents of style ``letters`` have ``shown``, the order of their options (:func:`calm_ext.prompts.shown_order`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lm_eval.api.utils import Message

from calm_ext.answers.read import read_answer
from calm_ext.answers.thoughts import Marks
from calm_ext.errors import CalmError
from calm_ext.harness.dataset import Doc
from calm_ext.languages import get_language
from calm_ext.prompts import Style, answer_text, ask, cue, delimiter, shown_letter, shown_order

if TYPE_CHECKING:
    import datasets


def with_order(table: datasets.Dataset, seed: int) -> datasets.Dataset:
    """The documents with ``shown``, which lm-eval logs with them."""
    if "shown" in table.column_names:
        table = table.remove_columns("shown")
    rows = zip(table["id"], table["options"], strict=True)
    return table.add_column("shown", [shown_order(identity, len(options[0]), seed) for identity, options in rows])


def turns(doc: Doc, index: int, style: Style, *, answered: bool) -> list[Message]:
    """The question in the language at ``index`` as the user's turn, with its right answer where it is ``answered``.

    Raises:
        CalmError: an answered question has no right answer.
    """
    language, options, answer = doc["languages"][index], doc["options"][index], doc["answer"]
    if style == "letters":
        options = [options[i] for i in doc["shown"]]
        answer = None if answer is None else doc["shown"].index(answer)
    passages = [p["text"] for p in doc["passages"][index]] if "passages" in doc else []
    prompt = ask(language, doc["questions"][index], options, style, passages)
    if not answered:
        return [Message("user", prompt, "")]
    if answer is None:
        raise CalmError(f"few-shot question {doc['id']} has no answer; use a labelled split for --num_fewshot")
    target = answer_text(language, options, answer, style)
    between = "" if target.startswith("\n") or prompt.endswith("\n") else delimiter(language)
    return [Message("user", prompt, between), Message("assistant", target, "\n\n")]


def continuations(doc: Doc, index: int, style: Style, *, chat: bool) -> list[str]:
    """What is scored for each option, in the order of the data: its text, or the letter behind which it is shown."""
    between = "" if chat else delimiter(doc["languages"][index])
    options = doc["options"][index]
    return [between + (shown_letter(i, doc["shown"]) if style == "letters" else text) for i, text in enumerate(options)]


def answers_in(doc: Doc, responses: Sequence[str], style: Style, thoughts: Marks) -> dict[str, int | None]:
    """language -> the option that its response gives, None where none can be read; responses in the doc's order."""
    names = doc.get("names") or [None] * len(doc["languages"])
    given = zip(doc["languages"], doc["options"], names, responses, strict=True)
    return {x: read_answer(text, own, x, style=style, thoughts=thoughts, names=more) for x, own, more, text in given}


def generation_kwargs(given: Mapping[str, Any] | None, language: str) -> dict[str, Any]:
    """The YAML's, with the language's own question cue as a stop: base models go on with a next question."""
    result = dict(given or {})
    until = result.get("until") or []
    row = get_language(language)
    own = "\n" + cue(row, row.question)
    result["until"] = [*([until] if isinstance(until, str) else until), *([own] if row.question else [])]
    return result
