"""What a board calls models and files: names that the user gave, runs by their own, and no folder of the machine.

A board may be published, and the paths of a home directory are nobody else's business. So a model that was loaded from
an absolute path goes by its last part, and a file by its place below the folder that was given.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from calm_ext.errors import CalmError
from calm_ext.report.board.entry import Entry, plain

#: names of folders that say nothing without the one they are in
_GENERIC = re.compile(r"adapter|checkpoint-\d+|final|merged|model|[0-9a-f]{40}", re.IGNORECASE)
_HUB = re.compile(r"models--(?P<owner>[^/]+?)--(?P<name>[^/]+)(?:/snapshots(?:/[^/+ ]*)?)?/*$")
_ABSOLUTE = re.compile(r"[/~]|\.\.?/|[A-Za-z]:[\\/]")


def model_label(model: str) -> str:
    """A model's name without the folder that it was loaded from; of a name on the hub, all of it.

    >>> model_label("org/model"), model_label("/home/me/models/gemma+demo"), model_label("/data/base + /runs/x/adapter")
    ('org/model', 'gemma+demo', 'base + x/adapter')
    >>> model_label("/home/me/.cache/huggingface/hub/models--google--gemma/snapshots/0a1b")
    'google/gemma'
    """
    return " + ".join(_without_folder(part) for part in model.split(" + "))


def _without_folder(path: str) -> str:
    if not _ABSOLUTE.match(path):
        return path
    found = _HUB.search(path)
    if found:
        return f"{found['owner']}/{found['name']}"
    parts = [p for p in PurePosixPath(path.replace("\\", "/")).parts if p not in ("/", "..", "~")]
    kept = parts[-2:] if parts and _GENERIC.fullmatch(parts[-1]) else parts[-1:]
    return "/".join(kept) or "a model without a name"


class Places:
    """Where the results are that a board is of, and how a page names files there."""

    def __init__(self, given: Sequence[Path]) -> None:
        """``given``: the files and folders as the user named them."""
        names = [path.resolve().name for path in given]
        forms: dict[str, str] = {}
        for path, name in zip(given, names, strict=True):
            shown = path.as_posix()
            if _ABSOLUTE.match(shown):
                shown = name if names.count(name) < 2 else "/".join(path.resolve().parts[-2:])
            forms |= {str(path.resolve()): shown, str(path.absolute()): shown}
        forms = {os.path.expanduser("~"): "~", str(Path.cwd()): "."} | forms
        self._forms = forms
        longest_first = sorted((place for place in forms if len(place) > 1), key=len, reverse=True)
        any_place = "|".join(map(re.escape, longest_first)) or "(?!)"
        self._found = re.compile(rf"(?<![\w./~-])({any_place})(?![\w-])(/?)")

    def shorten(self, text: str) -> str:
        """A text in which files are named by their places below what was given, or below the working directory."""

        def shown(found: re.Match[str]) -> str:
            name = self._forms[found[1]]
            return "" if name == "." and found[2] else f"{name}{found[2]}"

        return self._found.sub(shown, text)


def run_label(path: Path) -> str:
    """``NAME before`` or ``NAME after`` for results in a run of ``calm-ext align``; empty for all others."""
    run = path.parent.parent.parent
    inside = path.parent.name in ("before", "after") and path.parent.parent.name == "eval"
    if not inside or not any((run / name).is_file() for name in ("manifest.json", "recipe.yaml")):
        return ""
    return f"{plain(run.name)} {path.parent.name}"


def named(entries: Iterable[Entry], names: Mapping[Path, str]) -> list[Entry]:
    """The entries with the names that they are shown by.

    Args:
        names: a result file, or a folder above some -> the name; of several the deepest. A run of ``calm-ext align``
            has two results, and both go by its name, ``before`` and ``after``, not by the model.

    Raises:
        CalmError: a path has no results below it.
    """
    places = {path.resolve(): (path, name) for path, name in names.items()}
    used: set[Path] = set()
    found = []
    for entry in entries:
        run = run_label(entry.path)
        given = next((p for p in (entry.path, *entry.path.parents) if p in places), None)
        called = run
        if given is not None:
            used.add(given)
            above_run = run and given == entry.path.parents[2]
            called = plain(places[given][1]) + (f" {entry.path.parent.name}" if above_run else "")
        found.append(replace(entry, called=called or model_label(entry.model)))
    for place, (path, name) in places.items():
        if place not in used:
            raise CalmError(
                f"--name {path}={name}: there are no results of the board there; name a folder or file of it"
            )
    return found
