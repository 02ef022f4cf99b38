"""``calm-ext leaderboard``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from calm_ext.cli.board import board_reading, name_option
from calm_ext.cli.common import cluster_option, json_option, print_json
from calm_ext.cli.logs import log_options
from calm_ext.cli.terminal import console, echo
from calm_ext.results.log_options import LogOptions


@click.command("leaderboard")
@click.argument("results", nargs=-1, required=True, metavar="RESULTS…", type=click.Path(path_type=Path))
@click.option(
    "--sort",
    default="acc",
    show_default=True,
    metavar="METRIC",
    help="A metric by its code or plain name: acc (accuracy), consistency, kappa, acc_fr (accuracy in French), …",
)
@click.option("--task", "tasks", multiple=True, help="Only this task; may be given several times.")
@name_option
@click.option("--markdown", is_flag=True, help="Print Markdown instead of terminal tables.")
@click.option(
    "-o", "--output", metavar="DIR", type=click.Path(path_type=Path),
    help="Also write index.html, leaderboard.md and leaderboard.csv into a folder.",
)  # fmt: skip
@cluster_option
@log_options
@json_option
def command(
    logs: LogOptions,
    results: tuple[Path, ...],
    sort: str,
    tasks: tuple[str, ...],
    names: Mapping[Path, str],
    markdown: bool,
    output: Path | None,
    cluster: str | None,
    as_json: bool,
) -> None:
    """Rank the models whose lm-eval results are below the folders RESULTS…, including runs of `calm-ext align`.

    Results are ranked together only where everything but the model is the same: task and version, number of
    questions, languages, few-shot count, chat template, prompts, parser, passages. All others get tables of their
    own that name the difference. Models share a rank where a paired test on the same questions finds no significant
    difference from the best of that rank. A run is two results, NAME before and NAME after. Results without samples
    (lm_eval --log_samples) cannot be tested and get no rank. Results that cannot be used are listed on stderr. Logs
    of lm-eval's own tasks of one language each are joined over their languages (docs/logs.md).
    """
    with board_reading():
        from calm_ext.report.board.files import check_folder, write_board
        from calm_ext.report.board.table import make_board
        from calm_ext.report.board.write import render_terminal, to_dict, to_markdown

        if output is not None:
            check_folder(output)
        board = make_board(results, sort=sort, tasks=tasks, logs=logs, cluster=cluster, names=names)
    if as_json:
        print_json(to_dict(board))
    elif markdown:
        echo(to_markdown(board), nl=False)
    else:
        out = console()
        for item in render_terminal(board, width=out.width):
            out.print(item)
    for line in board.left_out:
        echo(f"note: left out: {line}", err=True)
    if output is not None:
        for path in write_board(board, output):
            echo(f"wrote {path}", err=True)
