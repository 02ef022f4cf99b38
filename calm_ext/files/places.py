"""Folders that a user names to be written into."""

from __future__ import annotations

import os
from pathlib import Path

from calm_ext.errors import CalmError


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder and its parents where they are not there yet.

    Raises:
        CalmError: it cannot be made: a file is in the way, or writing is not allowed.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        above = next((p for p in (folder, *folder.parents) if p.exists()), folder)
        why = f"{above} is a file" if above.is_file() else str(error.strerror or error).lower()
        raise CalmError(f"{folder}: the folder cannot be made ({why}); name another place") from None
    return folder


def writable_folder(path: Path) -> None:
    """Refuse a folder that cannot be written later; its parents are made.

    Raises:
        CalmError: it is a file, or cannot be made.
    """
    if path.exists() and not path.is_dir():
        raise CalmError(f"{path}: is a file, a folder was expected")
    make_folder(path.parent)
