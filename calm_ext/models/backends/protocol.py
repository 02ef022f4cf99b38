"""What a server that speaks OpenAI's protocol says: its choices as responses, its errors as one line.

Servers differ. One puts a thinking model's text into ``reasoning_content`` and leaves ``content`` null, another sends
``content`` as a list of parts, refuses a parameter, or sends no JSON at all. What is wrong with one response is that
response's, and what is wrong with a request is a :class:`Failure`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from calm_ext.files.secrets import hide_known, mask
from calm_ext.models.endings import EMPTY, FAILED, THOUGHTS
from calm_ext.models.request import Reply, whole

if TYPE_CHECKING:
    from calm_ext.models.backends.connection import Answer

#: Statuses of a server that has too much to do, or is gone for a moment; and from 502 on, but for 505.
BUSY = (408, 425, 429)
#: Statuses that no other question would change: the key, the account, the address.
HOPELESS = (401, 402, 404, 405)
#: What is said where sampling ends in the middle.
GOES_ON = "what came is kept, and the same command goes on"
_SHOWN = 200  # characters of a server's message

_ENDS = {
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "max_tokens": "length",
    "stop_sequence": "stop",
    FAILED: "error",  # the word is ours, for what never came
}
_ABOUT_N = re.compile(r"\bn\b|\bchoices?\b|\bcompletions?\b|\bmultiple\b", re.IGNORECASE)
#: Keys of a request that a server may not know; ``n`` and ``stop`` are words too, and count in quotes or as a path.
_KEYS = ("seed", "top_p", "temperature", "max_tokens", "chat_template_kwargs", "stop", "n")

Kind = Literal["refused", "broken", "gone", "late", "large", "wait", "moved"]


class Failure(Exception):
    """A request that gave no response.

    Args:
        said: what the server did, as ``answered 400: filtered``.
        kind: ``refused`` by the server; ``broken`` on the way, with an answer that cannot be read, or because the
            server is busy or has an error; ``gone``: nothing listens; ``late``: not in time; ``large``: the answer is
            cut off; ``wait``: asks us to wait longer than we do; ``moved`` to another address.
        status: of its answer; None where there was none, or one that cannot be read.
        after: seconds that the server asks us to wait.

    Attributes:
        where: the server's address, once it is known.
    """

    where = ""

    def __init__(
        self, said: str, *, kind: Kind = "refused", status: int | None = None, after: float | None = None
    ) -> None:
        super().__init__(said)
        self.said, self.kind, self.status, self.after = said, kind, status, after

    @classmethod
    def of(cls, said: str, status: int, *, after: float | None = None) -> Failure:
        """That of an answer with an error's status."""
        passes = status in BUSY or (status >= 500 and status not in (501, 505))
        return cls(said, kind="broken" if passes else "refused", status=status, after=after if passes else None)

    @property
    def busy(self) -> bool:
        """Whether the server has too much to do, or is gone for a moment."""
        return self.status is not None and self.kind == "broken" and self.status != 500

    @property
    def perhaps_n(self) -> bool:
        """Whether it may be that only one response at a time is given."""
        answered = self.status is not None and self.kind in ("refused", "broken")
        return answered and not self.busy and not self.hopeless

    @property
    def about_n(self) -> bool:
        """Whether it was that, as the same request for one response was answered."""
        return self.perhaps_n and (self.status != 500 or bool(_ABOUT_N.search(self.said)))

    @property
    def hopeless(self) -> bool:
        """Whether another question would hardly do better."""
        return self.kind in ("gone", "wait", "moved") or (self.kind == "refused" and self.status in HOPELESS)

    @property
    def final(self) -> bool:
        """Whether the same request would fail again."""
        return self.kind in ("late", "large", "wait", "moved") or (self.kind == "refused" and self.status is not None)

    def repeats(self, most: int) -> int:
        """How often to try again: a server that is late takes no less the second time, unless it was busy."""
        return {"broken": most, "gone": most, "late": min(1, most)}.get(self.kind, 0)

    def as_reply(self) -> Reply:
        """A response that is missing for this reason; what failed on the way is asked for again by the next run."""
        return Reply(None, None if self.kind in ("refused", "moved") else FAILED, self.said)


