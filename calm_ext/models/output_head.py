"""The output embedding of a language model, applied where it is asked for and in slices that a CPU is fast with.

With a vocabulary of 262,144 a row of logits is a megabyte: to write it, take its log-softmax and look for its largest
takes a CPU as long as the matrix product. :func:`score_hidden` never has a whole row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import torch

#: Rows of the output embedding that are multiplied at once on a CPU.
_SLICE = 2048
#: Places at once: fewer take more time to read the embedding, more take more memory for logits.
PLACES = 256

_untouched: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


@contextmanager
def output_at(model: Any, places: torch.Tensor | None = None) -> Iterator[None]:
    """Within, the model's logits are [1, places, vocabulary]: those of the places, counted over the flattened batch.

    The places are picked where the output embedding is entered, so that whatever a model does to its logits stays done;
    without places, all are.

    On a CPU in fp32 a plain embedding is multiplied slice by slice, which takes two thirds of the time: torch 2.13 on
    two cores, 64 positions times [640, 262144], 261 ms instead of 349; in bf16 there is no difference.
    """
    head = model.get_output_embeddings()

    def pick(_: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        # By an index, which copies them, not by a slice: torch 2.13 multiplies a strided bf16 slice by the output
        # embedding without oneDNN, 40 times slower on a CPU.
        return (inputs[0].flatten(0, 1)[places][None], *inputs[1:])

    handle = None if places is None else head.register_forward_pre_hook(pick)
    sliced = _is_sliced(head)
    if sliced:
        head.forward = lambda hidden: _in_slices(hidden, head.weight)
    try:
        yield
    finally:
        if handle is not None:
            handle.remove()
        if sliced:
            del head.forward


def _is_sliced(head: Any) -> bool:
    """Whether it is a plain matrix in fp32 on a CPU."""
    import torch

    plain = type(head) is torch.nn.Linear and head.bias is None and "forward" not in head.__dict__
    return plain and head.weight.device.type == "cpu" and head.weight.dtype == torch.float32


def _in_slices(hidden: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """[…, size] times the transpose of [vocabulary, size]."""
    import torch

    rows = hidden.reshape(-1, hidden.shape[-1])
    if rows.dtype != weight.dtype or torch.is_autocast_enabled("cpu"):
        return torch.nn.functional.linear(hidden, weight)
    out = rows.new_empty(len(rows), len(weight))
    for part, into in zip(weight.split(_SLICE), out.split(_SLICE, 1), strict=True):
        torch.mm(rows, part.t(), out=into)
    return out.view(*hidden.shape[:-1], len(weight))


# --- log-probabilities without logits ---------------------------------------------------------------------------------


def can_score(model: Any, dtype: torch.dtype | None = None) -> bool:
    """Whether :func:`score_hidden` gives the model's own log-probabilities.

    Its output embedding is a plain matrix in fp32 on a CPU, and its logits are what that gives, neither capped nor
    scaled, which is tried once per model.

    Args:
        dtype: number format of the log-softmax.
    """
    import torch

    head = model.get_output_embeddings()
    if dtype not in (None, torch.float32) or torch.is_autocast_enabled("cpu") or not _is_sliced(head):
        return False
    if model not in _untouched:
        given: list[torch.Tensor] = []
        handle = head.register_forward_hook(lambda _, __, output: given.append(output))
        try:
            with torch.inference_mode():
                logits = model(input_ids=torch.tensor([[1, 0]], device=model.device)).logits
        finally:
            handle.remove()
        _untouched[model] = bool(given) and torch.equal(given[-1], logits)
    return _untouched[model]


@contextmanager
def hidden_at(model: Any, places: torch.Tensor) -> Iterator[None]:
    """Within, the model's "logits" are [1, places, size]: the hidden states that the output embedding would take."""
    head = model.get_output_embeddings()
    head.forward = lambda hidden: hidden.flatten(0, 1)[places][None]
    try:
        yield
    finally:
        del head.forward


def score_hidden(
    model: Any, hidden: torch.Tensor, where: torch.Tensor, wanted: torch.Tensor
) -> tuple[list[float], list[bool]]:
    """Log-probability in nats of each wanted token, and whether it is the first of the likeliest tokens there.

    Args:
        hidden: [places, size], of :func:`hidden_at`.
        where: the place of each wanted token.
        wanted: the tokens.
    """
    weight = model.get_output_embeddings().weight.detach()
    logprobs, greedy = [0.0] * len(wanted), [False] * len(wanted)
    for start in range(0, len(hidden), PLACES):
        here = ((where >= start) & (where < start + PLACES)).nonzero()[:, 0]
        found = _score_few(hidden[start : start + PLACES], weight, where[here] - start, wanted[here])
        for i, logprob, is_first in zip(here.tolist(), *found, strict=True):
            logprobs[i], greedy[i] = logprob, is_first
    return logprobs, greedy


def _score_few(
    hidden: torch.Tensor, weight: torch.Tensor, where: torch.Tensor, wanted: torch.Tensor
) -> tuple[list[float], list[bool]]:
    """:func:`score_hidden` of so few places that their logits of a slice stay in the processor's cache."""
    import torch

    parts = weight.split(_SLICE)
    logits = hidden.new_empty(len(hidden), _SLICE)
    tops = hidden.new_empty(len(hidden), len(parts))
    sums = torch.empty_like(tops)
    own = hidden.new_empty(len(wanted))
    is_first = torch.zeros(len(wanted), dtype=torch.bool)
    of_part = wanted // _SLICE
    for number, part in enumerate(parts):
        out = logits[:, : len(part)]
        torch.mm(hidden, part.t(), out=out) if len(part) == _SLICE else out.copy_(hidden @ part.t())
        tops[:, number] = out.amax(1)
        here = (of_part == number).nonzero()[:, 0]
        if len(here):
            rows, columns = out[where[here]], wanted[here] - number * _SLICE
            own[here] = rows.gather(1, columns[:, None])[:, 0]
            is_first[here] = rows.argmax(1) == columns
        sums[:, number] = out.sub_(tops[:, number, None]).exp_().sum(1)
    top = tops.amax(1, keepdim=True)
    total = ((tops - top).double().exp() * sums).sum(1).log() + top[:, 0]
    is_first &= tops.argmax(1)[where] == of_part
    return (own - total[where]).tolist(), is_first.tolist()
