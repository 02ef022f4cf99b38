"""``calm-ext index``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calm_ext.cli.common import json_option, number_text, print_json, refuse_inputs
from calm_ext.cli.options import flags
from calm_ext.cli.screen import on_screen
from calm_ext.cli.terminal import console, echo, new_console
from calm_ext.data.corpora import LAYOUTS
from calm_ext.retrieval.options import SearchOptions

if TYPE_CHECKING:
    from calm_ext.records import Passages

_BOOK_WORDS = 200
_PATH = click.Path(path_type=Path)
_FLAGS = {"k": ["-k"], "dense_model": ["--dense"]}


@click.group("index")
def command() -> None:
    """Index passages; search in them; find passages for questions."""


@command.command("build")
@click.argument("corpora", metavar="CORPUS...", nargs=-1, required=True, type=_PATH)
@click.option("-o", "--output", type=_PATH, required=True, help="Directory to write the index to.")
@click.option(
    "--layout",
    type=click.Choice(LAYOUTS),
    default="jsonl",
    show_default=True,
    help="What CORPUS is: JSONL files; folders of MedQA's textbooks; a copy of MedExpQA or its hub name.",
)
@click.option("--language", "languages", multiple=True, metavar="CODE", help="Of the textbooks, where their folder's "
              "name does not say it; of medexpqa, once for each language to take.  [default: all]")  # fmt: skip
@click.option("--split", help="Of medexpqa.  [default: test]")
@click.option("--dense", type=_PATH, help="Folder of a sentence-transformers model: embed the passages, too.")
@click.option("--query-prefix", default="", help="What goes before a question for the model, as 'query: ' of E5.  "
              "[default: what the model's own files say]")  # fmt: skip
@click.option("--passage-prefix", default="", help="What goes before a passage for the model, as 'passage: '.")
@click.option("--chunk", type=click.IntRange(1), metavar="WORDS", help="Cut longer passages, at the ends of sentences, "
              "into pieces of at most so many words (Chinese and Japanese: characters).  "
              f"[default: {_BOOK_WORDS} for textbooks, else not]")  # fmt: skip
@click.option("--overlap", type=click.IntRange(0), metavar="SENTENCES", help="How many sentences a piece repeats of "
              "the one before.  [default: 1]")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace the index if it is there.")
@json_option
def build(
    corpora: tuple[Path, ...],
    output: Path,
    layout: str,
    languages: tuple[str, ...],
    split: str | None,
    dense: Path | None,
    query_prefix: str,
    passage_prefix: str,
    chunk: int | None,
    overlap: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Build an index of CORPUS.

    \b
    A corpus JSONL has one passage a line:
      {"id": "p1", "language": "en", "title": "Insulin", "text": "…", "answers": ["q1"]}
    title and answers (ids of the questions that it answers) may be left out. Passages of one id in several
    languages are translations of each other. MedQA's textbooks are the folders en, zh_paragraph and zh_sentence.
    """
    from calm_ext.data.corpora import read_layout
    from calm_ext.disk.lock import writing
    from calm_ext.errors import CalmError
    from calm_ext.languages import normalise_code
    from calm_ext.retrieval import Chunking, build_index

    for path in corpora:
        if path.exists() and output.is_dir() and path.resolve().is_relative_to(output.resolve()):
            raise CalmError(f"{output}: {path} lies in it; name another output")
    if (query_prefix or passage_prefix) and not dense:
        raise CalmError("--query-prefix and --passage-prefix are for the model of --dense")
    words = chunk or (_BOOK_WORDS if layout == "medqa-textbooks" else None)
    if overlap is not None and words is None:
        raise CalmError("--overlap needs --chunk: without it passages are not cut")
    with _progress() as show_progress, writing(output, "index build", beside=True):
        summary = build_index(
            read_layout(layout, corpora, languages=[normalise_code(x) for x in languages], split=split),
            output,
            sources=[str(path) for path in corpora],
            dense_model=dense,
            query_prefix=query_prefix,
            passage_prefix=passage_prefix,
            chunk=Chunking(words, 1 if overlap is None else overlap) if words else None,
            force=force,
            progress=show_progress,
        )
    if summary.answers_lost:
        echo(f"note: {summary.answers_lost} of the {summary.split} passages that were cut say which questions "
                   f"they answer; their pieces do not", err=True)  # fmt: skip
    if summary.wordless:
        echo(f"note: {summary.wordless} passages have no word or number: no search by words finds them", err=True)
    if summary.cut_off:
        echo(f"note: {summary.cut_off} passages are longer than the model of --dense reads; their ends are found "
                   f"by words only; --chunk cuts them", err=True)  # fmt: skip
    if as_json:
        print_json({**summary._asdict(), "path": str(summary.path)})
    else:
        counts = ", ".join(f"{language} {n}" for language, n in summary.languages.items())
        echo(f"{sum(summary.languages.values())} passages ({counts}) in {output}, index {summary.fingerprint}")


