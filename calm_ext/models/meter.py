"""Where the time of a run goes: seconds in the model, and tokens that it read or wrote. Only the standard library.

What runs a model does so within :func:`in_model`; everything else is glue. On a GPU the calls that read results back
are inside too, so that what was only queued is waited for there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Reading(NamedTuple):
    """Seconds in the model so far, and tokens, padding included."""

    seconds: float = 0.0
    tokens: int = 0

    def since(self, before: Reading) -> Reading:
        """What was added after ``before``."""
        return Reading(self.seconds - before.seconds, self.tokens - before.tokens)

    def __add__(self, other: object) -> Reading:
        if not isinstance(other, Reading):
            return NotImplemented
        return Reading(self.seconds + other.seconds, self.tokens + other.tokens)


class _Meter:
    def __init__(self) -> None:
        self.total = Reading()
        self.depth = 0
        self.started = 0.0
        self.lock = threading.Lock()

    def add(self, seconds: float, tokens: int) -> None:
        with self.lock:
            self.total += Reading(seconds, tokens)


_meter = _Meter()


@contextmanager
def in_model(tokens: int = 0) -> Iterator[None]:
    """Count what happens within as the model's; calls within or beside it are counted once."""
    with _meter.lock:
        if not _meter.depth:
            _meter.started = time.perf_counter()
        _meter.depth += 1
    try:
        yield
    finally:
        with _meter.lock:
            _meter.depth -= 1
            seconds = 0.0 if _meter.depth else time.perf_counter() - _meter.started
            _meter.total += Reading(seconds, tokens)


def count_tokens(tokens: int) -> None:
    """Count tokens that are known only afterwards; from any thread."""
    _meter.add(0.0, tokens)


def reading() -> Reading:
    """What this process has counted so far."""
    return _meter.total
