"""The model that a user names: whether it is there, which one it is, and whether it is an instruct model."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.errors import CalmError
from calm_ext.files.expected import did_you_mean
from calm_ext.models.paths import local_folder

_KINDS = "name a folder with a config.json, a model of the Hugging Face hub as Qwen/Qwen3-0.6B, or babel"


class Found(NamedTuple):
    """A model that is there.

    Attributes:
        path: a folder, or a name on the hub.
        identity: JSON-able; equal for the same files of the same folder or the same revision on the hub.
    """

    path: str
    identity: dict[str, Any]


def find_model(path: str) -> Found:
    """Find a model without loading it; of one on the hub its ``config.json`` is fetched.

    Raises:
        CalmError: there is none, or it cannot be had; one line says why and what to do.
    """
    folder = local_folder(path)
    return _on_hub(path) if folder is None else _in_folder(path, folder)


def _in_folder(path: str, folder: Path) -> Found:
    if not folder.is_dir():
        raise CalmError(f"model {path}: no such folder; {_KINDS}")
    if not (folder / "config.json").is_file():
        if (folder / "adapter_config.json").is_file():
            raise CalmError(f"model {path}: is an adapter; `calm-ext merge` folds a run's adapter into its base model")
        raise CalmError(f"model {path}: has no config.json, so it is no transformers model; {_KINDS}")
    files = sorted(p for p in folder.iterdir() if p.is_file())
    stats = [(p.name, p.stat()) for p in files]
    return Found(
        str(folder),
        {"folder": str(folder.resolve()), "files": [[name, s.st_size, s.st_mtime_ns] for name, s in stats]},
    )


def _on_hub(name: str) -> Found:
    from huggingface_hub import constants, errors, hf_hub_download

    try:
        config = hf_hub_download(name, "config.json")
    except errors.HFValidationError:
        raise CalmError(f"model {name}: is no folder here, and cannot be a name on the hub; {_KINDS}") from None
    except errors.GatedRepoError:
        raise CalmError(
            f"model {name}: is gated; accept its licence on https://huggingface.co/{name} and run `hf auth login`"
        ) from None
    except errors.RepositoryNotFoundError:
        raise CalmError(f"model {name}: is neither a folder here nor a public model of the hub; {_KINDS}") from None
    except OSError:  # no connection, and not in the cache
        why = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else "the hub cannot be reached"
        meant = did_you_mean(name, ["babel"])
        raise CalmError(f"model {name}: is no folder here and not in the cache, and {why}{meant}; {_KINDS}") from None
    except errors.EntryNotFoundError:
        raise CalmError(
            f"model {name}: has no config.json on the hub, so it is no transformers model; {_KINDS}"
        ) from None
    return Found(name, {"hub": name, "revision": Path(config).parent.name})


def load_tokenizer(path: str, *, trust_remote_code: bool = False) -> Any:
    """The tokenizer of a model.

    Raises:
        CalmError: it cannot be loaded; one line says why.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(path, trust_remote_code=trust_remote_code)
    except (OSError, ValueError, ImportError) as error:
        reason = next((x.strip() for x in str(error).splitlines() if x.strip()), type(error).__name__)
        raise CalmError(f"model {path}: its tokenizer cannot be loaded: {reason}") from None


def folder_name(model: str) -> str:
    """The last part of ``runs/check-…`` for a model: a folder's own name, a hub name with its owner.

    >>> folder_name("models/gemma-3-270m/"), folder_name("Qwen/Qwen3-0.6B"), folder_name("a b")
    ('gemma-3-270m', 'Qwen-Qwen3-0.6B', 'a-b')
    """
    folder = local_folder(model)
    name = model if folder is None else os.path.basename(os.path.abspath(folder))
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "model"
