"""Tokenizers that a fork server has read before it forks: one of 262,144 words takes three seconds.

The server imports this module, and finds the model's path in its environment.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from calm_ext.models.find import load_tokenizer
from calm_ext.models.paths import local_folder

#: Environment variable with the path of the model whose tokenizer is read.
MODEL = "CALM_PRELOADED_TOKENIZER"


def tokenizer_of(path: str, *, trust_remote_code: bool = False) -> Any:
    """The tokenizer of a model: the one that is loaded already, where its files are the same, or a new one.

    Raises:
        CalmError: it cannot be loaded; one line says why.
    """
    kept = _loaded.pop((path, _state(path)), None) if not trust_remote_code else None
    return load_tokenizer(path, trust_remote_code=trust_remote_code) if kept is None else kept


def _state(path: str) -> tuple[tuple[str, int, int], ...]:
    """What of a folder tells that its files are the same."""
    folder = local_folder(path)
    if folder is None or not folder.is_dir():
        return ()
    files = [(p, p.stat()) for p in sorted(Path(folder).glob("*")) if p.suffix in (".json", ".model", ".txt", ".jinja")]
    return tuple((p.name, s.st_mtime_ns, s.st_size) for p, s in files)


def _preloaded() -> dict[tuple[str, tuple[tuple[str, int, int], ...]], Any]:
    path = os.environ.get(MODEL)
    if not path:
        return {}
    with suppress(Exception):  # the process that needs it says what is wrong
        return {(path, _state(path)): load_tokenizer(path)}
    return {}


_loaded = _preloaded()
