"""What of a model's files is trusted: its numbers. Code that a model brings is run for the person at the keyboard only.

Weights are loaded from safetensors, never from pickles, which run code where they are opened. A file that came along, a
recipe or a run, can only wish for the model's own code: :data:`FLAG` on the command line grants it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from calm_ext.errors import CalmError
from calm_ext.files.decode import read_table

#: Runs the code that a model brings.
FLAG = "--trust-remote-code"

_NEEDED = f"the model brings Python code of its own, which is run only with {FLAG} on the command line"


def loading(trust_remote_code: bool) -> dict[str, Any]:
    """Arguments of every ``from_pretrained`` of a model."""
    return {"trust_remote_code": trust_remote_code, "use_safetensors": True}


def why(error: BaseException, *, lines: int = 1) -> str:
    """The first lines of an error of transformers, as one; where a model's own code was refused, what grants it."""
    text = str(error)
    if "trust_remote_code" in text:
        return _NEEDED
    found = [x.strip() for x in text.splitlines() if x.strip()]
    return " ".join(found[:lines])[:300] if found else type(error).__name__


def require_adapter(folder: Path) -> None:
    """Refuse a folder that is no PEFT adapter, or one that would run code.

    Raises:
        CalmError: a file is missing, its weights are a pickle, or its config names a module to import.
    """
    config = folder / "adapter_config.json"
    if not config.is_file():
        raise CalmError(f"{folder}: has no adapter_config.json, a PEFT adapter folder was expected")
    if not (folder / "adapter_model.safetensors").is_file():
        pickled = " (adapter_model.bin is a pickle, which can run code, and is not read)"
        raise CalmError(
            f"{folder}: has no adapter_model.safetensors{pickled * (folder / 'adapter_model.bin').is_file()}; train "
            f"again, or copy the whole adapter"
        )
    if read_table(config, again="copy the adapter again").get("megatron_config"):  # PEFT imports the module it names
        raise CalmError(f"{config}: is of a model in Megatron, which is not loaded here")
