"""What a training process tells the process that started it: lines of their own in its output.

A line begins with a character that no text has, and is JSON with ``kind`` and the values of that kind:

- ``note``: ``message``, for the person;
- ``warning``: ``message``, of the watch over training or of anything that calm-ext logs as one;
- ``step``: ``step`` and ``of``, after each optimizer step;
- ``progress``: ``label``, ``done`` and ``of``, of work before the first step;
- ``check``: ``step`` and the values of :data:`calm_ext.training.callbacks.HELDOUT`.

What libraries print into the same output is left as it is.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

#: Begins a line: ASCII's record separator.
MARK = b"\x1e"
#: Environment variable by which a process knows that somebody reads these lines.
LISTENED = "CALM_TRAINING_MESSAGES"


def tell(kind: str, **values: Any) -> None:
    """Tell the process that started this one; where there is none, a message is printed to stderr.

    Of several processes that train together the first one tells notes, which all of them would.
    """
    if kind == "note" and os.environ.get("RANK", "0") != "0":
        return
    if os.environ.get(LISTENED):
        sys.stderr.flush()
        os.write(2, MARK + json.dumps({"kind": kind, **values}).encode() + b"\n")  # one write: no other comes between
    elif "message" in values:
        print(values["message"], file=sys.stderr)


class Told(logging.Handler):
    """Tells what calm-ext logs as a warning."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it."""
        tell("warning", message=record.getMessage())

    @classmethod
    def attach(cls) -> None:
        """Tell all such warnings of this process from now on, where somebody listens."""
        if os.environ.get(LISTENED):
            ours = logging.getLogger("calm_ext")
            ours.addHandler(cls(logging.WARNING))
            ours.propagate = False  # else it would be printed, too


class Splitter:
    """Divides the output of a training process into text and messages."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> tuple[bytes, list[dict[str, Any]]]:
        r"""The text of a piece of output, and the messages that are complete with it.

        >>> splitter = Splitter()
        >>> splitter.feed(b'loading\r\x1e{"kind": "note", "mess')
        (b'loading\r', [])
        >>> splitter.feed(b'age": "hi"}\n50 %')
        (b'50 %', [{'kind': 'note', 'message': 'hi'}])
        """
        text, *pieces = (self._rest + chunk).split(MARK)
        self._rest = b""
        found = []
        for number, piece in enumerate(pieces, 1):
            line, end, after = piece.partition(b"\n")
            if not end and number == len(pieces):
                self._rest = MARK + piece
                break
            message = _read(line)
            if message is None:
                text += MARK + piece
            else:
                found.append(message)
                text += after
        return text, found

    def rest(self) -> bytes:
        """What has come of a line whose end never came."""
        return self._rest


def _read(line: bytes) -> dict[str, Any] | None:
    """A message, or None where a library printed the mark."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("kind"), str) else None
