"""A seal on a folder: the digests of its files, written when all of them are there.

A folder whose writing was interrupted has no seal, and one that changed afterwards does not agree with it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from calm_ext.disk.digests import sha256_of
from calm_ext.files.writing import atomic_write

#: The file that holds the seal.
SEAL = "sha256.json"


def seal(folder: Path) -> None:
    """Write the digests of a folder's files, at any depth; the files are on disk before the seal is."""
    files = {p.relative_to(folder).as_posix(): p for p in _files(folder)}
    for path in files.values():
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
    text = json.dumps({name: sha256_of(path) for name, path in sorted(files.items())}, indent=1)
    atomic_write(folder / SEAL, text + "\n")


def damage_of(folder: Path) -> str | None:
    """What is wrong with a sealed folder, in words; None where all is as it was sealed. Further files do not count."""
    if not folder.is_dir():
        return "is not there"
    try:
        sealed = json.loads((folder / SEAL).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return "was not written to its end"
    except (OSError, ValueError, RecursionError):
        return f"has a {SEAL} that cannot be read"
    if not isinstance(sealed, dict):
        return f"has a {SEAL} that cannot be read"
    for name, expected in sealed.items():
        path = folder / name
        try:
            if not path.is_file():
                return f"lacks {name}"
            if sha256_of(path) != expected:
                return f"has another {name} than was written"
        except OSError as error:
            return f"has a {name} that cannot be read ({error.strerror})"
    return None


def is_sealed(folder: Path) -> bool:
    """Whether a folder has a seal, of which nothing is checked."""
    return (folder / SEAL).is_file()


def _files(folder: Path) -> list[Path]:
    """The files that a seal covers: not itself, and not the temporary files of a writer."""
    return sorted(
        p
        for p in folder.rglob("*")
        if p.is_file() and p != folder / SEAL and not (p.name[0] == "." and p.suffix == ".tmp")
    )
