"""What a run says at its end: did it work, how long it took, what was measured, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calm_ext.report.verdict import headline
from calm_ext.report.words import duration

if TYPE_CHECKING:
    from rich.console import Console


def end_of_run(
    run: Path, summary: Mapping[str, Any], *, seconds: float, stopped_after: str | None, console: Console
) -> None:
    """Print the verdict, the time, what each task shows, some questions that moved, and the next commands.

    Args:
        summary: as summary.json has it; empty where the run was to stop before its report.
        seconds: since the command began.
    """
    from rich.text import Text

    from calm_ext.report.collect import read_run
    from calm_ext.report.explain.shown import first_moved, moved_questions
    from calm_ext.report.terminal import render_short

    took = Text(f"{duration(seconds)} in all", style="dim")
    if not summary:
        console.print(Text(f"stopped after {stopped_after}, as asked; without --stop-after the same command goes on"))
        console.print(took)
        return
    verdict, *parts = render_short(summary)
    data = read_run(run)
    for part in (verdict, took, *parts, *moved_questions(data)):
        console.print(part)
    console.print(Text("\nnext", style="bold"))
    steps = next_steps(run, summary)
    if moved := first_moved(data):
        steps.insert(2, ("why one question did", f"calm-ext explain {shlex.quote(str(run))} --id {shlex.quote(moved)}"))
    if (data.recipe.get("data") or {}).get("source") == "babel":
        steps.append(("check a real model", "calm-ext check MODEL"))
    width = max(len(what) for what, _ in steps)
    for what, command in steps:
        console.print(Text.assemble(f"  {what:<{width}}  ", (command, "cyan")), soft_wrap=True)


def next_steps(run: Path, summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What to do with a finished run, each with the command or the file.

    A model that became better is used and shared, one that did not is tried with other settings, and one that is worse,
    or is the untrained one, is not used.
    """
    folder, name = shlex.quote(str(run)), run.resolve().name
    tune = f"calm-ext tune {shlex.quote(str(run / 'recipe.yaml'))} --run {shlex.quote(f'{run}-tune')}"
    tone = headline(summary)[0]
    is_untrained = (summary.get("training") or {}).get("chosen_step") == 0
    steps = [
        ("look at it", f"{run / 'report/index.html'} in a browser"),
        ("what changed, and why", f"calm-ext explain {folder}"),
    ]
    if tone != "good" or is_untrained:
        steps.append(("try other settings", tune))
    if tone != "bad" and not is_untrained:
        steps.append(("use the model", f"calm-ext merge {folder} -o {shlex.quote(f'models/{name}')}"))
    if tone == "good" and not is_untrained:
        steps.append(("share it", f"calm-ext push {folder} --repo {shlex.quote(f'YOU/{name}')} --dry-run"))
    return steps
