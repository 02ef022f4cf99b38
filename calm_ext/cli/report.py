"""``calm-ext report``."""

from __future__ import annotations

from pathlib import Path

import click

from calm_ext.cli.common import json_option, print_json
from calm_ext.cli.terminal import echo, new_console
from calm_ext.disk.lock import held
from calm_ext.errors import CalmError


@click.command("report")
@click.argument("run", type=click.Path(path_type=Path))
@json_option
def command(run: Path, as_json: bool) -> None:
    """Write the report of RUN (a run directory) again from its files, and print a summary."""

    from calm_ext.files.decode import read_table
    from calm_ext.report import write_report
    from calm_ext.report.terminal import print_summary

    if not (run / "manifest.json").is_file():
        raise CalmError(f"{run}: is no run directory (no manifest.json); `calm-ext align` makes one")
    with held(run, "report"):
        index = write_report(run)
        values = read_table(run / "summary.json")
    if as_json:
        print_json(values)
        return
    print_summary(values, new_console())
    echo(f"report: {index}")
