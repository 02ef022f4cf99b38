"""Sampling by transformers in this process, with the model that lm-eval's class has loaded.

Responses are decoded by :mod:`calm_ext.models.decoding`: each depends on its own seed, whatever the batch. A model that
cannot be decoded so is sampled by lm-eval's ``generate_until``, seeded once for all requests of a call, so that its
responses depend on the batch size too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calm_ext.models.backends import Backend, NoArguments, Setup, backend
from calm_ext.models.request import Reply, SampleRequest

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import LM


class HFBackend(Backend):
    """A loaded model of lm-eval's.

    Args:
        lm: the model, usually a :class:`calm_ext.models.lm.SharedPrefixLM`; any of lm-eval's classes will do.
    """

    chunk = 16

    def __init__(self, lm: LM) -> None:
        self.lm: Any = lm
        self.world_size = lm.world_size
        self.tokenizer = getattr(lm, "tokenizer", None)

    def respond(
        self, requests: Sequence[SampleRequest], *, temperature: float, top_p: float, max_new_tokens: int
    ) -> list[list[Reply]]:
        """See :class:`~calm_ext.models.backends.Backend`."""
        from calm_ext.models.decoding import can_decode, respond
        from calm_ext.models.processes.model import LaunchedLM

        if isinstance(self.lm, LaunchedLM):
            return self.lm.respond(requests, temperature=temperature, top_p=top_p, max_new_tokens=max_new_tokens)
        if can_decode(self.lm):
            return respond(self.lm, requests, temperature=temperature, top_p=top_p, max_new_tokens=max_new_tokens)
        return self._generate_until(requests, temperature=temperature, top_p=top_p, max_new_tokens=max_new_tokens)

    def _generate_until(
        self, requests: Sequence[SampleRequest], *, temperature: float, top_p: float, max_new_tokens: int
    ) -> list[list[Reply]]:
        """lm-eval's sampling, which runs a prompt again for each response and does not say how it ended."""
        import torch
        from lm_eval.api.instance import Instance

        settings = {
            "do_sample": temperature > 0, "temperature": temperature, "top_p": top_p, "max_gen_toks": max_new_tokens,
        }  # fmt: skip
        instances = [
            Instance(
                request_type="generate_until", doc={}, arguments=(r.text, {**settings, "until": list(r.until)}), idx=i
            )
            for i, r in enumerate(requests)
            for _ in r.seeds
        ]
        if requests:
            torch.manual_seed(requests[0].call_seed)
        texts = iter(self.lm.generate_until(instances, disable_tqdm=True))
        return [[Reply(next(texts)) for _ in r.seeds] for r in requests]

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """lm-eval's; :class:`~calm_ext.models.lm.SharedPrefixLM` runs a prompt once for all its continuations."""
        scores: list[tuple[float, bool]] = self.lm.loglikelihood(requests, disable_tqdm=disable_tqdm)
        return scores

    def apply_chat_template(self, history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """lm-eval's."""
        return str(self.lm.apply_chat_template(history, add_generation_prompt=add_generation_prompt))

    def close(self) -> None:
        """Let go of the model; whoever else holds it, such as a run that evaluates with it, keeps it."""
        from calm_ext.models.batches import release_memory

        self.lm = None
        release_memory()


@backend("hf", "transformers in this process, by calm-ext's own sampler", options=NoArguments, shares_lm=True)
def load(setup: Setup) -> HFBackend:
    """The model of the setup, loaded where it is not yet.

    Raises:
        CalmError: it cannot be loaded; one line says why.
    """
    if setup.lm is not None:
        return HFBackend(setup.lm)
    from calm_ext.models.processes.model import load as load_lm

    model = setup.model
    return HFBackend(
        load_lm(
            model.path,
            launch=setup.launch,
            tokenizer=setup.tokenizer,
            dtype=model.dtype,
            device=model.device,
            batch_size=setup.batch_size,
            trust_remote_code=model.trust_remote_code,
            template_args=setup.template_args,
        )
    )
