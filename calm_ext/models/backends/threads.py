"""Work for several threads, which an error or an interrupt ends soon."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

#: Seconds that work under way is waited for after an error or an interrupt: what it brings may have been paid for.
GRACE = 5.0


def in_threads(work: Callable[[T], R], items: Sequence[T], *, threads: int, halt: threading.Event) -> list[R]:
    """What ``work`` makes of each item, in their order.

    Args:
        halt: is set at the end, also of an error or an interrupt; ``work`` may look at it.

    Raises:
        BaseException: the first that ``work`` raised; no further item is begun.
    """
    numbers, lock = iter(range(len(items))), threading.Lock()
    made: SimpleQueue[tuple[int, Any, BaseException | None]] = SimpleQueue()

    def labour() -> None:
        while not halt.is_set():
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            try:
                made.put((number, work(items[number]), None))
            except BaseException as error:  # is raised where the results are waited for
                made.put((number, None, error))
                return

    # Daemons: at an interrupt the process need not wait for a server that never answers.
    crew = [threading.Thread(target=labour, daemon=True) for _ in range(min(threads, len(items)))]
    found: dict[int, R] = {}
    try:
        for thread in crew:
            thread.start()
        for _ in items:
            number, value, error = made.get()
            if error is not None:
                raise error
            found[number] = value
    finally:
        halt.set()
        end = time.monotonic() + GRACE
        for thread in crew:
            if thread.is_alive():
                thread.join(max(0.0, end - time.monotonic()))
    return [found[number] for number in range(len(items))]
