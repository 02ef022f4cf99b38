"""Folders and files that a user names."""

from __future__ import annotations

import os
import stat
import tempfile
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
        raise CalmError(f"{path}: is a file, a folder was expected; name another one")
    _try_writing(path, path if path.is_dir() else make_folder(path.parent))


def writable_file(path: Path) -> None:
    """Refuse a file that cannot be written later; its parents are made. ``-``, devices and pipes are taken.

    Raises:
        CalmError: it is a folder, or its own folder cannot be made or written into.
    """
    if path.is_dir():
        raise CalmError(f"{path}: is a directory, a file was to be written; name a file in it")
    if path != Path("-") and (path.is_file() or not path.exists()):
        _try_writing(path, make_folder(path.parent))


def _try_writing(path: Path, folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = str(error.strerror or error).lower()
        raise CalmError(f"{path}: cannot be written ({why}); name another place") from None


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
