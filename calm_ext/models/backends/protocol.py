"""What a server that speaks OpenAI's protocol says: its choices as responses, its errors as one line.

Servers differ. One puts a thinking model's text into ``reasoning_content`` and leaves ``content`` null, another sends
``content`` as a list of parts, refuses a parameter, or sends no JSON at all. What is wrong with one response is that
response's, and what is wrong with a request is a :class:`Failure`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from calm_ext.models.endings import EMPTY, THOUGHTS
from calm_ext.models.request import Reply, whole

if TYPE_CHECKING:
    from requests import Response

#: Statuses of a server that has too much to do, or is gone for a moment.
BUSY = (408, 429, 502, 503, 504)
#: Statuses that no other question would change: the key, the account, the address.
HOPELESS = (401, 402, 404, 405)

_ENDS = {
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "max_tokens": "length",
    "stop_sequence": "stop",
}
_ABOUT_N = re.compile(r"\bn\b|\bchoices?\b|\bcompletions?\b|\bmultiple\b", re.IGNORECASE)
#: Keys of a request that a server may not know; ``n`` and ``stop`` are words too, and count in quotes or as a path.
_KEYS = ("seed", "top_p", "temperature", "max_tokens", "chat_template_kwargs", "stop", "n")


class Failure(Exception):
    """A request that gave no response.

    Args:
        said: what the server did, as ``answered 400: filtered``.
        status: of its answer; None where there was none, or one that cannot be read.
        late: it did not answer in time.
    """

    def __init__(self, said: str, *, status: int | None = None, late: bool = False) -> None:
        super().__init__(said)
        self.said, self.status, self.late = said, status, late

    @property
    def perhaps_n(self) -> bool:
        """Whether it may be that only one response at a time is given."""
        return self.status is not None and self.status not in BUSY

    @property
    def about_n(self) -> bool:
        """Whether it was that, as the same request for one response was answered."""
        return self.perhaps_n and (self.status != 500 or bool(_ABOUT_N.search(self.said)))

    @property
    def final(self) -> bool:
        """Whether the same request would fail again."""
        return self.late or (self.status is not None and 400 <= self.status < 500 and self.status not in BUSY)


def read_choices(reply: Response, *, chat: bool) -> tuple[list[Reply], int]:
    """The responses in an answer, in the order of their index, and how many tokens it took.

    Raises:
        Failure: the answer has no response that can be read.
    """
    try:
        body = reply.json()
        choices = sorted(body["choices"], key=lambda c: c.get("index") or 0)
        tokens = int((body.get("usage") or {}).get("total_tokens") or 0)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Failure(_not_the_protocol(reply)) from None
    if not choices:
        raise Failure("answered with no choice")
    found = []
    for choice in choices:
        try:
            found.append(_reply(choice, chat=chat))
        except (KeyError, TypeError, AttributeError):
            found.append(Reply(None, None, _not_the_protocol(reply)))
    if all(x.why not in ("", EMPTY, THOUGHTS) and x.finish is None for x in found):
        raise Failure(found[0].why)
    return found, tokens


def _not_the_protocol(reply: Response) -> str:
    try:
        error = reply.json().get("error")
    except (ValueError, AttributeError):
        error = None
    if error:  # with a status of 200
        return f"answered an error: {error_text(reply)}"
    return f"answered something that is not OpenAI's protocol: {whole(reply.text[:80])!r}"


def _reply(choice: Mapping[str, Any], *, chat: bool) -> Reply:
    said = choice["message"] if chat else choice
    content = said["content"] if chat else said["text"]
    finish = choice.get("finish_reason")
    finish = _ENDS.get(finish, finish) if isinstance(finish, str) else None
    if isinstance(content, list):
        content = "".join(_part(part) for part in content)
    if content is not None and not isinstance(content, str):
        raise TypeError
    thought = chat and bool(said.get("reasoning_content") or said.get("reasoning"))
    if content or (content == "" and not thought and finish in (None, "stop")):
        return Reply.of(Reply(content, finish))
    refusal = said.get("refusal") if chat else None
    if refusal:
        return Reply(None, finish, f"refused: {_line(str(refusal))}")
    return Reply(None, finish, THOUGHTS if thought else EMPTY)


def _part(part: Any) -> str:
    """The text of a part of a content; a thought is none."""
    if isinstance(part, str):
        return part
    return str(part["text"]) if part.get("type") in (None, "text", "output_text") else ""


def failure_of(reply: Response, payload: Mapping[str, Any]) -> Failure:
    """What an answer whose status is an error says, and what to do where it names a key of the request."""
    text = error_text(reply)
    advice = _advice(text, payload) if reply.status_code in (400, 422) else ""
    return Failure(f"answered {reply.status_code}: {text}{advice}", status=reply.status_code)


def error_text(reply: Response) -> str:
    """A server's error message, in a line."""
    try:
        body = reply.json()
        error = body.get("error", body)
        detail = body.get("detail")
        if isinstance(detail, list) and detail and all(isinstance(x, dict) and "loc" in x for x in detail):
            text = "; ".join(f"{'.'.join(map(str, x['loc']))}: {x.get('msg', 'refused')}" for x in detail)
        else:
            text = str(error.get("message", error) if isinstance(error, dict) else error)
    except (ValueError, AttributeError, TypeError):
        text = reply.text
    return _line(text) or "nothing more"


def _line(text: str) -> str:
    return " ".join(whole(text).split())[:200]


def _advice(text: str, payload: Mapping[str, Any]) -> str:
    """How to leave out the key that an error message names, as the second half of a sentence."""
    if "max_completion_tokens" in text and "max_tokens" in payload and "context" not in text:
        n = payload["max_tokens"]
        return f"; say sampling.backend_args.body: {{max_tokens: null, max_completion_tokens: {n}}}"
    for key in _KEYS:
        if key not in payload or not _names(text, key) or (key == "max_tokens" and "context" in text):
            continue
        if key == "chat_template_kwargs":
            return "; leave out sampling.template_args"
        return f"; leave it out with sampling.backend_args.body: {{{key}: null}}"
    return ""


def _names(text: str, key: str) -> bool:
    if key in ("stop", "n"):
        return re.search(rf"['\"`.]{key}(['\"`]|:)|: {key}$", text) is not None
    return re.search(rf"\b{key}\b", text) is not None
