"""``calm-ext tune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calm_ext.cli.common import json_option, print_json, trust_option
from calm_ext.cli.terminal import console, echo

if TYPE_CHECKING:
    from calm_ext.study.tune import Tuned


@click.command("tune")
@click.argument("recipe")
@click.option(
    "--try", "tries", multiple=True, metavar="KEY=V1,V2,…",
    help="A key and values to try besides the recipe's own, as training.learning_rate=1e-4,4e-4; keys are tried in the "
    "order given.  [default: learning rate, NLL weight, share of votes kept, epochs]",
)  # fmt: skip
@click.option(
    "--run", "run_dir", type=click.Path(path_type=Path), help="Folder of the trials.  [default: runs/<name>-tune]"
)
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a recipe key, as data.limit=400."
)
@click.option(
    "--heldout-share", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.25, show_default=True,
    help="Share of the asked questions that no trial trains on.",
)  # fmt: skip
@click.option(
    "--heldout-questions", type=click.IntRange(10), default=100, show_default=True,
    help="At most so many of them judge a trial.",
)  # fmt: skip
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Trials to run at once.")
@click.option("--dry-run", is_flag=True, help="Print what would be tried, and train nothing.")
@trust_option
@json_option
def command(
    recipe: str,
    tries: tuple[str, ...],
    run_dir: Path | None,
    overrides: tuple[str, ...],
    heldout_share: float,
    heldout_questions: int,
    jobs: int,
    dry_run: bool,
    trust_remote_code: bool,
    as_json: bool,
) -> None:
    """Choose training settings of RECIPE without gold labels.

    One key after the other is tried at several values, each a training on the questions that the recipe asks, less a
    share that is held out. Judged is what the languages answer on the held-out ones against what the untrained model
    elected in the other languages. A value replaces the recipe's own only where it is clearly better. Questions that
    the recipe is evaluated on take no part.

    The tuned recipe is written to recipe.yaml in the folder, ready for `calm-ext align`. The same command continues
    after an interruption.

    \b
    calm-ext tune my.yaml --dry-run
    calm-ext tune my.yaml --set data.limit=400
    calm-ext tune my.yaml --try training.learning_rate=1e-4,4e-4 --try training.epochs=2
    """
    from calm_ext.cli.screen import cells_on_screen
    from calm_ext.pipeline.bundled import find_recipe
    from calm_ext.pipeline.recipe import changed_recipe, read_recipe
    from calm_ext.study.tune import check_tries, tune, usual_tries

    path = find_recipe(recipe)
    checked = changed_recipe(read_recipe(path), overrides, where=str(path), trust_remote_code=trust_remote_code)
    wanted = check_tries(checked, _read(tries) or usual_tries(checked))
    folder = run_dir or Path("runs") / f"{checked.name}-tune"
    if dry_run:
        if as_json:
            print_json({"recipe": str(path), "run": str(folder), "tries": wanted})
            return
        for key, values in wanted.items():
            echo(f"{key}: {', '.join(f'{v:g}' if isinstance(v, float) else str(v) for v in values)}")
        trainings = 1 + sum(len(v) - 1 for v in wanted.values())
        echo(f"{trainings} trainings at most, in {folder}; trials share sampling, votes and pairs")
        return
    with cells_on_screen(folder) as cells:
        found = tune(
            checked.model_dump(mode="json"), wanted, folder, where=str(path), heldout_share=heldout_share,
            heldout_questions=heldout_questions, jobs=jobs, watcher=cells,
        )  # fmt: skip
    if as_json:
        print_json({**found.as_json(), "run": str(folder)})
        return
    _print(found)
    echo(f"tuned recipe: {folder / 'recipe.yaml'}")


def _read(tries: tuple[str, ...]) -> dict[str, list[Any]]:
    """``--try`` as key -> values.

    Raises:
        click.UsageError: an item is not KEY=V1,V2.
    """
    import yaml

    found: dict[str, list[Any]] = {}
    for item in tries:
        key, equals, text = item.partition("=")
        try:
            values = yaml.safe_load(f"[{text}]")
        except yaml.YAMLError:
            values = None
        if not equals or not key or not values:
            raise click.UsageError(f"--try {item}: KEY=V1,V2 was expected, as training.learning_rate=1e-4,4e-4")
        found[key] = [_number(v) for v in values]
    return found


def _number(value: Any) -> Any:
    """YAML 1.1 reads 1e-4 as a string."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _print(found: Tuned) -> None:
    from rich.table import Table

    from calm_ext.report.words import interval, number
    from calm_ext.study.options import label

    out = console()
    for done in found.rounds:
        kept = "stays" if done.key not in found.changes else f"becomes {label(done.chosen)}"
        table = Table(title=f"{done.key} {kept}", title_justify="left", title_style="bold", box=None, pad_edge=False)
        for column in ("value", "score", "against the recipe's own", "", "step kept", "warnings"):
            table.add_column(column, justify="left" if column in ("value", "") else "right")
        for row in done.rows():
            if row["error"]:
                table.add_row(label(row["value"]), "failed", row["error"])
                continue
            own = "difference" not in row
            difference = (
                ""
                if own
                else f"{number(row['difference'], signed=True)} {interval([row['low'], row['high']], signed=True)}"
            )
            word = "the recipe's own" if own else "clearly better" if row["clearly_better"] else "not clearly better"
            table.add_row(
                label(row["value"]), number(row["score"]), difference, word, str(row["step"]), str(row["warnings"])
            )
        out.print(table)
        first = next(row for row in done.rows() if not row["error"])
        out.print(
            f"untrained {number(first['untrained'])}, on {first['n_questions']} held-out questions without gold\n"
        )
    if not found.changes:
        out.print("No value is clearly better than the recipe's own, which stays as it is.")
