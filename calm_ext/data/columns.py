"""From the rows of a benchmark (:mod:`calm_ext.data.benchmark`) to parallel questions.

Rows are joined by their key. A question is left out, and counted as a :class:`~calm_ext.data.parallel.rows.Repair`,
where a language lacks it, where its row is incomplete (:mod:`calm_ext.data.questions`), where the languages have other
numbers of options or other right answers, and where options that are names name different things
(:mod:`calm_ext.data.named`). Where less than half of the largest language is left the benchmark is refused. What the
texts say against questions that join, ``calm-ext data check`` finds.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from calm_ext.data.benchmark import Benchmark
from calm_ext.data.expressions import Values
from calm_ext.data.named import different_things
from calm_ext.data.parallel.rows import Joined, Repair
from calm_ext.data.questions import Incomplete, Read, read_row
from calm_ext.data.source import FolderOptions, Source
from calm_ext.data.tables import read_cells
from calm_ext.errors import CalmError, DataError
from calm_ext.prompts import shown_order
from calm_ext.records import ParallelQuestion, Version

#: The seed of ``order: seeded``.
ORDER_SEED = 0


def load_benchmark(benchmark: Benchmark, split: str, *, languages: Sequence[str], data_dir: str | None) -> Joined:
    """The questions of a split, in the order of the source language's rows, else the English, else the first ones;
    in an order of their own where they are to be spread.

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
    pivot = next((x for x in (benchmark.source_language, "en") if x in tables), next(iter(tables)))
    keys, repairs = _joined(benchmark, tables, str(pivot))
    if benchmark.spread:
        keys = sorted(keys, key=lambda k: hashlib.sha256(k.encode()).digest())
    groups = _groups(benchmark, tables, str(pivot), split=split, data_dir=data_dir)
    questions = []
    for key in (k for k in keys if benchmark.splits[split].holds(k, groups[k])):
        rows = {x: table.rows[key] for x, table in tables.items()}
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
    together = {q.id: groups[q.id.removeprefix(f"{benchmark.name}-")] for q in questions}
    return Joined(questions, tuple(repairs), together if benchmark.layout(str(pivot)).together else {})


def _groups(
    benchmark: Benchmark, tables: Mapping[str, Table], pivot: str, *, split: str, data_dir: str | None
) -> dict[str, str]:
    """key -> what it belongs together with; a row that the language of ``together_in`` lacks stands by itself."""
    asked, own = tables[pivot], benchmark.together_in or pivot
    table = tables.get(own) or _table(benchmark, language=own, split=split, data_dir=data_dir, labelled=False)
    return {key: table.rows[key].group if key in table.rows else key for key in asked.rows}


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
        evaluation_only=benchmark.evaluation_only,
    )


# --- rows of one language ---------------------------------------------------------------------------------------------


class Table(NamedTuple):
    """The rows of one language: by key, how many there were, and what was left out."""

    rows: dict[str, Read]
    n: int
    repairs: list[Repair]


def _table(benchmark: Benchmark, *, language: str, split: str, data_dir: str | None, labelled: bool) -> Table:
    """The rows of a language.

    Raises:
        DataError: as of the readers; rows have the same key and are not the same; or no row can be used.
    """
    layout = benchmark.layout(language)
    words = benchmark.words.get(language, {})
    around = {"code": benchmark.languages[language], "language": language, "words": words}
    found: dict[str, Read] = {}
    left_out: dict[str, list[int]] = {}
    number = 0
    cells = read_cells(benchmark, layout, language=language, split=split, data_dir=data_dir)
    for number, cell in enumerate(cells, 1):
        try:
            read = read_row(layout, Values(cell, around), number=number, labelled=labelled)
        except Incomplete as reason:
            left_out.setdefault(str(reason), []).append(number)
            continue
        known = found.setdefault(read.key, read)
        if known is read:
            continue
        if (known.question, known.options, known.answer) != (read.question, read.options, read.answer):
            raise DataError(
                f"{read.where}: the key {read.key!r} comes twice (before at {known.where}), and the rows are not the "
                f"same; name more columns as key"
            )
        left_out.setdefault("the same as an earlier row", []).append(number)
    if not found:
        why = "; ".join(f"{reason} in {len(rows)} of {number}" for reason, rows in left_out.items())
        raise DataError(f"{benchmark.name}: {split} has no row in {language}{f' that can be used: {why}' * bool(why)}")
    name = _name(benchmark, language)
    return Table(found, number, [Repair(name, tuple(rows), f"{why}; left out") for why, rows in left_out.items()])


# --- all languages ----------------------------------------------------------------------------------------------------


def _joined(benchmark: Benchmark, read: Mapping[str, Table], pivot: str) -> tuple[list[str], list[Repair]]:
    """The keys of the questions that are parallel, in the pivot's order, and what was left out.

    Raises:
        DataError: less than half of the largest language's rows are left.
    """
    repairs = [repair for table in read.values() for repair in table.repairs]
    tables = {language: table.rows for language, table in read.items()}
    everywhere = set.intersection(*(set(table) for table in tables.values()))
    for language, table in tables.items():
        gone = [key for key in table if key not in everywhere]
        if gone:
            lacking = [x for x, other in tables.items() if any(key not in other for key in gone)]
            numbers = tuple(table[key].number for key in gone)
            repairs.append(
                Repair(
                    _name(benchmark, language),
                    numbers,
                    f"{', '.join(lacking)} lack{'s' * (len(lacking) == 1)} them; left out",
                )
            )
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
    most = max(table.n for table in read.values())
    if 2 * len(keys) < most:
        reasons = "; ".join(str(r) for r in repairs[:3])
        raise DataError(
            f"{benchmark.name}: only {len(keys)} of {most} rows join over {', '.join(tables)}; look at the key "
            f"({benchmark.key}), or name other languages. {reasons}"
        )
    return keys, repairs


def _left_out(
    benchmark: Benchmark,
    tables: Mapping[str, Mapping[str, Read]],
    pivot: str,
    keys: Sequence[str],
    gone: set[str],
    reason: str,
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
