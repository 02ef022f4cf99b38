"""Whether a model's tokenizer has a chat template: seen in its files, before anything is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from calm_ext.errors import CalmError
from calm_ext.models.paths import local_folder

_TEMPLATE, _MORE, _CONFIG = "chat_template.jinja", "additional_chat_templates", "tokenizer_config.json"
_REMEDY = "an instruct model has one, a base model is asked without"


def has_chat_template(path: str, *, fetch: bool = False) -> bool | None:
    """Whether the tokenizer of a model has a chat template; None where its files do not say.

    They do not where they are not on this machine, and where the tokenizer runs its own code.

    Args:
        path: a folder, a name on the hub, or ``babel``, which has none.
        fetch: fetch the files of a name on the hub where they are not in the cache; they are small.
    """
    if path == "babel":
        return False
    template, config = (_file(path, name, fetch=fetch) for name in (_TEMPLATE, _CONFIG))
    if isinstance(template, Path):
        return True
    values = _read(config) if isinstance(config, Path) else None
    if values is None or "auto_map" in values:
        return None
    folder = local_folder(path)
    if values.get("chat_template") or (folder is not None and (folder / _MORE).is_dir()):
        return True
    return False if template is False else None


def require_chat_template(path: str, *, where: str, off: str, fetch: bool = False) -> None:
    """Refuse a model whose tokenizer surely has no chat template.

    Args:
        where: the key or flag that asks for one. off: what to do without it.

    Raises:
        CalmError: one line with both.
    """
    if has_chat_template(path, fetch=fetch) is False:
        raise CalmError(no_template(path, where=where, off=off))


def no_template(path: str, *, where: str, off: str) -> str:
    """What is said of a model without a chat template.

    >>> no_template("babel", where="--chat-template", off="leave it out")
    '--chat-template: the tokenizer of babel has no chat template; leave it out (an instruct model has one, a base \
model is asked without)'
    """
    return f"{where}: the tokenizer of {path} has no chat template; {off} ({_REMEDY})"


def _file(path: str, name: str, *, fetch: bool) -> Path | bool | None:
    """A file of a model; False where the model has none, None where that is not known."""
    folder = local_folder(path)
    if folder is not None:
        return folder / name if (folder / name).is_file() else False
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError

    try:
        found = try_to_load_from_cache(path, name)
        if found is None and fetch:
            found = hf_hub_download(path, name)
    except EntryNotFoundError:  # also without a connection: then nothing else finds it either
        return False
    except (OSError, HfHubHTTPError, HFValidationError):
        return None
    return Path(found) if isinstance(found, str) else None if found is None else False


def _read(config: Path) -> dict[str, Any] | None:
    try:
        values = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None
