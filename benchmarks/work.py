"""What a piece of work takes in matrix products, and how fast this machine multiplies matrices."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Work:
    """Counted within :func:`counted`.

    Attributes:
        flops: of matrix products and attention, forward and backward, two for a multiplication with an addition.
        tokens: that the model's layers read, padding included.
    """

    flops: float = 0.0
    tokens: int = 0

    def times(self, factor: float) -> Work:
        more = Work()
        more.flops, more.tokens = self.flops * factor, round(self.tokens * factor)
        return more

    def told(self, seconds: float, rate: float) -> str:
        """In words, for work that took so long on a machine of this rate (FLOP/s)."""
        done = self.flops / seconds
        return (
            f"{self.tokens:,} tokens read, {self.flops / 1e12:.2f} TFLOP, {done / 1e9:.0f} GFLOP/s: "
            f"{done / rate:.0%} of the machine's {rate / 1e9:.0f}"
        )


@contextmanager
def counted(model: Any) -> Iterator[Work]:
    """Count the work of a model of transformers, in this thread. Slows it a little: not for what is timed."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count

    from calm_ext.models import lanes

    work = Work()

    def read(_: Any, __: Any, output: Any) -> None:
        work.tokens += output.numel() // output.shape[-1]

    def forward(q: Any, k: Any, v: Any, *_: Any, **__: Any) -> int:
        return int(sdpa_flop_count(q, k, v))

    def backward(grad: Any, q: Any, k: Any, v: Any, *_: Any, **__: Any) -> int:
        return int(sdpa_backward_flop_count(grad, q, k, v))

    aten = torch.ops.aten  # attention on a CPU, which the counter does not know
    known = {
        aten._scaled_dot_product_flash_attention_for_cpu: forward,
        aten._scaled_dot_product_flash_attention_for_cpu_backward: backward,
    }
    handle = model.get_input_embeddings().register_forward_hook(read)
    most, lanes.MOST = lanes.MOST, 1  # the counter does not see other threads
    try:
        with FlopCounterMode(display=False, custom_mapping=known) as counter:
            yield work
    finally:
        handle.remove()
        lanes.MOST = most
    work.flops = float(counter.get_total_flops())


def matrix_rate(dtype: Any, device: str = "cpu", *, size: int = 2048, seconds: float = 2.0) -> float:
    """FLOP/s of the product of two square matrices, the best of several."""
    import torch

    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    best, begun = float("inf"), time.perf_counter()
    while time.perf_counter() - begun < seconds:
        start = time.perf_counter()
        a @ b
        if device != "cpu":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best
