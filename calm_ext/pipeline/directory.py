"""The directory of a run: its manifest, and which stages are done."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from calm_ext.errors import RunError
from calm_ext.files.places import make_folder
from calm_ext.files.writing import atomic_write


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of a directory's files."""
    hasher = hashlib.sha256()
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    for file in files:
        if path.is_dir():
            hasher.update(str(file.relative_to(path)).encode() + b"\0")
        with file.open("rb") as handle:
            while block := handle.read(1 << 20):
                hasher.update(block)
    return hasher.hexdigest()


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


def digest(*parts: Any) -> str:
    """SHA-256 of JSON-able values; the input hash of a stage."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class RunDirectory:
    """``runs/<name>``; opened for one recipe name.

    Args:
        path: made if it is not there.
        name: the recipe's name.

    Raises:
        RunError: the directory holds a run of another recipe, something that is no run, or an unreadable manifest.
    """

    def __init__(self, path: Path, *, name: str) -> None:
        self.path = path
        self._order: list[str] = []
        manifest = path / "manifest.json"
        self.manifest: dict[str, Any] = {"name": name, "stages": {}}
        if path.is_file():
            raise RunError(f"{path}: is a file, a run directory was expected")
        if manifest.exists():
            try:
                self.manifest = json.loads(manifest.read_text(encoding="utf-8"))
                stages = self.manifest["stages"]
                owner = self.manifest["name"]
            except (json.JSONDecodeError, KeyError, TypeError, OSError) as error:
                raise RunError(f"{manifest}: cannot be read ({error}); move the directory away to start anew") from None
            if owner != name or not isinstance(stages, dict):
                raise RunError(
                    f"{path}: holds a run of recipe {owner!r}, not {name!r}; give another --run directory or name"
                )
        elif path.is_dir() and any(path.iterdir()):
            raise RunError(f"{path}: is not empty and holds no run (no manifest.json); give another --run directory")

    def __truediv__(self, relative: str) -> Path:
        return self.path / relative

    def open(self, *, order: Sequence[str]) -> None:
        """Make the directory and write its manifest.

        Args:
            order: the stages of the run, which the manifest keeps in this order.
        """
        self._order = list(order)
        make_folder(self.path)
        self.save()

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

    def begin(self, folder: str, inputs: str, *files: str) -> bool:
        """Prepare a stage that can be continued: False if what lies there belongs to other inputs, and was removed.

        Args:
            folder: where the marker ``.inputs`` is kept.
            files: what the stage writes piece by piece, files or directories.
        """
        marker = self / folder / ".inputs"
        if marker.exists() and marker.read_text(encoding="utf-8") == inputs:
            return True
        stale = False
        for name in files:
            path = self / name
            if path.is_dir():
                stale = True
                shutil.rmtree(path)
            elif path.exists():
                stale = True
                os.remove(path)
        marker.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(marker, inputs)
        return not stale
