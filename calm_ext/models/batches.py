"""Work in batches that shrink where memory does not suffice. torch is imported inside the functions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from calm_ext.errors import CalmError

logger = logging.getLogger(__name__)

Item = TypeVar("Item")


def in_batches(items: Sequence[Item], batch_size: int, work: Callable[[Sequence[Item]], None]) -> None:
    """Call ``work`` with ``batch_size`` items at a time, with half as many from where it runs out of memory.

    Raises:
        CalmError: it runs out of memory with one item.
    """
    start, warned = 0, False
    while start < len(items):
        try:
            work(items[start : start + batch_size])
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if batch_size == 1:
                raise CalmError("memory does not suffice for a single prompt; take a smaller model or dtype") from None
            failed = True
        else:
            start, failed = start + batch_size, False
        if failed:  # outside of the handler, whose traceback holds on to the tensors
            batch_size = max(1, batch_size // 2)
            release_memory()
            log = logger.debug if warned else logger.warning
            log("out of memory: going on with batches of %d; a smaller batch_size avoids this", batch_size)
            warned = True


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory did not suffice, on a GPU or a CPU."""
    import torch

    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or says_out_of_memory(str(error))


def says_out_of_memory(text: str) -> bool:
    """Whether an error's text says that memory did not suffice."""
    words = ("out of memory", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED", "MemoryError")
    return any(x in text for x in words)


def release_memory() -> None:
    """Give a GPU's memory back that nothing holds any more."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
