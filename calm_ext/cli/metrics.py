"""``calm-ext metrics``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from calm_ext.cli.common import json_option, print_json, scoring_options
from calm_ext.cli.logs import log_options
from calm_ext.cli.terminal import console, echo
from calm_ext.files.shown import fixed

if TYPE_CHECKING:
    from calm_ext.metrics.measure import Measured
    from calm_ext.results.log_options import LogOptions


@click.command("metrics")
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@click.option("--by-pair", is_flag=True, help="Print the matrix of the pairs of languages, too.")
@click.option("--all", "everything", is_flag=True, help="Print every metric, not the headline and languages only.")
@log_options
@scoring_options
@json_option
def command(
    files: tuple[Path, ...], by_pair: bool, everything: bool, logs: LogOptions, task: str | None, unlabelled: str,
    cluster: str | None, resamples: int, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Score answers without a model: metrics with standard error, 95 % interval and chance line, and a line a language.

    Intervals are the bootstrap's over questions (over their clusters with --cluster). Where too few questions differ
    from the others for it, they are score intervals, and a note (in --json ci95_method) says which.

    The headline is accuracy, consistency, agreeing and right, Fleiss' kappa, and the accuracy of the worst language;
    --all prints the other metrics, and --json has them all.

    FILE is a samples_*.jsonl that lm_eval --log_samples wrote for a calm_ task, a folder that holds one, or predictions
    JSONL, one question a line:

    \b
      {"id": "q1", "answer": 2, "predictions": {"en": 2, "sw": null}, "scores": {"en": [0.1, …], "sw": […]}}

    where null is an answer that could not be read; with the optional scores (one per option, higher is better) rankings
    are compared, too. Several files are parts of one evaluation: other questions, or the same in other languages.

    Logs of lm-eval's own tasks of one language each (belebele, global_mmlu_full, xcopa, …) are joined over their
    languages by the questions' keys; docs/logs.md lists the families that are known, and how others are described.
    """
    from calm_ext.metrics.measure import measure
    from calm_ext.results.answers import read_answers

    answers = read_answers(files, task=task, logs=logs, cluster=cluster)
    found = measure(answers, seed=seed, resamples=resamples, skip_unlabelled=unlabelled == "skip")
    if as_json:
        print_json({
            "signature": found.signature, "n_questions": found.n_questions, "languages": found.languages,
            "metrics": found.metrics, "stderr": found.stderr, "ci95": found.ci95, "ci95_method": found.ci95_method,
            "n": found.n, "chance": found.chance,
            "rankc_floor": found.rankc_floor, "by_pair": found.by_pair, "warnings": found.warnings,
            "pivots": found.pivots, "n_right": found.n_right, "answered_by_language": found.answered,
            **({"n_clusters": found.n_clusters, "cluster": found.cluster_key} if found.n_clusters else {}),
            **({"left_out": found.left_out} if found.left_out else {}),
            **({"letter_bias": found.letter_bias} if found.letter_bias else {}),
        })  # fmt: skip
        return
    from calm_ext.report.measured import render_measured

    out = console()
    for part in render_measured(found, everything=everything):
        out.print(part, soft_wrap=True)
    if by_pair:
        _print_pairs(found)
    if found.letter_bias:
        listed = ", ".join(f"{x} {value:.2f}" for x, value in found.letter_bias.items())
        echo(f"note: letters are answered unevenly by this much (0 is even): {listed}", err=True)
    for warning in found.warnings:
        echo(f"note: {warning}", err=True)


def _print_pairs(found: Measured) -> None:
    from rich.table import Table

    if not found.by_pair:
        return
    ranked = "rankc" in next(iter(found.by_pair.values()))
    title = "consistency above the diagonal" + (", rankc below" if ranked else "")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for language in found.languages:
        table.add_column(language, justify="right", no_wrap=True)
    for row, first in enumerate(found.languages):
        cells = []
        for column, second in enumerate(found.languages):
            pair = found.by_pair.get(f"{first}-{second}") or found.by_pair.get(f"{second}-{first}") or {}
            value = pair.get("consistency" if column > row else "rankc") if column != row else None
            cells.append("" if value is None else fixed(value))
        table.add_row(first, *cells)
    out = console()
    out.print(f"\n{title}", style="bold")
    out.print(table)
