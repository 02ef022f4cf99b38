"""Lanes: threads of a CPU that each run batches of their own, where torch would let all of them share every product.

The products of a small model are too small to be shared: of Gemma 3 270M in fp32 two threads on one batch scored 1.2
times as many options a second as one thread, two threads on a batch each 1.9 times (docs/RESULTS.md, Speed). torch is
imported inside the functions.
"""

from __future__ import annotations

import copy
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Lanes at most, as each holds a batch in memory; with more threads than that a lane has several.
MOST = 4


def in_lanes(model: Any, items: Sequence[Item], work: Callable[[Any, Item], Result]) -> list[Result]:
    """``work(model, item)`` of each item, in order; on a CPU with several threads, of several items at once.

    A lane is given a model of its own that shares the weights, so that hooks and attributes which ``work`` sets on it
    are not seen by the others. Grad mode, inference mode and autocast are the caller's. Items are taken in order, by
    the lane that is free; what one raises ends them all.

    Args:
        work: may be called from several threads at once.
    """
    import torch

    threads = torch.get_num_threads()
    number = min(threads, MOST, len(items))
    alone = number < 2 or threads > _processors() or not _can_share(model)
    models = [model] if alone else _models(model, number)
    if len(models) == 1:
        return [work(model, item) for item in items]
    result: list[Any] = [None] * len(items)
    wrong: list[BaseException] = []
    left, lock = iter(enumerate(items)), threading.Lock()
    ended, done = threading.Event(), _Count()

    def lane(own: Any, state: Callable[[], Any]) -> None:
        try:
            torch.set_num_threads(threads // len(models))  # of this thread
            with state():
                while not ended.is_set():
                    with lock:
                        index, item = next(left, (-1, None))
                    if index < 0:
                        return
                    result[index] = work(own, item)  # type: ignore[arg-type]
        except BaseException as error:
            wrong.append(error)
            ended.set()
        finally:
            done.add()

    started = 0
    try:
        for own in models:
            threading.Thread(target=lane, args=(own, _state()), daemon=True).start()
            started += 1
        done.wait(started)
    finally:  # where the person at the keyboard ends it, too: the lanes finish the batch that they are at
        ended.set()
        done.wait(started)
        torch.set_num_threads(threads)
    if wrong:
        raise wrong[0]
    return result


class _Count:
    """How many lanes have ended. (Python 3.11's ``join`` takes a thread for ended where a signal breaks into it.)"""

    def __init__(self) -> None:
        self.number, self.changed = 0, threading.Condition()

    def add(self) -> None:
        with self.changed:
            self.number += 1
            self.changed.notify()

    def wait(self, number: int) -> None:
        with self.changed:
            while self.number < number:
                self.changed.wait(0.2)  # a signal that came to another thread is seen here between two waits


def _processors() -> int:
    """How many processors a thread may use that this one starts.

    Where OpenMP binds its threads (OMP_PROC_BIND) that is this one's own place: lanes would take turns there.
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1  # Linux only


def _can_share(model: Any) -> bool:
    """Whether all of a model is in a CPU's memory, and its modules run their own code.

    A ``forward`` that somebody put on a module may run another one's, also in a copy: so does training's shared prefix,
    and so do accelerate's hooks.
    """
    if model.device.type != "cpu" or len(set((getattr(model, "hf_device_map", None) or {}).values())) > 1:
        return False
    return not any("forward" in module.__dict__ for module in model.modules())


def _models(model: Any, number: int) -> list[Any]:
    """The model, and as many others that share its weights and hooks; fewer where its code cannot be copied."""
    found = [model]
    shared = [*model.parameters(), *model.buffers()]
    for module in model.modules():  # a hook may hold on to anything, a trainer for example
        shared += [*module._forward_hooks.values(), *module._forward_pre_hooks.values()]
        shared += [*module._backward_hooks.values(), *module._backward_pre_hooks.values()]
    try:
        while len(found) < number:
            found.append(copy.deepcopy(model, {id(x): x for x in shared}))
    except Exception as error:  # whatever a model's own code raises at being copied
        logger.debug("one lane only, as the model cannot be copied: %s", error)
    return found


def _state() -> Callable[[], Any]:
    """What of torch's state belongs to a thread, to be entered by another one."""
    import torch

    inference, grad = torch.is_inference_mode_enabled(), torch.is_grad_enabled()
    cast, kind = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    @contextmanager
    def entered() -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode(inference))
            stack.enter_context(torch.set_grad_enabled(grad))
            stack.enter_context(torch.autocast("cpu", dtype=kind, enabled=cast))
            yield

    return entered