@command.command("search")
@click.argument("index", metavar="INDEX", type=_PATH)
@click.argument("query")
@click.option("--language", help="Whose passages to search.  [default: that of the index, if it has one only]")
@flags(SearchOptions, into="options", only=("method", "k", "dense_model"), defaults={"k": 5}, names=_FLAGS)
@json_option
def search(index: Path, query: str, language: str | None, options: SearchOptions, as_json: bool) -> None:
    """Show the passages of INDEX that are best for QUERY.

    INDEX is a folder of `calm-ext index build`, or `sample` or `babel`, whose corpora come along.
    """
    from calm_ext.errors import CalmError
    from calm_ext.languages import normalise_code
    from calm_ext.retrieval.grounding import open_index

    opened = open_index(str(index), dense_model=options.dense_model)
    language = normalise_code(language) if language else None
    if not query.strip():
        raise CalmError("the query is empty")
    if language is None and len(opened.languages) > 1:
        raise CalmError(f"{index}: has passages in {', '.join(opened.languages)}; choose by --language")
    found = opened.search(query, language or opened.languages[0], k=options.k, method=options.method)
    if as_json:
        print_json({"index": opened.fingerprint, "method": options.method, "passages": [p.model_dump(
            include={"id", "language", "title", "text", "score"}) for p in found]})  # fmt: skip
        return
    if not found:
        echo("no passage has a word of the query", err=True)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("score", justify="right")
    for column in ("id", "title", "text"):
        table.add_column(column, overflow="fold")
    for passage in found:
        text = " ".join(passage.text.split())
        shown = text if len(text) <= 200 else text[:199] + "…"
        table.add_row(number_text(passage.score or 0.0), passage.id, passage.title, shown)
    console().print(table)


@command.command("show")
@click.argument("index", metavar="INDEX", type=_PATH)
@json_option
def show(index: Path, as_json: bool) -> None:
    """Show what INDEX was made of, and whether it can be used here."""
    from calm_ext.retrieval import Index

    facts = Index.open(index).as_json()
    if as_json:
        print_json(facts)
        return
    counts = ", ".join(f"{language} {n}" for language, n in facts["languages"].items())
    chunk, dense = facts["chunk"], facts["dense"]
    cut = f"at most {chunk['words']} words, overlap of {chunk['overlap']} sentences" if chunk else "as they came"
    for label, text in (
        ("index", facts["fingerprint"]),
        ("passages", f"{facts['n_passages']} ({counts}), {cut}"),
        ("corpus", f"sha256 {facts['corpus_sha256']}, from {', '.join(facts['sources']) or 'memory'}"),
        (
            "words",
            f"{facts['tokenizer']}, BM25 {facts['bm25']['method']} k1={facts['bm25']['k1']} b={facts['bm25']['b']}",
        ),
        ("embeddings", f"{dense['name']} ({dense['folder']})" if dense else "none"),
        ("gold", f"known for {facts['questions_with_gold']} questions"),
        ("versions", ", ".join(f"{name} {version}" for name, version in facts["versions"].items())),
    ):
        echo(f"{label:<11}{text}")


@command.command("passages", short_help="Find passages for parallel questions.")
@click.argument("index", metavar="INDEX", type=_PATH)
@click.argument("questions", metavar="QUESTIONS", type=_PATH)
@click.option("-o", "--output", type=_PATH, required=True, help="Passages JSONL to write.")
@flags(SearchOptions, into="options", names=_FLAGS)
@click.option("--force", is_flag=True, help="Replace the output if it is there.")
@json_option
def passages(index: Path, questions: Path, output: Path, options: SearchOptions, force: bool, as_json: bool) -> None:
    """Find passages for parallel questions in every language they have.

    QUESTIONS is a questions JSONL, as `calm-ext data prepare` writes it. Where the corpus says which passages answer a
    question, recall and MRR are printed: recall@k is the share of questions for which a gold passage is among the first
    k.
    """
    from calm_ext.data.sources.local import load_any
    from calm_ext.errors import CalmError
    from calm_ext.jsonl import write_jsonl
    from calm_ext.retrieval import Retriever, measure
    from calm_ext.retrieval.grounding import open_index

    refuse_inputs(output, questions)
    if output.exists() and not force:
        raise CalmError(f"{output}: exists; --force replaces it")
    opened = open_index(str(index), dense_model=options.dense_model)
    asked = load_any(questions).questions
    retriever = Retriever(opened, options)
    judged: list[Passages] = []

    def found() -> Iterator[Passages]:
        with on_screen() as reporter:
            advance = reporter.progress("questions", len(asked))
            for done, question in enumerate(asked, 1):
                for own in retriever.retrieve(question).values():
                    # Texts are not needed for measuring, and there may be many.
                    light = [p.model_copy(update={"text": "-", "title": ""}) for p in own.passages]
                    judged.append(own.model_copy(update={"passages": light}))
                    yield own
                advance(done)

    count = write_jsonl(output, found())
    for note in retriever.notes:
        echo(f"note: {note}", err=True)
    empty = sum(not own.passages for own in judged)
    if empty:
        echo(f"note: no passage was found for {empty} of {count} questions and languages", err=True)
    signature = f"{options.signature()}|index:{opened.fingerprint}"
    quality = measure(judged, k=options.k, known=retriever.known)
    echo(f"passages for {count} questions and languages: {output}", err=True)
    if as_json:
        print_json({"signature": signature, "n_questions": len(asked), "n_without_passages": empty,
                    "notes": retriever.notes, "quality": quality})  # fmt: skip
    else:
        _print_quality(quality, signature)


def _print_quality(quality: dict[str, Any], signature: str) -> None:
    if not quality["overall"]["n_questions"]:
        echo("the corpus does not say which passages answer these questions: no recall")
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    depths = list(quality["overall"]["recall"])
    if len(depths) > 5:
        depths = [x for x in depths if x in ("1", "3", "5", "10", "20", "50", "100") or x == depths[-1]]
    columns = ["language", "questions", "without gold", *(f"recall@{x}" for x in depths), "MRR"]
    for column in columns:
        table.add_column(column, justify="left" if column == "language" else "right")
    for name, own in {**quality["languages"], "all": quality["overall"]}.items():
        values = [number_text(own["recall"][x]) for x in depths]
        table.add_row(name, str(own["n_questions"]), str(own["without_gold"]), *values, number_text(own["mrr"]))
    console().print(table)
    echo(signature)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, int, int | None], None]]:
    """A bar on stderr for each step; the bars disappear at the end."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = new_console(stderr=True)
    with Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def advance(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield advance
