"""The recipes that come along: in a checkout below ``recipes/``, installed inside the package."""

from __future__ import annotations

from pathlib import Path

from calm_ext.errors import CalmError


def recipes_dir() -> Path:
    """The directory of the recipes that come along.

    Raises:
        CalmError: the installation has none.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "recipes", package.parent / "recipes"):
        if (folder / "demo.yaml").is_file():
            return folder
    raise CalmError("this installation has no recipes; reinstall calm-ext")


def recipe_names() -> list[str]:
    """Their names, without ``.yaml``."""
    return sorted(p.stem for p in recipes_dir().glob("*.yaml"))


def find_recipe(name: str) -> Path:
    """A path as it stands, or else the recipe of that name, or ``recipes/NAME.yaml``, that comes along.

    Raises:
        CalmError: there is neither; names what there is.
    """
    path = Path(name)
    if path.is_file():
        return path
    stem = path.name.removesuffix(".yaml")
    if path.parent in (Path("."), Path("recipes")) and stem in recipe_names():
        return recipes_dir() / f"{stem}.yaml"
    raise CalmError(f"{name}: no such recipe file; these come along: {', '.join(recipe_names())}")


def purpose(path: Path) -> str:
    """The recipe's own first comment line."""
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    return first.lstrip("# ").strip()
