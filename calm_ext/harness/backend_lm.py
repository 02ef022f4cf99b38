"""A sampling backend as a model of lm-eval's, so that tasks can be measured by an engine or a server.

Every response has a seed of (seed, task, document, request, repetition), and is asked for on its own: what a backend
gives does not depend on what else is asked. Responses and scores that are paid for are kept in a journal until the
results are written, so that an evaluation which is interrupted goes on; those of an engine in this process by
:mod:`calm_ext.harness.kept`, part by part.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from lm_eval.api.model import LM

from calm_ext.errors import CalmError
from calm_ext.files.journal import Journal
from calm_ext.harness.sampler import derive_seed
from calm_ext.models.backends import Backend
from calm_ext.models.backends.protocol import GOES_ON
from calm_ext.models.endings import FAILED
from calm_ext.models.request import Lost, Reply, SampleRequest

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

logger = logging.getLogger(__name__)

#: What a task may say of generation beside its end and length; other values are refused.
_NEUTRAL = {"num_beams": 1, "num_return_sequences": 1, "use_cache": True}
#: Requests that an engine is asked at once: it is busy with all but the last of them, and they take it a minute or so.
_AT_ONCE = 2048

Item = TypeVar("Item")


class _Drawn(NamedTuple):
    """How responses are drawn; requests that agree in it are asked together."""

    temperature: float
    top_p: float
    max_new_tokens: int


class BackendLM(LM):
    """A model of lm-eval's that asks a backend.

    Args:
        name: the backend's.
        seed: of the responses.
        template_args: what the chat template is given.
    """

    def __init__(self, backend: Backend, *, name: str, seed: int = 0, template_args: Mapping[str, Any]) -> None:
        super().__init__()
        self.backend, self.backend_name, self.seed = backend, name, seed
        self.chat_template_args = dict(template_args)

    @property
    def tokenizer_name(self) -> str:
        """lm-eval keeps requests under it; here only the backend's name."""
        return self.backend_name

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """The backend's.

        Raises:
            CalmError: it has none.
        """
        if not self.backend.can_chat():
            raise CalmError("--chat-template: the model's tokenizer has no chat template")
        return self.backend.apply_chat_template(chat_history, add_generation_prompt)

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """A response to each request.

        One that the backend refused to give is empty, with a warning that counts them.

        Raises:
            CalmError: a response is missing because the backend failed; a task asks for what a backend cannot do.
        """
        asked, groups = [], dict[_Drawn, list[int]]()
        times: Counter[tuple[Any, ...]] = Counter()
        for place, request in enumerate(requests):
            drawn, until = _drawn(request)
            groups.setdefault(drawn, []).append(place)
            key = (request.task_name, request.doc_id, request.idx)
            name = f"{request.task_name} {request.doc_id}"
            seed = derive_seed(self.seed, *key, times[key])
            times[key] += 1
            asked.append(SampleRequest(name, request.args[0], until, [seed], self.seed))
        replies = [Reply(None)] * len(asked)
        for drawn, places in groups.items():
            for part in self._parts(places):
                found = self.backend.respond([asked[i] for i in part], **drawn._asdict())
                for place, (reply,) in zip(part, found, strict=True):
                    replies[place] = Reply.of(reply)
                    if replies[place].text is not None:
                        self.cache_hook.add_partial("generate_until", requests[place].args, replies[place].text)
        _require([(request.name, reply) for request, reply in zip(asked, replies, strict=True)])
        return [reply.text or "" for reply in replies]

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """The backend's.

        Raises:
            CalmError: a score is missing.
        """
        scores = list[tuple[float, bool]]()
        for part in self._parts(requests):
            scores += self.backend.loglikelihood(list(part), disable_tqdm=disable_tqdm)
            for request, score in zip(part, scores[-len(part) :], strict=True):
                self.cache_hook.add_partial("loglikelihood", request.args, score)
        lost = [(r, x.reply) for r, x in zip(requests, scores, strict=True) if isinstance(x, Lost)]
        if lost:
            request, reply = lost[0]
            raise CalmError(
                f"{len(lost)} of {len(scores)} scores are missing, first of {request.task_name} {request.doc_id}: "
                f"the server {reply.why}{_goes_on(self.backend)}"
            )
        return scores

    def _parts(self, items: Sequence[Item]) -> Iterator[Sequence[Item]]:
        """What is asked at once: all of a backend that keeps what comes by itself, else so much that little is lost."""
        size = len(items) if self.backend.paid else max(self.backend.chunk, _AT_ONCE)
        for start in range(0, len(items), size or 1):
            yield items[start : start + size]

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        """None.

        Raises:
            CalmError: always.
        """
        raise CalmError(
            f"{requests[0].task_name}: measures the perplexity of texts, which --backend {self.backend_name} does not "
            f"give; leave --backend out"
        )


@contextmanager
def as_lm(
    backend: Backend, *, name: str, seed: int, template_args: Mapping[str, Any], beside: Path
) -> Iterator[BackendLM]:
    """The backend as a model, for an evaluation.

    Args:
        beside: the folder that the results will be in; next to it stands the journal until they are there.
    """
    journal = Journal(beside.with_name(f".{beside.name}.journal")) if backend.paid else None
    backend.journal, finished = journal, False
    try:
        yield BackendLM(backend, name=name, seed=seed, template_args=template_args)
        finished = True
    finally:
        backend.journal = None
        if journal:
            journal.close(finished=finished)


def _drawn(request: Instance) -> tuple[_Drawn, list[str]]:
    """How a request's response is drawn, and what ends it."""
    from lm_eval.models.utils import normalize_gen_kwargs

    given = dict(normalize_gen_kwargs(request.args[1], default_max_gen_toks=256))
    until = [x for x in given.pop("until", None) or [] if x]
    sampled = given.pop("do_sample", False)
    temperature, top_p = (given.pop(key, None) for key in ("temperature", "top_p"))
    drawn = _Drawn(
        temperature=float(temperature or 0.0) if sampled else 0.0,
        top_p=float(top_p or 1.0) if sampled else 1.0,
        max_new_tokens=int(given.pop("max_gen_toks")),
    )
    unknown = [f"{k}: {v}" for k, v in given.items() if v is not None and not (k in _NEUTRAL and v == _NEUTRAL[k])]
    if unknown:
        raise CalmError(
            f"{request.task_name}: its generation_kwargs have {', '.join(unknown)}, which a backend cannot be told; "
            f"leave --backend out"
        )
    return drawn, until


def _require(replies: Sequence[tuple[str, Reply]]) -> None:
    """Refuse an evaluation that lacks responses which another try may bring; count those that none will.

    Raises:
        CalmError: some failed.
    """
    missing = [(name, reply) for name, reply in replies if reply.text is None]
    failed = [(name, reply) for name, reply in missing if reply.finish == FAILED]
    if failed:
        name, reply = failed[0]
        raise CalmError(
            f"{len(failed)} of {len(replies)} responses are missing, first of {name}: the server {reply.why}; {GOES_ON}"
        )
    if missing:
        name, reply = missing[0]
        logger.warning(
            "%d of %d responses are missing and count as empty, first of %s: %s",
            len(missing), len(replies), name, reply.why,
        )  # fmt: skip


def _goes_on(backend: Backend) -> str:
    return f"; {GOES_ON}" if backend.journal is not None else ""
