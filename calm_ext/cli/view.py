"""``calm-ext view``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from calm_ext.cli.board import board_reading, name_option
from calm_ext.cli.common import cluster_option, json_option, print_json
from calm_ext.cli.logs import log_options
from calm_ext.cli.terminal import echo
from calm_ext.results.log_options import LogOptions


@click.command("view")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", default=Path("view"), show_default=True, metavar="FOLDER", type=click.Path(path_type=Path),
    help="The folder of the page; a view that is there is replaced, anything else is left alone.",
)  # fmt: skip
@name_option
@click.option("--task", "tasks", multiple=True, help="Only this task; may be given several times.")
@click.option(
    "--sort", default="acc", show_default=True, metavar="METRIC",
    help="The metric that ranks are by at first, by its code or plain name: acc (accuracy), consistency, …",
)  # fmt: skip
@click.option(
    "--responses", type=click.IntRange(0), default=600, show_default=True, metavar="CHARACTERS",
    help="Keep this much of each text that a model wrote; 0 leaves them out, for a smaller folder.",
)  # fmt: skip
@click.option("--title", default="", help="Of the page; default: Accuracy and agreement across languages.")
@click.option("--publish", is_flag=True, help="Also write the README.md that a static Space of the hub needs.")
@cluster_option
@log_options
@json_option
def command(
    logs: LogOptions,
    paths: tuple[Path, ...],
    output: Path,
    names: Mapping[Path, str],
    tasks: tuple[str, ...],
    sort: str,
    responses: int,
    title: str,
    publish: bool,
    cluster: str | None,
    as_json: bool,
) -> None:
    """Write one page for the runs and result folders PATH…: from the leaderboard down to every answer.

    The page opens from disk and needs no server: table → a model's agreement by pair of languages → the questions →
    every answer in every language, and the difference of any two models. It loads what it shows in parts, so that 200
    models with 1,000 questions in ten languages stay usable. A run of `calm-ext align` is two entries, NAME before and
    NAME after. Answers and questions need the samples that lm_eval writes with --log_samples (docs/view.md).
    """
    with board_reading():
        from calm_ext.disk.lock import writing
        from calm_ext.report.board.table import make_board
        from calm_ext.report.board.write import headline
        from calm_ext.report.view.write import check_folder, write_view

        check_folder(output)
        board = make_board(paths, sort=sort, tasks=tasks, logs=logs, cluster=cluster, names=names, copies=True)
        with writing(output, "view", beside=True):
            view = write_view(board, output, logs=logs, responses=responses, publish=publish, title=title)
    notes = [*(f"left out: {line}" for line in board.left_out), *view.notes]
    if publish:
        notes.append("the folder has the questions' texts; look at their licence before you publish it")
    if as_json:
        kept = ("key", "finding", "entries", "n", "languages")
        tables = [{k: t[k] for k in kept} for t in view.tables]
        print_json({
            "output": str(view.folder), "files": view.files, "bytes": view.size, "headline": headline(board),
            "tables": tables, "notes": notes,
        })  # fmt: skip
    else:
        echo(headline(board))
        echo(f"{view.folder / 'index.html'}: {_count(view.tables)} in {view.files} files, {view.size / 1e6:.1f} MB")
    for line in notes:
        echo(f"note: {line}", err=True)


def _count(tables: list[dict[str, object]]) -> str:
    """How much a view holds, in words."""
    entries = sum(int(str(t["entries"])) for t in tables)
    return f"{entries} result{'s' if entries != 1 else ''} in {len(tables)} table{'s' if len(tables) != 1 else ''}"
