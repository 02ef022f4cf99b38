"""Sampling from a server that speaks OpenAI's protocol (``/v1/completions`` and ``/v1/chat/completions``).

Servers of vLLM, SGLang, llama.cpp, Ollama, TGI and of vendors do. A request asks for all responses to a prompt (``n``);
a server that gives fewer, or refuses n, is asked for the rest. Requests run side by side, are repeated where a server
is busy or gone for a moment, and carry a seed of (seed, question, language). Not every server heeds the seed, and each
has its own defaults for what a request leaves open (``sampling.backend_args.body`` sets more, and leaves out what a
server refuses).

A request that fails costs its responses, which are then missing, and no more (:mod:`calm_ext.models.backends.protocol`
reads what servers say). Where :data:`IN_A_ROW` requests have failed, or all there were, a plain one is asked: if that
fails too, it is not the questions, and sampling stops with the server's words.

Option scores (mode ``options``) come from lm-eval's ``local-completions``, which needs a server that echoes prompts
with their log-probabilities, and the model's tokenizer here.
"""

from __future__ import annotations

import json
import logging
import math
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from calm_ext.errors import CalmError
from calm_ext.models.backends import Backend, Setup, backend
from calm_ext.models.backends.connection import Connection
from calm_ext.models.backends.protocol import HOPELESS, Failure, failure_of, read_choices
from calm_ext.models.meter import count_tokens, in_model
from calm_ext.models.request import Reply, SampleRequest, up_to_stop
from calm_ext.options import Section

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

logger = logging.getLogger(__name__)

#: Requests that fail one after the other before it is asked whether any would not.
IN_A_ROW = 10


class ApiOptions(Section):
    """``sampling.backend_args`` where ``sampling.backend`` is ``api``: a server that samples."""

    base_url: str = Field(pattern=r"^https?://")
    """The server's address, up to and with its ``/v1``."""
    model: str | None = None
    """The name that the server knows the model by; default: model.path."""
    concurrency: int = Field(16, ge=1)
    """Requests at a time."""
    timeout: float = Field(600, gt=0)
    """Seconds to wait for an answer."""
    retries: int = Field(5, ge=0)
    """How often a request is repeated where the server is too busy for it."""
    api_key_env: str = "OPENAI_API_KEY"
    """The environment variable that holds the key, where the server wants one."""
    context: int = Field(2048, ge=16)
    """Tokens of the model's context, for option scores."""
    body: dict[str, Any] = Field(default_factory=dict)
    """More keys for each request, as ``{top_k: 50}``; ``{seed: null}`` leaves one out that the server refuses."""

    #: Keys that do not change what a server answers.
    TRANSPORT: ClassVar[frozenset[str]] = frozenset({"base_url", "concurrency", "timeout", "retries", "api_key_env"})


