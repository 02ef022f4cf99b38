"""HTTP with an end: a request ends at its deadline however slowly the server sends, and a reply has a largest size.

``requests`` limits only the time between two bytes, so that a server that sends one a second is waited for without end.
Here a clock shuts the request's socket.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_here = threading.local()


class Clock:
    """The deadline of the request that this thread makes.

    Attributes:
        rang: whether it has passed.
    """

    def __init__(self) -> None:
        self.rang = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def watch(self, sock: socket.socket | None) -> None:
        """Shut this one at the deadline; None: no more."""
        with self._lock:
            self._socket = sock
            if self.rang:
                self._shut()

    def ring(self) -> None:
        """The deadline has come."""
        with self._lock:
            self.rang = True
            self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


@contextmanager
def deadline(seconds: float) -> Iterator[Clock]:
    """A request of this thread that ends after so many seconds."""
    clock = _here.clock = Clock()
    timer = threading.Timer(seconds, clock.ring)
    timer.daemon = True
    timer.start()
    try:
        yield clock
    finally:
        timer.cancel()
        clock.watch(None)
        _here.clock = None


def _watch(connection: HTTPConnection) -> None:
    clock: Clock | None = getattr(_here, "clock", None)
    if clock is not None and connection.sock is not None:
        clock.watch(connection.sock)


class _Plain(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _watch(self)

    def request(self, *args: Any, **more: Any) -> None:
        _watch(self)
        super().request(*args, **more)


class _Secure(_Plain, HTTPSConnection):
    """The same over TLS: what is called next in both methods is HTTPSConnection's."""


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class Adapter(HTTPAdapter):
    """Of ``requests``; its requests end at their :func:`deadline`. It repeats none."""

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        """See the base class."""
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **more: Any) -> Any:
        """See the base class."""
        manager = super().proxy_manager_for(*args, **more)
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
        return manager
