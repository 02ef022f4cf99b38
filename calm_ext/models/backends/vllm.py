"""Sampling by vLLM in this process (Kwon et al. 2023), through :class:`lm_eval.models.vllm_causallms.VLLM`.

vLLM takes a seed for each prompt, so a response depends on (seed, question, language, index), as far as the engine's
own numbers do not depend on its batches. ``sampling.backend_args`` are arguments of lm-eval's class, as
``{gpu_memory_utilization: 0.8}``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calm_ext.models.backends import Setup, backend
from calm_ext.models.backends.local import LocalBackend, shared_parameters, start
from calm_ext.models.drawing import Drawing
from calm_ext.models.meter import count_tokens
from calm_ext.models.request import Reply, SampleRequest

if TYPE_CHECKING:
    from lm_eval.api.model import LM


class VLLMBackend(LocalBackend):
    """vLLM."""

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


@backend("vllm", "vLLM in this process", package="vllm", hint="pip install 'calm-ext[vllm]'")
def load(setup: Setup) -> VLLMBackend:
    """Start vLLM.

    Raises:
        CalmError: it cannot be started; one line says why.
    """
    return VLLMBackend(*start("vllm", setup, _make, chat_template_args=dict(setup.template_args)))
