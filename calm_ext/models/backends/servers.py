"""One server or several, asked as if they were one: each request goes to the one that has the least to do.

A request fails on its way in two manners. Either the server is at fault: nothing listens, it breaks off, it is late, it
refuses whatever it is asked. Then the request is repeated, at another server if there is one, and a server that is at
fault again and again is left out with one note. Or the request is at fault, as one that is too long: then no other
server would do better, and none is asked.

A server that was left out is tried again after a pause, which doubles each time. First it is asked whether it is there
at all, then it gets one request; if it answers that, it is used as before.

What is sent does not depend on the server, so neither does what comes back, as far as the servers run the same model.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from calm_ext.files.secrets import mask
from calm_ext.models.backends.connection import Answer, Connection
from calm_ext.models.backends.protocol import BUSY, Failure

T = TypeVar("T")

logger = logging.getLogger(__name__)

_BACKOFF, _LONGEST_BACKOFF = 0.5, 60.0  # seconds
#: Requests in a row that a server breaks off, or answers with an error or too late, before it is left out.
FAULTS = 3
#: Answers in a row after which earlier failures of a server are forgotten.
_FORGIVEN = 20
#: Seconds after which a thread looks again whether sampling has ended.
_LOOK = 0.5


@dataclass(eq=False)
class Server:
    """A server and how it does.

    Attributes:
        outstanding: requests under way.
        out: it is left out.
        until: the time before which it is not asked.
        faults: requests in a row that failed through it.
        outages: how often it was left out, or failed when it was tried again.
        answers: requests that it answered since.
        on_trial: it was left out, and a request is under way that shows whether it is back.
        turns: how often it was left out or taken back. What was asked before the last turn says nothing any more.
    """

    connection: Connection
    outstanding: int = 0
    out: bool = False
    until: float = 0.0
    faults: int = 0
    outages: int = 0
    answers: int = 0
    on_trial: bool = False
    turns: int = 0

    @property
    def base(self) -> str:
        """Its address, without login and query."""
        return self.connection.base


class Servers:
    """The servers of a backend.

    Args:
        addresses: one for each; see :class:`~calm_ext.models.backends.connection.Connection`.
        timeout: seconds that an answer may take, from the request to its last byte.
        retries: how often a request is repeated.
        max_wait: seconds that a server which asks for it is waited for.
        concurrency: requests at a time to each server.
        key_variable: the environment variable that holds the key.

    Attributes:
        each: the servers.
        threads: requests at a time to all of them.
        halt: once it is set no request is repeated.

    Raises:
        CalmError: the key cannot be sent.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        *,
        timeout: float,
        retries: int,
        max_wait: float,
        concurrency: int,
        key_variable: str,
    ) -> None:
        self.each = [
            Server(Connection(x, timeout=timeout, concurrency=concurrency, key_variable=key_variable))
            for x in addresses
        ]
        self.threads, self.halt = concurrency * len(self.each), threading.Event()
        self._concurrency, self._retries, self._max_wait = concurrency, retries, max_wait
        self._changed = threading.Condition()

    @property
    def base(self) -> str:
        """The address of the only one, or of the first."""
        return self.each[0].base

    def call(
        self,
        method: str,
        path: str,
        read: Callable[[Answer], T],
        payload: dict[str, Any] | None = None,
        *,
        largest: int,
        repeats: int | None = None,
        at: Server | None = None,
    ) -> T:
        """What ``read`` makes of an answer.

        Args:
            path: behind the base address.
            read: may raise a :class:`Failure`.
            largest: bytes of an answer.
            repeats: how often to try again at most, at each server; default: what this was made with.
            at: the one server to ask.

        Raises:
            Failure: the last one; ``where`` is the server.
        """
        servers = self.each if at is None else [at]
        several = bool(payload) and (payload or {}).get("n", 1) > 1
        most = self._retries if repeats is None else min(repeats, self._retries)
        rounds = late = 0
        asked: set[Server] = set()  # in this round
        blamed: set[Server] = set()  # one request that no server can answer shall not count for many
        while True:
            with self._taken(servers, asked) as (server, turn):
                try:
                    found = read(server.connection.send(method, path, payload, largest))
                except Failure as failure:
                    failed = self._too_long(failure)
                    failed.where = server.base
                    if several and failed.status == 500:  # it may give one response at a time, and say so like this
                        raise failed from None
                    if len(servers) > 1:
                        self._judge(server, turn, failed, counts=server not in blamed)
                        blamed.add(server)
                else:
                    self._praise(server, turn)
                    return found
            asked.add(server)
            late += failed.kind == "late"
            if not (failed.repeats(most) or (failed.hopeless and len(servers) > 1)) or late > min(1, most):
                raise failed
            if any(not x.out for x in servers if x not in asked):
                continue
            if rounds >= failed.repeats(most):
                raise self._last(failed, servers)
            pause = min(_BACKOFF * 2**rounds, _LONGEST_BACKOFF) * random.uniform(0.5, 1)
            if failed.after is not None and (failed.busy or len(servers) == 1):
                pause = failed.after if len(servers) == 1 else 0.0  # of several each is waited for when it is chosen
            if self.halt.wait(pause):
                raise failed
            rounds += 1
            asked.clear()

    def leave_out(self, server: Server, failure: Failure) -> None:
        """Ask others instead, until it answers again."""
        with self._changed:
            self._set_out(server, failure)

    def close(self) -> None:
        """Close the connections."""
        self.halt.set()
        for server in self.each:
            server.connection.close()

    # --- which one is asked -------------------------------------------------------------------------------------------

    @contextmanager
    def _taken(self, servers: Sequence[Server], asked: set[Server]) -> Iterator[tuple[Server, int]]:
        """A server that has room for a request, and its turn; while there is none it is waited for.

        One that is left out, and due to be tried again, comes first; it must say that it is there.
        """
        while True:
            with self._changed:
                server = self._choose(servers, asked)
                while server is None:
                    self._changed.wait(_until_next(servers))
                    if self.halt.is_set():
                        raise Failure("was not asked any more", kind="gone")
                    server = self._choose(servers, asked)
                server.outstanding += 1
                trial = server.out and not server.on_trial
                server.on_trial = server.on_trial or trial
                turn = server.turns
            try:
                if trial and any(not x.out for x in servers) and not server.connection.is_there():
                    self._judge(server, turn, Failure("is not there", kind="gone"), counts=False)
                    continue
                yield server, turn
                return
            finally:
                with self._changed:
                    server.outstanding -= 1
                    server.on_trial = server.on_trial and not trial
                    self._changed.notify_all()

    def _choose(self, servers: Sequence[Server], asked: set[Server]) -> Server | None:
        now = time.monotonic()
        if len(servers) == 1:
            return servers[0]
        new = [x for x in servers if x not in asked]
        due = [x for x in new if x.out and not x.on_trial and x.until <= now]
        if due:
            return due[0]
        if all(x.out for x in servers):
            return min(new or servers, key=lambda x: x.until)
        free = [x for x in new if not x.out and x.until <= now and x.outstanding < self._concurrency]
        if free:
            return min(free, key=lambda x: (x.outstanding, x.answers))
        if all(x.out for x in new):  # others were left out meanwhile
            asked.clear()
        return None

    # --- how they do --------------------------------------------------------------------------------------------------

    def _too_long(self, failure: Failure) -> Failure:
        """The failure, or that of a server which asks for a longer wait than it is given."""
        if failure.after is None or failure.after <= self._max_wait:
            return failure
        return Failure(
            f"{failure.said}, and asks us to wait {failure.after:.0f} s (Retry-After), longer than "
            f"sampling.backend_args.max_wait, {self._max_wait:g} s",
            kind="wait",
            status=failure.status,
            after=failure.after,
        )

    def _praise(self, server: Server, turn: int) -> None:
        """It answered."""
        with self._changed:
            if server.turns != turn:
                return
            server.faults = 0
            server.answers += 1
            if server.answers >= _FORGIVEN:
                server.outages = 0
            if server.out:
                server.out, server.until, server.answers = False, 0.0, 0
                server.turns += 1
                logger.warning("%s answers again and is used", mask(server.base))

    def _judge(self, server: Server, turn: int, failure: Failure, *, counts: bool) -> None:
        """It failed: whose fault it was, and what that means for the server.

        Args:
            counts: whether it is the first time that this request failed there.
        """
        if not failure.hopeless and failure.kind not in ("broken", "late"):
            self._praise(server, turn)  # the request is at fault
            return
        with self._changed:
            if server.turns != turn:
                return
            now = time.monotonic()
            if not failure.hopeless and failure.status in BUSY:  # it works as hard as it can
                server.until = now + (_BACKOFF if failure.after is None else failure.after)
                return
            if failure.busy:
                server.until = now + (failure.after or 0.0)
            server.faults += counts
            if server.out or failure.hopeless or server.faults >= FAULTS:
                self._set_out(server, failure)

    def _set_out(self, server: Server, failure: Failure) -> None:
        pause = min(_BACKOFF * 2 ** min(server.outages, 16), _LONGEST_BACKOFF)
        server.until = time.monotonic() + (pause if failure.after is None else failure.after)
        server.outages += 1
        server.turns += 1
        server.faults = server.answers = 0
        if not server.out:
            server.out = True
            logger.warning("%s is left out until it answers again: it %s", mask(server.base), mask(failure.said))

    def _last(self, failure: Failure, servers: Sequence[Server]) -> Failure:
        """What a request failed with after all its repetitions."""
        if len(servers) > 1 and all(x.out for x in servers):
            failure.said += f"; none of the {len(servers)} servers is left"
        return failure


def _until_next(servers: Sequence[Server]) -> float:
    """Seconds until one may be asked again, or until it is time to look."""
    now = time.monotonic()
    return max(0.005, min([_LOOK, *(x.until - now for x in servers if x.until > now)]))
