"""``sampling.backend_args`` of the backend ``api``."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from calm_ext.options import Section


class ApiOptions(Section):
    """``sampling.backend_args`` where ``sampling.backend`` is ``api``: a server that samples."""

    base_url: str | list[str]
    """The server's address, up to and with its ``/v1``; or a list, of several servers of the same model, each of which
    gets as many requests as it can answer. A login (``user:password@``) and keys in a query (``?api_key=``) are sent,
    and left out of all that a run writes."""
    model: str | None = None
    """The name that the server knows the model by; default: model.path."""
    concurrency: int = Field(16, ge=1)
    """Requests at a time, to each server."""
    timeout: float = Field(600, gt=0)
    """Seconds that an answer may take, to its last byte."""
    retries: int = Field(5, ge=0)
    """How often a request is repeated where the server is too busy for it, or the connection or the answer breaks."""
    max_wait: float = Field(120, ge=0)
    """Seconds that a busy server is waited for where it asks for that (Retry-After); where it asks for more, sampling
    stops, and the same command goes on later."""
    api_key_env: str = "OPENAI_API_KEY"
    """The environment variable that holds the key, where the server wants one."""
    context: int = Field(2048, ge=16)
    """Tokens of the model's context, for option scores."""
    body: dict[str, Any] = Field(default_factory=dict)
    """More keys for each request, as ``{top_k: 50}``; ``{seed: null}`` leaves one out that the server refuses."""

    #: Keys that do not change what a server answers.
    TRANSPORT: ClassVar[frozenset[str]] = frozenset(
        {"base_url", "concurrency", "timeout", "retries", "max_wait", "api_key_env"}
    )

    @field_validator("base_url", mode="before")
    @classmethod
    def _addresses(cls, given: Any) -> Any:
        several = given if isinstance(given, list) else [given]
        if not several:
            raise ValueError("an address as http://localhost:8000/v1, or a list of such, was expected")
        for number, url in enumerate(several, 1):
            if not _is_address(url):
                which = f" as number {number}" if len(several) > 1 else ""
                raise ValueError(f"an address as http://localhost:8000/v1 was expected{which}")
        if len(set(several)) < len(several):
            raise ValueError("a server is listed twice")
        return given

    @property
    def addresses(self) -> list[str]:
        """Of all servers."""
        return [self.base_url] if isinstance(self.base_url, str) else self.base_url


def _is_address(url: Any) -> bool:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) and not parts.fragment
    except (ValueError, AttributeError, TypeError):
        return False
    return bool(fine) and isinstance(url, str) and url.isprintable() and " " not in url
