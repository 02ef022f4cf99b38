"""From the rows of a benchmark (:mod:`calm_ext.data.benchmark`) to parallel questions.

Rows are joined by their key. A question is left out, and counted as a :class:`~calm_ext.data.parallel.rows.Repair`,
where a language lacks it, where the languages have other numbers of options or other right answers, and where options
that are names name different things (:mod:`calm_ext.data.named`). Where less than half of the largest language is left
the benchmark is refused. What the texts say against questions that join, ``calm-ext data check`` finds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from calm_ext.data.benchmark import Benchmark, Layout, OptionColumn
from calm_ext.data.named import different_things
from calm_ext.data.parallel.rows import Joined, Repair
from calm_ext.data.source import FolderOptions, Source
from calm_ext.data.tables import Cells, read_cells
from calm_ext.errors import CalmError, DataError
from calm_ext.prompts import LETTERS, shown_order
from calm_ext.records import ParallelQuestion, Version

if TYPE_CHECKING:
    import jinja2

#: The seed of ``order: seeded``.
ORDER_SEED = 0


class Read(NamedTuple):
    """A row that was read: its place (from 1), where it stands, its question, options and answer (None: not known)."""

    number: int
    where: str
    question: str
    options: list[str]
    answer: int | None


Table = dict[str, Read]


def load_benchmark(benchmark: Benchmark, split: str, *, languages: Sequence[str], data_dir: str | None) -> Joined:
    """The questions of a split, in the order of the source language's rows.

    Raises:
        CalmError: a language that the benchmark does not have.
        DataError: a file, a row or the key is not usable, or less than half of the rows join.
    """
    unknown = [x for x in languages if x not in benchmark.languages]
    if unknown:
        raise CalmError(f"{benchmark.name} has no {', '.join(unknown)}; it has {', '.join(benchmark.languages)}")
    labelled = split not in benchmark.unlabelled
    tables = {
        x: _table(benchmark, language=x, split=split, data_dir=data_dir, labelled=labelled)
        for x in languages or benchmark.asked
    }
    pivot = benchmark.source_language if benchmark.source_language in tables else next(iter(tables))
    keys, repairs = _joined(benchmark, tables, str(pivot))
    questions = []
    for key in keys:
        rows = {x: table[key] for x, table in tables.items()}
        identity = f"{benchmark.name}-{key}"
        n, gold = len(rows[str(pivot)].options), rows[str(pivot)].answer
        order = shown_order(identity, n, ORDER_SEED) if benchmark.order == "seeded" else list(range(n))
        questions.append(
            ParallelQuestion(
                id=identity,
                answer=None if gold is None else order.index(gold),
                source_language=benchmark.source_language,
                versions={
                    x: Version(question=r.question, options=[r.options[i] for i in order]) for x, r in rows.items()
                },
            )
        )
    return Joined(questions, tuple(repairs))


def source_of(benchmark: Benchmark) -> Source:
    """The data source of a benchmark."""

    def load(split: str, *, languages: Sequence[str], data_dir: str | None = None) -> Joined:
        return load_benchmark(benchmark, split, languages=languages, data_dir=data_dir)

    return Source(
        name=benchmark.name,
        load=load,
        splits=tuple(benchmark.splits),
        languages=benchmark.asked,
        title=benchmark.title,
        available=tuple(benchmark.languages),
        licence=benchmark.licence,
        url=benchmark.url,
        citation=benchmark.citation,
        options=FolderOptions,
        unlabelled=tuple(benchmark.unlabelled),
        proven=False,
        medical=benchmark.medical,
        named=benchmark.answers == "names",
    )


# --- rows of one language ---------------------------------------------------------------------------------------------


def _table(benchmark: Benchmark, *, language: str, split: str, data_dir: str | None, labelled: bool) -> Table:
    """Key -> row.

    Raises:
        DataError: as of the readers, or rows have the same key and are not the same.
    """
    layout = benchmark.layout(language)
    found: Table = {}
    words = benchmark.words.get(language, {})
    around = {"code": benchmark.languages[language], "language": language, "words": words}
    cells = read_cells(benchmark, layout, language=language, split=split, data_dir=data_dir)
    for number, cell in enumerate(cells, 1):
        read, key = _read_row(layout, cell, number, around, labelled=labelled)
        known = found.setdefault(key, read)
        if known is not read and known[2:] != read[2:]:
            raise DataError(
                f"{read.where}: the key {key!r} comes twice (before at {known.where}), and the rows are not the same; "
                f"name more columns as key"
            )
    if not found:
        raise DataError(f"{benchmark.name}: {split} has no row in {language}")
    return found


def _read_row(
    layout: Layout, cell: Cells, number: int, around: Mapping[str, Any], *, labelled: bool
) -> tuple[Read, str]:
    values = {**cell.row, "row": cell.row, "file": cell.beside, "part": cell.part, **around}
    question = _text(layout.question, cell, values).strip()
    if not question:
        raise DataError(f"{cell.where}: the question is empty")
    places = _options(layout, cell, values)
    options = [text for text in places if text]
    if len(options) < 2:
        raise DataError(
            f"{cell.where}: has {len(options)} option{'s' * (len(options) != 1)}, two or more were expected"
        )
    answer = _answer(layout, cell, values, places) if labelled else None
    keys = [layout.key] if isinstance(layout.key, str) else layout.key
    if keys == ["row"]:
        return Read(number, cell.where, question, options, answer), f"{number - 1:05d}"
    key = "-".join(" ".join(_text(k, cell, values).split()) for k in keys)
    if not key.strip("-"):
        raise DataError(f"{cell.where}: the key is empty")
    return Read(number, cell.where, question, options, answer), key


def _options(layout: Layout, cell: Cells, values: Mapping[str, Any]) -> list[str]:
    """The options at their places; the empty string where a place has none."""
    if isinstance(layout.options, OptionColumn):
        text = _text(layout.options.column, cell, values)
        return [x.strip() for x in text.split(layout.options.split)]
    if isinstance(layout.options, list):
        return [_text(x, cell, values).strip() for x in layout.options]
    value = _value(layout.options, cell, values)
    if not isinstance(value, (list, tuple)):
        raise DataError(f"{cell.where}: {layout.options} is no list of options")
    return [_plain(x).strip() for x in value]


def _answer(layout: Layout, cell: Cells, values: Mapping[str, Any], places: Sequence[str]) -> int:
    """The index of the right option among the options that are not empty."""
    form, column = layout.answer.form, layout.answer.column
    there = [i for i, text in enumerate(places) if text]
    if column is None:
        return 0 if form == "first" else len(there) - 1
    said = _text(column, cell, values).strip()
    place: int | None = None
    if form == "text":
        hits = [i for i in there if places[i] == said]
        place = hits[0] if hits else None
    elif form == "letter":
        letters = LETTERS + "KLMNOPQRSTUVWXYZ"
        place = letters.find(said.upper()) if len(said) == 1 else None
    elif re.fullmatch(r"[+-]?\d+(\.0*)?", said):
        place = int(float(said)) - (form == "one_based")
    if place not in there:
        expected = {"text": "the text of one option", "letter": "the letter of an option"}.get(
            form, f"a number from {int(form == 'one_based')} to {len(places) - 1 + (form == 'one_based')}"
        )
        raise DataError(f"{cell.where}: {column} is {said!r}, {expected} was expected")
    return there.index(place)


def _text(expression: str, cell: Cells, values: Mapping[str, Any]) -> str:
    return _plain(_value(expression, cell, values))


def _plain(value: Any) -> str:
    """A cell as text: nothing for None and NaN, whole numbers without a point."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)


