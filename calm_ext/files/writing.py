"""Writing files: as a whole or not at all, where a link leads, through devices and pipes, with one line for errors.

A text is written to a temporary file beside its target, which takes the target's name when it is whole. What a process
that was killed left of them is taken away when the same target is written again (:func:`sweep`).
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO

from calm_ext.errors import CalmError, DataError
from calm_ext.files.places import make_folder

#: The path that means stdout.
STDOUT = Path("-")

_OLD = 86_400.0  # seconds after which nobody on another machine still writes
_LEFT = re.compile(r"\.(?P<host>[0-9a-z]+)-(?P<pid>\d+)\.\w+\.tmp")


def atomic_write(path: str | os.PathLike[str], text: str | Iterable[str]) -> None:
    """Write a text file so that readers see the old one or the new one, never half of it.

    ``-`` is stdout; a link is followed; a device or pipe is written through.

    Raises:
        CalmError: it cannot be written, as on a full disk.
        DataError: the text cannot be written in UTF-8.
    """
    given, pieces = Path(path), [text] if isinstance(text, str) else text
    try:
        if given == STDOUT:
            _write(sys.stdout, pieces)
        elif _is_stream(given):
            with given.open("w", encoding="utf-8", newline="\n") as stream:
                _write(stream, pieces)
        else:
            _replace(given, (piece.encode() for piece in pieces))
    except UnicodeEncodeError:
        raise DataError(f"{given}: cannot be written: the text has half a character (an unpaired surrogate)") from None
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename and Path(error.filename).parent != given.parent:
            raise  # of a file that was read meanwhile
        raise cannot_write(given, error) from None


def atomic_write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """The same for a file of bytes, as a picture.

    Raises:
        CalmError: it cannot be written.
    """
    try:
        _replace(Path(path), [content])
    except OSError as error:
        raise cannot_write(Path(path), error) from None


def cannot_write(path: Path, error: OSError) -> CalmError:
    """What is said where a file cannot be written."""
    return CalmError(f"{path}: cannot be written ({str(error.strerror or error).lower()})")


def _is_stream(path: Path) -> bool:
    """Whether a path is a device or pipe, or one of the shell's names for them."""
    with suppress(OSError):
        mode = path.stat().st_mode
        named = path.is_relative_to("/dev") or path.is_relative_to("/proc")  # /dev/stdout may be a regular file
        return not stat.S_ISDIR(mode) and (named or not stat.S_ISREG(mode))
    return False


def _write(handle: IO[str], pieces: Iterable[str]) -> None:
    for piece in pieces:
        handle.write(piece)
    handle.flush()


def _replace(given: Path, pieces: Iterable[bytes]) -> None:
    target = Path(os.path.realpath(given)) if given.is_symlink() else given
    if target.is_dir():
        raise DataError(f"{target}: is a directory, a file was to be written")
    make_folder(target.parent)
    sweep(target)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=prefix_of(target), suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.writelines(pieces)
            handle.flush()
            os.fsync(handle.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def prefix_of(target: Path) -> str:
    """How a temporary file or folder for a target begins, with who writes it; ``.tmp`` is its end."""
    host = re.sub(r"[^0-9a-z]", "", socket.gethostname().lower())[:20] or "here"
    return f".{target.name[:100]}.{host}-{os.getpid()}."


def sweep(target: Path) -> None:
    """Take away the temporary files and folders for a target whose writers are gone."""
    own = re.match(r".*(\.[0-9a-z]+)-\d+\.$", prefix_of(target))
    start = f".{target.name[:100]}"
    try:
        left = [x for x in os.scandir(target.parent) if x.name.startswith(start) and x.name.endswith(".tmp")]
    except OSError:
        return
    for item in left:
        found = _LEFT.fullmatch(item.name.removeprefix(start))
        if not found:
            continue
        here = own is not None and f".{found['host']}" == own[1]
        with suppress(OSError):
            if (here and not _is_alive(int(found["pid"]))) or time.time() - item.stat().st_mtime > _OLD:
                shutil.rmtree(item.path) if item.is_dir(follow_symlinks=False) else os.unlink(item.path)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True
