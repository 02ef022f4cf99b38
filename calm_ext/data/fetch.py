"""Files of a source, from a directory or below a base URL; what is fetched is cached on disk."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from calm_ext.errors import DataError
from calm_ext.files.decode import decoded
from calm_ext.files.places import check_file

#: What to do without a connection.
_OFFLINE = "copy the data here and name its folder by --data-dir or $CALM_DATA_DIR"


def cache_dir() -> Path:
    """``$CALM_CACHE_DIR``, or ``~/.cache/calm_ext``."""
    return Path(os.environ.get("CALM_CACHE_DIR") or Path.home() / ".cache" / "calm_ext")


def load_hub_table(name: str, config: str, split: str, *, hint: str) -> list[dict[str, Any]]:
    """The rows of a split of a Hugging Face dataset, or of a local folder with its layout.

    Raises:
        DataError: it cannot be loaded; the message ends with ``hint``.
    """
    import datasets

    try:
        if not Path(name).is_dir():
            return list(datasets.load_dataset(name, config, split=split))
        # datasets knows a folder by its name and takes what it prepared of one for another of that name, or for the
        # same before its files were changed: a folder is read anew each time.
        with tempfile.TemporaryDirectory() as cache:
            return list(datasets.load_dataset(name, config, split=split, cache_dir=cache))
    except Exception as error:  # hub, cache and file-format errors have no common base
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{name}: {config} {split} cannot be loaded ({reason}); {hint}") from None


def read_text(base: str, relative: str) -> str:
    """The text of ``base/relative``, UTF-8.

    Args:
        base: a directory, or an http(s) URL, whose files are kept in the cache directory.

    Raises:
        DataError: the file is missing, cannot be fetched, or is not UTF-8.
    """
    where = f"{base.rstrip('/')}/{relative}"
    try:
        if base.startswith(("http://", "https://")):
            import fsspec

            options = {"cache_storage": str(cache_dir() / "fetched"), "same_names": False}
            with fsspec.open(f"filecache::{where}", "rt", encoding="utf-8", filecache=options) as handle:
                return str(handle.read())
        check_file(Path(where))
        return Path(where).read_text(encoding="utf-8")
    except FileNotFoundError:
        if base.startswith(("http://", "https://")):
            raise DataError(f"{where}: is not there or cannot be reached; {_OFFLINE}") from None
        raise DataError(f"{where}: no such file; --data-dir or $CALM_DATA_DIR names the folder of the data") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: not UTF-8 ({error.reason})") from None
    except (OSError, ImportError) as error:
        online = f"; {_OFFLINE}" if base.startswith(("http://", "https://")) else ""
        raise DataError(f"{where}: cannot be read ({error}){online}") from None
    except Exception as error:  # aiohttp's own errors share no base with OSError
        if type(error).__module__.startswith("aiohttp"):
            raise DataError(f"{where}: cannot be reached ({error}); {_OFFLINE}") from None
        raise


def parse_json(text: str, where: str) -> Any:
    """The value of a JSON text.

    Raises:
        DataError: it is not JSON; the message begins with ``where:line``.
    """
    try:
        return decoded(text, strict=False)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}:{error.lineno}: not JSON ({error.msg})") from None
    except ValueError as error:
        raise DataError(f"{where}: not JSON that can be read ({error})") from None


def read_json(base: str, relative: str) -> Any:
    """The JSON of ``base/relative``; arguments and errors as of :func:`read_text` and :func:`parse_json`."""
    return parse_json(read_text(base, relative), f"{base.rstrip('/')}/{relative}")
