"""Keys and passwords: neither messages nor files have them.

Whoever reads a secret says so by :func:`register`; :func:`mask` then hides it wherever a server repeats it.
:func:`without_secrets` is for settings that are written down.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

#: What stands in the place of a secret.
HIDDEN = "***"
#: Shorter secrets are hidden in addresses only: they are parts of words.
SHORTEST = 4
_NO_WORD = 8

# Repetitions are bounded: what is searched may be written by a hostile server.
_SECRET_NAME = r"[\w.-]{0,64}(?:key|token|secret|pass|pwd|sig|auth|code|cred)[\w.-]{0,64}"
_PARAMETER = re.compile(_SECRET_NAME, re.IGNORECASE)
_SETTING = re.compile(r"(?:.*_)?(?:api_?key|(?:access|auth|hf)_token|password|secret|authorization)", re.IGNORECASE)
_LOGIN = re.compile(r"(\w://)[^\s'\"<>]{0,512}@")
#: As in an address; ``hf://data@revision`` has none.
_EXACT_LOGIN = re.compile(r"(https?://|\w+://(?=[^\s'\"<>/@]{0,256}:))[^\s'\"<>/]{0,512}@", re.IGNORECASE)
_IN_QUERY = re.compile(rf"([?&]{_SECRET_NAME}=)[^&\s'\"<>#]+", re.IGNORECASE)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)

_known: set[str] = set()


def register(*secrets: str) -> None:
    """Hide these from now on, also where they are quoted for an address, escaped, or in base64."""
    for secret in secrets:
        encoded = base64.b64encode(secret.encode()).decode()
        for form in (secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1], encoded):
            if len(form) >= SHORTEST:
                _known.add(form)


def register_address(url: str) -> None:
    """Hide the password of an address, and the keys in its query."""
    parts = urlsplit(url)
    login, password = unquote(parts.username or ""), unquote(parts.password or "")
    keys = [value for name, value in parse_qsl(parts.query) if _PARAMETER.fullmatch(name)]
    register(password, f"{login}:{password}", *keys)


def mask(text: str) -> str:
    """A message without secrets: those that are known, and what stands before ``@`` in an address.

    >>> mask("http://me:letmein@host/v1?api_key=abcd answered 500")
    'http://***@host/v1?api_key=*** answered 500'
    """
    return hide_known(_IN_QUERY.sub(rf"\1{HIDDEN}", _LOGIN.sub(rf"\1{HIDDEN}@", text)))


def hide_known(text: str, *, prose: bool = False) -> str:
    """A text without the secrets that are known; addresses in it stay as they are.

    Args:
        prose: it is a model's text or a file, in which a secret that may be a word stays: a local server's key is
            often ``EMPTY`` or ``test``.
    """
    for secret in sorted(_known, key=len, reverse=True):
        if not prose or (len(secret) >= _NO_WORD and not secret.isalpha()):
            text = text.replace(secret, HIDDEN)
    return text


class _Masked(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = mask(record.getMessage()), ()
        return True


#: For a logger whose messages may hold addresses.
MASKED = _Masked()


def clean(text: str) -> str:
    """The text of a file with settings, as a recipe, without the logins and keys in its addresses.

    >>> clean("url: https://me:pw@host/v1?api_key=abc  # not hf://data@main/x")
    'url: https://***@host/v1?api_key=***  # not hf://data@main/x'
    """
    return hide_known(_IN_QUERY.sub(rf"\1{HIDDEN}", _EXACT_LOGIN.sub(rf"\1{HIDDEN}@", text)), prose=True)


def without_secrets(value: Any) -> Any:
    """Settings to be written down: addresses without login and without keys in their query, and no ``api_key``.

    >>> without_secrets({"base_url": "https://me:pw@host/v1?api_key=abc&api-version=2", "api_key": "abc"})
    {'base_url': 'https://host/v1?api-version=2'}
    """
    if isinstance(value, str):
        return _bare(value)
    if isinstance(value, Mapping):
        kept = {k: v for k, v in value.items() if not (isinstance(v, str) and _SETTING.fullmatch(str(k)))}
        return {key: without_secrets(inner) for key, inner in kept.items()}
    return [without_secrets(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _bare(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        return mask(text)
    asked = parts.query.split("&") if parts.query else []
    kept = [x for x in asked if not _PARAMETER.fullmatch(x.partition("=")[0])]
    if _EXACT_LOGIN.match(text):
        parts = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    elif len(kept) == len(asked):
        return text
    return urlunsplit(parts._replace(query="&".join(kept)))