class ApiBackend(Backend):
    """A server.

    Args:
        model: the name that the server knows the model by, where the options do not say.
        chat: send conversations to ``chat/completions``, which applies the server's own chat template.
        template_args: for that template, sent as ``chat_template_kwargs``.

    Raises:
        CalmError: no server answers, or it has no such model.
    """

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
        self.base = options.base_url.rstrip("/").removesuffix("/completions").removesuffix("/chat")
        self.path = model
        self._many = options.body.get("n", 1) is not None
        self._stopped = False
        self._lock = threading.Lock()
        self._failed_in_a_row, self._refused_many, self._heard = 0, 0, False
        self._last: tuple[str, Failure] | None = None
        self._scorer: Any = None
        self._connection = Connection(
            timeout=options.timeout,
            retries=options.retries,
            concurrency=options.concurrency,
            key_variable=options.api_key_env,
        )
        self._check_model()

    def _check_model(self) -> None:
        try:
            reply = self._connection.call("GET", f"{self.base}/models", patient=False)
        except Failure as failure:
            raise CalmError(f"{self.base}/models {failure.said}") from None
        if reply.status_code in (401, 403):
            raise CalmError(
                f"{self.base} refuses us ({reply.status_code}): put the key into ${self.options.api_key_env}"
            )
        if not reply.ok:
            return  # a server need not list its models
        try:
            known = [str(x["id"]) for x in reply.json()["data"]]
        except (ValueError, KeyError, TypeError):
            return
        if known and not any(x == self.model or fnmatchcase(self.model, x) for x in known):  # vendor/*, says a gateway
            raise CalmError(
                f"{self.base} has no model {self.model}, but {', '.join(known[:5])}: name the one that is to be "
                f"aligned in sampling.backend_args.model"
            )

    def respond(
        self, requests: Sequence[SampleRequest], *, temperature: float, top_p: float, max_new_tokens: int
    ) -> list[list[Reply]]:
        """See :class:`~calm_ext.models.backends.Backend`.

        Raises:
            CalmError: the server is gone, or refuses whatever it is asked.
        """
        shape = {"model": self.model, "temperature": temperature, "top_p": top_p, "max_tokens": max_new_tokens}
        pool = ThreadPoolExecutor(self.options.concurrency)
        self._stopped, self._heard, self._last = False, False, None
        try:
            with in_model():
                futures = [pool.submit(self._replies, request, shape) for request in requests]
                for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                    future.result()
                if self._last is not None and not self._heard:
                    self._try_plain(*self._last, shape)
                return [future.result() for future in futures]
        finally:
            self._stopped = True  # after an error or an interrupt; what is under way is not waited for
            pool.shutdown(wait=False, cancel_futures=True)

    def _replies(self, request: SampleRequest, shape: dict[str, Any]) -> list[Reply]:
        replies: list[Reply] = []
        refused: Failure | None = None  # with an n above one
        while len(replies) < len(request.seeds) and not self._stopped:
            left = len(request.seeds) - len(replies)
            wanted = left if self._many and refused is None else 1
            try:
                got = self._ask(request, shape, request.seeds[len(replies)], wanted)
            except Failure as failure:
                if wanted > 1 and failure.perhaps_n:
                    refused = failure
                    continue
                replies += [Reply(None, None, failure.said)] * (left if failure.final else wanted)
                self._note_failure(f"{request.name}: {self._url}", failure, shape)
                continue
            with self._lock:
                self._failed_in_a_row, self._heard = 0, True
                if refused is not None:
                    self._refused_many += 1
                    self._many = self._many and not (refused.about_n or self._refused_many > 1)
                    refused = None
            replies += got[:wanted]
        return [up_to_stop(reply, request.until) for reply in replies]

    @property
    def _url(self) -> str:
        return f"{self.base}/{'chat/completions' if self.chat else 'completions'}"

    def _ask(
        self, request: SampleRequest, shape: dict[str, Any], seed: int, n: int, *, patient: bool = True
    ) -> list[Reply]:
        """Ask for ``n`` responses, of which a server may give fewer."""
        payload = {**shape, "n": n, "seed": seed}
        if self.template_args:
            payload["chat_template_kwargs"] = self.template_args
        if request.until:
            payload["stop"] = list(request.until)
        payload |= self.options.body
        payload |= {"messages": json.loads(request.text)} if self.chat else {"prompt": request.text}
        payload = {key: value for key, value in payload.items() if value is not None}
        reply = self._connection.call("POST", self._url, payload, patient=patient)
        if reply.status_code in HOPELESS:
            raise CalmError(f"{request.name}: {self._url} {failure_of(reply, payload).said}")
        if not reply.ok:
            raise failure_of(reply, payload)
        found, tokens = read_choices(reply, chat=self.chat)
        count_tokens(tokens)
        return found

    def _note_failure(self, where: str, failure: Failure, shape: dict[str, Any]) -> None:
        """Count a request that failed; where many do, see whether a plain one fails, too.

        Raises:
            CalmError: it does.
        """
        with self._lock:
            self._failed_in_a_row += 1
            self._last = where, failure
            if self._failed_in_a_row >= IN_A_ROW:
                self._try_plain(where, failure, shape)

    def _try_plain(self, where: str, failure: Failure, shape: dict[str, Any]) -> None:
        if self._stopped:
            return
        turn = "2 + 2 ="
        text = self.apply_chat_template([{"role": "user", "content": turn}]) if self.chat else turn
        try:
            self._ask(SampleRequest(turn, text, [], [0]), shape, 0, 1, patient=False)
        except Failure:
            self._stopped = True
            several = f"; the last {self._failed_in_a_row} requests all failed" if self._failed_in_a_row > 1 else ""
            raise CalmError(f"{where} {failure.said}{several}") from None
        self._failed_in_a_row, self._heard = 0, True

    def can_chat(self) -> bool:
        """The server has the template, or none is needed."""
        return True

    def apply_chat_template(self, history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """The conversation as JSON, which :meth:`respond` sends."""
        return json.dumps(history, ensure_ascii=False)

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """lm-eval's, by ``local-completions``.

        Raises:
            CalmError: prompts are conversations; the server gives no log-probabilities; a package or tokenizer is
                missing.
        """
        if self.chat:
            raise CalmError("sampling.chat_template: a server gives no log-probabilities of what stands in a chat")
        try:
            if self._scorer is None:
                from lm_eval.models.openai_completions import LocalCompletionsAPI

                self._scorer = LocalCompletionsAPI(
                    model=self.model,
                    base_url=f"{self.base}/completions",
                    tokenizer=self.path,
                    tokenizer_backend="huggingface",
                    num_concurrent=1,
                    max_retries=self.options.retries + 1,
                    timeout=math.ceil(self.options.timeout),
                    add_bos_token=True,  # as the other backends; a tokenizer that has no BOS adds none
                    max_length=self.options.context,
                    header=self._connection.headers,
                )
                # One by itself first: of many at a time asyncio would print a traceback each where a server cannot.
                self._scorer.loglikelihood(requests[:1], disable_tqdm=True)
                self._scorer._concurrent = self.options.concurrency
            self._warn_of_long(requests)
            with in_model():
                scores: list[tuple[float, bool]] = self._scorer.loglikelihood(requests, disable_tqdm=disable_tqdm)
        except ModuleNotFoundError as error:
            raise CalmError(f"option scores from a server: {error}; pip install 'calm-ext[api]'") from None
        except CalmError:
            raise
        except Exception as error:  # whatever lm-eval makes of a server that does not do this
            reason = str(error).splitlines()[0] if str(error) else ""
            raise CalmError(
                f"{self.base} gives no log-probabilities of a prompt ({type(error).__name__}: {reason[:120]}); score "
                f"options with sampling.backend hf or vllm"
            ) from None
        return scores

    def _warn_of_long(self, requests: list[Instance]) -> None:
        """Warn where lm-eval's class will cut: the beginning is lost."""
        room = self._scorer.max_length  # a token of the context is left for the one that a server must write
        long = [r for r in requests if len(self._scorer.tok_encode("".join(r.args))) > room]
        if long:
            logger.warning(
                "%d of %d requests are longer than the %d tokens that sampling.backend_args.context leaves and lose "
                "their beginning, first %r", len(long), len(requests), room, str(long[0].args[0])[-60:],
            )  # fmt: skip

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()


@backend("api", "a server that speaks OpenAI's protocol", options=ApiOptions, remote=True)
def load(setup: Setup) -> ApiBackend:
    """Find the server.

    Raises:
        CalmError: no server answers, or it has no such model.
    """
    return ApiBackend(setup.arguments, model=setup.model.path, chat=setup.chat, template_args=setup.template_args)
