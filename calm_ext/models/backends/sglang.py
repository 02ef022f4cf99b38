"""Sampling by SGLang in this process (Zheng et al. 2024), through :class:`lm_eval.models.sglang_causallms.SGLangLM`.

SGLang takes no seed for a request: its responses differ from run to run. ``sampling.backend_args`` are arguments of
lm-eval's class. Its cache of prefixes needs no care: where log-probabilities of a prompt are asked for it is not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import model_validator

from calm_ext.errors import CalmError
from calm_ext.models.backends import Setup, backend
from calm_ext.models.backends.local import EngineOptions, LocalBackend, shared_parameters, start
from calm_ext.models.drawing import Drawing
from calm_ext.models.meter import count_tokens
from calm_ext.models.request import Reply, SampleRequest

if TYPE_CHECKING:
    from lm_eval.api.model import LM


#: Our key -> that of SGLang.
_NAMES = {"tensor_parallel_size": "tp_size", "data_parallel_size": "dp_size"}


class SGLangOptions(EngineOptions):
    """``sampling.backend_args`` where ``sampling.backend`` is ``sglang``; others are those of lm-eval's class."""

    @model_validator(mode="before")
    @classmethod
    def _once(cls, values: Any) -> Any:
        for ours, theirs in _NAMES.items():
            if isinstance(values, Mapping) and ours in values and theirs in values:
                raise ValueError(f"{ours} and {theirs} are the same; give one")
        return values


class SGLangBackend(LocalBackend):
    """SGLang.

    Args:
        template_args: for the chat template.
    """

    def __init__(self, lm: LM, config: Any, *, template_args: Mapping[str, Any] | None = None) -> None:
        super().__init__(lm, config)
        self.template_args = dict(template_args or {})

    def generate(
        self, prompts: list[list[int]], requests: Sequence[SampleRequest], drawing: Drawing, max_new_tokens: int
    ) -> list[list[Reply]]:
        """All prompts in one call; the responses come prompt by prompt."""
        n = len(requests[0].seeds)
        parameters = [{"max_new_tokens": max_new_tokens, **shared_parameters(r, drawing)} for r in requests]
        outputs = self.lm._model_generate(requests=prompts, generate=True, sampling_params=parameters)
        if len(outputs) != n * len(requests):
            raise CalmError(
                f"SGLang gave {len(outputs)} responses to {len(requests)} prompts, {n} to each were asked for"
            )
        count_tokens(sum(x.get("meta_info", {}).get("completion_tokens", 0) for x in outputs))
        replies = [Reply(str(x["text"]), _finish(x.get("meta_info", {}).get("finish_reason"))) for x in outputs]
        return [replies[i : i + n] for i in range(0, len(replies), n)]

    def apply_chat_template(self, history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """As lm-eval's class does it, which has no way to hand the template more."""
        if not self.template_args:
            return super().apply_chat_template(history, add_generation_prompt)
        text: str = self.tokenizer.apply_chat_template(
            history,
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
            continue_final_message=not add_generation_prompt,
            **self.template_args,
        )
        return text


def _finish(said: Any) -> str | None:
    """``{"type": "length", …}``, or a word."""
    word = said.get("type") if isinstance(said, dict) else said
    return word if isinstance(word, str) else None


def _make(**arguments: Any) -> LM:
    from lm_eval.models.sglang_causallms import SGLangLM

    arguments = {_NAMES.get(key, key): value for key, value in arguments.items()}
    # Begins a text as the other backends do: a tokenizer that has no BOS adds none. Its batches would be of one prompt.
    lm: LM = SGLangLM(**{"add_bos_token": True, "batch_size": "auto", **arguments})
    return lm


@backend(
    "sglang",
    "SGLang in this process",
    options=SGLangOptions,
    package="sglang",
    hint="see https://docs.sglang.ai",
)
def load(setup: Setup) -> SGLangBackend:
    """Start SGLang.

    Raises:
        CalmError: it cannot be started; one line says why.
    """
    return SGLangBackend(*start("sglang", setup, _make), template_args=setup.template_args)
