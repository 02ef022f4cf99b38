"""The directory of a run: its manifest, and which stages are done."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from calm_ext.disk.digests import digest, sha256_of
from calm_ext.errors import RunError
from calm_ext.files.places import make_folder
from calm_ext.files.writing import atomic_write


def link_or_copy(source: Path, target: Path) -> None:
    """Put a file or folder at another place without taking room twice, where the file system can link."""

    def link(one: str, two: str) -> None:
        try:
            os.link(one, two)
        except OSError:
            shutil.copy2(one, two)

    make_folder(target.parent)
    beside = target.with_name(f".{target.name}.partial")
    if source.is_dir():
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(source, beside, copy_function=link)
        shutil.rmtree(target, ignore_errors=True)
    else:
        beside.unlink(missing_ok=True)
        link(str(source), str(beside))
    os.replace(beside, target)


def _is_ours(path: Path) -> bool:
    """Whether a file is a lock, its note, or what a writer that was killed left: none of them is somebody's work."""
    return path.name.startswith(".") and path.suffix in (".lock", ".tmp", ".json") and path.is_file()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _fitting(folder: Path, patterns: Sequence[str]) -> list[str]:
    """The names of what lies in a folder and fits one of the patterns, in their order."""
    return [x.relative_to(folder).as_posix() for pattern in patterns for x in sorted(folder.glob(pattern))]


def _valid(entry: Any) -> bool:
    """Whether what a manifest has of a stage is as it is written; of a damaged one the stage is done again."""
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("inputs"), str)
        and isinstance(entry.get("outputs"), dict)
        and all(isinstance(x, str) for x in entry["outputs"].values())
    )


