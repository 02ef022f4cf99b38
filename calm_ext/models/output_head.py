"""The output embedding of a language model, applied where it is asked for and in slices that a CPU is fast with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

#: Rows of the output embedding that are multiplied at once on a CPU.
_SLICE = 2048


@contextmanager
def output_at(model: Any, places: torch.Tensor | None = None) -> Iterator[None]:
    """Within, the model's logits are [1, places, vocabulary]: those of the places, counted over the flattened batch.

    The places are picked where the output embedding is entered, so that whatever a model does to its logits stays done;
    without places, all are.

    On a CPU in fp32 a plain embedding is multiplied slice by slice, which takes two thirds of the time: torch 2.13 on
    two cores, 64 positions times [640, 262144], 261 ms instead of 349; in bf16 there is no difference.
    """
    import torch

    head = model.get_output_embeddings()
    plain = type(head) is torch.nn.Linear and head.bias is None and "forward" not in head.__dict__
    sliced = plain and head.weight.device.type == "cpu" and head.weight.dtype == torch.float32

    def pick(_: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        # By an index, which copies them, not by a slice: torch 2.13 multiplies a strided bf16 slice by the output
        # embedding without oneDNN, 40 times slower on a CPU.
        return (inputs[0].flatten(0, 1)[places][None], *inputs[1:])

    handle = None if places is None else head.register_forward_pre_hook(pick)
    if sliced:
        head.forward = lambda hidden: _in_slices(hidden, head.weight)
    try:
        yield
    finally:
        if handle is not None:
            handle.remove()
        if sliced:
            del head.forward


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
