"""Sampling from a server that speaks OpenAI's protocol (``/v1/completions`` and ``/v1/chat/completions``).

Servers of vLLM, SGLang, llama.cpp, Ollama, TGI and of vendors do. A request asks for all responses to a prompt (``n``);
a server that gives fewer, or refuses n, is asked for the rest. Requests run side by side, are repeated where a server
is busy or gone for a moment, and carry a seed of (seed, question, language). Not every server heeds the seed, and each
has its own defaults for what a request leaves open (``sampling.backend_args.body`` sets more).

Option scores (mode ``options``) come from lm-eval's ``local-completions``, which needs a server that echoes prompts
with their log-probabilities, and the model's tokenizer here.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from calm_ext.errors import CalmError
from calm_ext.models.backends import Backend, Setup, backend
from calm_ext.models.meter import count_tokens, in_model
from calm_ext.models.request import SampleRequest
from calm_ext.options import Section

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from requests import Response, Session

logger = logging.getLogger(__name__)

_BUSY = (408, 429, 500, 502, 503, 504)


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
    """More keys for each request, as ``{top_k: 50}``."""

    #: Keys that do not change what a server answers.
    TRANSPORT: ClassVar[frozenset[str]] = frozenset({"base_url", "concurrency", "timeout", "retries", "api_key_env"})


class ApiBackend(Backend):
    """A server.

    Args:
        model: the name that the server knows the model by, where the options do not say.
        chat: send conversations to ``chat/completions``, which applies the server's own chat template.

    Raises:
        CalmError: no server answers, or it has no such model.
    """

    def __init__(self, options: ApiOptions, *, model: str, chat: bool = False) -> None:
        self.options = options
        self.model = options.model or model
        self.chat = chat
        self.base = options.base_url.rstrip("/").removesuffix("/completions").removesuffix("/chat")
        self.path = model
        self._many, self._stopped = True, False
        self._scorer: Any = None
        self._session = _session(options)
        self._check_model()

    def _check_model(self) -> None:
        reply = self._call("GET", "models", patient=False)
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
        if known and self.model not in known:
            raise CalmError(
                f"{self.base} has no model {self.model}, but {', '.join(known[:5])}: name the one that is to be "
                f"aligned in sampling.backend_args.model"
            )

    def _call(self, method: str, what: str, payload: dict[str, Any] | None = None, *, patient: bool = True) -> Response:
        """``patient``: try again where the server is busy or not there."""
        import requests
        from urllib3.exceptions import ReadTimeoutError

        url = f"{self.base}/{what}"
        send = self._session.request if patient else requests.request
        more: dict[str, Any] = {} if patient else {"headers": dict(self._session.headers)}
        try:
            return send(method, url, json=payload, timeout=self.options.timeout, **more)
        except requests.RequestException as error:
            reason = getattr(error.args[0] if error.args else None, "reason", None) or error
            if isinstance(error, requests.Timeout) or isinstance(reason, ReadTimeoutError):
                limit = f"sampling.backend_args.timeout, {self.options.timeout:g} s"
                raise CalmError(f"{url} did not answer within {limit}") from None
            raise CalmError(f"no server answers at {url} ({type(error).__name__}: {str(reason)[-120:]})") from None

    def respond(
        self, requests: Sequence[SampleRequest], *, temperature: float, top_p: float, max_new_tokens: int
    ) -> list[list[str]]:
        """See :class:`~calm_ext.models.backends.Backend`."""
        shape = {"model": self.model, "temperature": temperature, "top_p": top_p, "max_tokens": max_new_tokens}
        pool = ThreadPoolExecutor(self.options.concurrency)
        self._stopped = False
        try:
            with in_model():
                futures = [pool.submit(self._texts, request, shape) for request in requests]
                return [future.result() for future in futures]
        finally:
            self._stopped = True  # after an error or an interrupt; what is under way is not waited for
            pool.shutdown(wait=False, cancel_futures=True)

    def _texts(self, request: SampleRequest, shape: dict[str, Any]) -> list[str]:
        from lm_eval.models.utils import postprocess_generated_text

        texts: list[str] = []
        while len(texts) < len(request.seeds) and not self._stopped:
            wanted = len(request.seeds) - len(texts) if self._many else 1
            payload = {**shape, "n": wanted, "seed": request.seeds[len(texts)], **self.options.body}
            if request.until:
                payload["stop"] = list(request.until)
            payload |= {"messages": json.loads(request.text)} if self.chat else {"prompt": request.text}
            reply = self._call("POST", "chat/completions" if self.chat else "completions", payload)
            if reply.status_code in (400, 422) and wanted > 1:
                self._many = False  # perhaps it is n that it refuses; if not, it says so again
                continue
            texts += self._read(reply, request)[:wanted]
        return [postprocess_generated_text(text, list(request.until), None) for text in texts]

    def _read(self, reply: Response, request: SampleRequest) -> list[str]:
        where = f"{request.name}: {reply.url}"
        if not reply.ok:
            raise CalmError(f"{where} answered {reply.status_code}: {_error_text(reply)}")
        try:
            body = reply.json()
            choices = sorted(body["choices"], key=lambda c: c.get("index", 0))
            texts = [str((c["message"]["content"] if self.chat else c["text"]) or "") for c in choices]
            count_tokens(int((body.get("usage") or {}).get("total_tokens") or 0))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise CalmError(f"{where} answered something that is not OpenAI's protocol: {reply.text[:80]!r}") from None
        if not texts:
            raise CalmError(f"{where} answered with no choice")
        return texts

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
                    header=dict(self._session.headers),
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
        self._session.close()


def _session(options: ApiOptions) -> Session:
    """A session that repeats requests and sends the key."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    session = requests.Session()
    retry = Retry(
        total=options.retries,
        read=False,  # a server that takes too long for an answer takes no less the second time
        backoff_factor=0.5,
        backoff_max=60,
        status_forcelist=_BUSY,
        allowed_methods=None,
        raise_on_status=False,
    )
    adapter = HTTPAdapter(max_retries=retry, pool_maxsize=options.concurrency)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    key = os.environ.get(options.api_key_env)
    if key:
        session.headers["Authorization"] = f"Bearer {key}"
    return session


def _error_text(reply: Response) -> str:
    """A server's error message, in a line."""
    try:
        body = reply.json()
        error = body.get("error", body)
        text = str(error.get("message", error) if isinstance(error, dict) else error)
    except (ValueError, AttributeError):
        text = reply.text
    return " ".join(text.split())[:200] or "nothing more"


@backend("api", "a server that speaks OpenAI's protocol", options=ApiOptions, remote=True)
def load(setup: Setup) -> ApiBackend:
    """Find the server.

    Raises:
        CalmError: no server answers, or it has no such model.
    """
    return ApiBackend(setup.arguments, model=setup.model.path, chat=setup.chat)
