"""JSONL files of records: readers stream and name ``file:line``, writers are atomic or append whole groups of lines.

:func:`write_jsonl` replaces a file as a whole; :class:`Appender` adds groups of lines, and cuts off an incomplete last
line when a file is opened again.
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import ValidationError

from calm_ext.errors import DataError
from calm_ext.files.decode import decoded, short
from calm_ext.files.expected import beside, did_you_mean, expected, got
from calm_ext.files.places import check_file, make_folder
from calm_ext.files.writing import STDOUT, atomic_write, cannot_write
from calm_ext.records import Record
from calm_ext.records.kinds import absent, line_of, misfit

if TYPE_CHECKING:
    from calm_ext.files.parallel import Piece

R = TypeVar("R", bound=Record)


#: Problems of one line that are told.
_TOLD = 4


def explain(error: ValidationError, known: Sequence[str] = ()) -> str:
    """One line for a pydantic error: its first problems as ``key: what``, joined by semicolons.

    Args:
        known: the keys that there are.
    """
    parts = []
    problems = error.errors(include_url=False)
    for item in problems[:_TOLD]:
        key = short(".".join(str(x) for x in item["loc"]))
        if item["type"] == "extra_forbidden":
            message = f"unknown key{did_you_mean(str(item['loc'][-1]), known)}"
        else:
            message = expected(item)
            if "was expected" in message or "were expected" in message:
                message += got(item["input"])
        parts.append(short(f"{key}: {message}" if key else message, 300))
    more = [f"and {len(problems) - _TOLD} more"] if len(problems) > _TOLD else []
    return "; ".join([*parts, *more])


def finite(value: Any) -> Any:
    """A value as JSON can hold it: NaN and infinity at any depth become None, and tuples become lists.

    >>> finite({"a": (1.0, float("nan"))})
    {'a': [1.0, None]}
    """
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    return [finite(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def undecoded_lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """Stream the lines of a file undecoded, each with its place (``file:line``); blank lines are skipped.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        check_file(path)
        with path.open("rb") as handle:
            for number, line in enumerate(handle, 1):
                if not line.isspace():
                    yield f"{path}:{number}", line
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def numbered_lines(
    path: str | os.PathLike[str], *, after: int = 0, piece: Piece | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Stream the objects of a JSONL file with their 1-based line numbers; blank lines are skipped.

    Args:
        after: how many lines to pass over. piece: the lines to read, instead of all.

    Raises:
        DataError: the file is missing or unreadable, or a line is not a JSON object (it may have been truncated).
    """
    source = Path(path)
    number = 0
    try:
        with _text(source, piece) as handle:
            for number, line in enumerate(handle, 1 + piece.before if piece else 1):
                if number <= after or line.isspace():
                    continue
                try:
                    value = decoded(line)
                except json.JSONDecodeError as error:
                    hint = "" if line.endswith("\n") else " (the last line has no end: was the file cut off?)"
                    said = f"{error.msg.removesuffix(' at')} at column {error.colno}"
                    hint = hint or _other_form(source, line)
                    raise DataError(f"{source}:{number}: not a JSON object: {said}{hint}") from None
                except ValueError as error:
                    raise DataError(f"{source}:{number}: {error}") from None
                if not isinstance(value, dict):
                    form = "list" if isinstance(value, list) else type(value).__name__
                    raise DataError(f"{source}:{number}: not a JSON object but a {form}; {_ONE_A_LINE}")
                yield number, value
    except FileNotFoundError:
        raise DataError(f"{source}: no such file{beside(source)}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{source}:{number + 1}: not UTF-8 ({error.reason}); save it as UTF-8") from None
    except OSError as error:
        raise DataError(f"{source}: cannot be read ({error.strerror})") from None


#: What is said where a file has another form.
_ONE_A_LINE = "one JSON object a line was expected"
_FORMS = {".csv": "a table", ".tsv": "a table", ".yaml": "YAML", ".yml": "YAML", ".md": "text", ".txt": "text"}


def _other_form(path: Path, line: str) -> str:
    """What to say of a line that is no JSON, by the file's name and the line."""
    form = _FORMS.get(path.suffix.casefold(), "")
    if line.strip() in ("[", "{"):
        form = "JSON over several lines"
    how = "; `calm-ext data prepare DESCRIPTION.yaml` makes questions of a table" if form == "a table" else ""
    return f"; it looks like {form}, and {_ONE_A_LINE}{how}" if form else f"; {_ONE_A_LINE}"


def _text(path: Path, piece: Piece | None) -> IO[str]:
    if piece is None:
        check_file(path)
        return path.open(encoding="utf-8")
    return io.TextIOWrapper(io.BytesIO(piece.read(path)), encoding="utf-8")


def read_jsonl(path: str | os.PathLike[str], kind: type[R], *, allow_empty: bool = False) -> Iterator[R]:
    """Stream the records of a JSONL file; see :func:`read_numbered`."""
    return (record for _, record in read_numbered(path, kind, allow_empty=allow_empty))


def read_numbered(path: str | os.PathLike[str], kind: type[R], *, allow_empty: bool = False) -> Numbered[R]:
    """The records of a JSONL file, each with its place, ``file:line``; streamed as often as they are gone through.

    Raises:
        DataError: when they are gone through: at the first line that is not a ``kind``, naming ``file:line``; or at the
            end of a file that has no record, unless ``allow_empty``.
    """
    return Numbered(path, kind, allow_empty)


class Numbered(Iterable[tuple[str, R]], Generic[R]):
    """See :func:`read_numbered`; several processes can share the reading of one (:mod:`calm_ext.files.parallel`)."""

    def __init__(self, path: str | os.PathLike[str], kind: type[R], allow_empty: bool) -> None:
        self.path, self.kind, self._allow_empty = Path(path), kind, allow_empty
        self._name = str(path)

    def __iter__(self) -> Iterator[tuple[str, R]]:
        return self.after(0)

    def after(self, lines: int) -> Iterator[tuple[str, R]]:
        """Those that stand behind so many lines."""
        empty = lines == 0
        for found in self._records(numbered_lines(self._name, after=lines)):
            empty = False
            yield found
        if empty and not self._allow_empty:
            raise DataError(f"{self._name}: {absent(self.kind)}")

    def part(self, piece: Piece) -> Iterator[tuple[str, R]]:
        """Those of a piece of the file."""
        return self._records(numbered_lines(self._name, piece=piece))

    def _records(self, rows: Iterable[tuple[int, dict[str, Any]]]) -> Iterator[tuple[str, R]]:
        name, validate = self._name, self.kind.model_validate
        for number, value in rows:
            where = f"{name}:{number}"
            try:
                record = validate(value)
            except ValidationError as error:
                raise DataError(f"{where}: {misfit(value, self.kind) or self._explained(error)}") from None
            yield where, record

    def _explained(self, error: ValidationError) -> str:
        """What is wrong with a line, and how one looks where keys are wrong."""
        wrong_keys = any(x["type"] in ("missing", "extra_forbidden") for x in error.errors(include_url=False))
        return explain(error, list(self.kind.model_fields)) + (line_of(self.kind) if wrong_keys else "")


def to_line(record: Record) -> str:
    """The record as one JSON line with its newline; keys that are None and have that default are left out."""
    return record.model_dump_json(exclude_defaults=True) + "\n"


def write_jsonl(path: str | os.PathLike[str], records: Iterable[Record]) -> int:
    """Write records atomically; returns how many."""
    count = 0

    def lines() -> Iterator[str]:
        nonlocal count
        for record in records:
            count += 1
            yield to_line(record)

    atomic_write(path, lines())
    return count


#: Bytes that are read at once when the end of a file is looked for.
_BLOCK = 1 << 16


class Appender:
    """Appends groups of records to a JSONL file, each group flushed to disk as a whole.

    An interrupted write leaves a last line without a newline; opening the file again cuts that line off.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if self.path == STDOUT:
            raise DataError("-: stdout cannot be continued after an interruption; name a file")
        make_folder(self.path.parent)
        try:
            if self.path.exists():
                check_file(self.path)
                _cut_incomplete_line(self.path)
            self._handle = self.path.open("a", encoding="utf-8", newline="\n")
        except OSError as error:
            raise cannot_write(self.path, error) from None

    def append(self, records: Iterable[Record]) -> None:
        """Write the records and fsync.

        Raises:
            CalmError: they cannot be written, as on a full disk.
        """
        try:
            self._handle.write("".join(to_line(r) for r in records))
            self._handle.flush()
            os.fsync(self._handle.fileno())
        except OSError as error:
            raise cannot_write(self.path, error) from None

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):  # what could not be written was said
            self._handle.close()

    def __enter__(self) -> Appender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _cut_incomplete_line(path: Path) -> None:
    """Truncate a file after its last newline; reads it backwards, no further than that newline."""
    with path.open("rb") as handle:
        end = start = handle.seek(0, os.SEEK_END)
        kept = 0
        while start:
            stop, start = start, max(start - _BLOCK, 0)
            handle.seek(start)
            found = handle.read(stop - start).rfind(b"\n")
            if found >= 0:
                kept = start + found + 1
                break
    if kept < end:
        os.truncate(path, kept)
