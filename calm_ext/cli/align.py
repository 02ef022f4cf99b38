"""``calm-ext align``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from calm_ext.cli.common import json_option, print_json, trust_option
from calm_ext.cli.terminal import echo, new_console
from calm_ext.pipeline.stages import STAGES

if TYPE_CHECKING:
    from calm_ext.pipeline.run import PlannedStage


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
@click.option(
    "--machine-rank",
    type=click.IntRange(min=0),
    help="The number of this machine, where launch.accelerate_config has several: 0 leads, the others take part.  "
    "[default: that of srun, else machine_rank of the config]",
)
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
    machine_rank: int | None,
    profile: bool,
    trust_remote_code: bool,
    as_json: bool,
) -> None:
    """Run RECIPE (a file, or the name of one that comes along, as `demo`) from samples to report.

    Stages: questions, retrieve (where the recipe has retrieval), before, sample, vote, pairs, train, after, report. Run
    the same command again to continue after an interruption: what is finished and unchanged is skipped, and changing a
    key repeats only what depends on it.

    Where launch.accelerate_config has several machines, start the command on each, in one folder that all share. The
    machine of rank 0 does the run; the others share its sampling, evaluation and training, and end when it ends.

    \b
    calm-ext align demo                                   the embedded default, a few minutes on two cores
    calm-ext align recipes/llama.yaml --dry-run           what a run would do
    calm-ext align my.yaml --set training.seed=1 --run runs/seed1
    calm-ext align my.yaml --machine-rank 1               on the second machine
    srun --ntasks-per-node=1 calm-ext align my.yaml       on all nodes of a Slurm job
    """
    from calm_ext.cli.screen import on_quiet_screen
    from calm_ext.cli.screen.end import end_of_run
    from calm_ext.files.decode import read_table
    from calm_ext.models.device import seconds_since_start
    from calm_ext.models.processes.machines import rank_of_machine
    from calm_ext.pipeline.bundled import find_recipe
    from calm_ext.pipeline.recipe import load_recipe
    from calm_ext.pipeline.run import Pipeline, take_part
    from calm_ext.report.timing import Timing, print_timing

    path = find_recipe(recipe)
    checked = load_recipe(path, overrides=overrides, trust_remote_code=trust_remote_code)
    rank = rank_of_machine(checked.launch, machine_rank)
    if rank > 0 and not dry_run:
        take_part(checked, run_dir, rank, say=lambda message: echo(message, err=True))
        return
    with on_quiet_screen() as reporter:
        pipeline = Pipeline(checked, run_dir, reporter=reporter, retry=retry)
        plan = pipeline.plan(stop_after=stop_after) if dry_run else None
        startup = seconds_since_start()
        if plan is None:
            pipeline.run(stop_after=stop_after)
    folder = pipeline.dir.path
    if plan is not None:
        _print_plan(plan, path, folder, as_json)
        return
    timing = None
    if profile:
        known = pipeline.dir.manifest["stages"]
        stages = {s.name: known[s.name] for s in pipeline.stages if s.name in known}
        timing = Timing.of(stages, ran=pipeline.ran, startup=startup, total=seconds_since_start())
    values = {} if stop_after else read_table(folder / "summary.json")
    if as_json:
        found = values or {"run": str(folder), "stopped_after": stop_after, "ran": pipeline.ran}
        print_json({**found, **({"profile": timing.as_dict()} if timing else {})})
        return
    end_of_run(folder, values, seconds=seconds_since_start(), stopped_after=stop_after, console=new_console())
    if timing:
        print_timing(timing, new_console())


def _print_plan(plan: list[PlannedStage], recipe: Path, run: Path, as_json: bool) -> None:
    from rich.table import Table

    if as_json:
        print_json({"recipe": str(recipe), "run": str(run), "plan": [p._asdict() for p in plan]})
        return
    table = Table(title=f"{recipe}, in {run}", title_justify="left", box=None)
    table.add_column("stage", style="bold")
    table.add_column("would do", overflow="fold")
    for item in plan:
        table.add_row(item.name, item.note)
    new_console().print(table)
