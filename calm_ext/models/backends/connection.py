"""Requests to a server: repeated where it is busy or gone for a moment, with the key, side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calm_ext.errors import CalmError
from calm_ext.models.backends.protocol import BUSY, Failure

if TYPE_CHECKING:
    from requests import Response, Session


class Connection:
    """The way to a server.

    Args:
        timeout: seconds to wait for an answer.
        retries: how often a request is repeated.
        concurrency: requests at a time.
        key_variable: the environment variable that holds the key.
    """

    def __init__(self, *, timeout: float, retries: int, concurrency: int, key_variable: str) -> None:
        self.timeout = timeout
        self._retries, self._concurrency = retries, concurrency
        self._key = os.environ.get(key_variable)
        self._session = self._open((*BUSY, 500))
        self._hasty = self._open(BUSY)  # a server that gives one response at a time may say so with a 500

    def _open(self, repeated: Sequence[int]) -> Session:
        """A session that repeats requests which are answered with these statuses."""
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3.util.retry import Retry

        session = requests.Session()
        retry = Retry(
            total=self._retries,
            read=False,  # a server that takes too long for an answer takes no less the second time
            backoff_factor=0.5,
            backoff_max=60,
            status_forcelist=repeated,
            allowed_methods=None,
            raise_on_status=False,
        )
        adapter = HTTPAdapter(max_retries=retry, pool_maxsize=self._concurrency)
        for scheme in ("http://", "https://"):
            session.mount(scheme, adapter)
        if self._key:
            session.headers["Authorization"] = f"Bearer {self._key}"
        return session

    @property
    def headers(self) -> dict[str, str]:
        """Those of each request."""
        return {str(key): str(value) for key, value in self._session.headers.items()}

    def call(self, method: str, url: str, payload: dict[str, Any] | None = None, *, patient: bool = True) -> Response:
        """The server's answer, of any status.

        Args:
            patient: try again where the server is busy or not there.

        Raises:
            CalmError: there is no server.
            Failure: it did not answer in time, or broke off.
        """
        import requests
        from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError

        session = self._hasty if payload and payload.get("n", 1) > 1 else self._session
        send = session.request if patient else requests.request
        more: dict[str, Any] = {} if patient else {"headers": self.headers}
        try:
            return send(method, url, json=payload, timeout=self.timeout, **more)
        except requests.RequestException as error:
            reason = getattr(error.args[0] if error.args else None, "reason", None) or error
            cause = f"{type(error).__name__}: {str(reason)[-120:]}"
            gone = isinstance(reason, (NewConnectionError, ConnectTimeoutError))
            if not gone and (isinstance(error, requests.Timeout) or isinstance(reason, ReadTimeoutError)):
                failure = Failure(f"did not answer within sampling.backend_args.timeout, {self.timeout:g} s", late=True)
            elif not gone and payload is not None:
                failure = Failure(f"broke off ({cause})")
            else:
                raise CalmError(f"no server answers at {url} ({cause})") from None
            raise failure from None

    def close(self) -> None:
        """Close the connections."""
        self._session.close()
        self._hasty.close()
