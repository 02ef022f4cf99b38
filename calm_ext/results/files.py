"""Files of a run that are not records: JSON, the recipe, the training log, lm-eval's results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from calm_ext.errors import DataError


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is no such file.

    Raises:
        DataError: it cannot be read.
    """
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: is not JSON ({error.msg})") from None
    except (UnicodeDecodeError, OSError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None
    if not isinstance(value, dict):
        raise DataError(f"{path}: a JSON object was expected")
    return value


def read_recipe(path: Path) -> tuple[str, dict[str, Any]]:
    """The recipe is shown, not run: it is not validated, so that recipes of other versions can be reported too."""
    import yaml

    if not path.is_file():
        return "", {}
    try:
        text = path.read_text(encoding="utf-8")
        value = yaml.safe_load(text)
    except (UnicodeDecodeError, OSError, yaml.YAMLError) as error:
        raise DataError(f"{path}: cannot be read ({' '.join(str(error).split())})") from None
    return text, value if isinstance(value, dict) else {}


def read_log(path: Path) -> list[dict[str, Any]]:
    """The training log; a last line that was cut off by an interruption is left out."""
    if not path.is_file():
        return []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (UnicodeDecodeError, OSError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict) or "kind" not in row:
                raise ValueError
        except ValueError:
            if number == len(lines):
                continue
            raise DataError(f"{path}:{number}: is not a line of a training log") from None
        rows.append(row)
    return rows


def load_results(path: Path) -> dict[str, Any]:
    """A results file of lm-eval, its outer form checked.

    Raises:
        DataError: it cannot be read, or is not lm-eval's.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: is not JSON ({error.msg}); run the evaluation again") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 ({error.reason})") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    for key in ("results", "configs"):
        part = values.get(key) if isinstance(values, dict) else None
        if not isinstance(part, dict) or not all(isinstance(x, dict) for x in part.values()):
            raise DataError(f"{path}: is not a results file of lm-eval (no {key!r} by task)")
    return dict(values)


def read_results(folder: str | Path) -> dict[str, Any]:
    """lm-eval's aggregated results in a folder.

    Raises:
        DataError: there are none, or they cannot be read.
    """
    files = sorted(Path(folder).glob("results*.json"))
    if not files:
        raise DataError(f"{folder}: has no results*.json of lm-eval")
    try:
        return dict(json.loads(files[-1].read_text(encoding="utf-8")))
    except (json.JSONDecodeError, OSError) as error:
        raise DataError(f"{files[-1]}: cannot be read ({error})") from None
