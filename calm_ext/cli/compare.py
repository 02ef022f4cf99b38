"""``calm-ext compare``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from calm_ext.cli.board import board_reading, name_option
from calm_ext.cli.common import interval_text, json_option, number_text, print_json, scoring_options
from calm_ext.cli.logs import log_options
from calm_ext.cli.terminal import console, echo

if TYPE_CHECKING:
    from calm_ext.metrics.compare import Comparison
    from calm_ext.results.log_options import LogOptions


@click.command("compare")
@click.argument("paths", nargs=-1, metavar="BEFORE AFTER", type=click.Path(path_type=Path))
@click.option("--all", "every", is_flag=True, help="Compare every two of the result folders and runs that are named.")
@name_option
@click.option(
    "--flips", type=click.IntRange(0), default=5, show_default=True, help="Ids to print per language and way."
)
@click.option("--mixed-versions", is_flag=True, help="Compare although versions of calm-ext or lm-eval differ.")
@click.option(
    "--passages", is_flag=True, help="What passages do: compare the samples of a task with those of its _rag twin."
)
@log_options
@scoring_options
@json_option
def command(
    paths: tuple[Path, ...],
    every: bool,
    names: Mapping[Path, str],
    logs: LogOptions,
    task: str | None,
    cluster: str | None,
    flips: int,
    mixed_versions: bool,
    passages: bool,
    unlabelled: str,
    resamples: int,
    seed: int,
    as_json: bool,
) -> None:
    """Compare two evaluations of the same questions, question by question.

    BEFORE and AFTER are files or folders as `calm-ext metrics` reads them. Every metric's difference has a 95 %
    interval (paired bootstrap by question) and a p-value: exact McNemar where a question is right or wrong, else the
    bootstrap's. Where too few questions change for the bootstrap, the interval is a score interval (ci95_method in
    --json) and the p-value flips the signs of the questions' differences. With --cluster all is over clusters, and the
    p-values of means are by sign flips. Where that p-value is below .05 and the interval contains 0, the p-value is the
    interval's. The languages are corrected for one another by Holm's method (p_holm); every
    other metric stands for itself. `detectable` is the smallest difference that so many questions would show four times
    in five.

    \b
      calm-ext compare before/ after/                 two evaluations
      calm-ext compare --all results/ runs/demo       every two of several, in one table

    With --all PATH… are result folders, at any depth, and runs, as `calm-ext leaderboard` reads them: results are
    compared where everything but the model is the same, a run is two, NAME before and NAME after, and p (Holm) is
    corrected over all pairs.
    """
    if every:
        if passages or unlabelled == "skip":
            given = "--passages" if passages else "--unlabelled skip"
            raise click.UsageError(f"--all has no {given}: compare two results alone for it")
        _compare_all(
            paths, names, logs, task=task, cluster=cluster, mixed_versions=mixed_versions, resamples=resamples,
            seed=seed, as_json=as_json,
        )  # fmt: skip
        return
    before, after = _two(paths)
    if names:
        raise click.UsageError("--name goes with --all, which names its results")
    from calm_ext.metrics.compare import compare
    from calm_ext.results.answers import read_answers

    found = compare(
        read_answers([before], task=task, logs=logs, cluster=cluster),
        read_answers([after], task=task, logs=logs, cluster=cluster),
        seed=seed,
        resamples=resamples,
        mixed_versions=mixed_versions,
        passages=passages,
        skip_unlabelled=unlabelled == "skip",
    )
    if as_json:
        signed = dict(zip(("before", "after"), found.signatures, strict=True))
        clusters = {"n_clusters": found.n_clusters, "cluster": found.cluster_key} if found.n_clusters else {}
        print_json({m: {**change._asdict(), **clusters, "signature": signed} for m, change in found.changes.items()})
        return
    _print(found, f"{_called(before)} → {_called(after)}")
    _print_flips(found, flips)
    for warning in found.warnings:
        echo(f"note: {warning}", err=True)


def _two(paths: Sequence[Path]) -> tuple[Path, Path]:
    """BEFORE and AFTER.

    Raises:
        click.UsageError: there are fewer or more.
    """
    if len(paths) > 2:
        raise click.UsageError(f"{paths[2]}: compare takes two, BEFORE and AFTER; --all compares every two of more")
    if len(paths) < 2:
        raise click.UsageError(f"Missing argument '{'AFTER' if paths else 'BEFORE'}'.")
    return paths[0], paths[1]


def _compare_all(
    paths: Sequence[Path],
    names: Mapping[Path, str],
    logs: LogOptions,
    *,
    task: str | None,
    cluster: str | None,
    mixed_versions: bool,
    resamples: int,
    seed: int,
    as_json: bool,
) -> None:
    from calm_ext.report.board.pairs import compare_all, pairs_dict, render_pairs
    from calm_ext.report.board.table import make_board

    if not paths:
        raise click.UsageError("Missing argument 'PATH…'.")
    with board_reading():
        board = make_board(
            paths, tasks=(task,) if task else (), logs=logs, cluster=cluster, names=names, copies=True, rank=False
        )
        found = compare_all(board, paths, seed=seed, resamples=resamples, mixed_versions=mixed_versions)
    if as_json:
        print_json(pairs_dict(found, board))
    else:
        out = console()
        for item in render_pairs(found):
            out.print(item)
    alone = [r.label for t in board.tables if t not in [f.table for f in found] for r in t.rows]
    alone += [r.label for f in found for r in f.table.rows if r.label not in f.names]
    for line in [*(f"{x}: compared with nothing" for x in alone), *(f"left out: {x}" for x in board.left_out)]:
        echo(f"note: {line}", err=True)


def _called(path: Path) -> str:
    """How the leaderboard and the view call an evaluation of a run; else the path as it was given."""
    from calm_ext.report.board.names import run_label

    return run_label(path / "results") or run_label(path) or str(path)


def _print(found: Comparison, sides: str) -> None:
    from rich.table import Table

    from calm_ext.metrics.compare import ALPHA
    from calm_ext.metrics.lookup import listed
    from calm_ext.metrics.names import family_of, metric_name

    table = Table(box=None, pad_edge=False, header_style="bold")
    columns = ("metric", "before", "after", "difference", "95 % interval", "p", "p (Holm)", "detectable", "test")
    for column in columns:
        table.add_column(column, justify="left" if column in ("metric", "test") else "right", no_wrap=True)
    for name, c in found.changes.items():
        in_family = bool(family_of(name)[0])
        sure = (c.p_holm if in_family else c.p) < ALPHA
        style = ("green" if c.difference > 0 else "red") if sure else ""
        table.add_row(
            name, number_text(c.before), number_text(c.after), number_text(c.difference, sign=True),
            interval_text(c.ci95, sign=True), _p(c.p), _p(c.p_holm) if in_family else "",
            "" if math.isnan(c.detectable) else f"± {number_text(c.detectable)}", c.test, style=style,
        )  # fmt: skip
    out = console()
    about = f"{sides}: {found.n_questions} questions in {', '.join(found.languages)}"
    about += f", {found.n_clusters} clusters by {found.cluster_key}" if found.n_clusters else ""
    out.print(f"{about}\n", soft_wrap=True)
    out.print(table)
    out.print(f"\n{listed(m for m in found.changes if m != metric_name(m) and not family_of(m)[0])}", soft_wrap=True)
    out.print(f"\n{power_note(found)}", soft_wrap=True)
    for when, signed in zip(("before", "after "), found.signatures, strict=True):
        out.print(f"{when} {signed}", soft_wrap=True, style="dim")


def power_note(found: Comparison) -> str:
    """What this many questions can show, in a sentence."""
    change = found.changes.get("acc") or next(iter(found.changes.values()))
    if math.isnan(change.detectable):
        return f"Power: no answer changed on these {found.n_questions} questions, so what they could show is not known."
    needed = (
        math.ceil(found.n_questions * (change.detectable / abs(change.difference)) ** 2) if change.difference else 0
    )
    note = (
        f"Power: {found.n_questions} questions that change as these did show a difference in accuracy of "
        f"{number_text(change.detectable)} or more four times in five"
    )
    if needed > found.n_questions:
        note += f"; for one of {number_text(abs(change.difference))}, as found, it takes about {needed}"
    return note + "."


def _p(value: float) -> str:
    return "" if math.isnan(value) else "< .001" if value < 0.001 else number_text(value)


def _print_flips(found: Comparison, shown: int) -> None:
    rows = [(x, found.changes[f"acc_{x}"]) for x in found.languages if f"acc_{x}" in found.changes]
    rows = [(x, c) for x, c in rows if c.gained or c.lost]
    if not rows or not shown:
        return
    out = console()
    out.print("\nAnswers that changed between right and wrong (--json has all):", style="bold")
    for language, change in rows:
        out.print(
            f"{language}: {_ids('right', change.gained, shown)}; {_ids('wrong', change.lost, shown)}",
            soft_wrap=True,
        )


def _ids(became: str, ids: list[str], shown: int) -> str:
    more = f" … and {len(ids) - shown} more" if len(ids) > shown else ""
    return f"{len(ids)} answer{'s' * (len(ids) != 1)} became {became}" + (
        f" ({', '.join(ids[:shown])}{more})" if ids else ""
    )