class RunDirectory:
    """``runs/<name>``; opened for one recipe name.

    Args:
        path: made if it is not there.
        name: the recipe's name.

    Raises:
        RunError: the directory holds a run of another recipe, something that is no run, or an unreadable manifest.
    """

    def __init__(self, path: Path, *, name: str) -> None:
        self.path, self.name = path, name
        self._order: list[str] = []
        self.manifest: dict[str, Any] = {}
        self.read()

    def read(self) -> None:
        """Read the manifest, which another process may have written since.

        Raises:
            RunError: as of the class.
        """
        path, name = self.path, self.name
        manifest = path / "manifest.json"
        self.manifest = {"name": name, "stages": {}}
        if path.is_file():
            raise RunError(f"{path}: is a file, a run directory was expected")
        if manifest.exists():
            try:
                self.manifest = json.loads(manifest.read_text(encoding="utf-8"))
                stages = self.manifest["stages"]
                owner = self.manifest["name"]
            except (ValueError, KeyError, TypeError, OSError, RecursionError) as error:
                raise RunError(f"{manifest}: cannot be read ({error}); move the directory away to start anew") from None
            if owner != name or not isinstance(stages, dict):
                raise RunError(
                    f"{path}: holds a run of recipe {owner!r}, not {name!r}; give another --run directory or name"
                )
            self.manifest["stages"] = {stage: entry for stage, entry in stages.items() if _valid(entry)}
        elif path.is_dir() and not all(_is_ours(p) for p in path.iterdir()):
            raise RunError(f"{path}: is not empty and holds no run (no manifest.json); give another --run directory")

    def __truediv__(self, relative: str) -> Path:
        return self.path / relative

    def open(
        self, *, order: Sequence[str], recipe: str | None = None, outdated: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Make the directory, write its manifest, and the recipe where one is given.

        Args:
            order: the stages of the run, which the manifest keeps in this order.
            recipe: the resolved recipe.
            outdated: see :meth:`note_outdated`.
        """
        self._order = list(order)
        make_folder(self.path)
        if recipe is not None:
            self.manifest["recipe"] = hashlib.sha256(recipe.encode()).hexdigest()
        self.note_outdated(outdated or {})
        if recipe is not None:
            atomic_write(self / "recipe.yaml", recipe)

    def note_outdated(self, outdated: Mapping[str, Sequence[str]]) -> None:
        """Write into the manifest which finished stages are of another recipe or of other files, and why."""
        self.manifest["outdated"] = {stage: list(reasons) for stage, reasons in outdated.items()}
        self.save()

    def has_all(self, stages: Iterable[str]) -> bool:
        """Whether each of these stages finished once, with whatever inputs."""
        return all(stage in self.manifest["stages"] for stage in stages)

    def is_done(self, stage: str, inputs: str) -> bool:
        """Whether a stage finished with these inputs and its outputs are as it left them."""
        entry = self.manifest["stages"].get(stage)
        if not entry or entry["inputs"] != inputs:
            return False
        return all((self / x).exists() and sha256_of(self / x) == digest for x, digest in entry["outputs"].items())

    def output_hash(self, stage: str) -> dict[str, str]:
        """relative path -> SHA-256 of what a finished stage wrote."""
        outputs: dict[str, str] = self.manifest["stages"][stage]["outputs"]
        return outputs

    def finish(self, stage: str, inputs: str, outputs: Iterable[str], **facts: Any) -> None:
        """Record a finished stage."""
        self.manifest["stages"][stage] = {
            "inputs": inputs,
            "outputs": {x: sha256_of(self / x) for x in outputs},
            "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            **facts,
        }
        self.save()

    def adopt(self, stage: str, other: RunDirectory, inputs: str, **facts: Any) -> bool:
        """Take over a stage that another run finished with the same inputs; its files are linked, or else copied.

        Returns:
            False where the other run has no such stage, or its files are not as the stage left them.
        """
        if not other.is_done(stage, inputs):
            return False
        entry = other.manifest["stages"][stage]
        for name in entry["outputs"]:
            link_or_copy(other / name, self / name)
        self.manifest["stages"][stage] = {**entry, **facts}
        self.save()
        return True

    def own(self, stage: str) -> None:
        """Make copies of a stage's files that another run shares, so that whoever writes them anew writes its own."""
        for name in self.manifest["stages"].get(stage, {"outputs": ()})["outputs"]:
            path = self / name
            files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
            for file in (f for f in files if f.stat().st_nlink > 1):
                copy = file.with_name(f".{file.name}.own")
                shutil.copy2(file, copy)
                os.replace(copy, file)

    def save(self) -> None:
        """Write the manifest."""
        stages = self.manifest["stages"]
        known = [s for s in self._order if s in stages]
        self.manifest["stages"] = {s: stages[s] for s in dict.fromkeys([*known, *stages])}
        atomic_write(self / "manifest.json", json.dumps(self.manifest, indent=2) + "\n")

    def has(self, stage: str) -> bool:
        """Whether a stage is finished, with whatever inputs, and all that it wrote is still there."""
        entry = self.manifest["stages"].get(stage)
        return bool(entry) and all((self / x).exists() for x in entry["outputs"])

    def belongs(self, folder: str, inputs: str) -> bool:
        """Whether a stage with these inputs began to write into a folder."""
        return self._owner(folder) == inputs

    def _owner(self, folder: str) -> str | None:
        marker = self / folder / ".inputs"
        return marker.read_text(encoding="utf-8", errors="replace") if marker.is_file() else None

    def begin(self, folder: str, inputs: str, *files: str, keep: bool = False) -> bool:
        """Prepare a stage that can be continued: False if what lies there belongs to other inputs, and was put away.

        Args:
            folder: where the marker ``.inputs`` is kept.
            files: what the stage writes piece by piece, files or directories; a pattern stands for all that fit it.
            keep: put them aside in ``<folder>/old``, by their inputs, and take them back where the inputs are those
                again; else they are removed.
        """
        owner, aside = self._owner(folder), self / folder / "old"
        there = _fitting(self.path, files) if owner != inputs else []
        for name in there:
            if keep:
                place = make_folder(aside / digest(owner)[:16]) / name
                _remove(place)
                os.replace(self / name, place)
            else:
                _remove(self / name)
        if owner != inputs:
            atomic_write(self / folder / ".inputs", inputs)
        own = aside / digest(inputs)[:16]
        for name in _fitting(own, files) if keep else ():
            if not (self / name).exists():
                os.replace(own / name, self / name)
        return not there
