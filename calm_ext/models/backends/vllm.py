"""Sampling by vLLM in this process (Kwon et al. 2023), through :class:`lm_eval.models.vllm_causallms.VLLM`.

vLLM takes a seed for each prompt, so a response depends on (seed, question, language, index), as far as the engine's
own numbers do not depend on its batches. ``sampling.backend_args`` are arguments of lm-eval's class, as
``{gpu_memory_utilization: 0.8}``.

Scores of options are log-probabilities of prompts, and those do not go with prefix caching: a part of a prompt that
is in the cache is not run again. vLLM has failed at them (github.com/vllm-project/vllm/issues/8268), and where it does
not they may depend on the order of the requests (…/issues/42019). So the cache is off where options are scored, and on
where responses are sampled, whose prompt it keeps.

With ``data_parallel_size`` lm-eval's class loads the model anew for each call, so more questions are asked in one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from calm_ext.errors import CalmError
from calm_ext.models.backends import Setup, backend
from calm_ext.models.backends.local import EngineOptions, LocalBackend, shared_parameters, start
from calm_ext.models.drawing import Drawing
from calm_ext.models.meter import count_tokens
from calm_ext.models.request import Reply, SampleRequest

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import LM

#: Questions asked at once where each call loads the model anew.
_MANY = 4096
_CACHED = (
    "sampling.backend_args.enable_prefix_caching: is true, and with it vLLM's scores of options are wrong or depend on "
    "their order; leave it out"
)


class VLLMOptions(EngineOptions):
    """``sampling.backend_args`` where ``sampling.backend`` is ``vllm``; others are those of lm-eval's class."""

    enable_prefix_caching: bool | None = None
    """Keep what was computed for beginnings of prompts; does not go with scores of options. Default: off where options
    are or may be scored, else as vLLM has it."""


class VLLMBackend(LocalBackend):
    """vLLM."""

    def __init__(self, lm: LM, config: Any) -> None:
        super().__init__(lm, config)
        if getattr(lm, "data_parallel_size", 1) > 1:
            self.chunk = _MANY

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """lm-eval's.

        Raises:
            CalmError: prefix caching is on.
        """
        if getattr(self.lm, "model_args", {}).get("enable_prefix_caching"):
            raise CalmError(_CACHED)
        return super().loglikelihood(requests, disable_tqdm=disable_tqdm)

    def generate(
        self, prompts: list[list[int]], requests: Sequence[SampleRequest], drawing: Drawing, max_new_tokens: int
    ) -> list[list[Reply]]:
        """One request a prompt; vLLM gives its n-th response the seed plus n."""
        from vllm import SamplingParams

        parameters = [
            SamplingParams(seed=r.seeds[0], max_tokens=max_new_tokens, **shared_parameters(r, drawing))
            for r in requests
        ]
        outputs = self.lm._model_generate(requests=prompts, generate=True, sampling_params=parameters)
        count_tokens(sum(len(x.token_ids) for output in outputs for x in output.outputs))
        return [
            [Reply(x.text, x.finish_reason) for x in sorted(output.outputs, key=lambda x: x.index)]
            for output in outputs
        ]


def _make(**arguments: Any) -> LM:
    from lm_eval.models.vllm_causallms import VLLM

    lm: LM = VLLM(**arguments)
    return lm


@backend("vllm", "vLLM in this process", options=VLLMOptions, package="vllm", hint="pip install 'calm-ext[vllm]'")
def load(setup: Setup) -> VLLMBackend:
    """Start vLLM.

    Raises:
        CalmError: it cannot be started; one line says why.
    """
    cached = setup.arguments.enable_prefix_caching
    if setup.scored and cached:
        raise CalmError(_CACHED)
    if cached is None and setup.scored is not False:
        setup = replace(setup, arguments=setup.arguments.replace(enable_prefix_caching=False))
    return VLLMBackend(*start("vllm", setup, _make, chat_template_args=dict(setup.template_args)))
