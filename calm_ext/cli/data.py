"""``calm-ext data``."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calm_ext.cli.common import json_option, print_json
from calm_ext.cli.import_generations import import_generations
from calm_ext.cli.options import flags
from calm_ext.cli.terminal import console, echo
from calm_ext.data.options import DataOptions

if TYPE_CHECKING:
    from calm_ext.data import Source
    from calm_ext.data.check import Check
    from calm_ext.data.parallel.rows import Joined

#: languages of a source that are listed one by one
_MOST_SHOWN = 17

_sources = flags(DataOptions, into="options", only=("split", "data_dir", "spec", "args"))


@click.group("data")
def command() -> None:
    """List data sources, write their questions, look for what is wrong with them."""


@contextlib.contextmanager
def _repairs_on_stderr() -> Iterator[None]:
    """Warnings of the loaders as lines on stderr."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            echo(f"note: {record.getMessage()}", err=True)

    logger = logging.getLogger("calm_ext.data")
    handler, before = Handler(logging.WARNING), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before


def _codes(languages: str | None) -> list[str] | None:
    from calm_ext.languages import normalise_code

    return [normalise_code(x.strip()) for x in languages.split(",") if x.strip()] if languages else None


def _given(options: DataOptions) -> dict[str, Any]:
    """The source's options from --data-dir and --set, whose lists and mappings are YAML."""
    from calm_ext.files.texts import read_yaml

    given: dict[str, Any] = {"data_dir": options.data_dir, "spec": options.spec}
    for key, text in options.args.items():
        given[key] = read_yaml(text, f"--set {key}={text}") if text[:1] in ("[", "{") else text
    return given


@command.command("ls")
@json_option
def ls(as_json: bool) -> None:
    """List the data sources."""
    from calm_ext.data import SOURCES

    if as_json:
        print_json({name: source.as_json() for name, source in SOURCES.items()})
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "languages", "splits", "options", "licence", "what it is"):
        table.add_column(column, overflow="fold", no_wrap=column == "name")
    for name, s in SOURCES.items():
        splits = [f"{x} (unlabelled)" if x in s.unlabelled else x for x in s.splits]
        options = ", ".join(s.option_names)
        table.add_row(name, _languages(s), ", ".join(splits), options, s.licence or "yours", s.title)
    console().print(table)
    echo("With --json: all languages, where the questions are published, and by whom.", err=True)


def _languages(source: Source) -> str:
    """The languages there are, or how many and which of them are asked by default."""
    if len(source.available) <= _MOST_SHOWN:
        return " ".join(source.available) or "any"
    return f"{len(source.available)}, by default {' '.join(source.languages)}"


def _own_spec(what: str, options: DataOptions) -> tuple[str, DataOptions]:
    """A source and its options; the source ``columns`` where what is named is a YAML that describes columns."""
    from calm_ext.errors import CalmError

    if not what.endswith((".yaml", ".yml")):
        return what, options
    if options.spec:
        raise CalmError(f"--spec {options.spec}: {what} is a spec already")
    return "columns", options.replace(spec=what)


