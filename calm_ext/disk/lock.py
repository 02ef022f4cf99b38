"""One writer at a time: a lock on a run directory or an output file, which names who holds it.

The lock itself is the operating system's, by filelock, which falls back to marker files where a file system has none,
and it is free when its process dies. Beside it lies a note of the holder, which is for people, and for file systems
whose locks do not reach other machines: it is taken away from a process only where that process is provably gone.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from calm_ext.errors import CalmError, RunError
from calm_ext.files.holder import Holder, host_here
from calm_ext.files.places import make_folder
from calm_ext.files.writing import atomic_write

_LOCK, _NOTE = ".writer.lock", ".writer.json"
#: Seconds in which a process that has the lock has written its note.
_NOTED = 1.0
#: What a file system says where nobody may write.
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}
#: The locks that this process has, with its number: a process that is forked from it has none of them.
_OURS: dict[Path, int] = {}


def run_of(path: Path) -> Path | None:
    """The run directory that a path lies in, or is; None where it lies in none."""
    absolute = Path(os.path.abspath(path))
    return next((p for p in (absolute, *absolute.parents[:4]) if _is_run(p / "manifest.json")), None)


def _is_run(manifest: Path) -> bool:
    """Whether it is a manifest of ours: other programs have files of that name, too."""
    try:
        found = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and {"name", "stages"} <= found.keys()


@contextlib.contextmanager
def reading(path: Path, verb: str) -> Iterator[None]:
    """See to it that nobody writes the run that a path is, or lies in, meanwhile; elsewhere there is nothing to do.

    Raises:
        RunError: another process does.
    """
    run = run_of(path)
    with held(run, verb, reads_only=True) if run else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def writing(path: Path, verb: str, *, folder: bool = False, beside: bool = False) -> Iterator[None]:
    """Be the only one who writes a file, or a folder; inside of a run directory, in all of that.

    Of the processes of ``accelerate launch`` the first one writes, and holds the lock.

    Args:
        folder: the path is a folder, which is made where it is not there.
        beside: the path is a folder that is replaced as a whole, or shared as it is: nothing of the lock lies in it.

    Raises:
        RunError: another process does.
    """
    run = run_of(path)
    is_stream = not (folder or beside) and path.exists() and not path.is_file()  # a device or a pipe
    if os.environ.get("RANK", "0") != "0" or (run is None and is_stream):
        yield
        return
    if run is None:
        make_folder(path if folder else path.parent)
    with held(run or path, verb, beside=beside and run is None):
        yield


@contextlib.contextmanager
def replacing(path: Path | None, verb: str) -> Iterator[None]:
    """Be the only one who writes the run that a file lies in.

    Elsewhere there is nothing to do, where the file is written in one go: it is replaced as a whole.

    Args:
        path: None where nothing is written.

    Raises:
        RunError: another process writes the run.
    """
    run = run_of(path) if path is not None else None
    with held(run, verb) if run else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def held(target: Path, verb: str, *, reads_only: bool = False, beside: bool = False, wait: float = 0) -> Iterator[None]:
    """Hold the lock of a folder, or of a file; a process that has it already goes on.

    Args:
        target: what is written; the lock lies in the folder, or beside the file.
        verb: for the note.
        reads_only: nothing is written, so that no lock is needed where nobody can write.
        beside: the lock of a folder lies beside it, too. What lies beside is taken away in the end.
        wait: seconds to wait for another process.

    Raises:
        RunError: another process holds it, or may hold it on another machine.
        CalmError: the lock cannot be made.
    """
    from filelock import FileLock, Timeout

    inside = target.is_dir() and not beside
    folder, prefix = (target, "") if inside else (target.parent, f".{target.name}")
    note, place = folder / f"{prefix}{_NOTE}", folder.resolve() / f"{prefix}{_LOCK}"
    if _OURS.get(place) == os.getpid():
        yield
        return
    lock = FileLock(place, timeout=wait)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(_refusal(target, _noted(note, wait=True), note)) from None
    except OSError as error:
        if not (reads_only and error.errno in _READ_ONLY):
            raise CalmError(f"{target}: cannot be written ({(error.strerror or str(error)).lower()})") from None
        holder = _noted(note)
        if holder is not None and not holder.is_gone:
            raise RunError(_refusal(target, holder, note)) from None
        yield
        return
    try:
        holder = _noted(note)
        if holder is not None and not holder.is_gone:
            raise RunError(_refusal(target, holder, note))
        atomic_write(note, json.dumps(Holder.here(verb)._asdict(), indent=1) + "\n")
        _OURS[place] = os.getpid()
        try:
            yield
        finally:
            del _OURS[place]
            note.unlink(missing_ok=True)
            if not inside:
                place.unlink(missing_ok=True)
    finally:
        lock.release()


def _noted(note: Path, *, wait: bool = False) -> Holder | None:
    """The holder that a note names; a note that cannot be read names nobody."""
    until = time.monotonic() + (_NOTED if wait else 0)
    while True:
        with contextlib.suppress(OSError, ValueError, TypeError, RecursionError):
            found = Holder(**json.loads(note.read_text(encoding="utf-8")))
            if isinstance(found.pid, int) and isinstance(found.started, (int, float)):
                return found
        if time.monotonic() >= until:
            return None
        time.sleep(0.05)


def _refusal(target: Path, holder: Holder | None, note: Path) -> str:
    """One line: who holds it, and what to do."""
    if holder is None or holder.is_gone:
        return f"{target}: is being written by another process; wait for it"
    if holder.host == host_here():
        return f"{target}: is being written by {holder}; wait for it, or end it"
    return f"{target}: is being written by {holder}; if that process has ended, remove {note}"
