"""Sampling from a server that speaks OpenAI's protocol (``/v1/completions`` and ``/v1/chat/completions``).

Servers of vLLM, SGLang, llama.cpp, Ollama, TGI and of vendors do. A request asks for all responses to a prompt (``n``);
a server that gives fewer, or refuses n, is asked for the rest. Requests run side by side, are repeated where a server
is busy or gone for a moment, and carry a seed of (seed, question, language): whether a server heeds it is its affair,
and so is what it draws with beside temperature and top-p (``sampling.backend_args.body`` may say more).

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
from typing import TYPE_CHECKING, Any

import requests
from lm_eval.models.utils import postprocess_generated_text
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ReadTimeoutError
from urllib3.util.retry import Retry

from calm_ext.errors import CalmError
from calm_ext.models.backends.engines import Engine
from calm_ext.models.meter import count_tokens, in_model
from calm_ext.models.options import ApiOptions
from calm_ext.models.request import Ask

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

logger = logging.getLogger(__name__)

_BUSY = (408, 429, 500, 502, 503, 504)


class ApiEngine(Engine):
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
        self._session = requests.Session()
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
            self._session.mount(scheme, adapter)
        key = os.environ.get(options.api_key_env)
        if key:
            self._session.headers["Authorization"] = f"Bearer {key}"
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

    def _call(
        self, method: str, what: str, payload: dict[str, Any] | None = None, *, patient: bool = True
    ) -> requests.Response:
        """``patient``: try again where the server is busy or not there."""
        url = f"{self.base}/{what}"
        ask = self._session.request if patient else requests.request
        more: dict[str, Any] = {} if patient else {"headers": dict(self._session.headers)}
        try:
            return ask(method, url, json=payload, timeout=self.options.timeout, **more)
        except requests.RequestException as error:
            reason = getattr(error.args[0] if error.args else None, "reason", None) or error
            if isinstance(error, requests.Timeout) or isinstance(reason, ReadTimeoutError):
                limit = f"sampling.backend_args.timeout, {self.options.timeout:g} s"
                raise CalmError(f"{url} did not answer within {limit}") from None
            raise CalmError(f"no server answers at {url} ({type(error).__name__}: {str(reason)[-120:]})") from None

    def respond(self, asks: Sequence[Ask], *, temperature: float, top_p: float, max_new_tokens: int) -> list[list[str]]:
        """See :class:`Engine`."""
        shape = {"model": self.model, "temperature": temperature, "top_p": top_p, "max_tokens": max_new_tokens}
        pool = ThreadPoolExecutor(self.options.concurrency)
        self._stopped = False
        try:
            with in_model():
                futures = [pool.submit(self._ask, ask, shape) for ask in asks]
                return [future.result() for future in futures]
        finally:
            self._stopped = True  # after an error or an interrupt; what is under way is not waited for
            pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, ask: Ask, shape: dict[str, Any]) -> list[str]:
        texts: list[str] = []
        while len(texts) < len(ask.seeds) and not self._stopped:
            wanted = len(ask.seeds) - len(texts) if self._many else 1
            payload = {**shape, "n": wanted, "seed": ask.seeds[len(texts)], **self.options.body}
            if ask.until:
                payload["stop"] = list(ask.until)
            payload |= {"messages": json.loads(ask.text)} if self.chat else {"prompt": ask.text}
            reply = self._call("POST", "chat/completions" if self.chat else "completions", payload)
            if reply.status_code in (400, 422) and wanted > 1:
                self._many = False  # perhaps it is n that it refuses; if not, it says so again
                continue
            texts += self._texts(reply, ask)[:wanted]
        return [postprocess_generated_text(text, list(ask.until), None) for text in texts]

    def _texts(self, reply: requests.Response, ask: Ask) -> list[str]:
        where = f"{ask.name}: {reply.url}"
        if not reply.ok:
            raise CalmError(f"{where} answered {reply.status_code}: {_said(reply)}")
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
            self._tell_long(requests)
            with in_model():
                found: list[tuple[float, bool]] = self._scorer.loglikelihood(requests, disable_tqdm=disable_tqdm)
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
        return found

    def _tell_long(self, requests: list[Instance]) -> None:
        """Name the policy where lm-eval's class will cut: the beginning is lost."""
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


def _said(reply: requests.Response) -> str:
    """A server's error message, in a line."""
    try:
        body = reply.json()
        error = body.get("error", body)
        text = str(error.get("message", error) if isinstance(error, dict) else error)
    except (ValueError, AttributeError):
        text = reply.text
    return " ".join(text.split())[:200] or "nothing more"
