"""The files that lm-eval writes into a folder, and which of them belong together.

lm-eval names them ``results_<time>.json`` and ``samples_<task>_<time>.jsonl``; evaluations of calm-ext are named
``results.json`` and ``samples_<task>.jsonl``. What follows ``results`` in a name is the *stamp*; the files of one
evaluation have the same one, and of two evaluations in a folder the newer has the later stamp.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from calm_ext.errors import DataError

_SAMPLES = re.compile(r"samples_(?P<task>.+?)(?P<stamp>_20\d\d-\d\d-\d\d(?:T[\d\-:.]+)?)?\.jsonl")


class SamplesFile(NamedTuple):
    """A samples file: its path, and the task and the stamp in its name."""

    path: Path
    task: str
    stamp: str


def samples_file(path: Path) -> SamplesFile:
    """What the name of a samples file says; a file of any other name is taken for a task named like it."""
    match = _SAMPLES.fullmatch(path.name)
    return SamplesFile(path, match["task"], match["stamp"] or "") if match else SamplesFile(path, path.stem, "")


def newest_samples(folder: Path, task: str | None = None) -> SamplesFile:
    """The newest samples of a task in a folder or below it.

    Args:
        task: may be left out where there are samples of one task only.

    Raises:
        DataError: there are no samples of it, or the choice of the task or of a subfolder is open.
    """
    found: dict[str, list[SamplesFile]] = {}
    for path in sorted(folder.rglob("samples_*.jsonl")):
        if _SAMPLES.fullmatch(path.name):
            file = samples_file(path)
            found.setdefault(file.task, []).append(file)
    if not found:
        raise DataError(f"{folder}: has no samples_*.jsonl; run lm_eval with --log_samples --output_path")
    if task is None and len(found) > 1:
        raise DataError(f"{folder}: has samples of {', '.join(sorted(found))}; choose one with --task")
    name = task or next(iter(found))
    if name not in found:
        raise DataError(f"{folder}: has no samples of {name}; it has {', '.join(sorted(found))}")
    if len({f.path.parent for f in found[name]}) > 1:
        raise DataError(f"{folder}: has samples of {name} in several folders; name one of them")
    return max(found[name], key=lambda f: f.stamp)


def samples_beside(results: Path, task: str) -> Path | None:
    """The samples of a task that were written with a results file; None where there are none."""
    name = f"samples_{task}{results.stem.removeprefix('results')}.jsonl"
    if "/" in name or "\0" in name:
        return None
    path = results.with_name(name)
    try:
        return path if path.is_file() else None
    except OSError:  # a name that is too long
        return None


def results_beside(samples: SamplesFile) -> Path | None:
    """The results that were written with a samples file; where its name has no stamp, the newest of its folder."""
    if samples.stamp:
        path = samples.path.with_name(f"results{samples.stamp}.json")
        return path if path.is_file() else None
    return newest_results(samples.path.parent)


def newest_results(folder: Path) -> Path | None:
    """The newest results file in a folder, not below it; None where there is none."""
    names = sorted(path.name for path in folder.glob("*") if _is_results(path.name))
    return folder / names[-1] if names else None


def results_below(folder: Path, *, seen: set[str], refused: Callable[[OSError], None]) -> Iterator[Path]:
    """Every results file in a folder and below it, by its real path; links to folders are followed.

    Args:
        seen: the real paths of the folders that were walked; they are not walked again.
        refused: called with the error where a folder cannot be listed.
    """
    for parent, folders, names in os.walk(folder, onerror=refused, followlinks=True):
        real = os.path.realpath(parent)
        folders[:] = [] if real in seen else sorted(folders)
        if real not in seen:
            seen.add(real)
            yield from (Path(real, name) for name in sorted(names) if _is_results(name))


def _is_results(name: str) -> bool:
    return name.startswith("results") and name.endswith(".json")
