"""What a backend is asked for: prompts, the seeds of their responses, and where a response ends."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from calm_ext.errors import CalmError

logger = logging.getLogger(__name__)


class SampleRequest(NamedTuple):
    """A prompt and the responses wanted.

    Attributes:
        name: what warnings call it.
        text: the prompt as the tokenizer reads it.
        until: strings that end a response and are left out of it.
        seeds: one for each response.
        call_seed: of all requests that are made together, for a backend that cannot seed each response.
        known: the responses that are there already, one for each seed, None for one that is wanted; empty where all
            are. A backend that pays for responses asks for the others only, and gives these back as they are.
    """

    name: str
    text: str
    until: Sequence[str]
    seeds: Sequence[int]
    call_seed: int = 0
    known: Sequence[Reply | None] = ()


class Reply(NamedTuple):
    """A response, or word that there is none.

    Attributes:
        text: None where none came.
        finish: ``stop`` where it ended by itself, ``length`` where it was cut at ``max_new_tokens``, ``failed`` where
            none came because the connection or the server failed, or a server's own word; None where that is not known.
        why: why none came, in a few words.
    """

    text: str | None
    finish: str | None = None
    why: str = ""

    @classmethod
    def of(cls, said: str | Reply) -> Reply:
        """What a backend said, as one that can be written: half a character (a lone surrogate) becomes U+FFFD."""
        reply = said if isinstance(said, Reply) else cls(said)
        return reply if reply.text is None else reply._replace(text=whole(reply.text))


class Lost(tuple[float, bool]):
    """The score of an option that a backend could not give: not a number, and not the greedy one.

    Attributes:
        reply: why there is none. cause: what was raised.
    """

    reply: Reply
    cause: Exception | None

    @classmethod
    def of(cls, reply: Reply, cause: Exception | None = None) -> Lost:
        """The score of which this is said."""
        lost = cls((math.nan, False))
        lost.reply, lost.cause = reply, cause
        return lost


def whole(text: str) -> str:
    """A text without halves of characters: each lone surrogate is U+FFFD.

    >>> whole("B \\ud83d") == "B \\ufffd"
    True
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def up_to_stop(reply: Reply, until: Sequence[str], *, think_end_token: str | None = None) -> Reply:
    """A response up to the first of its stop strings, as lm-eval cuts it; one that is cut there has ended by itself."""
    from lm_eval.models.utils import postprocess_generated_text

    if reply.text is None:
        return reply
    text = str(postprocess_generated_text(reply.text, list(until), think_end_token))
    read = reply.text.split(think_end_token)[-1] if think_end_token else reply.text
    stopped = any(x and x in read for x in until)
    return reply._replace(text=text, finish="stop" if stopped else reply.finish)


def loglikelihoods(lm: Any, asked: Sequence[tuple[str, str]]) -> list[float]:
    """The log-probability of each continuation after its context, by an lm-eval model class.

    Args:
        asked: (context, continuation) pairs.
    """
    from lm_eval.api.instance import Instance

    requests = [Instance(request_type="loglikelihood", doc={}, arguments=pair, idx=i) for i, pair in enumerate(asked)]
    return [float(score) for score, _ in lm.loglikelihood(requests, disable_tqdm=True)]


def without_second_bos(tokenizer: Any, ids: list[int]) -> list[int]:
    """Token ids that begin with one BOS token where they began with several."""
    bos, start = tokenizer.bos_token_id, 0
    while bos is not None and ids[start : start + 2] == [bos, bos]:
        start += 1
    return ids[start:] if start else ids


def encode_prompt(tokenizer: Any, text: str) -> list[int]:
    """Token ids of a prompt as it is sampled, scored and trained: with one BOS token, whoever put it there.

    The text of a chat template may bring one, and the tokenizer may add one. Where neither does there is none.
    """
    return without_second_bos(tokenizer, list(tokenizer(text)["input_ids"]))


def fitting(
    prompts: Sequence[list[int]], requests: Sequence[SampleRequest], *, context: int, max_new_tokens: int
) -> list[list[int]]:
    """Prompts as they fit into a context beside the new tokens: long ones lose their beginning, with a warning.

    Raises:
        CalmError: there is no room for any prompt.
    """
    room = context - max_new_tokens
    if room < 1:
        raise CalmError(
            f"max_new_tokens of {max_new_tokens} leaves no room for a prompt in the model's context of {context}"
        )
    long = [request.name for request, prompt in zip(requests, prompts, strict=True) if len(prompt) > room]
    if long:
        logger.warning(
            "%d of %d prompts are longer than the %d tokens that the context has room for and lose their beginning: %s",
            len(long), len(requests), room, ", ".join(long[:5]) + (", …" if len(long) > 5 else ""),
        )  # fmt: skip
    return [prompt[-room:] for prompt in prompts]


class StopStrings:
    """Stop strings, the end token's among them: when they are met, and the text before them; both as in lm-eval."""

    def __init__(self, lm: Any, until: Sequence[str]) -> None:
        from lm_eval.models.utils import handle_stop_sequences

        self.tokenizer = lm.tokenizer
        end = lm.tok_decode(lm.eot_token_id, skip_special_tokens=False)
        self.strings = [x for x in handle_stop_sequences(list(until), eos=end) if x]
        encoded = [self.tokenizer.encode(x, add_special_tokens=False) for x in self.strings]
        self.look_back = max(map(len, encoded), default=0) + 2  # a string may be made of other tokens than its own

    def met(self, tokens: Sequence[int]) -> bool:
        """Whether a response's tokens, the last one new, have one of them."""
        tail = self.tokenizer.decode(tokens[-self.look_back :])
        return any(x in tail for x in self.strings)

    def cut(self, text: str) -> str:
        """What stands before the first of them."""
        from lm_eval.models.utils import postprocess_generated_text

        return str(postprocess_generated_text(text, self.strings, None))
