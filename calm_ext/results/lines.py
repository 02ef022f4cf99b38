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
from functools import lru_cache
from pathlib import Path
from typing import Any

from calm_ext.errors import DataError
from calm_ext.files.decode import decoded
from calm_ext.jsonl import undecoded_lines
from calm_ext.results.shapes import prompt_of

_BODY, _TAIL = b', "arguments": ', b', "filtered_resps": '
_SECOND = re.compile(rb'"arg_1": ("(?:[^"\\]|\\.)*")')
_SCALAR = re.compile(rb'("(?:[^"\\]|\\.)*")|(-?\d{1,18})(?=[,}]|$)')
#: Columns that have the name of a key of the line.
_TOP_OF_DOC = {"doc", "doc.doc", "doc.doc_id", "doc.target"}
#: Keys of a line that are no metric, for lines that do not list their metrics.
_OTHER = {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "doc_hash", "prompt_hash"}
_OTHER |= {"target_hash", "schema_version"}


class Line:
    """A document with the model's responses to it; every part is decoded when it is first asked for.

    Raises:
        DataError: by every attribute, with ``file:line``: the line has no such part, or a broken one.
    """

    __slots__ = ("_flat", "_head", "_line", "_metrics", "_scores", "_tail", "_whole", "where")

    def __init__(self, where: str, line: bytes) -> None:
        """A line as it stands in a file; ``where`` is ``file:line``, for messages."""
        self.where = where
        self._line = line
        self._whole: Mapping[str, Any] | None = None
        self._head: Mapping[str, Any] | None = None
        self._flat: int | None = None
        self._metrics: dict[str, Any] | None = None
        self._scores: list[float] | bool | None = False
        at = line.rfind(_TAIL)
        found = _decoded(b"{" + line[at + 2 :]) if at > 0 else None
        self._tail: Mapping[str, Any] = found if isinstance(found, dict) else self._all()

    def error(self, detail: str) -> DataError:
        """An error that names this line."""
        return DataError(f"{self.where}: {detail}")

    # --- the parts of a line

    def _before(self) -> Mapping[str, Any]:
        """The keys before ``arguments``, or all of them."""
        if self._head is None:
            at = self._line.find(_BODY)
            found = _decoded(self._line[:at] + b"}") if at > 0 else None
            self._head = found if isinstance(found, dict) and "doc" in found else self._all()
        return self._head

    def _all(self) -> Mapping[str, Any]:
        if self._whole is None:
            row = _decoded(self._line)
            if not isinstance(row, dict):
                cut = "" if self._line.endswith(b"\n") else " (the last line has no end: was the file cut off?)"
                raise self.error(f"not a JSON object{cut}")
            if "doc" not in row or "filtered_resps" not in row:
                raise self.error(f"is not a sample of lm-eval (keys: {', '.join(row)[:80]})")
            self._whole = row
        return self._whole

    @property
    def doc(self) -> Mapping[str, Any]:
        """The columns of the document."""
        found = self._before()["doc"]
        if not isinstance(found, dict):
            raise self.error("its doc is no table")
        return found

    @property
    def filter(self) -> str:
        """The filter that made the responses; ``none`` where the line names none."""
        return str(self._tail.get("filter") or "none")

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
        found = self._all().get("resps")
        if not isinstance(found, list) or not found:
            raise self.error("has no resps")
        return found

    @property
    def doc_hash(self) -> str:
        """lm-eval's hash of the document; empty where it wrote none."""
        return str(self._tail.get("doc_hash") or "")

    @property
    def metrics(self) -> dict[str, Any]:
        """metric -> the value that lm-eval gave this document."""
        if self._metrics is None:
            names = self._tail.get("metrics")
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                names = [name for name in self._tail if name not in _OTHER]
            self._metrics = {name: self._tail.get(name) for name in names}
        return self._metrics

    def metric(self, name: str) -> float | None:
        """A metric that is a finite number; None where there is none of that name."""
        return finite(self.metrics.get(name))

    def field(self, name: str) -> Any:
        """The value of a field: ``doc_id``, ``target``, or a column as ``doc.column``, of nested ones ``doc.a.b``.

        Raises:
            DataError: there is none.
        """
        if self._head is None and (found := self._scalar(name)) is not None:
            return found
        top, _, rest = name.partition(".")
        if top == "doc" and rest in self.doc:
            return self.doc[rest]
        if top != "doc":
            if name in self._before():
                return self._before()[name]
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

    def _scalar(self, name: str) -> str | int | None:
        """A text or whole number, found without decoding the document; None where that is not certain.

        With no table in the document there are two braces, and a key that comes once is the one.
        """
        end = self._flat
        if end is None:
            found = self._line.find(_BODY)
            end = self._flat = found if found > 0 and self._line.count(b"{", 0, found) == 2 else 0
        if not end or name in _TOP_OF_DOC or not name.startswith(("doc.", "doc_id", "target")):
            return None
        key = _key(name)
        at = self._line.find(key, 0, end)
        if at < 0 or self._line.find(key, at + 1, end) > 0:
            return None
        value = _SCALAR.match(self._line, at + len(key), end)
        if value is None:
            return None
        try:
            return _text(value[1]) if value[1] else int(value[2])
        except UnicodeDecodeError:
            raise self.error("is not UTF-8") from None

    @property
    def prompt(self) -> str:
        """The text that the model was given, of a conversation its turns; empty where the line does not have it."""
        given = self._all().get("arguments")
        requests = list(given.values()) if isinstance(given, dict) else given
        first = requests[0] if isinstance(requests, list) and requests else None
        text = first.get("arg_0") if isinstance(first, dict) else first[0] if isinstance(first, list) and first else ""
        try:
            found = prompt_of(text)
        except ValueError:
            return ""
        return found if isinstance(found, str) else "\n\n".join(str(turn["content"]) for turn in found)

    # --- the options

    @property
    def scores(self) -> list[float] | None:
        """The summed log-probability of each option; None where the model wrote its answer.

        Where lm-eval also scored the options without the question (``acc_mutual_info``) these are left out.
        """
        if isinstance(self._scores, bool):
            self._scores = self._read_scores()
        return self._scores

    def _read_scores(self) -> list[float] | None:
        responses = self.responses
        first = responses[0]
        if not isinstance(first, list) or len(first) != 2 or str(first[1]) not in ("True", "False"):
            return None
        try:
            values = [float(score) for score, _ in responses]
        except (TypeError, ValueError, OverflowError):
            raise self.error("a score is no number") from None
        if not math.isfinite(sum(values)):
            raise self.error(f"a score is {next((x for x in values if not math.isfinite(x)), 'too large')}")
        return values[: len(values) // 2] if "acc_mutual_info" in self.metrics else values

    @property
    def continuations(self) -> list[str]:
        """The text that was scored in each request, with the delimiter before it.

        Raises:
            DataError: the line does not have it.
        """
        start, end = self._line.find(_BODY), self._line.find(b', "resps": ')
        found = _SECOND.findall(self._line, start, end) if 0 < start < end else []
        n = len(self.scores or ())
        if len(found) >= n > 0:
            try:
                return [_text(quoted) for quoted in found[:n]]
            except UnicodeDecodeError:
                raise self.error("is not UTF-8") from None
        given = self._all().get("arguments")
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


def finite(value: Any) -> float | None:
    """A finite number as one; None for all else, as a whole number of hundreds of digits."""
    try:
        found = float(value) if isinstance(value, (int, float)) else math.nan
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _decoded(text: bytes) -> Any:
    try:
        return decoded(text, strict=False)
    except ValueError:  # also of bytes that are not UTF-8
        return None


@lru_cache(maxsize=256)
def _key(name: str) -> bytes:
    """A field's key as it stands in a line."""
    return f"{json.dumps(name.removeprefix('doc.'), ensure_ascii=False)}: ".encode()


@lru_cache(maxsize=4096)
def _text(quoted: bytes) -> str:
    """The text of a JSON string; letters, of which there are few, come again and again."""
    return str(decoded(quoted, strict=False))


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
    return (Line(where, line) for where, line in undecoded_lines(path))
