"""The recipes that come along: in a checkout below ``recipes/``, installed inside the package."""

from __future__ import annotations

import os
from pathlib import Path

from calm_ext.errors import CalmError
from calm_ext.files.decode import short
from calm_ext.files.expected import beside, did_you_mean


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


#: What comes along -> its folder below that of the recipes.
_FOLDERS = {"recipe": Path("."), "study": Path("studies")}


def bundled_names(kind: str = "recipe") -> list[str]:
    """The names of the recipes, or of the studies (kind ``study``), without ``.yaml``."""
    return sorted(p.stem for p in (recipes_dir() / _FOLDERS[kind]).glob("*.yaml"))


def recipe_names() -> list[str]:
    """Names of the recipes."""
    return bundled_names()


def find_bundled(name: str, kind: str) -> Path:
    """A path as it stands, or else what comes along by that name, or by the path that it has in a checkout.

    Raises:
        CalmError: there is neither; names what there is.
    """
    path = Path(name)
    if os.path.isfile(path):  # False, and not an error, for what no file can be called
        return path
    stem = path.name.removesuffix(".yaml")
    if path.parent in (Path("."), Path("recipes") / _FOLDERS[kind]) and stem in bundled_names(kind):
        return recipes_dir() / _FOLDERS[kind] / f"{stem}.yaml"
    if path.is_dir():
        raise CalmError(f"{name}: is a folder; a {kind} file was expected, or one of {', '.join(bundled_names(kind))}")
    meant = beside(path) or did_you_mean(stem, bundled_names(kind))
    raise CalmError(
        f"{short(name, 200)}: no such {kind} file{meant}; these come along: {', '.join(bundled_names(kind))}"
    )


def find_recipe(name: str) -> Path:
    """The file of a recipe: see :func:`find_bundled`."""
    return find_bundled(name, "recipe")


def purpose(path: Path) -> str:
    """The recipe's own first comment line."""
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    return first.lstrip("# ").strip()
