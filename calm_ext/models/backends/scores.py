"""Option scores of a server: the log-probabilities of an echoed prompt.

lm-eval's ``local-completions`` writes the request; it is sent as every other request
(:mod:`calm_ext.models.backends.servers`), and each score is kept as it comes. It needs a server that echoes prompts
with their log-probabilities, and the model's tokenizer here.

A server that keeps the beginnings of prompts (prefix caching) does not run them again, and may leave out their
log-probabilities or give others (github.com/vllm-project/vllm/issues/8268 and 42019). An answer that shows it is
refused.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calm_ext.errors import CalmError
from calm_ext.models.backends.connection import Answer
from calm_ext.models.backends.protocol import GOES_ON, Failure, failure_of
from calm_ext.models.backends.servers import Servers
from calm_ext.models.backends.threads import in_threads
from calm_ext.models.meter import in_model
from calm_ext.models.request import Lost

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

    from calm_ext.files.journal import Journal

logger = logging.getLogger(__name__)

Score = tuple[float, bool]


Tokens = tuple[list[int], list[int]]  # of the context and the continuation

#: Bytes of an answer: for a start, and for each token of the prompt.
_LARGEST, _PER_TOKEN = 1 << 20, 1 << 10
#: A log-probability is 0 at most, but for rounding.
_ROUNDED = 1e-3
_ADVICE = "; start a server of vLLM with --no-enable-prefix-caching"


class Scores:
    """The scores of a server.

    Args:
        model: its name there. tokenizer: folder or hub name. context: tokens of the model.

    Raises:
        CalmError: a package or the tokenizer is missing.
    """

    def __init__(self, servers: Servers, *, model: str, tokenizer: str, context: int) -> None:
        self._servers = servers
        self._journal: Journal | None = None
        try:
            from lm_eval.models.openai_completions import LocalCompletionsAPI

            class Sent(LocalCompletionsAPI):
                def _loglikelihood_tokens(inner, requests: Any, **_: Any) -> list[Score]:
                    return self._all([(context, continuation) for _, context, continuation in requests])

            self._lm: Any = Sent(
                model=model,
                base_url=f"{servers.base}/completions",
                tokenizer=tokenizer,
                tokenizer_backend="huggingface",
                add_bos_token=True,  # as the other backends; a tokenizer that has no BOS adds none
                max_length=context,
            )
        except ModuleNotFoundError as error:
            raise CalmError(f"option scores from a server: {error}; pip install 'calm-ext[api]'") from None
        except Exception as error:  # whatever transformers says of a tokenizer that is not there
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise CalmError(f"option scores from a server need the model's tokenizer: {reason[:200]}") from None

    def of(self, requests: Sequence[Instance], journal: Journal | None = None) -> list[Score]:
        """The log-probability of each continuation, and whether it is the greedy one.

        Of a request that the server refuses or cannot answer it is a :class:`~calm_ext.models.request.Lost`.

        Args:
            journal: where each is kept as it comes.

        Raises:
            CalmError: the server gives none at all, has too much to do, or is gone.
        """
        self._warn_of_long(requests)
        self._journal = journal
        with in_model():
            scores: list[Score] = self._lm.loglikelihood(list(requests), disable_tqdm=True)
        lost = [x for x in scores if isinstance(x, Lost)]
        if lost and len(lost) == len(scores):
            raise self._error(lost[0].cause)
        return scores

    def _error(self, failure: Exception | None) -> CalmError:
        assert isinstance(failure, Failure)
        where = f"{failure.where or self._servers.base}/completions"
        if failure.kind == "refused":
            return CalmError(
                f"{where} gives no log-probabilities of a prompt ({failure.said}); score options with "
                f"sampling.backend hf or vllm"
            )
        return CalmError(f"{where} {failure.said}; {GOES_ON}")

    def _all(self, encoded: Sequence[Tokens]) -> list[Score]:
        self._servers.halt.clear()
        return in_threads(self._score, encoded, threads=self._servers.threads, halt=self._servers.halt)

    def _score(self, encoded: Tokens) -> Score:
        """The score of one context and continuation, from the journal or the server."""
        lm, journal = self._lm, self._journal
        inputs, lengths, _ = lm.batch_loglikelihood_requests([[(None, *encoded)]])
        payload = lm._create_payload(lm.create_message(inputs), generate=False, seed=lm._seed)
        text = json.dumps([payload, lengths], sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()
        had = journal.get(key) if journal is not None else None
        if had is not None:
            return float(had[0]), bool(had[1])

        def read(answer: Answer) -> Score:
            if not answer.ok:
                raise _with_advice(failure_of(answer, payload))
            try:
                body = answer.json()
            except ValueError:
                raise Failure("answered something that is not JSON", kind="broken") from None
            return read_score(body, inputs[0], lengths[0])

        largest = _LARGEST + _PER_TOKEN * sum(map(len, inputs))
        try:
            found = self._servers.call("POST", "completions", read, payload, largest=largest)
        except Failure as failure:
            if failure.busy or failure.kind in ("gone", "wait", "moved"):
                raise self._error(failure) from None
            return Lost.of(failure.as_reply(), failure)  # of this one request
        if journal is not None:
            journal.add(key, list(found))
        return found

    def _warn_of_long(self, requests: Sequence[Instance]) -> None:
        """Warn where lm-eval's class will cut: the beginning is lost."""
        room = self._lm.max_length  # a token of the context is left for the one that a server must write
        long = [r for r in requests if len(self._lm.tok_encode("".join(r.args))) > room]
        if long:
            logger.warning(
                "%d of %d requests are longer than the %d tokens that sampling.backend_args.context leaves and lose "
                "their beginning, first %r", len(long), len(requests), room, str(long[0].args[0])[-60:],
            )  # fmt: skip


def read_score(body: Any, ids: Sequence[int], start: int) -> Score:
    """The log-probability of the tokens from ``start`` on in an echoed prompt, and whether each is the likeliest.

    Raises:
        Failure: the answer lacks some, as a server does that keeps beginnings of prompts, or has what is none.
    """
    try:
        logprobs = body["choices"][0]["logprobs"]
        values, tops = logprobs["token_logprobs"], logprobs["top_logprobs"]
        if min(len(values), len(tops)) < len(ids):
            raise Failure(f"answered with {len(values)} log-probabilities of {len(ids)} tokens{_ADVICE}")
        own = [float(x) for x in values[start : len(ids)]]
        greedy = all(x == max(top.values()) for x, top in zip(own, tops[start:], strict=False))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise Failure(f"answered without them ({type(error).__name__})") from None
    wrong = [x for x in own if not (math.isfinite(x) and x < _ROUNDED)]
    if wrong:
        raise Failure(f"answered with log-probabilities that are none, as {wrong[0]:g}{_ADVICE}")
    return sum(own), greedy


def _with_advice(failure: Failure) -> Failure:
    if "prefix" in failure.said.lower() and "cach" in failure.said.lower():
        failure.said += _ADVICE
    return failure
