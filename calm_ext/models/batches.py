"""Work in batches that shrink where memory does not suffice. torch is imported inside the functions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from calm_ext.errors import CalmError
from calm_ext.models.processes.group import current

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_batches(
    items: Sequence[Item], batch_size: int, work: Callable[[Sequence[Item]], Sequence[Result]]
) -> list[Result]:
    """The result of ``work`` for each item, in order, ``batch_size`` items at a time.

    Where memory does not suffice for a batch it is halved, and so are those that follow. In a group of processes
    (:mod:`calm_ext.models.processes`) each does its share of the batches.

    Args:
        work: takes a batch and gives a result for each of its items.

    Raises:
        CalmError: memory does not suffice for one item.
    """
    return in_parts(items, batch_size, Shrinking(batch_size, work).do)


def in_parts(items: Sequence[Item], size: int, work: Callable[[Sequence[Item]], Sequence[Result]]) -> list[Result]:
    """The result of ``work`` for each item, in order, ``size`` items at a time; processes of a group share them."""
    parts = [items[start : start + size] for start in range(0, len(items), size)]
    group = current()
    done = [work(part) for part in parts] if group is None else group.share(parts, work)
    return [result for results in done for result in results]


class Shrinking:
    """Work in batches whose size is halved where memory does not suffice."""

    def __init__(self, size: int, work: Callable[[Sequence[Any]], Sequence[Any]]) -> None:
        self.size, self.work, self.warned = size, work, False

    def do(self, items: Sequence[Any]) -> list[Any]:
        """The results of a batch, in as many parts as memory needs."""
        found: list[Any] = []
        while len(found) < len(items):
            part = items[len(found) : len(found) + self.size]
            try:
                found += self.work(part)
                continue
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                if len(part) == 1:
                    raise CalmError(
                        "memory does not suffice for a single prompt; take a smaller model or dtype"
                    ) from None
            # Outside of the handler, whose traceback holds on to the tensors.
            self.size = max(1, len(part) // 2)
            release_memory()
            log = logger.debug if self.warned else logger.warning
            log("out of memory: going on with batches of %d; a smaller batch_size avoids this", self.size)
            self.warned = True
        return found


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
    for backend, module in ((torch.cuda, torch.cuda), (torch.xpu, torch.xpu), (torch.backends.mps, torch.mps)):
        if backend.is_available():
            module.empty_cache()
