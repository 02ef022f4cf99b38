"""Work in batches: shared by processes and threads, halved where memory does not suffice.

torch is imported inside the functions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from calm_ext.errors import CalmError
from calm_ext.models.lanes import in_lanes
from calm_ext.models.processes.group import current

logger = logging.getLogger(__name__)

#: Items from which on there are two parts at least.
_WORTH_TWO = 16

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
    shrinking = Shrinking(batch_size, lambda _, batch: work(batch))
    return _shared(_parts(items, batch_size), lambda parts: [shrinking.do(None, part) for part in parts])


def in_parts(
    model: Any,
    items: Sequence[Item],
    size: int,
    work: Callable[[Any, Sequence[Item]], Sequence[Result]],
    *,
    unit: int = 1,
) -> list[Result]:
    """The result of ``work`` for each item, in order, at most ``size`` items at a time.

    The processes of a group share the parts, and so do the lanes of each (:mod:`calm_ext.models.lanes`). On a CPU
    there is an even number of parts or nearly so, however many threads it has: numbers differ in their last bits
    between shapes of batches, and they are not to depend on the machine.

    Args:
        work: takes a model, which is this one or one that shares its weights, and a part of the items.
        unit: items that had better stay together: a part is a multiple of them, if ``size`` is.
    """
    if model.device.type == "cpu" and len(items) >= _WORTH_TWO:
        size = min(size, -(-len(items) // (2 * -(-len(items) // (2 * size))) // unit) * unit)
    return _shared(_parts(items, size), lambda parts: in_lanes(model, parts, work))


def _parts(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _shared(
    parts: Sequence[Sequence[Item]], work: Callable[[Sequence[Sequence[Item]]], Sequence[Sequence[Result]]]
) -> list[Result]:
    """The results of all parts, of which each process of a group does its share."""
    group = current()
    done = work(parts) if group is None else group.deal(parts, work)
    return [result for results in done for result in results]


class Shrinking:
    """Work in batches whose size is halved where memory does not suffice.

    Args:
        work: takes a model and a batch.
    """

    def __init__(self, size: int, work: Callable[[Any, Sequence[Any]], Sequence[Any]]) -> None:
        self.size, self.work, self.warned = size, work, False

    def do(self, model: Any, items: Sequence[Any]) -> list[Any]:
        """The results of a batch, in as many parts as memory needs."""
        found: list[Any] = []
        while len(found) < len(items):
            part = items[len(found) : len(found) + self.size]
            try:
                found += self.work(model, part)
                continue
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                if len(part) == 1:
                    raise CalmError(
                        "memory does not suffice for a single prompt; take a smaller model or dtype"
                    ) from None
            # Outside of the handler, whose traceback holds on to the tensors.
            self.size = min(self.size, max(1, len(part) // 2))  # another lane may have halved it meanwhile
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
