"""Where a model is: a folder on this machine, or a name on the Hugging Face hub."""

from __future__ import annotations

import os
from pathlib import Path


def local_folder(path: str) -> Path | None:
    """The folder that a model's path names, whether or not it exists; None for a name on the hub.

    A hub name is ``NAME`` or ``OWNER/NAME``. Every other path is a folder: one that begins like a path (``/``, ``.``,
    ``~``) or with ``models/``, one with two slashes or more, and one that exists here, as in transformers.

    >>> local_folder("org/model")
    >>> local_folder("models/gemma-3-270m").as_posix()
    'models/gemma-3-270m'
    """
    folder = Path(os.path.expanduser(path))  # unlike Path's, it leaves an unknown user's ~name as typed
    if path.startswith(("/", ".", "~", "models/")) or path.count("/") > 1:
        return folder
    # os.path.isdir is False, and not an error, for what no folder can be called.
    return folder if path and os.path.isdir(folder) else None