def _value(expression: str, cell: Cells, values: Mapping[str, Any]) -> Any:
    """The value of a column, or the text of a template."""
    import jinja2

    if "{{" not in expression and "{%" not in expression:
        if expression == "part":
            return cell.part
        if expression not in cell.row:
            raise DataError(f"{cell.where}: has no column {expression!r}; it has {', '.join(map(str, cell.row))}")
        return cell.row[expression]
    try:
        return _template(expression).render(values)
    except jinja2.UndefinedError as error:
        raise DataError(
            f"{cell.where}: {expression}: {error}; its columns are {', '.join(map(str, cell.row))}"
        ) from None
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, re.error) as error:
        raise DataError(f"{cell.where}: {expression}: {error}") from None


@lru_cache(maxsize=512)
def _template(text: str) -> jinja2.Template:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    environment.filters["resub"] = lambda value, pattern, new: re.sub(pattern, new, str(value))
    return environment.from_string(text)


# --- all languages ----------------------------------------------------------------------------------------------------


def _joined(benchmark: Benchmark, tables: Mapping[str, Table], pivot: str) -> tuple[list[str], list[Repair]]:
    """The keys of the questions that are parallel, in the pivot's order, and what was left out.

    Raises:
        DataError: less than half of the largest language's rows are left.
    """
    repairs: list[Repair] = []
    everywhere = set.intersection(*(set(table) for table in tables.values()))
    for language, table in tables.items():
        gone = [key for key in table if key not in everywhere]
        if gone:
            lacking = [x for x, other in tables.items() if any(key not in other for key in gone)]
            numbers = tuple(table[key].number for key in gone)
            repairs.append(Repair(_name(benchmark, language), numbers, f"{', '.join(lacking)} lacks them; left out"))
    keys = [key for key in tables[pivot] if key in everywhere]
    for what, reason in ((_size, "other numbers of options"), (_gold, "other right answers")):
        differ = {key for key in keys if len({what(table[key]) for table in tables.values()}) > 1}
        repairs += _left_out(benchmark, tables, pivot, keys, differ, reason)
        keys = [key for key in keys if key not in differ]
    if benchmark.answers == "names" and keys:
        rows = {x: [(t[key].options, t[key].answer) for key in keys] for x, t in tables.items()}
        bad = different_things(rows, pivot=pivot)
        languages = Counter(x for own in bad.values() for x in own)
        said = ", ".join(f"{x} in {n}" for x, n in languages.items())
        differ = {keys[k] for k in bad}
        reason = f"options that name other things than in {pivot} ({said})"
        repairs += _left_out(benchmark, tables, pivot, keys, differ, reason)
        keys = [key for key in keys if key not in differ]
    most = max(len(table) for table in tables.values())
    if 2 * len(keys) < most:
        reasons = "; ".join(str(r) for r in repairs[:3])
        raise DataError(
            f"{benchmark.name}: only {len(keys)} of {most} rows join over {', '.join(tables)}; look at the key "
            f"({benchmark.key}), or name other languages. {reasons}"
        )
    return keys, repairs


def _left_out(
    benchmark: Benchmark, tables: Mapping[str, Table], pivot: str, keys: Sequence[str], gone: set[str], reason: str
) -> list[Repair]:
    if not gone:
        return []
    numbers = tuple(tables[pivot][key].number for key in keys if key in gone)
    n = f"{len(numbers)} question{'s' * (len(numbers) != 1)}"
    return [Repair(_name(benchmark, pivot), numbers, f"{n} of {len(keys)} left out: {reason}")]


def _name(benchmark: Benchmark, language: str) -> str:
    return f"{benchmark.name} {language}"


def _size(row: Read) -> Any:
    return len(row.options)


def _gold(row: Read) -> Any:
    return row.answer
