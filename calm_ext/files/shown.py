"""Text of others as it is shown: what a terminal, a page or a spreadsheet would obey stays text."""

from __future__ import annotations

import math
import re

# Control characters but tab and line feed, and those that turn the direction of what follows them.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")


def fixed(value: float, digits: int = 3, *, signed: bool = False) -> str:
    """A number with so many decimals; halves are rounded away from 0, whatever the last bits, on every page alike.

    >>> fixed(0.8125), fixed(0.7825), fixed(-0.0075), fixed(0.1 + 0.7 - 0.0175), fixed(12.5, 0), fixed(-0.0001)
    ('0.813', '0.783', '-0.008', '0.783', '13', '0.000')
    """
    scale = 10**digits
    whole = math.floor(abs(value) * scale + 0.5 + 1e-6) / scale  # view.js does the same
    return f"{math.copysign(whole, value) if whole else 0.0:{'+' if signed and whole else ''}.{digits}f}"


def visible(text: str) -> str:
    r"""The text with what a terminal or browser would obey written out.

    >>> print(visible("a\x1b[31m b\u202ec"), visible("ok\n"), end="")
    a\x1b[31m b\u202ec ok
    """
    return _OBEYED.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def json_visible(text: str) -> str:
    """A JSON text with such characters as escapes, so that it means the same."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def spreadsheet(text: str) -> str:
    """Text that no spreadsheet takes for a formula; numbers stay as they are.

    >>> spreadsheet("=1+1"), spreadsheet("-0.5"), spreadsheet("\\t@x")
    ("'=1+1", '-0.5', "'\\t@x")
    """
    if text.lstrip()[:1] not in ("=", "+", "-", "@") and text[:1] not in ("\t", "\r", "\n"):
        return text
    try:
        float(text)
    except ValueError:
        return "'" + text
    return text