def read_choices(answer: Answer, *, chat: bool) -> tuple[list[Reply], int]:
    """The responses in an answer, in the order of their index, and how many tokens it took.

    Raises:
        Failure: the answer has no response that can be read.
    """
    try:
        body = answer.json()
        choices = sorted(body["choices"], key=lambda c: c.get("index") or 0)
        tokens = int((body.get("usage") or {}).get("total_tokens") or 0)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise _unreadable(answer) from None
    if not choices:
        raise Failure("answered with no choice")
    found = []
    for choice in choices:
        try:
            found.append(_reply(choice, chat=chat))
        except (KeyError, TypeError, AttributeError):
            found.append(Reply(None, None, _unreadable(answer).said))
    if all(x.why not in ("", EMPTY, THOUGHTS) and x.finish is None for x in found):
        raise Failure(found[0].why, kind="broken" if found[0].why.startswith(_STRANGE) else "refused")
    return found, tokens


_STRANGE = "answered something that is not OpenAI's protocol"


def _unreadable(answer: Answer) -> Failure:
    try:
        error = answer.json().get("error")
    except (ValueError, AttributeError):
        error = None
    if error:  # with a status of 200
        said = f"answered an error: {error_text(answer)}"
        status = error.get("code") if isinstance(error, dict) else None
        if isinstance(status, int) and 400 <= status < 600:
            return Failure.of(said, status)
        return Failure(said, kind="broken")
    return Failure(f"{_STRANGE}: {whole(one_line(answer.text, 80))!r}", kind="broken")


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
        return Reply.of(Reply(hide_known(content, prose=True), finish))
    refusal = said.get("refusal") if chat else None
    if refusal:
        return Reply(None, finish, f"refused: {one_line(str(refusal))}")
    return Reply(None, finish, THOUGHTS if thought else EMPTY)


def _part(part: Any) -> str:
    """The text of a part of a content; a thought is none."""
    if isinstance(part, str):
        return part
    return str(part["text"]) if part.get("type") in (None, "text", "output_text") else ""


def failure_of(answer: Answer, payload: Mapping[str, Any]) -> Failure:
    """What an answer whose status is an error says, and what to do where it names a key of the request."""
    text = error_text(answer)
    advice = _advice(text, payload) if answer.status in (400, 422) else ""
    return Failure.of(f"answered {answer.status}: {text}{advice}", answer.status, after=answer.retry_after)


def unless_busy(answer: Answer) -> Answer:
    """An answer, whatever it says.

    Raises:
        Failure: the server is busy or has an error, which may pass.
    """
    failure = Failure.of("", answer.status) if not answer.ok else None
    if failure is not None and failure.kind == "broken":
        raise failure_of(answer, {})
    return answer


def error_text(answer: Answer) -> str:
    """A server's error message, in a line, without secrets."""
    try:
        body = answer.json()
        error = body.get("error", body)
        detail = body.get("detail")
        if isinstance(detail, list) and detail and all(isinstance(x, dict) and "loc" in x for x in detail):
            text = "; ".join(f"{'.'.join(map(str, x['loc']))}: {x.get('msg', 'refused')}" for x in detail)
        else:
            text = str(error.get("message", error) if isinstance(error, dict) else error)
    except (ValueError, AttributeError, TypeError):
        text = answer.text
    return one_line(text) or "nothing more"


def one_line(text: str, most: int = _SHOWN) -> str:
    """The beginning of a text in one line that a terminal can show; what is hidden is hidden before it is cut."""
    shown = mask(hide_known(whole(text))[: 50 * most])
    return " ".join("".join(x if x.isprintable() else " " for x in shown).split())[:most]


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
