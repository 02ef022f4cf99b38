"""SHA-256 of values, files and folders; that of a large file is kept, so that it is computed once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from calm_ext.files.writing import atomic_write

#: Files of at least so many bytes are not read again while their size, time and place are the same.
_LARGE = 1 << 20
#: Seconds: a file that was written just now may be written again without its time being another.
_SETTLED = 2.0


def digest(*parts: Any) -> str:
    """SHA-256 of JSON-able values."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of a folder's files."""
    hasher = hashlib.sha256()
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    for file in files:
        if path.is_dir():
            hasher.update(str(file.relative_to(path)).encode() + b"\0")
        _feed(hasher, file)
    return hasher.hexdigest()


def _feed(hasher: Any, file: Path) -> None:
    with file.open("rb") as handle:
        while block := handle.read(1 << 20):
            hasher.update(block)


def content_of(path: Path, *, files: Iterable[Path] | None = None) -> str | None:
    """A digest of a file's content, or of a folder's names and contents; None where nothing is there.

    That of a large file is kept in ``$CALM_CACHE_DIR/digests`` (default ``~/.cache/calm_ext``), by its path, size, time
    and inode: a model of many gigabytes is read once. A file whose content changes while all four stay is taken for the
    old one.

    Args:
        files: the files of the folder that count; default: all that are not hidden, at any depth.

    Raises:
        OSError: a file cannot be read.
    """
    if path.is_file():
        return _digest_of(path)
    if not path.is_dir():
        return None
    if files is None:
        inside = (p for p in path.rglob("*") if not any(x.startswith(".") for x in p.relative_to(path).parts))
        files = (p for p in inside if p.is_file())
    return digest(sorted((p.relative_to(path).as_posix(), _digest_of(p)) for p in files))


def _digest_of(file: Path) -> str:
    found = file.stat()
    if not stat.S_ISREG(found.st_mode):
        return "no regular file"
    state = (str(file.resolve()), found.st_size, found.st_mtime_ns, found.st_ino)
    settled = time.time() - found.st_mtime > _SETTLED
    if found.st_size < _LARGE:
        if not settled:
            return sha256_of(file)
        return _small(state)
    key = digest(*state)
    kept = _cache() / key[:2] / key
    with contextlib.suppress(OSError, UnicodeDecodeError):
        text = kept.read_text(encoding="ascii")
        if len(text) == 64:
            return text
    result = sha256_of(file)
    if settled:
        with contextlib.suppress(Exception):  # without a cache all is computed again, and nothing else is lost
            atomic_write(kept, result)
    return result


@lru_cache(maxsize=1 << 16)
def _small(state: tuple[str, int, int, int]) -> str:
    """Of a file that is as it was: a study asks for those of its data many times."""
    return sha256_of(Path(state[0]))


def _cache() -> Path:
    return Path(os.environ.get("CALM_CACHE_DIR") or Path.home() / ".cache" / "calm_ext") / "digests"
