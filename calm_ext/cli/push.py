"""``calm-ext push``."""

from __future__ import annotations

from pathlib import Path

import click

from calm_ext.cli.common import json_option, print_json
from calm_ext.cli.terminal import echo


@click.command("push")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--repo", required=True, metavar="ORG/NAME", help="The repository on the hub; created if it does not exist."
)
@click.option("--private", is_flag=True, help="Make a new repository private.")
@click.option("--revision", help="Branch to upload to.  [default: main]")
@click.option(
    "--base-model", metavar="ORG/NAME", help="The base model's name on the hub, where the run used a local folder."
)
@click.option(
    "--merged", type=click.Path(path_type=Path), help="Upload this folder of `calm-ext merge` instead of the adapter."
)
@click.option(
    "--include-report/--no-report",
    "report",
    default=None,
    help="Upload report/, which quotes some questions.  [default: where their licence is known to be open]",
)
@click.option(
    "--include",
    multiple=True,
    metavar="FILE",
    help="Upload this file of the run too, as generations.jsonl; repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be uploaded, with sizes; no network.")
@json_option
def command(
    run: Path,
    repo: str,
    private: bool,
    revision: str | None,
    base_model: str | None,
    merged: Path | None,
    report: bool | None,
    include: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Upload the adapter of RUN (a run directory) to the Hugging Face hub, with its model card, recipe and report.

    The adapter lands at the repository's root, where PEFT looks for it. The questions, generations, pairs and samples
    of the run stay here, because their licence may not allow you to publish them; --include uploads a file anyway.

    \b
    calm-ext push runs/demo --repo me/demo --dry-run      what would be uploaded
    calm-ext push runs/demo --repo me/demo --private
    """
    from calm_ext.disk.lock import reading
    from calm_ext.publish.push import plan_push, push

    with reading(run, "push"):
        plan = plan_push(run, repo, base_model=base_model, merged=merged, report=report, include=include)
        for note in plan.notes:
            echo(f"note: {note}", err=True)
        if not as_json:
            for upload in plan.uploads:
                echo(f"{_size(upload.size):>10}  {upload.name}")
            echo(f"{_size(sum(u.size for u in plan.uploads)):>10}  in {len(plan.uploads)} files, to {repo}")
        address = None if dry_run else push(plan, private=private, revision=revision)
    if as_json:
        files = {upload.name: upload.size for upload in plan.uploads}
        print_json({"repo": repo, "files": files, "notes": plan.notes, "url": address})
    elif address:
        echo(address)


def _size(n: int) -> str:
    value = float(n)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
