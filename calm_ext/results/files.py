"""Files of a run that are not records: JSON, the recipe, the training log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from calm_ext.errors import DataError
from calm_ext.files.decode import decoded, read_table
from calm_ext.files.places import check_file
from calm_ext.files.secrets import clean
from calm_ext.files.texts import read_text, read_yaml
from calm_ext.results.training import check_log_row

_SECTIONS = ("model", "babel", "data", "retrieval", "sampling", "vote", "pairs", "training", "evaluation")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is no such file.

    Raises:
        DataError: it cannot be read.
    """
    if not path.exists():
        return {}
    return read_table(path)


def read_recipe(path: Path) -> tuple[str, dict[str, Any]]:
    """The recipe is shown, not run: only its form is checked, so that recipes of other versions can be reported too.

    Those of earlier versions may have a password in an address; it is left out.

    Raises:
        DataError: it cannot be read, or a section is none.
    """
    if not path.exists():
        return "", {}
    text = clean(read_text(path))
    value = read_yaml(text, str(path))
    recipe = value if isinstance(value, dict) else {}
    for section in _SECTIONS:
        if not isinstance(recipe.get(section) or {}, dict):
            raise DataError(f"{path}: {section} is no section")
    tasks = (recipe.get("evaluation") or {}).get("tasks") or []
    if not isinstance(tasks, list) or not all(isinstance(task, str) for task in tasks):
        raise DataError(f"{path}: evaluation.tasks is no list of names")
    return text, recipe


def read_log(path: Path) -> list[dict[str, Any]]:
    """The training log; a last line that was cut off by an interruption is left out."""
    if not path.exists():
        return []
    try:
        check_file(path)
        lines = path.read_text(encoding="utf-8").split("\n")
    except (UnicodeDecodeError, OSError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = decoded(line, strict=False)
            if not isinstance(row, dict) or "kind" not in row:
                raise ValueError
        except ValueError:
            if number == len(lines):
                continue
            raise DataError(f"{path}:{number}: is not a line of a training log") from None
        check_log_row(row, f"{path}:{number}")
        rows.append(row)
    return rows