@command.command("prepare")
@click.argument("name")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Questions JSONL to write.")
@click.option("--languages", help="Codes, separated by commas.  [default: the source's own]")
@flags(DataOptions, into="options", only=("split", "limit", "data_dir", "path", "spec", "args"))
@click.option("--origin", help="Of xcsqa: paper or hf.  [default: paper where there is a data directory, else hf]")
@click.option("--seed", type=int, help="Of Babel's world.  [default: 0]")
@click.option(
    "--passages",
    type=click.Path(path_type=Path),
    help="Passages JSONL to write, of a source that has some, as medexpqa.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
def prepare(
    name: str,
    output: Path,
    languages: str | None,
    options: DataOptions,
    passages: Path | None,
    force: bool,
    **more: Any,
) -> None:
    """Write the questions of source NAME as a questions JSONL.

    NAME may be a YAML that describes the columns of a benchmark of your own.
    """
    from calm_ext.data import SOURCES, load_joined
    from calm_ext.errors import CalmError
    from calm_ext.jsonl import write_jsonl

    name, options = _own_spec(name, options)
    source = SOURCES[name]
    if passages and source.passages is None:
        having = ", ".join(other for other, entry in SOURCES.items() if entry.passages)
        raise CalmError(f"data source {name} has no passages; these have: {having}")
    if passages and passages.resolve() == output.resolve():
        raise CalmError(f"{output}: questions and passages cannot go to one file")
    for path in (output, passages):
        if path and path.exists() and not force:
            raise CalmError(f"{path}: exists; --force replaces it")
    settings = source.read_options({"path": options.path, **more, **_given(options)})
    with _repairs_on_stderr():
        joined = load_joined(name, split=options.split, languages=_codes(languages), limit=options.limit, **settings)
        questions = joined.questions
        if passages and source.passages:
            published = source.passages(
                options.split or source.splits[0], languages=list(questions[0].versions), **settings
            )
            records = {(p.id, p.language): p for p in published}
            keys = [(q.id, language) for q in questions for language in q.versions]
            count = write_jsonl(passages, (records[key] for key in keys if key in records))
            echo(f"passages for {count} questions and languages: {passages}", err=True)
    write_jsonl(output, questions)
    unlabelled = sum(q.answer is None for q in questions)
    lacking = f", {unlabelled} of them without gold answer" if unlabelled else ""
    echo(f"{len(questions)} questions in {', '.join(questions[0].versions)}{lacking}: {output}", err=True)
    n = len(joined.repairs)
    echo(f"{n} repair{'s' * (n != 1)}", err=True)


@command.command("check")
@click.argument("what", metavar="NAME_OR_FILE")
@click.option("--languages", help="Codes, separated by commas.  [default: the source's own, or all of a file]")
@_sources
@click.option("--against", help="A questions JSONL or SOURCE:SPLIT to look for the same questions in.  "
              "[default: the source's train split]")  # fmt: skip
@json_option
def check(what: str, languages: str | None, options: DataOptions, against: str | None, as_json: bool) -> None:
    """Load questions, prove them parallel, and report what is odd: duplicates, overlap with train, wrong languages.

    NAME_OR_FILE is a data source, a questions JSONL, or a YAML that describes the columns of a benchmark of your own.
    Findings are notes and end with exit code 0; what cannot be used is refused with exit code 2.
    """
    from calm_ext.data import SOURCES
    from calm_ext.data.check import check_questions, overlap
    from calm_ext.errors import CalmError

    named, options = _own_spec(what, options)
    codes, source, split = _codes(languages), SOURCES.get(named), options.split
    with _repairs_on_stderr():
        if source:
            source = source.resolved(source.read_options(_given(options)))
        given = {"--set": options.args, "--data-dir": options.data_dir, "--spec": options.spec}
        unused = [flag for flag, value in given.items() if value]
        if unused and not source and Path(what).exists() and (against or "").partition(":")[0] not in SOURCES:
            raise CalmError(f"{what}: is a file; {' and '.join(unused)} are for data sources")
        joined = _load(named, split, codes, options)
        name = f"{what}:{split or source.splits[0]}" if source else what
        result = check_questions(name, joined, prove=not (source and source.proven))
        used = codes or list(result.languages)
        if against:
            other, _, part = against.partition(":") if against.partition(":")[0] in SOURCES else (against, "", "")
            other, own = _own_spec(other, options.replace(spec=None))
            found = _load(other, part or None, used, own)
            result = result._replace(overlap=overlap(joined.questions, found.questions, against=against))
        elif not source or "train" not in source.splits or split == "train":
            result = result._replace(not_compared="no train split of its own; --against names another set")
        else:
            try:
                found = _load(named, "train", used, options)
                common = overlap(joined.questions, found.questions, against=f"{what}:train")
                result = result._replace(overlap=common)
            except CalmError as error:
                result = result._replace(not_compared=f"the train split cannot be loaded: {error}")
    if as_json:
        print_json(result.as_json())
    else:
        _print_check(result)


def _load(what: str, split: str | None, codes: list[str] | None, options: DataOptions) -> Joined:
    """The questions of a source, or of a file: there each with the languages it has."""
    from calm_ext.data import SOURCES, load_joined
    from calm_ext.data.sources.local import load_any
    from calm_ext.errors import CalmError

    if what in SOURCES:
        settings = SOURCES[what].read_options(_given(options))
        return load_joined(what, split=split, languages=codes, **settings)
    if split:
        raise CalmError(f"{what}: a file has no split {split!r}")
    if not Path(what).exists():
        raise CalmError(
            f"{what}: neither a data source{SOURCES.hint(what)} nor a file; `calm-ext data ls` lists sources"
        )
    return load_any(what, languages=codes)


def _print_check(result: Check) -> None:
    from rich.table import Table

    from calm_ext.data.check import uneven

    echo(f"{result.name}: {result.n_questions} questions")
    table = Table(box=None, pad_edge=False, header_style="bold")
    columns = ("language", "questions", "same options", "of gold", "duplicates", "near", "wrong script")
    for column in columns:
        table.add_column(column, justify="left" if column == "language" else "right")
    for language, own in result.languages.items():
        counts = [own.questions, *(len(x) for x in own[1:])]
        table.add_row(language, *map(str, counts))
    console().print(table)
    letters = ", ".join(f"{letter} {count}" for letter, count in result.gold.items())
    echo(f"gold: {letters}{' (uneven beyond chance)' if uneven(result.gold) else ''}")
    for note in result.notes():
        echo(note)
    if result.not_compared:
        echo(f"not compared with a train split: {result.not_compared}")


command.add_command(import_generations)
