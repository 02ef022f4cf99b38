"""The rows of a benchmark's files, from a folder, the web or the Hugging Face hub."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.data.benchmark import Benchmark, Layout
from calm_ext.data.fetch import load_hub_table, parse_json, read_text
from calm_ext.errors import DataError
from calm_ext.jsonl import numbered_lines
from calm_ext.records.kinds import kind_of

#: The kinds of files that are read, in the order in which they are looked for.
SUFFIXES = (".jsonl", ".json", ".tsv", ".csv", ".parquet")
#: The layout of a folder that every benchmark is read from, besides its own.
PLAIN = "{config}/{split}"


class Cells(NamedTuple):
    """A row as it stands in a file.

    Attributes:
        where: its file and number, for messages.
        row: column -> value.
        part: which of several files of a language it is from.
        beside: what stands beside the rows in their JSON file.
    """

    where: str
    row: Mapping[str, Any]
    part: str = ""
    beside: Mapping[str, Any] = {}


def read_cells(
    benchmark: Benchmark, layout: Layout, *, language: str, split: str, data_dir: str | None
) -> Iterator[Cells]:
    """The rows of a split in one language, in the order of their files.

    Args:
        language: our code. split: our name.
        data_dir: a folder, or the URL of one, with the published layout (``files``) or ``<config>/<split>.<suffix>``.

    Raises:
        DataError: a file is missing or cannot be read.
    """
    where = benchmark.splits[split]
    code = benchmark.languages[language]
    theirs = where.name or split
    names = {"code": code, "split": theirs, "file": where.file or theirs, "language": language}
    names["config"] = layout.config.format_map(names)
    base = data_dir or layout.base_url
    if base is None:
        hint = f"without the hub, give a folder with {names['config']}/{theirs}.jsonl as data_dir"
        if not layout.path:
            raise DataError(f"{benchmark.name}: is not published on the hub; give a folder with its files as data_dir")
        for number, row in enumerate(load_hub_table(layout.path, names["config"], theirs, hint=hint), 1):
            yield Cells(f"{layout.path}/{names['config']}/{theirs}: row {number}", row)
        return
    for relative, part in _files(benchmark, layout, base, names):
        yield from _read(base, relative, part, layout)


def _files(benchmark: Benchmark, layout: Layout, base: str, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The files of a language below ``base``, each with its part."""
    if base.startswith(("http://", "https://")):
        for part in layout.parts or [""]:
            yield layout.files.format_map({**names, "part": part}), part
        return
    folder = Path(base)
    if not folder.is_dir():
        raise DataError(f"{base}: no such folder")
    tried = []
    for pattern in dict.fromkeys((layout.files, PLAIN)):
        if "{part}" in pattern:
            wanted = layout.parts or _parts(folder, pattern.format_map({**names, "part": "*"}))
            found = [(pattern.format_map({**names, "part": part}), part) for part in wanted]
        else:
            found = [(pattern.format_map({**names, "part": ""}), "")]
        there = [(file, part) for name, part in found if (file := _there(folder, name)) is not None]
        if there and len(there) < len(found):
            lacking = next(name for name, _ in found if _there(folder, name) is None)
            raise DataError(f"{folder / lacking}: no such file, and {folder / there[0][0]} is there")
        if there:
            yield from there
            return
        tried.append(found[0][0] if found else pattern.format_map({**names, "part": "*"}))
    looked = " or ".join(dict.fromkeys(x if Path(x).suffix in SUFFIXES else f"{x}.jsonl" for x in tried))
    raise DataError(f"{base}: has no {looked}, which {benchmark.name} in {names['language']} is read from")


def _parts(folder: Path, pattern: str) -> list[str]:
    """What ``*`` stands for in the files that match."""
    head, _, tail = pattern.partition("*")
    tails = (tail,) if Path(tail).suffix in SUFFIXES else tuple(tail + suffix for suffix in SUFFIXES)
    names = {p.relative_to(folder).as_posix() for end in tails for p in folder.glob(head + "*" + end)}
    return sorted({name[len(head) : -len(end)] for name in names for end in tails if name.endswith(end)})


