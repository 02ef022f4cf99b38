"""``calm-ext align``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from calm_ext.cli.common import json_option, print_json, trust_option
from calm_ext.cli.terminal import echo, new_console
from calm_ext.pipeline.stages import STAGES

if TYPE_CHECKING:
    from calm_ext.pipeline.run import Pipeline


@click.command("align")
@click.argument("recipe")
@click.option("--run", "run_dir", type=click.Path(path_type=Path), help="Run directory.  [default: runs/<name>]")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a recipe key, as training.beta=0.2."
)
@click.option("--dry-run", is_flag=True, help="Check the recipe and print the plan with counts; load no model.")
@click.option(
    "--stop-after",
    type=click.Choice([s.name for s in STAGES]),
    help="Stop when this stage is done; the same command without it continues.",
)
@click.option("--retry", is_flag=True, help="Ask again for responses that are missing; those that are there stay.")
@click.option("--profile", is_flag=True, help="Say at the end where the time went, and how much of it into the model.")
@trust_option
@json_option
def command(
    recipe: str,
    run_dir: Path | None,
    overrides: tuple[str, ...],
    dry_run: bool,
    stop_after: str | None,
    retry: bool,
    profile: bool,
    trust_remote_code: bool,
    as_json: bool,
) -> None:
    """Run RECIPE (a file, or the name of one that comes along, as `demo`) from samples to report.

    Stages: questions, retrieve (where the recipe has retrieval), before, sample, vote, pairs, train, after, report. Run
    the same command again to continue after an interruption: what is finished and unchanged is skipped, and changing a
    key repeats only what depends on it.

    \b
    calm-ext align demo                                   the embedded default, a few minutes on two cores
    calm-ext align recipes/llama.yaml --dry-run           what a run would do
    calm-ext align my.yaml --set training.seed=1 --run runs/seed1
    """
    from rich.table import Table

    from calm_ext.files.decode import read_table
    from calm_ext.models.device import seconds_since_start
    from calm_ext.pipeline.bundled import find_recipe
    from calm_ext.pipeline.recipe import load_recipe
    from calm_ext.pipeline.run import Pipeline

    path = find_recipe(recipe)
    checked = load_recipe(path, overrides=overrides, trust_remote_code=trust_remote_code)
    pipeline = Pipeline(checked, run_dir, retry=retry)
    if dry_run:
        plan = pipeline.plan(stop_after=stop_after)
        if as_json:
            print_json({"recipe": str(path), "run": str(pipeline.dir.path), "plan": [p._asdict() for p in plan]})
            return
        table = Table(title=f"{path}, in {pipeline.dir.path}", title_justify="left", box=None)
        table.add_column("stage", style="bold")
        table.add_column("would do", overflow="fold")
        for item in plan:
            table.add_row(item.name, item.note)
        new_console().print(table)
        return
    startup = seconds_since_start()
    _run(pipeline, stop_after)
    timing = None
    if profile:
        from calm_ext.report.timing import Timing, print_timing

        known = pipeline.dir.manifest["stages"]
        stages = {s.name: known[s.name] for s in pipeline.stages if s.name in known}
        timing = Timing.of(stages, ran=pipeline.ran, startup=startup, total=seconds_since_start())
    values = {} if stop_after else read_table(pipeline.dir / "summary.json")
    if as_json:
        found = values or {"run": str(pipeline.dir.path), "stopped_after": stop_after, "ran": pipeline.ran}
        print_json({**found, **({"profile": timing.as_dict()} if timing else {})})
        return
    if values:
        from calm_ext.report.terminal import print_summary

        print_summary(values, new_console())
        _print_moved(pipeline.dir.path)
    if timing:
        print_timing(timing, new_console())
    if values:
        _next(pipeline.dir.path, seconds_since_start())


def _run(pipeline: Pipeline, stop_after: str | None) -> None:
    """Run it on a live screen, or in lines where there is no terminal; what libraries print goes to ``run.log``."""
    from calm_ext.cli.progress import ConsoleReporter
    from calm_ext.cli.quiet import LOG, quietly, shown_to
    from calm_ext.cli.screen import Screen

    with quietly() as quiet:
        console = new_console(file=quiet.out)
        is_live = console.is_terminal and not console.is_dumb_terminal
        with Screen(console) if is_live else ConsoleReporter(console) as reporter:
            pipeline.context.reporter = reporter
            with shown_to(reporter.warn, reporter.bar):
                pipeline.run(stop_after=stop_after, began=lambda: quiet.into(pipeline.dir / LOG))


def _print_moved(run: Path) -> None:
    """Three of the questions whose answers changed."""
    from calm_ext.report.collect import read_run
    from calm_ext.report.explain.shown import moved_questions

    console = new_console()
    for part in moved_questions(read_run(run)):
        console.print(part)


def _next(run: Path, seconds: float) -> None:
    """How long it took, and what to do now."""
    from calm_ext.report.words import duration

    echo(f"\n{duration(seconds)} in all. Next:")
    for what, command in (
        ("look at it", f"open {run / 'report/index.html'} in a browser"),
        ("what moved, and why", f"calm-ext explain {run}"),
        ("use the model", f"calm-ext merge {run} -o models/{run.name}"),
        ("share it", f"calm-ext push {run} --repo YOU/{run.name} --dry-run"),
    ):
        echo(f"  {what + ':':<21} {command}")
