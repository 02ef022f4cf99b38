"""What a model is by content: the files that loading it reads, so that another model in the same folder is another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from calm_ext.disk.digests import content_of
from calm_ext.models.paths import local_folder

#: Suffixes of files that no loader reads.
_UNREAD = (".md", ".rst", ".pdf", ".png", ".jpg", ".lock", ".tmp")
_UNREAD_NAMES = ("license", "licence", "notice", "use_policy", "copying")


def model_content(path: str) -> str | None:
    """A digest of a model folder's files; None for a name on the hub, and where the folder is not there.

    Files that only people read do not count, nor do hidden ones and folders within: transformers reads no other files
    than those at the top.
    """
    folder = local_folder(path)
    return content_of(folder, files=_read(folder)) if folder is not None and folder.is_dir() else None


def _read(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        name = path.name.lower()
        if path.is_file() and not name.startswith((".", *_UNREAD_NAMES)) and not name.endswith(_UNREAD):
            yield path
