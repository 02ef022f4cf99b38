"""The shapes in which lm-eval logs a prompt and a response.

A prompt is a text; where a chat API was asked it is a conversation, logged as a list of turns, as a JSON text of one,
or as a list that holds this JSON text (lm-eval's ``JsonChatStr``). A response is a text, or a list of them where a
request was repeated; a score is ``[log-probability, is greedy]``. lm-eval writes numbers, True and None as texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from calm_ext.files.decode import decoded
from calm_ext.records import Prompt
from calm_ext.records.base import MOST_OPTIONS


def prompt_of(value: Any) -> Prompt:
    """A logged prompt: a text, or the turns of a conversation, each with its role and content.

    Raises:
        ValueError: it is neither.

    >>> prompt_of(['[{"role": "user", "content": "Where?", "type": "text"}]'])
    [{'role': 'user', 'content': 'Where?'}]
    >>> prompt_of("Where?")
    'Where?'
    """
    if isinstance(value, str):
        return _turns(_decoded(value)) or value
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], (str, list)):
        return prompt_of(value[0])
    turns = _turns(value)
    if turns is None:
        raise ValueError("its prompt is neither a text nor a conversation")
    return turns


def _decoded(text: str) -> Any:
    if not text.lstrip().startswith("["):
        return None
    try:
        return decoded(text, strict=False)
    except ValueError:
        return None


def _turns(value: Any) -> list[dict[str, str]] | None:
    """The turns of a conversation; None where the value is no conversation."""
    if not isinstance(value, list) or not value:
        return None
    found = []
    for turn in value:
        if not isinstance(turn, dict) or not isinstance(turn.get("role"), str):
            return None
        content = _content(turn.get("content"))
        if content is None:
            return None
        found.append({"role": turn["role"], "content": content})
    return found


def _content(value: Any) -> str | None:
    """The text of a turn, which may come in parts of type text."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or not value:
        return None
    parts = [part.get("text") if isinstance(part, dict) else None for part in value]
    texts = [text for text in parts if isinstance(text, str)]
    return "".join(texts) if len(texts) == len(parts) else None


def is_index(value: Any) -> TypeGuard[int]:
    """Whether a value can be the index of an option; calm-ext never logs one as 1.0 or true."""
    return type(value) is int and 0 <= value < MOST_OPTIONS


def is_order(value: Any, n: int) -> bool:
    """Whether a value is the indices of n options in some order."""
    return isinstance(value, list) and all(map(is_index, value)) and sorted(value) == list(range(n))


def is_sample(row: Mapping[str, Any]) -> bool:
    """Whether a decoded line is one of a samples file of lm-eval."""
    return "filtered_resps" in row


def is_score(value: Any) -> bool:
    """Whether a response is a score, ``[log-probability, is greedy]``, and not a list of texts.

    >>> is_score(["-1.5", "True"]), is_score([-1.5, False]), is_score(["A", "B"]), is_score("A")
    (True, True, False, False)
    """
    if not isinstance(value, (list, tuple)):
        return False
    texts = all(x is None or isinstance(x, str) for x in value)
    return not texts or (len(value) == 2 and value[1] in ("True", "False"))


def texts_of(value: Any, options: Sequence[str] = ()) -> list[str | None]:
    """The responses to one request, as many as it was repeated; None for one that is missing.

    Args:
        options: where one of them reads ``None``, a response of that text may be meant so.

    >>> texts_of(["A", ["B", None]]), texts_of("None")
    (['A', 'B', None], [None])
    """
    if isinstance(value, (list, tuple)):
        return [text for inner in value for text in texts_of(inner, options)]
    missing = value is None or (value == "None" and "None" not in options)
    return [None] if missing else [str(value)]
