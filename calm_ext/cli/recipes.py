"""``calm-ext recipes``."""

from __future__ import annotations

from pathlib import Path

import click

from calm_ext.cli.terminal import echo
from calm_ext.errors import CalmError


@click.group("recipes")
def command() -> None:
    """List, show, copy and check recipes. The bundled ones need no checkout."""


@command.command("ls")
def ls() -> None:
    """List the bundled recipes."""
    from calm_ext.pipeline.bundled import purpose, recipe_names, recipes_dir

    for name in recipe_names():
        echo(f"{name:20} {purpose(recipes_dir() / f'{name}.yaml')}")


@command.command("show")
@click.argument("name")
def show(name: str) -> None:
    """Print a recipe."""
    from calm_ext.files.texts import read_text
    from calm_ext.pipeline.bundled import find_recipe

    echo(read_text(find_recipe(name)), nl=False)


@command.command("cp")
@click.argument("name")
@click.argument("target", type=click.Path(path_type=Path), required=False)
def cp(name: str, target: Path | None) -> None:
    """Copy a recipe to TARGET (default: its name, here), to change it; an existing file is not overwritten."""
    from calm_ext.files.texts import read_text
    from calm_ext.files.writing import atomic_write
    from calm_ext.pipeline.bundled import find_recipe

    source = find_recipe(name)
    goal = target or Path(source.name)
    if goal.is_dir():
        goal = goal / source.name
    if goal.exists():
        raise CalmError(f"{goal}: is there already and was left alone; name another target")
    atomic_write(goal, read_text(source))
    echo(str(goal))


@command.command("validate")
@click.argument("recipes", nargs=-1, required=True)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a recipe key.")
def validate(recipes: tuple[str, ...], overrides: tuple[str, ...]) -> None:
    """Check recipes without running them, and print all problems at once."""
    from calm_ext.harness.evaluate import no_task, unknown_tasks
    from calm_ext.pipeline.bundled import find_recipe
    from calm_ext.pipeline.recipe import load_recipe

    problems = []
    for name in recipes:
        try:
            recipe = load_recipe(find_recipe(name), overrides=overrides, trust_remote_code=None)
            missing = unknown_tasks(recipe.evaluation.tasks)
            if missing:
                raise CalmError(f"{name}: evaluation.tasks: {no_task(missing)}")
            echo(f"{name}: valid")
        except CalmError as error:
            problems.append(str(error))
    if problems:
        raise CalmError("\n".join(problems))
