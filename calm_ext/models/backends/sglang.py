"""Sampling by SGLang in this process (Zheng et al. 2024), through :class:`lm_eval.models.sglang_causallms.SGLangLM`.

SGLang takes no seed for a request: its responses differ from run to run. ``sampling.backend_args`` are arguments of
lm-eval's class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calm_ext.errors import CalmError
from calm_ext.models.backends import Setup, backend
from calm_ext.models.backends.local import LocalBackend, shared_parameters, start
from calm_ext.models.drawing import Drawing
from calm_ext.models.meter import count_tokens
from calm_ext.models.request import SampleRequest

if TYPE_CHECKING:
    from lm_eval.api.model import LM


class SGLangBackend(LocalBackend):
    """SGLang."""

    def generate(
        self, prompts: list[list[int]], requests: Sequence[SampleRequest], drawing: Drawing, max_new_tokens: int
    ) -> list[list[str]]:
        """All prompts in one call; the responses come prompt by prompt."""
        n = len(requests[0].seeds)
        parameters = [{"max_new_tokens": max_new_tokens, **shared_parameters(r, drawing)} for r in requests]
        outputs = self.lm._model_generate(requests=prompts, generate=True, sampling_params=parameters)
        if len(outputs) != n * len(requests):
            raise CalmError(
                f"SGLang gave {len(outputs)} responses to {len(requests)} prompts, {n} to each were asked for"
            )
        count_tokens(sum(x.get("meta_info", {}).get("completion_tokens", 0) for x in outputs))
        texts = [str(x["text"]) for x in outputs]
        return [texts[i : i + n] for i in range(0, len(texts), n)]


def _make(**arguments: Any) -> LM:
    from lm_eval.models.sglang_causallms import SGLangLM

    # Begins a text as the other backends do: a tokenizer that has no BOS adds none.
    lm: LM = SGLangLM(**{"add_bos_token": True, **arguments})
    return lm


@backend("sglang", "SGLang in this process", package="sglang", hint="see https://docs.sglang.ai")
def load(setup: Setup) -> SGLangBackend:
    """Start SGLang.

    Raises:
        CalmError: it cannot be started; one line says why.
    """
    return SGLangBackend(*start("sglang", setup, _make))
