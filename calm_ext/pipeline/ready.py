"""Whether this machine can do a recipe: packages, device, memory, disk and the model, seen before hours of work."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

from calm_ext.errors import CalmError
from calm_ext.models.find import find_model
from calm_ext.models.paths import local_folder
from calm_ext.models.processes.options import processes_here
from calm_ext.models.template import require_chat_template
from calm_ext.pipeline.schema import Recipe

#: The stages that load a model, and take hours.
LOADS_MODEL = ("before", "sample", "train", "after")
#: What a run writes besides checkpoints, in bytes: responses, reports, logs.
_WRITTEN = 50 * 2**20
#: Checkpoints and the adapters of the checks together, as a share of the model's own size: adapters of a few per cent
#: of its parameters, some with the optimizer's two moments in float32.
_CHECKPOINTS = 0.4
#: Bytes of a number.
_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


def check_packages(recipe: Recipe) -> None:
    """Refuse a recipe whose training needs a package that is not installed.

    Raises:
        CalmError: it names the key and what to install.
    """
    if recipe.training.quantize == "4bit" and importlib.util.find_spec("bitsandbytes") is None:
        raise CalmError(
            "training.quantize: 4bit needs the package bitsandbytes, which is not installed "
            "(pip install 'calm-ext[qlora]')"
        )


def check_machine(recipe: Recipe, folder: Path) -> None:
    """Refuse what this machine cannot hold or does not have.

    Args:
        folder: the run directory; it need not be there.

    Raises:
        CalmError: no such device, fewer GPUs than processes, a model that is not there, is gated or lacks the chat
            template that is asked for, memory that the weights alone exceed, or a disk that is nearly full.
    """
    from calm_ext.models.device import choose_dtype, find_device

    r = recipe
    try:
        device = find_device(r.model.device)
    except CalmError as error:
        raise CalmError(f"model.{error}") from None
    if r.training.quantize == "4bit" and device == "cpu":
        raise CalmError(
            "training.quantize: 4bit needs a GPU, and this machine has none; leave the key out to train in full"
        )
    size = 0
    if r.model.path != "babel":
        find_model(r.model.path)
        if r.sampling.chat_template:
            require_chat_template(r.model.path, where="sampling.chat_template", off="set it to false", fetch=True)
        size = weight_bytes(r.model.path, choose_dtype(r.model.dtype, device=device))
    _check_gpus(r, device)
    _check_memory(r, device, size)
    _check_disk(folder, _WRITTEN + int(_CHECKPOINTS * size))


def weight_bytes(path: str, dtype: str) -> int:
    """How much memory a model's weights take in a number format; 0 where the model is not a folder of this machine."""
    folder = local_folder(path)
    if folder is None:
        return 0
    stored = sum(p.stat().st_size for p in folder.glob("*.safetensors"))
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        own = str(config.get("dtype") or config.get("torch_dtype") or "float32")
    except (OSError, ValueError, AttributeError):
        own = "float32"
    return stored * _BYTES.get(dtype, 4) // _BYTES.get(own.removeprefix("torch."), 4)


def _check_gpus(recipe: Recipe, device: str) -> None:
    """Refuse more processes than GPUs: asking would take turns on one, but training, hours later, ends by an error."""
    config = recipe.launch.accelerate_config
    if config is None or not device.startswith("cuda"):
        return
    import torch

    processes, gpus = processes_here(Path(config)), torch.cuda.device_count()
    if processes is not None and processes > gpus:
        raise CalmError(
            f"launch.accelerate_config: {config} starts {processes} processes on this machine, which has {gpus} GPUs; "
            f"set its num_processes to the number of GPUs"
        )


def _check_memory(recipe: Recipe, device: str, size: int) -> None:
    import psutil

    if device.startswith("cuda"):
        if recipe.launch.several:
            return  # may be spread over several
        import torch

        there, whose = torch.cuda.get_device_properties(device).total_memory, f"{device} has"
    else:
        there, whose = psutil.virtual_memory().total, "this machine has"
    if size > there:
        raise CalmError(
            f"model.path: the weights of {recipe.model.path} take {_gib(size)}, and {whose} {_gib(there)} of memory; "
            f"take a smaller model, model.dtype bfloat16 or float16, or a larger machine"
        )


def _check_disk(folder: Path, needed: int) -> None:
    place = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    free = shutil.disk_usage(place).free
    if free < needed:
        raise CalmError(
            f"{folder}: its disk has {_gib(free)} free, and the run may need {_gib(needed)}; free some, or name a "
            f"place on another disk with --run"
        )


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
