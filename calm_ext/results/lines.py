"""One line of the samples of any lm-eval task, read for as much of it as is asked for.

A line, as lm-eval writes it for a document of a multiple-choice task (shortened)::

    {"doc_id": 0, "doc": {"id": "q1", …}, "target": "1",
     "arguments": {"gen_args_0": {"arg_0": "the prompt", "arg_1": " air"}, "gen_args_1": {…, "arg_1": " water"}},
     "resps": [[["-3.5", "False"]], …], "filtered_resps": [["-3.5", "False"], ["-1.25", "True"]], "filter": "none",
     "metrics": ["acc", "acc_norm"], "doc_hash": "…", …, "acc": 1.0, "acc_norm": 1.0}

Older versions write ``arguments`` as lists, numbers as numbers, and neither ``filter`` nor ``metrics``. Prompts are
most of a line and are not decoded: a quote inside a text is escaped, so that ``, "filtered_resps": `` can be nothing
but the key.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from calm_ext.errors import DataError

_BODY, _TAIL = b', "arguments": ', b', "filtered_resps": '
_SECOND = re.compile(rb'"arg_1": ("(?:[^"\\]|\\.)*")')
#: Keys of a line that are no metric, for lines that do not list their metrics.
_OTHER = {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "doc_hash", "prompt_hash"}
_OTHER |= {"target_hash", "schema_version"}


class Line:
    """A document with the model's responses to it; every part is decoded when it is first asked for.

    Raises:
        DataError: by every attribute, with ``file:line``: the line has no such part, or a broken one.
    """

    __slots__ = ("__dict__", "_line", "where")

    def __init__(self, where: str, line: bytes) -> None:
        """A line as it stands in a file; ``where`` is ``file:line``, for messages."""
        self.where = where
        self._line = line

    def error(self, detail: str) -> DataError:
        """An error that names this line."""
        return DataError(f"{self.where}: {detail}")

    # --- the parts of a line

    @cached_property
    def _tail(self) -> Mapping[str, Any]:
        """The keys from ``filtered_resps`` on, or all of them."""
        at = self._line.rfind(_TAIL)
        found = _decoded(b"{" + self._line[at + 2 :]) if at > 0 else None
        return found if isinstance(found, dict) else self._whole

    @cached_property
    def _head(self) -> Mapping[str, Any]:
        """The keys before ``arguments``, or all of them."""
        at = self._line.find(_BODY)
        found = _decoded(self._line[:at] + b"}") if at > 0 else None
        return found if isinstance(found, dict) and "doc" in found else self._whole

    @cached_property
    def _whole(self) -> Mapping[str, Any]:
        row = _decoded(self._line)
        if not isinstance(row, dict):
            cut = "" if self._line.endswith(b"\n") else " (the last line has no end: was the file cut off?)"
            raise self.error(f"not a JSON object{cut}")
        if "doc" not in row or "filtered_resps" not in row:
            raise self.error(f"is not a sample of lm-eval (keys: {', '.join(row)[:80]})")
        return row

    @property
    def doc(self) -> Mapping[str, Any]:
        """The columns of the document."""
        found = self._head["doc"]
        if not isinstance(found, dict):
            raise self.error("its doc is no table")
        return found

    @property
    def filter(self) -> str:
        """The filter that made the responses; ``none`` where the line names none."""
        return str(self._tail.get("filter", "none"))

    @property
    def responses(self) -> list[Any]:
        """``filtered_resps``: one response a request."""
        found = self._tail["filtered_resps"]
        if not isinstance(found, list) or not found:
            raise self.error("has no filtered_resps")
        return found

    @property
    def unfiltered(self) -> list[Any]:
        """``resps``: for each request its responses, as many as it was repeated."""
        found = self._whole.get("resps")
        if not isinstance(found, list) or not found:
            raise self.error("has no resps")
        return found

    @property
    def doc_hash(self) -> str:
        """lm-eval's hash of the document; empty where it wrote none."""
        return str(self._tail.get("doc_hash") or "")

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """metric -> the value that lm-eval gave this document."""
        names = self._tail.get("metrics")
        if not isinstance(names, list):
            names = [name for name in self._tail if name not in _OTHER]
        return {str(name): self._tail.get(name) for name in names}

    def metric(self, name: str) -> float | None:
        """A metric that is a finite number; None where there is none of that name."""
        value = self.metrics.get(name)
        return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None

    def field(self, name: str) -> Any:
        """The value of a field: ``doc_id``, ``target``, or a column as ``doc.column``, of nested ones ``doc.a.b``.

        Raises:
            DataError: there is none.
        """
        top, _, rest = name.partition(".")
        if top != "doc":
            if name in self._head:
                return self._head[name]
            raise self.error(f"has no {name}; there are doc_id, target{_columns(self.doc)}")
        value: Any = self.doc
        while rest:
            if not isinstance(value, dict):
                break
            if rest in value:
                return value[rest]
            first, _, rest = rest.partition(".")
            value = value.get(first)
        raise self.error(f"has no {name}; there are doc_id, target{_columns(self.doc)}")

    # --- the options

    @cached_property
    def scores(self) -> list[float] | None:
        """The summed log-probability of each option; None where the model wrote its answer.

        Where lm-eval also scored the options without the question (``acc_mutual_info``) these are left out.
        """
        responses = self.responses
        if not all(isinstance(r, list) and len(r) == 2 and str(r[1]) in ("True", "False") for r in responses):
            return None
        try:
            values = [float(r[0]) for r in responses]
        except (TypeError, ValueError):
            raise self.error("a score is no number") from None
        if not all(map(math.isfinite, values)):
            raise self.error(f"a score is {next(x for x in values if not math.isfinite(x))}")
        return values[: len(values) // 2] if "acc_mutual_info" in self.metrics else values

    @cached_property
    def continuations(self) -> list[str]:
        """The text that was scored in each request, with the delimiter before it.

        Raises:
            DataError: the line does not have it.
        """
        start, end = self._line.find(_BODY), self._line.find(b', "resps": ')
        found = _SECOND.findall(self._line, start, end) if 0 < start < end else []
        n = len(self.scores or ())
        if len(found) >= n > 0:
            return [json.loads(text) for text in found[:n]]
        given = self._whole.get("arguments")
        requests = list(given.values()) if isinstance(given, dict) else given
        if isinstance(requests, list) and len(requests) >= n:
            seconds = [_second(r) for r in requests[:n]]
            texts = [x for x in seconds if x is not None]
            if len(texts) == n:
                return texts
        raise self.error("its arguments do not have the text of each option")


def _second(request: Any) -> str | None:
    value = request.get("arg_1") if isinstance(request, dict) else None
    if isinstance(request, list) and len(request) > 1:
        value = request[1]
    return value if isinstance(value, str) else None


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # also of bytes that are not UTF-8
        return None


def _columns(doc: Mapping[str, Any]) -> str:
    names = list(doc)
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return "".join(f", doc.{name}" for name in names[:12]) + more


def option_texts(continuations: Sequence[str]) -> list[str]:
    """The texts of options without lm-eval's delimiter, one blank before each of them.

    >>> option_texts([" air", " water"]), option_texts(["air", " water"])
    (['air', 'water'], ['air', ' water'])
    """
    if all(text.startswith(" ") for text in continuations):
        return [text[1:] for text in continuations]
    return list(continuations)


def read_lines(path: Path) -> Iterator[Line]:
    """Stream the lines of a samples file undecoded; blank ones are skipped.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        with path.open("rb") as handle:
            for number, line in enumerate(handle, 1):
                if not line.isspace():
                    yield Line(f"{path}:{number}", line)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
