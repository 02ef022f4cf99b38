"""The combinations of a study's values, read back from ``study.json``, and the pages that explain them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from calm_ext.errors import CalmError, RunError
from calm_ext.files.decode import read_table
from calm_ext.study.grid import level_name
from calm_ext.study.options import label
from calm_ext.study.tables import combination, named_value

#: The folder of the pages, below the study's.
EXPLAINED = "explained"


class Combination(NamedTuple):
    """Cells that differ in seed and fold only.

    Attributes:
        vary: key -> value or label.
        seeds: the seeds of the cells, each key -> value; one that is empty where the study names none.
        cells: as ``study.json`` has them.
        part: whether some seeds of the study are left out.
    """

    vary: dict[str, Any]
    seeds: list[dict[str, Any]]
    cells: list[dict[str, Any]]
    part: bool

    @property
    def words(self) -> str:
        """Its values, as ``sft, limit 40``; with seeds where some are left out; empty where nothing is varied."""
        names = [combination(self.vary)] if self.vary else []
        return ", ".join([*names, *(self.seed_names() if self.part else ())])

    @property
    def page(self) -> str:
        """The name of the page that explains it."""
        names = [level_name(key, value) for key, value in self.vary.items()]
        if self.part:
            names += [level_name(key, value) for seed in self.seeds for key, value in seed.items()]
        return f"{'_'.join(names) or 'all'}.html"

    def seed_names(self) -> tuple[str, ...]:
        """``seed 0``, …; of several keys the first one's; none where the study names no seeds."""
        return tuple(named_value(*next(iter(seed.items()))) for seed in self.seeds if seed)

    def unfinished(self) -> list[dict[str, Any]]:
        """The cells that are not finished."""
        return [c for c in self.cells if c["status"] != "finished"]


def is_study(folder: Path) -> bool:
    """Whether a folder is that of a study."""
    return (folder / "cells").is_dir() or (folder / "study.json").is_file()


def read_results(folder: Path) -> dict[str, Any]:
    """``study.json`` of a study.

    Raises:
        RunError: it is not there yet, or of a version that lacks something.
        DataError: it cannot be read.
    """
    path = folder / "study.json"
    if not path.is_file():
        raise RunError(f"{folder}: has no study.json yet; `calm-ext study` with its file and --results writes it")
    results = read_table(path)
    lacking = next((key for key in ("study", "cells", "command") if key not in results), None)
    if lacking is not None:
        raise RunError(f"{path}: has no {lacking}; `calm-ext study` with the study's file and --results writes it anew")
    return results


def combinations(results: Mapping[str, Any], where: Sequence[str] = ()) -> list[Combination]:
    """The combinations of a study, in its order.

    Args:
        where: ``key=value`` each, of varied keys and of seeds: only cells with all of these.

    Raises:
        CalmError: there is no such key or value.
    """
    cells = results["cells"]
    for item in where:
        key, _, value = item.partition("=")
        values = _values(cells, key)
        if not values:
            keys = dict.fromkeys(k for c in cells for k in (*c["vary"], *c["seed"]))
            raise CalmError(f"--where {item}: KEY=VALUE was expected, KEY one of: {', '.join(keys) or 'none'}")
        if not any(_is(known, value) for known in values):
            raise CalmError(f"--where {item}: {key} has the values {', '.join(map(label, values))}")
        cells = [c for c in cells if _is({**c["vary"], **c["seed"]}[key], value)]
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for cell in cells:
        groups.setdefault(tuple(map(label, cell["vary"].values())), []).append(cell)
    if not groups:
        raise CalmError(f"--where {' --where '.join(where)}: no cell has all of these")
    n_seeds = len(_seeds(results["cells"]))
    found = []
    for own in groups.values():
        seeds = _seeds(own)
        found.append(Combination(own[0]["vary"], seeds, own, len(seeds) < n_seeds))
    return found


def refusal(results: Mapping[str, Any], one: Combination, folder: Path) -> RunError | None:
    """Why a combination cannot be explained yet, and what to run; None where all of its cells are finished."""
    lacking = one.unfinished()
    if not lacking:
        return None
    names = [c["run"].rpartition("/")[2] + (" (failed)" if c["status"] == "failed" else "") for c in lacking]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    words = f"{one.words}: " if one.words else ""
    verb = "is" if len(names) == 1 else "are"
    return RunError(f"{folder}: {words}{', '.join(names[:5])}{more} {verb} not finished; run `{results['command']}`")


def explained_pages(results: Mapping[str, Any], folder: Path) -> Iterator[tuple[str, str]]:
    """(words of a combination, its page from the study's folder on), of pages that are there and not out of date."""
    for one in combinations(results):
        page = folder / EXPLAINED / one.page
        manifests = [folder / c["run"] / "manifest.json" for c in one.cells]
        if not one.unfinished() and page.is_file() and all(m.is_file() for m in manifests):
            written = page.stat().st_mtime_ns
            if all(m.stat().st_mtime_ns <= written for m in manifests):
                yield combination(one.vary), f"{EXPLAINED}/{one.page}"


def _seeds(cells: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return list({tuple(map(label, c["seed"].values())): c["seed"] for c in cells}.values())


def _values(cells: Sequence[Mapping[str, Any]], key: str) -> list[Any]:
    """The different values of a key in the cells; none of a key that they do not have."""
    found = [both[key] for c in cells if key in (both := {**c["vary"], **c["seed"]})]
    return list({label(v): v for v in found}.values())


def _is(known: Any, given: str) -> bool:
    """Whether a value is meant, by its label or as YAML has it: ``en+fr`` or ``[en, fr]``, ``0.001`` or ``1.0e-3``."""
    if label(known) == given:
        return True
    try:
        return label(yaml.safe_load(given)) == label(known)
    except (yaml.YAMLError, ValueError):  # of a date that is none
        return False
