"""Folders and files that a user names."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from calm_ext.errors import CalmError, DataError


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


_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket"}


def check_file(path: Path) -> None:
    """Refuse to read what never ends or never begins: a device, a pipe, a socket, or a link to one.

    Raises:
        DataError: it is one of them, or a folder.
        OSError: there is no such file, or it cannot be looked at.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise DataError(f"{path}: is a directory, a file was expected")
    if not stat.S_ISREG(mode):
        raise DataError(f"{path}: is {_KINDS.get(stat.S_IFMT(mode), 'no file')}; write what it gives to a file first")
