"""Text of others as it is shown: what a terminal, a page or a spreadsheet would obey stays text."""

from __future__ import annotations

import re

# Control characters but tab and line feed, and those that turn the direction of what follows them.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")


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
