"""One request to one server: with the key, within limits.

An answer has a largest size and a time; neither it nor a redirect takes the key to another host. A failure is one line
without secrets. What is repeated, and where, decides :mod:`calm_ext.models.backends.servers`.
"""

from __future__ import annotations

import json
import logging
import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

from calm_ext.errors import CalmError
from calm_ext.files.secrets import MASKED, mask, register, register_address
from calm_ext.models.backends.protocol import Failure

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

#: Seconds to wait for a connection.
TO_CONNECT = 30.0
#: Seconds in which a server that was gone must say that it is there again.
TO_RETURN = 5.0
_HOPS = 3
_BLOCK = 1 << 16
_LARGEST_LIST = 16 << 20


@dataclass(frozen=True)
class Answer:
    """What a server answered.

    Attributes:
        status: of HTTP.
        headers: their names in lower case.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether it is no error."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body's value.

        Raises:
            ValueError: it is not JSON.
        """
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("too deep") from None

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks us to wait; None where it does not say."""
        said = self.headers.get("retry-after", "").strip()
        if said.isascii() and said.isdigit():
            return float(said[:12])
        try:
            when = parsedate_to_datetime(said)
            return max(0.0, (when.astimezone(timezone.utc) - datetime.now(timezone.utc)).total_seconds())
        except (ValueError, TypeError, OverflowError):
            return None


class Connection:
    """The way to a server.

    Args:
        address: the server's, with the login of HTTP's basic authentication (``user:password@``) and a query, where it
            has them. The query goes with every request.
        timeout: seconds that an answer may take, from the request to its last byte.
        concurrency: requests at a time.
        key_variable: the environment variable that holds the key.

    Attributes:
        base: the address without login and query, and without what a path of the protocol would add.

    Raises:
        CalmError: the key cannot be sent.
    """

    def __init__(self, address: str, *, timeout: float, concurrency: int, key_variable: str) -> None:
        import requests

        from calm_ext.models.transport import Adapter

        parts = urlsplit(address)
        plain = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
        self.base = plain.rstrip("/").removesuffix("/completions").removesuffix("/chat")
        self.timeout, self._query = timeout, parts.query
        self._key = os.environ.get(key_variable, "").strip()
        login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        self._login = b64encode(login.encode()).decode() if parts.username or parts.password else ""
        register(self._key)
        register_address(address)
        if not (self._key.isascii() and self._key.isprintable()):
            raise CalmError(f"${key_variable} has characters that no key has; set it anew")
        self._by_login = bool(self._login) and not self._key
        logging.getLogger("urllib3.connectionpool").addFilter(MASKED)  # it logs the query
        self._session = requests.Session()
        self._session.auth = self._authorize  # without one requests takes the login of the address, or of ~/.netrc
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, Adapter(max_retries=0, pool_maxsize=concurrency))

    def _authorize(self, request: PreparedRequest) -> PreparedRequest:
        """The key, as ``Authorization: Bearer``; the login there instead where no key is set or the server wants it."""
        if self._by_login:
            request.headers["Authorization"] = f"Basic {self._login}"
            if self._key:
                request.headers["X-API-Key"] = self._key
        elif self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        return request

    def is_there(self) -> bool:
        """Whether something answers soon, be it an error of the request."""
        try:
            return self._once("GET", f"{self.base}/models", None, _LARGEST_LIST, TO_RETURN).status < 500
        except Failure:
            return False

    def send(self, method: str, path: str, payload: dict[str, Any] | None, largest: int) -> Answer:
        """One request; redirects are followed at the same host only.

        Args:
            path: behind the base address.
            largest: bytes of an answer.

        Raises:
            Failure: there is no answer.
        """
        url = f"{self.base}/{path}"
        for _ in range(_HOPS + 1):
            answer = self._once(method, url, payload, largest, self.timeout)
            challenge = answer.headers.get("www-authenticate", "").lower()
            if answer.status == 401 and "basic" in challenge and self._login and not self._by_login:
                self._by_login = True
                continue
            if not 300 <= answer.status < 400:
                return answer
            place = urljoin(url, answer.headers.get("location", ""))
            kept = method == "GET" or answer.status in (307, 308)
            if not kept or place == url or _origin(place) != _origin(url):
                break
            url = place.partition("?")[0]
        raise Failure(
            f"answered {answer.status} and points to {mask(place)[:200]!r}, where the request is not sent: if that "
            f"is the server, name it in sampling.backend_args.base_url",
            kind="moved",
        )

    def _once(self, method: str, url: str, payload: dict[str, Any] | None, largest: int, timeout: float) -> Answer:
        from requests import RequestException
        from urllib3.exceptions import HTTPError

        from calm_ext.models.transport import deadline

        url = f"{url}?{self._query}" if self._query else url
        late = Failure(f"did not answer within sampling.backend_args.timeout, {timeout:g} s", kind="late")
        with deadline(timeout) as clock:
            try:
                waits = (min(timeout, TO_CONNECT), timeout)
                with self._session.request(
                    method, url, json=payload, timeout=waits, stream=True, allow_redirects=False
                ) as reply:
                    body = _read(reply, largest)
                    found = Answer(reply.status_code, body, {k.lower(): v for k, v in reply.headers.items()})
            except (RequestException, HTTPError, OSError, ValueError) as error:
                if clock.rang:
                    raise late from None
                raise _failure(error, late) from None
            if clock.rang:  # a body without a length just ends
                raise late
            return found

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


def _read(reply: Response, largest: int) -> bytes:
    body = bytearray()
    for block in reply.iter_content(_BLOCK):
        body += block
        if len(body) > largest:
            said = f"sent more than {largest / 1e6:.1f} MB in answer to one request, and was cut off"
            raise Failure(said, kind="large")
    return bytes(body)


def _failure(error: Exception, late: Failure) -> Failure:
    """A request that got no answer, in words."""
    from requests import Timeout
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError

    reason: Any = getattr(error.args[0] if error.args else None, "reason", None) or error
    cause = f"{type(error).__name__}: {' '.join(mask(str(reason)).split())[-120:]}"
    if isinstance(reason, (NewConnectionError, ConnectTimeoutError)):
        return Failure(f"is not there ({cause})", kind="gone")
    if isinstance(error, Timeout) or isinstance(reason, ReadTimeoutError):
        return late
    return Failure(f"broke off ({cause})", kind="broken")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return url, None, None
