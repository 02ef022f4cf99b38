"""The output layer of a preference loss on a CPU: log-probabilities of the responses' tokens, with their gradient.

TRL's fused output layer multiplies hidden states and output embedding in tiles, folds each tile into a running softmax,
and multiplies every tile once more in the backward pass to learn the softmax again. With h a hidden state, W the output
embedding (vocabulary x size), t the target and p = softmax(W h), the gradient is

    d log p_t / dh = W_t - sum_v p_v W_v

and the sum can be kept running beside the softmax (as attention over W with h as its query does: Milakov & Gimelshein
2018, Dao et al. 2022): one pass of two products where TRL has three, and none of it is left to the backward pass. What
TRL logs comes along: the entropy is log Z - h . sum_v p_v W_v, and the mean logit h . mean_v W_v.

That needs W frozen, as under LoRA, and plain logits, without soft cap or bias; else TRL's own function is called. A GPU
has TRL's kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from calm_ext.training import trl_internals

#: Tokens and words of one tile of logits: 32 MiB in float32.
TILE = (1024, 8192)


class _Scores(torch.autograd.Function):
    """log p_t, entropy and whether t is the most likely word, for each of (tokens, size) hidden states."""

    @staticmethod
    def forward(ctx: Any, hidden: Any, weight: Any, targets: Any, dtype: torch.dtype) -> Any:
        wanted = ctx.needs_input_grad[0]
        parts = [
            _score(h.to(dtype), weight, t, dtype, gradient=wanted)
            for h, t in zip(hidden.split(TILE[0]), targets.split(TILE[0]), strict=True)
        ]
        logprobs, entropy, top, gradients = (
            torch.cat(column) if column[0] is not None else None for column in zip(*parts, strict=True)
        )
        if wanted:
            ctx.save_for_backward(gradients)
            ctx.dtype = hidden.dtype
        ctx.mark_non_differentiable(entropy, top)
        return logprobs, entropy, top

    @staticmethod
    def backward(ctx: Any, grad: Any, *_: Any) -> Any:
        (gradients,) = ctx.saved_tensors
        return (grad[:, None].float() * gradients).to(ctx.dtype), None, None, None


def _score(hidden: Any, weight: Any, targets: Any, dtype: torch.dtype, *, gradient: bool) -> Any:
    """One tile's height of tokens: see :class:`_Scores`; the last is W_t - sum_v p_v W_v in float32, or None."""
    n, device = len(targets), hidden.device
    best = torch.full((n, 1), -torch.inf, device=device)
    before = torch.full((n,), -torch.inf, device=device)  # the largest logit of the words before the target
    total, energy = torch.zeros(n, 1, device=device), torch.zeros(n, 1, device=device)
    target = torch.zeros(n, device=device)
    mean = torch.zeros(n, hidden.shape[1], device=device) if gradient else None
    for start in range(0, len(weight), TILE[1]):
        words = weight[start : start + TILE[1]].to(dtype)
        logits = (hidden @ words.t()).float()
        here = ((targets >= start) & (targets < start + len(words))).nonzero().squeeze(1)
        if len(here):
            own, at = logits[here], (targets[here] - start)[:, None]
            target[here] = own.gather(1, at).squeeze(1)
            own.masked_fill_(torch.arange(len(words), device=device) >= at, -torch.inf)
            before[here] = torch.maximum(best[here].squeeze(1), own.amax(1))
        new = torch.maximum(best, logits.amax(1, keepdim=True))
        rescale = torch.exp(best - new)
        logits -= new
        if mean is None:
            weights = logits.exp()
            shares = weights.sum(1, keepdim=True)
            energy = energy * rescale + (weights * logits).sum(1, keepdim=True) + new * shares
        else:
            weights = logits.exp_()
            shares = weights.sum(1, keepdim=True)
            mean.mul_(rescale)
            if dtype == torch.float32:
                mean.addmm_(weights, words)
            else:
                mean += (weights.to(dtype) @ words).float()
        total, best = total * rescale + shares, new
    normalizer = (best + total.log()).squeeze(1)
    gradients = None
    if mean is None:
        entropy = normalizer - (energy / total).squeeze(1)
    else:
        mean /= total
        entropy = normalizer - (hidden.float() * mean).sum(1)
        gradients = weight[targets].float() - mean
    top = (target >= best.squeeze(1)) & (target > before)
    return target - normalizer, entropy, top, gradients


class ResponseHead:
    """Stands in for TRL's ``ChunkedLogProbFunction``: same arguments, same five values.

    Args:
        original: TRL's function, for what this one does not compute.
    """

    def __init__(self, original: Any) -> None:
        self.original = original
        self._mean: tuple[Any, torch.Tensor] | None = None

    def apply(
        self,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
        temperature: float,
        chunk_size: int,
        softcap: float | None = None,
        logit_scale: float = 1.0,
        outputs: tuple[str, ...] = (),
    ) -> Any:
        """Log-probabilities, entropy, None, mean logits and top-1 of (tokens, size) hidden states."""
        if (
            hidden.device.type != "cpu"
            or (weight.requires_grad and torch.is_grad_enabled())
            or bias is not None
            or softcap is not None
            or "log_sum_sq_probs" in outputs
            or not len(targets)
        ):
            return self.original.apply(
                hidden, weight, bias, targets, temperature, chunk_size, softcap, logit_scale, outputs
            )
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else hidden.dtype
        with torch.autocast("cpu", enabled=False):
            scaled = hidden * (logit_scale / temperature) if logit_scale != temperature else hidden
            logprobs, entropy, top = _Scores.apply(scaled, weight, targets, dtype)
            mean = None
            if "mean_logits" in outputs:
                mean = scaled.detach().float() @ self._mean_word(weight)
        return logprobs, entropy, None, mean, top

    def _mean_word(self, weight: torch.Tensor) -> torch.Tensor:
        key = (weight.data_ptr(), weight._version, weight.dtype)
        if self._mean is None or self._mean[0] != key:
            self._mean = key, weight.detach().mean(0, dtype=torch.float32)
        return self._mean[1]


def score_responses_only() -> Callable[[], None]:
    """Have TRL's fused output layer score the responses' tokens only, also on a CPU, and with their gradient at once.

    Without Triton, TRL 1.16 scores every position of prompt and padding too, so that tile shapes stay the same for a
    compiler. We do not compile on a CPU (:mod:`calm_ext.training.launch`); with 262,144 words in the vocabulary and
    prompts of 40 tokens the masked positions are nine tenths of a step. The loss is the same. A TRL without the names
    that this replaces keeps its own layer, with a note.

    Returns:
        A function that gives TRL its own layer back.
    """
    trl = trl_internals.UTILS
    names = (trl_internals.USE_TRITON, trl_internals.LOGPROBS)
    if not trl_internals.has(trl, *names, otherwise="its own output layer is used, which is slower on a CPU"):
        return lambda: None
    before = {name: getattr(trl, name) for name in names}
    if isinstance(before[trl_internals.LOGPROBS], ResponseHead):
        return lambda: None
    setattr(trl, trl_internals.USE_TRITON, lambda device: True)
    setattr(trl, trl_internals.LOGPROBS, ResponseHead(before[trl_internals.LOGPROBS]))

    def restore() -> None:
        for name, value in before.items():
            setattr(trl, name, value)

    return restore
