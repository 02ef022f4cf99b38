"""Sampling by an engine that runs a prompt once for its responses and batches by itself: vLLM, SGLang, or a server.

vLLM and SGLang are loaded by lm-eval's classes and get the token ids that calm-ext's own sampler reads, and its way of
drawing: what the model's generation config says of top-k, min-p and repetitions (what else it says, as
``no_repeat_ngram_size``, is not done and told in a warning). vLLM is given a seed for each
prompt, so that a response depends on (seed, question, language, index), as far as the engine's own numbers do not
depend on its batches. SGLang takes no seed of a request: its responses differ from run to run.

A server that speaks OpenAI's protocol is in :mod:`calm_ext.models.backends.api`.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from lm_eval.models.utils import postprocess_generated_text

from calm_ext.errors import CalmError
from calm_ext.models.batches import release_memory
from calm_ext.models.drawing import Drawing, not_done
from calm_ext.models.meter import count_tokens, in_model
from calm_ext.models.request import Ask, fitting, without_second_bos

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import LM

logger = logging.getLogger(__name__)

Backend = Literal["hf", "vllm", "sglang", "api"]


class Engine(ABC):
    """What :func:`calm_ext.harness.sampler.sample` asks, beside lm-eval's classes.

    Attributes:
        chunk: questions that are asked at once, and lost where a run is interrupted.
    """

    chunk = 64
    world_size = 1
    tokenizer: Any = None

    @abstractmethod
    def respond(self, asks: Sequence[Ask], *, temperature: float, top_p: float, max_new_tokens: int) -> list[list[str]]:
        """The responses to each prompt, as many as it has seeds."""

    @abstractmethod
    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """As lm-eval's."""

    @abstractmethod
    def apply_chat_template(self, history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """A conversation as the text of an :class:`~calm_ext.models.request.Ask`."""

    def can_chat(self) -> bool:
        """Whether there is a chat template."""
        return bool(getattr(self.tokenizer, "chat_template", None))

    @abstractmethod
    def close(self) -> None:
        """Give the memory back."""


class LocalEngine(Engine):
    """An engine in this process.

    Args:
        lm: lm-eval's class that runs it.
        config: the model's generation config.
    """

    def __init__(self, lm: LM, config: Any) -> None:
        self.lm: Any = lm
        self.config = config
        self.tokenizer = self.lm.tokenizer

    @abstractmethod
    def generate(
        self, prompts: list[list[int]], asks: Sequence[Ask], drawing: Drawing, max_new_tokens: int
    ) -> list[list[str]]:
        """The responses to token ids, as the engine gives them."""

    def respond(self, asks: Sequence[Ask], *, temperature: float, top_p: float, max_new_tokens: int) -> list[list[str]]:
        """See :class:`Engine`; prompts that leave no room lose their beginning and are named."""
        encoded = [without_second_bos(self.tokenizer, list(self.tokenizer(ask.text)["input_ids"])) for ask in asks]
        prompts = fitting(encoded, asks, context=self.lm.max_length, max_new_tokens=max_new_tokens)
        drawing = Drawing.of(self.config, temperature=temperature, top_p=top_p)
        with in_model(sum(map(len, prompts))):
            found = self.generate(prompts, asks, drawing, max_new_tokens)
        end = getattr(self.lm, "think_end_token", None)
        return [
            [postprocess_generated_text(text, list(ask.until), end) for text in texts]
            for ask, texts in zip(asks, found, strict=True)
        ]

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """lm-eval's; its tokens are not counted."""
        with in_model():
            found: list[tuple[float, bool]] = self.lm.loglikelihood(requests, disable_tqdm=disable_tqdm)
        return found

    def apply_chat_template(self, history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """lm-eval's."""
        return str(self.lm.apply_chat_template(history, add_generation_prompt))

    def close(self) -> None:
        """Shut the engine down."""
        engine, self.lm = getattr(self.lm, "model", None), None  # vLLM with data parallelism has none
        if engine is not None and hasattr(engine, "shutdown"):
            engine.shutdown()
        del engine
        release_memory()


class VLLMEngine(LocalEngine):
    """vLLM by :class:`lm_eval.models.vllm_causallms.VLLM`."""

    def generate(
        self, prompts: list[list[int]], asks: Sequence[Ask], drawing: Drawing, max_new_tokens: int
    ) -> list[list[str]]:
        """One request a prompt; vLLM gives its n-th response the seed plus n."""
        from vllm import SamplingParams

        parameters = [
            SamplingParams(seed=ask.seeds[0], max_tokens=max_new_tokens, **_parameters(ask, drawing)) for ask in asks
        ]
        outputs = self.lm._model_generate(requests=prompts, generate=True, sampling_params=parameters)
        count_tokens(sum(len(x.token_ids) for output in outputs for x in output.outputs))
        return [[x.text for x in sorted(output.outputs, key=lambda x: x.index)] for output in outputs]


class SGLangEngine(LocalEngine):
    """SGLang by :class:`lm_eval.models.sglang_causallms.SGLangLM`."""

    def generate(
        self, prompts: list[list[int]], asks: Sequence[Ask], drawing: Drawing, max_new_tokens: int
    ) -> list[list[str]]:
        """All prompts in one call; the responses come prompt by prompt."""
        n = len(asks[0].seeds)
        parameters = [{"max_new_tokens": max_new_tokens, **_parameters(ask, drawing)} for ask in asks]
        outputs = self.lm._model_generate(requests=prompts, generate=True, sampling_params=parameters)
        if len(outputs) != n * len(asks):
            raise CalmError(f"SGLang gave {len(outputs)} responses to {len(asks)} prompts, {n} to each were asked for")
        count_tokens(sum(x.get("meta_info", {}).get("completion_tokens", 0) for x in outputs))
        texts = [str(x["text"]) for x in outputs]
        return [texts[i : i + n] for i in range(0, len(texts), n)]


def _parameters(ask: Ask, drawing: Drawing) -> dict[str, Any]:
    """What vLLM and SGLang call alike."""
    return {
        "n": len(ask.seeds),
        "temperature": drawing.temperature,
        "top_p": drawing.top_p,
        "top_k": drawing.top_k or -1,
        "min_p": drawing.min_p,
        "repetition_penalty": drawing.repetition_penalty,
        "stop": list(ask.until),
    }


def load_engine(
    backend: Literal["vllm", "sglang", "api"],
    path: str,
    *,
    arguments: Mapping[str, Any],
    dtype: str = "auto",
    chat: bool = False,
    trust_remote_code: bool = False,
) -> Engine:
    """Start an engine, or find a server.

    Args:
        path: of the model: a folder or hub name; for a server the name that it knows it by, unless the arguments say.
        arguments: ``sampling.backend_args``.
        chat: whether prompts will be conversations.

    Raises:
        CalmError: it is not installed, cannot be started, or does not answer; one line says why.
    """
    if backend == "api":
        from calm_ext.models.backends.api import ApiEngine
        from calm_ext.models.options import ApiOptions

        return ApiEngine(ApiOptions.model_validate(arguments), model=path, chat=chat)
    missing = missing_package(backend)
    if missing:
        raise CalmError(missing)
    from transformers import GenerationConfig

    try:
        config = GenerationConfig.from_pretrained(path)
    except OSError:
        config = GenerationConfig()
    said = not_done(config)
    if said:
        logger.warning("the model's generation config says %s, which %s is not told", ", ".join(said), backend)
    given = {"pretrained": path, "dtype": dtype, "trust_remote_code": trust_remote_code, **arguments}
    try:
        if backend == "vllm":
            from lm_eval.models.vllm_causallms import VLLM

            return VLLMEngine(VLLM(**given), config)
        from lm_eval.models.sglang_causallms import SGLangLM

        # Begins a text as the other backends do: a tokenizer that has no BOS adds none.
        return SGLangEngine(SGLangLM(**{"add_bos_token": True, **given}), config)
    except Exception as error:  # whatever an engine raises at a model, a device or an argument
        lines = [x.strip() for x in str(error).splitlines() if x.strip()]
        raise CalmError(f"{backend} cannot start {path}: {(lines or [type(error).__name__])[0]}") from error


def missing_package(backend: Backend) -> str | None:
    """What to install for a backend, in words; None where it is there."""
    if backend in ("vllm", "sglang") and find_spec(backend) is None:
        how = "pip install 'calm-ext[vllm]'" if backend == "vllm" else "see https://docs.sglang.ai"
        return f"sampling.backend {backend}: the package {backend} is not installed ({how})"
    return None
