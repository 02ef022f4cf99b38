"""What engines in this process have in common: vLLM and SGLang, started by lm-eval's classes.

They get the token ids that calm-ext's own sampler reads, and draw as it does: with top-k, min-p and repetition penalty
of the model's generation config. What else the config sets, as ``no_repeat_ngram_size``, is ignored with a warning.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ConfigDict, Field

from calm_ext.errors import CalmError
from calm_ext.models.backends import Backend, Setup
from calm_ext.models.batches import release_memory
from calm_ext.models.drawing import Drawing, not_done
from calm_ext.models.meter import in_model
from calm_ext.models.paths import local_folder
from calm_ext.models.request import Reply, SampleRequest, fitting, up_to_stop, without_second_bos
from calm_ext.models.trust import why
from calm_ext.options import Section

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import LM

logger = logging.getLogger(__name__)


class EngineOptions(Section):
    """``sampling.backend_args`` of an engine in this process; keys that are not listed are handed on to it."""

    model_config = ConfigDict(extra="allow")

    tensor_parallel_size: int | None = Field(None, ge=1)
    """GPUs that hold one copy of the model together; default: one."""
    data_parallel_size: int | None = Field(None, ge=1)
    """Copies of the model, which share the prompts; default: one."""

    #: Keys that do not change what is sampled.
    TRANSPORT: ClassVar[frozenset[str]] = frozenset(
        {"tensor_parallel_size", "data_parallel_size", "tp_size", "dp_size"}
        | {"gpu_memory_utilization", "mem_fraction_static"}
    )

    def given(self) -> dict[str, Any]:
        """The keys that were set, as keyword arguments."""
        return self.model_dump(exclude_unset=True, exclude_none=True)


class LocalBackend(Backend):
    """An engine in this process, which reads each prompt once for all its responses and does its own batching.

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
        self, prompts: list[list[int]], requests: Sequence[SampleRequest], drawing: Drawing, max_new_tokens: int
    ) -> list[list[Reply]]:
        """The responses to token ids, as the engine gives them."""

    def respond(
        self, requests: Sequence[SampleRequest], *, temperature: float, top_p: float, max_new_tokens: int
    ) -> list[list[Reply]]:
        """See :class:`~calm_ext.models.backends.Backend`; prompts that leave no room lose their beginning, with a
        warning that names them.
        """
        encoded = [without_second_bos(self.tokenizer, list(self.tokenizer(r.text)["input_ids"])) for r in requests]
        prompts = fitting(encoded, requests, context=self.lm.max_length, max_new_tokens=max_new_tokens)
        drawing = Drawing.of(self.config, temperature=temperature, top_p=top_p)
        with in_model(sum(map(len, prompts))):
            responses = self.generate(prompts, requests, drawing, max_new_tokens)
        end = getattr(self.lm, "think_end_token", None)
        return [
            [up_to_stop(reply, request.until, think_end_token=end) for reply in replies]
            for request, replies in zip(requests, responses, strict=True)
        ]

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """lm-eval's; its tokens are not counted."""
        with in_model():
            scores: list[tuple[float, bool]] = self.lm.loglikelihood(requests, disable_tqdm=disable_tqdm)
        return scores

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


def start(name: str, setup: Setup, make: Callable[..., LM], **more: dict[str, Any]) -> tuple[LM, Any]:
    """The engine and the model's generation config.

    Args:
        name: the backend's.
        make: starts the engine from lm-eval's keyword arguments.
        more: dicts among these arguments; what ``sampling.backend_args`` has of them is added to.

    Raises:
        CalmError: it cannot be started; one line says why.
    """
    from transformers import GenerationConfig

    model = setup.model
    path = str(local_folder(model.path) or model.path)
    try:
        config = GenerationConfig.from_pretrained(path)
    except OSError:
        config = GenerationConfig()
    ignored = not_done(config)
    if ignored:
        logger.warning("the model's generation config sets %s, which %s ignores", ", ".join(ignored), name)
    arguments: dict[str, Any] = {
        "pretrained": path, "dtype": model.dtype, "trust_remote_code": model.trust_remote_code,
        **setup.arguments.given(),
    }  # fmt: skip
    arguments |= {key: {**(arguments.get(key) or {}), **values} for key, values in more.items() if values}
    try:
        return make(**arguments), config
    except Exception as error:  # whatever an engine raises at a model, a device or an argument
        raise CalmError(f"{name} cannot start {path}: {why(error)}") from error


def shared_parameters(request: SampleRequest, drawing: Drawing) -> dict[str, Any]:
    """The sampling parameters that vLLM and SGLang call by the same names."""
    return {
        "n": len(request.seeds),
        "temperature": drawing.temperature,
        "top_p": drawing.top_p,
        "top_k": drawing.top_k or -1,
        "min_p": drawing.min_p,
        "repetition_penalty": drawing.repetition_penalty,
        "stop": list(request.until),
    }
