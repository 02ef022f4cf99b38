"""``calm-ext study``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calm_ext.cli.common import json_option, print_json, trust_option
from calm_ext.cli.terminal import console, echo

if TYPE_CHECKING:
    from calm_ext.study.plan import Plan


@click.command("study")
@click.argument("study")
@click.option("--run", "run_dir", type=click.Path(path_type=Path), help="Folder of the study.  [default: runs/<name>]")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE",
    help="Override a key of the study's recipe in all cells, as data.data_dir=FOLDER.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print the cells, what each would do and share, and the time expected.")
@click.option("--results", is_flag=True, help="Write the results of the cells that are finished, and run none.")
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Cells to run at once, a process each."
)
@trust_option
@json_option
def command(
    study: str,
    run_dir: Path | None,
    overrides: tuple[str, ...],
    dry_run: bool,
    results: bool,
    jobs: int,
    trust_remote_code: bool,
    as_json: bool,
) -> None:
    """Run a recipe over a grid of settings, seeds and folds, and test what is claimed of it.

    STUDY is a YAML file, or the name of a study that comes along, as `methods-babel`. It names a recipe, the values to
    `vary`, the `seeds`, and the `claims`; docs/studies.md has an example. Every combination is a cell, a whole run in
    runs/<name>/cells/. Cells share the stages on which they agree: one sampling serves all methods.

    Run the same command again to continue after an interruption: finished cells are left alone. A cell that fails does
    not stop the others. Results are in study.json, study.md and index.html.

    \b
    calm-ext study methods-babel --dry-run       the cells, and how long they will take
    calm-ext study my.yaml --jobs 2              two cells at a time
    """
    from calm_ext.cli.screen import cells_on_screen
    from calm_ext.errors import RunError
    from calm_ext.study.read import find_study, read_study
    from calm_ext.study.run import plan_study, results_so_far, run_study

    read = read_study(find_study(study), overrides=overrides, trust_remote_code=trust_remote_code)
    folder = run_dir or Path("runs") / read.options.name
    if dry_run:
        plan = plan_study(read, folder)
        if as_json:
            print_json({"study": read.path, "run": str(folder), **plan.as_json()})
        else:
            _print_plan(plan, jobs, f"{read.path}, in {folder}")
        return
    if results:
        _print_results(results_so_far(read, folder), folder, as_json)
        return
    with cells_on_screen(folder) as cells:
        done = run_study(read, folder, jobs=jobs, watcher=cells)
    _print_results(done.results, folder, as_json)
    if done.failed:
        lines = [f"cell {name} failed: {error}" for name, error in done.failed.items()]
        raise RunError("\n".join([*lines, "the same command runs failed cells again"]))


def _print_results(results: dict[str, Any], folder: Path, as_json: bool) -> None:
    from calm_ext.study.tables import render

    if as_json:
        print_json(results)
        return
    for part in render(results):
        console().print(part, soft_wrap=True)
    echo(f"page: {folder / 'index.html'}")
    if results["effects"]:
        echo(f"what changed, and why: calm-ext explain {shlex.quote(str(folder))}")


def _print_plan(plan: Plan, jobs: int, title: str) -> None:
    from rich.table import Table

    from calm_ext.report.words import duration

    cells = [r for r in plan.runs if r.cell]
    out = console()
    out.print(f"{title}: {len(cells)} cells, {sum(r.finished for r in cells)} of them finished\n")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("cell", "runs", "takes over", "done"):
        table.add_column(column)
    for run in plan.runs:
        by = {
            w: [s for s, what in run.stages.items() if what in w] for w in (("runs",), ("shared", "taken"), ("done",))
        }
        name = run.cell.name if run.cell else run.place
        table.add_row(name, *(", ".join(own) if len(own) < len(run.stages) else "all" for own in by.values()))
    out.print(table)
    out.print()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("stage", "runs", "shared", "done", "mean time"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for stage, n in plan.counts.items():
        known = duration(plan.seconds[stage]) if stage in plan.seconds else "not known yet"
        table.add_row(stage, str(n["runs"]), str(n["shared"] + n["taken"]), str(n["done"]), known)
    out.print(table)
    expected = plan.expected(jobs=jobs)
    if any(not r.finished for r in plan.runs):
        said = "not known before each stage has run once" if expected is None else f"about {duration(expected)}"
        out.print(f"\ntime left with --jobs {jobs}: {said}")
