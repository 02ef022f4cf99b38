"""Sampling from a server that speaks OpenAI's protocol (``/v1/completions`` and ``/v1/chat/completions``).

Servers of vLLM, SGLang, llama.cpp, Ollama, TGI and of vendors do. A request asks for all responses to a prompt (``n``);
a server that gives fewer, or refuses n, is asked for the rest. Requests run side by side, are repeated where a server
is busy or gone for a moment, and carry a seed of (seed, question, language). Not every server heeds the seed, and each
has its own defaults for what a request leaves open (``sampling.backend_args.body`` sets more, and leaves out what a
server refuses).

Each response is written to a journal as it comes, and found there again after an interruption: none is paid for twice.

A request that fails costs its responses, which are then missing, and no more (:mod:`calm_ext.models.backends.protocol`
reads what servers say). Where :data:`IN_A_ROW` requests have failed, or all there were, or one for a reason that any
other would have, a plain one is asked: if that fails too, it is not the questions, and sampling stops with the server's
words.

Option scores (mode ``options``): see :mod:`calm_ext.models.backends.scores`.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from calm_ext.errors import CalmError
from calm_ext.models.backends import Backend, Setup, backend
from calm_ext.models.backends.api_options import ApiOptions
from calm_ext.models.backends.connection import Answer
from calm_ext.models.backends.listing import require_model
from calm_ext.models.backends.protocol import GOES_ON, Failure, failure_of, read_choices
from calm_ext.models.backends.servers import Servers
from calm_ext.models.backends.threads import in_threads
from calm_ext.models.endings import FAILED
from calm_ext.models.meter import count_tokens, in_model
from calm_ext.models.request import Reply, SampleRequest, up_to_stop

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

#: Requests that fail one after the other before it is asked whether any would not.
IN_A_ROW = 10
#: Bytes of an answer: for a start, and for each token that was asked for (in Chinese, say, escaped for JSON).
_LARGEST, _PER_TOKEN = 1 << 20, 64
#: Tries of a request that decides whether a run goes on, beside the first.
_TRIES = 2
_PLAIN = "2 + 2 ="


class ApiBackend(Backend):
    """A server, or several; see :class:`~calm_ext.models.backends.servers.Servers`.

    Args:
        model: the name that the server knows the model by, where the options do not say.
        chat: send conversations to ``chat/completions``, which applies the server's own chat template.
        template_args: for that template, sent as ``chat_template_kwargs``.

    Raises:
        CalmError: no server answers, or it has no such model.
    """

    paid = True

    def __init__(
        self,
        options: ApiOptions,
        *,
        model: str,
        chat: bool = False,
        template_args: Mapping[str, Any] | None = None,
    ) -> None:
        self.options = options
        self.model = options.model or model
        self.chat = chat
        self.template_args = dict(template_args or {})
        self.path = model
        self._many = options.body.get("n", 1) is not None
        self._lock = threading.Lock()
        self._failed_in_a_row, self._refused_many, self._heard = 0, 0, False
        self._last: tuple[str, Failure] | None = None
        self._scores: Any = None
        self._servers = Servers(
            options.addresses,
            timeout=options.timeout,
            retries=options.retries,
            max_wait=options.max_wait,
            concurrency=options.concurrency,
            key_variable=options.api_key_env,
        )
        require_model(self._servers, self.model, key_variable=options.api_key_env)

    def try_out(self, *, scored: bool, temperature: float, top_p: float, max_new_tokens: int) -> None:
        """See :class:`~calm_ext.models.backends.Backend`."""
        if scored:
            from lm_eval.api.instance import Instance

            self.loglikelihood([Instance("loglikelihood", {}, (_PLAIN, " 4"), 0)])
            return
        shape = self._shape(temperature, top_p, max_new_tokens)
        try:
            self._ask(self._plain_request(), shape, 0, 1, repeats=_TRIES)
        except Failure as failure:
            raise CalmError(f"a first, small request to {self._url(failure)} fails: it {failure.said}") from None

    def _shape(self, temperature: float, top_p: float, max_new_tokens: int) -> dict[str, Any]:
        """What all requests have in common."""
        return {"model": self.model, "temperature": temperature, "top_p": top_p, "max_tokens": max_new_tokens}

    def respond(
        self, requests: Sequence[SampleRequest], *, temperature: float, top_p: float, max_new_tokens: int
    ) -> list[list[Reply]]:
        """See :class:`~calm_ext.models.backends.Backend`.

        Raises:
            CalmError: the server is gone, or refuses whatever it is asked.
        """
        shape = self._shape(temperature, top_p, max_new_tokens)
        halt = self._servers.halt
        halt.clear()
        self._heard, self._last = False, None
        with in_model():
            found = in_threads(
                lambda request: self._replies(request, shape), requests, threads=self._servers.threads, halt=halt
            )
            if self._last is not None and not self._heard:
                halt.clear()
                self._try_plain(*self._last, shape)
        return found

    def _replies(self, request: SampleRequest, shape: dict[str, Any]) -> list[Reply]:
        """One for each seed; those that are known or in the journal are not asked for."""
        keys = [self._journal_key(request, shape, seed) for seed in request.seeds]
        known = request.known or [None] * len(keys)
        replies = [had or self._kept(key) for had, key in zip(known, keys, strict=True)]
        refused: Failure | None = None  # with an n above one
        while None in replies and not self._servers.halt.is_set():
            start = replies.index(None)
            left = next((i for i, x in enumerate(replies[start:]) if x is not None), len(replies) - start)
            wanted = left if self._many and refused is None else 1
            try:
                got = self._ask(request, shape, request.seeds[start], wanted)
            except Failure as failure:
                if wanted > 1 and failure.perhaps_n:
                    refused = failure
                    continue
                lost = left if failure.final else wanted
                replies[start : start + lost] = [failure.as_reply()] * lost
                self._note_failure(f"{request.name}: {self._url(failure)}", failure, shape)
                continue
            with self._lock:
                self._failed_in_a_row, self._heard = 0, True
                if refused is not None:
                    self._refused_many += 1
                    self._many = self._many and not (refused.about_n or self._refused_many > 1)
                    refused = None
            for place, reply in enumerate(got[:wanted], start):
                replies[place] = up_to_stop(reply, request.until)
                self._keep(keys[place], replies[place])
        return [reply for reply in replies if reply is not None]

    def _journal_key(self, request: SampleRequest, shape: dict[str, Any], seed: int) -> str:
        """Of everything that a response depends on."""
        payload = {**self._payload(request, shape, seed, 1), "n": None}
        return hashlib.sha256(json.dumps([self.chat, seed, payload], sort_keys=True).encode()).hexdigest()

    def _kept(self, key: str) -> Reply | None:
        had = self.journal.get(key) if self.journal is not None else None
        return None if had is None else Reply(*had)

    def _keep(self, key: str, reply: Reply | None) -> None:
        if self.journal is not None and reply is not None and reply.finish != FAILED:
            self.journal.add(key, list(reply))

    def _url(self, failure: Failure) -> str:
        return f"{failure.where or self._servers.base}/{self._place}"

    @property
    def _place(self) -> str:
        return "chat/completions" if self.chat else "completions"

    def _payload(self, request: SampleRequest, shape: dict[str, Any], seed: int, n: int) -> dict[str, Any]:
        payload = {**shape, "n": n, "seed": seed}
        if self.template_args:
            payload["chat_template_kwargs"] = self.template_args
        if request.until:
            payload["stop"] = list(request.until)
        payload |= self.options.body
        payload |= {"messages": json.loads(request.text)} if self.chat else {"prompt": request.text}
        return {key: value for key, value in payload.items() if value is not None}

    def _ask(
        self, request: SampleRequest, shape: dict[str, Any], seed: int, n: int, *, repeats: int | None = None
    ) -> list[Reply]:
        """Ask for ``n`` responses, of which a server may give fewer.

        Raises:
            Failure: there is none.
        """
        payload = self._payload(request, shape, seed, n)

        def read(answer: Answer) -> tuple[list[Reply], int]:
            if not answer.ok:
                raise failure_of(answer, payload)
            return read_choices(answer, chat=self.chat)

        tokens = max([x for key, x in payload.items() if "tokens" in key and isinstance(x, int)], default=0)
        largest = _LARGEST + _PER_TOKEN * n * (tokens or shape["max_tokens"])
        found, spent = self._servers.call("POST", self._place, read, payload, largest=largest, repeats=repeats)
        count_tokens(spent)
        return found

    def _note_failure(self, where: str, failure: Failure, shape: dict[str, Any]) -> None:
        """Count a request that failed; where many do, or one that is hopeless, see whether a plain one fails, too.

        Raises:
            CalmError: it does.
        """
        with self._lock:
            self._failed_in_a_row += 1
            self._last = where, failure
            if self._failed_in_a_row >= IN_A_ROW or failure.hopeless:
                self._try_plain(where, failure, shape)

    def _plain_request(self) -> SampleRequest:
        text = self.apply_chat_template([{"role": "user", "content": _PLAIN}]) if self.chat else _PLAIN
        return SampleRequest(_PLAIN, text, [], [0])

    def _try_plain(self, where: str, failure: Failure, shape: dict[str, Any]) -> None:
        """Raise what a question failed with where a plain one fails, too."""
        if self._servers.halt.is_set():
            return
        try:
            self._ask(self._plain_request(), shape, 0, 1, repeats=_TRIES)
        except Failure:
            self._servers.halt.set()
            several = f"; the last {self._failed_in_a_row} requests all failed" if self._failed_in_a_row > 1 else ""
            kept = "" if self.journal is None or failure.kind == "refused" else f"; {GOES_ON}"
            raise CalmError(f"{where} {failure.said}{several}{kept}") from None
        self._failed_in_a_row, self._heard = 0, True

    def can_chat(self) -> bool:
        """The server has the template, or none is needed."""
        return True

    def apply_chat_template(self, history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """The conversation as JSON, which :meth:`respond` sends."""
        return json.dumps(history, ensure_ascii=False)

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """See :class:`calm_ext.models.backends.scores.Scores`.

        Raises:
            CalmError: prompts are conversations; the server gives no log-probabilities; a package or tokenizer is
                missing.
        """
        return self._scoring().of(requests, self.journal)

    def _scoring(self) -> Any:
        if self.chat:
            raise CalmError("sampling.chat_template: a server gives no log-probabilities of what stands in a chat")
        if self._scores is None:
            from calm_ext.models.backends.scores import Scores

            self._scores = Scores(
                self._servers,
                model=self.model,
                tokenizer=self.path,
                context=self.options.context,
            )
        return self._scores

    def close(self) -> None:
        """Close the connections."""
        self._servers.close()


@backend("api", "a server that speaks OpenAI's protocol", options=ApiOptions, remote=True)
def load(setup: Setup) -> ApiBackend:
    """Find the server.

    Raises:
        CalmError: no server answers, or it has no such model.
    """
    return ApiBackend(setup.arguments, model=setup.model.path, chat=setup.chat, template_args=setup.template_args)