def _there(folder: Path, name: str) -> str | None:
    if Path(name).suffix in SUFFIXES:
        return name if (folder / name).is_file() else None
    found = [name + suffix for suffix in SUFFIXES if (folder / (name + suffix)).is_file()]
    tables = [file for file in found if not _is_made_here(folder / file)]
    return next(iter(tables or found), None)


def _is_made_here(path: Path) -> bool:
    """Whether a file has questions as `calm-ext data prepare` writes them, perhaps of the very table beside it."""
    if path.suffix != ".jsonl":
        return False
    try:
        return kind_of(next(numbered_lines(path))[1]) == "questions"
    except (DataError, StopIteration, OSError):
        return False


def _read(base: str, relative: str, part: str, layout: Layout) -> Iterator[Cells]:
    where = f"{base.rstrip('/')}/{relative}"
    suffix = Path(relative).suffix
    local = not base.startswith(("http://", "https://"))
    if suffix == ".jsonl" and local:
        for number, row in numbered_lines(where):
            yield Cells(f"{where}:{number}", row, part)
        return
    if suffix == ".parquet":
        yield from _read_parquet(where, part)
        return
    text = read_text(base, relative).removeprefix("\ufeff")
    if suffix in (".tsv", ".csv"):
        yield from _read_table(text, where, part, layout.columns, tabs=suffix == ".tsv")
        return
    if suffix == ".jsonl":
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield Cells(f"{where}:{number}", _row(parse_json(line, where), f"{where}:{number}"), part)
        return
    value, rows_key = parse_json(text, where), layout.rows
    beside: dict[str, Any] = {}
    if rows_key is not None and isinstance(value, dict):
        beside = {k: v for k, v in value.items() if k != rows_key}
        value = value.get(rows_key)
    if not isinstance(value, list):
        expected = f"an object whose {rows_key} is a list of rows" if rows_key else "a list of rows"
        raise DataError(f"{where}: {expected} was expected")
    for number, row in enumerate(value, 1):
        yield Cells(f"{where}: row {number}", _row(row, f"{where}: row {number}"), part, beside)


def _row(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"{where}: an object was expected, not {type(value).__name__}")
    return value


def _read_table(text: str, where: str, part: str, columns: Sequence[str], *, tabs: bool) -> Iterator[Cells]:
    """Rows of a table with a head; in one whose cells are separated by tabs a quotation mark is a character, unless a
    whole cell is quoted as pandas does."""
    lines = re.split(r"(?<=\n)", text)
    reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if tabs else csv.reader(lines)
    try:
        first = next(reader, [])
        head = list(columns) or first
        if not head or len(set(head)) < len(head):
            raise DataError(f"{where}: the first line must name the columns, each once")
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(head):
                raise DataError(f"{where}:{reader.line_num}: has {len(cells)} cells, the first line {len(head)}")
            row = map(_unquoted, cells) if tabs else cells
            yield Cells(f"{where}:{reader.line_num}", dict(zip(head, row, strict=True)), part)
    except csv.Error as error:
        raise DataError(f"{where}:{reader.line_num}: not a table that can be read ({error})") from None


def _unquoted(cell: str) -> str:
    """A cell without the marks around it, where all marks within it are doubled.

    >>> [_unquoted(x) for x in ('"He ""ran"", he said"', '"Heroes" and "Low"', '"', "plain")]
    ['He "ran", he said', '"Heroes" and "Low"', '"', 'plain']
    """
    inner = cell[1:-1]
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if quoted else cell


def _read_parquet(where: str, part: str) -> Iterator[Cells]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(where)
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{where}: cannot be read ({' '.join(str(error).split())[:120]})") from None
    for number, row in enumerate(table.to_pylist(), 1):
        yield Cells(f"{where}: row {number}", row, part)
