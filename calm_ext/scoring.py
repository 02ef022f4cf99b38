"""Log-likelihoods of several continuations of one prompt, the prompt run once. Needs torch, knows no harness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def score_continuations(
    model: Any, context: Sequence[int], targets: Sequence[Sequence[int]], *, dtype: torch.dtype | None = None
) -> list[tuple[float, bool]]:
    """log p(target | context) in nats and whether greedy decoding would give it, for each target.

    The context's key-value cache is expanded over the targets; with T the longest target, logits are taken at the last
    position of the context and at T - 1 more.

    Args:
        model: a causal LM of transformers whose cache :func:`cache_expands`.
        context: token ids, at least one.
        targets: token ids of each continuation, at least one each.
        dtype: number format of the log-softmax, float32 by default.
    """
    import torch
    import torch.nn.functional as F

    n, longest = len(targets), max(map(len, targets))
    device = model.device
    with torch.inference_mode():
        # The last position by an index, which copies it, not by a slice: torch 2.13 multiplies a strided bf16 slice by
        # the output embedding without oneDNN, 40 times slower on a CPU.
        last = torch.tensor([len(context) - 1], device=device)
        out = model(torch.tensor([list(context)], device=device), use_cache=longest > 1, logits_to_keep=last)
        logits = out.logits.expand(n, -1, -1)
        padded = torch.zeros(n, longest, dtype=torch.long)
        for row, target in enumerate(targets):
            padded[row, : len(target)] = torch.tensor(list(target))
        padded = padded.to(device)
        if longest > 1:
            cache = out.past_key_values
            cache.batch_repeat_interleave(n)
            more = model(padded[:, :-1], past_key_values=cache, use_cache=True).logits
            logits = torch.cat([logits, more], dim=1)
        logprobs = F.log_softmax(logits, dim=-1, dtype=dtype or torch.float32)
        lengths = torch.tensor([len(t) for t in targets], device=device)
        inside = torch.arange(longest, device=device) < lengths[:, None]
        picked = logprobs.gather(2, padded[:, :, None]).squeeze(2)
        sums = (picked * inside).sum(1).tolist()
        greedy = ((logprobs.argmax(-1) == padded) | ~inside).all(1).tolist()
    return list(zip(sums, greedy, strict=True))


def cache_expands(model: Any) -> bool:
    """Whether the model is a decoder that keeps a cache of a kind that can be repeated over a batch."""
    import torch

    if getattr(model.config, "is_encoder_decoder", False):
        return False
    with torch.inference_mode():
        out = model(torch.zeros(1, 2, dtype=torch.long, device=model.device), use_cache=True)
    return hasattr(out.get("past_key_values"), "batch_repeat_interleave")


def encode_continuation(tokenizer: Any, context: str, continuation: str) -> tuple[list[int], list[int]]:
    """Token ids of a context and of what follows it, split where lm-eval and TRL split them.

    Both encode the whole and cut it after as many tokens as the context has alone; white space at the end of the
    context goes with the continuation (``lm_eval.api.model.TemplateLM._encode_pair``).
    """
    kept = context.rstrip()
    continuation = context[len(kept) :] + continuation
    alone = list(tokenizer(kept)["input_ids"])
    eos = tokenizer.eos_token_id
    if alone and alone[-1] == eos and len(alone) > 1:  # a tokenizer that closes what it encodes
        alone = alone[:-1]
    whole = list(tokenizer(kept + continuation)["input_ids"])
    return alone, whole[len(alone) :]
