"""Which device and number format this machine should compute in. torch is imported inside the functions."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from calm_ext.errors import CalmError

#: Names of devices, in words.
DEVICES = "cpu, cuda, cuda:1, mps or xpu"

#: Variables that hide GPUs: of AMD (torch heeds its own before CUDA's), of NVIDIA and AMD, of Intel.
_HIDING = ("HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")
_COUNT = """import torch
kind = "xpu" if torch.xpu.is_available() else "cuda"
print(kind, getattr(torch, kind).device_count())
"""
_DEVICE = re.compile(r"(cpu|cuda|mps|xpu|npu|hpu)(?::(\d+))?")


@lru_cache(maxsize=1)
def cpu_flags() -> frozenset[str]:
    """The processor's feature flags as Linux lists them; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((x.split(":", 1)[1].split() for x in lines if x.startswith("flags")), []))


def default_device() -> str:
    """``cuda``, ``mps`` or ``cpu``, whichever is there first."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def has_gpu() -> bool:
    """Whether this machine shows a GPU of NVIDIA or AMD; loads nothing, so torch may be one that cannot use it."""
    # A container may have NVIDIA's device without its tool. (/dev/kfd says less: processors with graphics have it.)
    return any(map(shutil.which, ("nvidia-smi", "rocm-smi"))) or Path("/dev/nvidiactl").exists()


def visible_gpus() -> tuple[str, list[str]]:
    """The environment variable that hides GPUs from a process, and the names in it of those that this one may use.

    torch counts them, in a process of its own: this one loads nothing, and starts nothing on a GPU.
    """
    for variable in _HIDING:
        if os.environ.get(variable):
            return variable, [x for x in os.environ[variable].split(",") if x]
    kind, count = _counted_gpus()
    return "ZE_AFFINITY_MASK" if kind == "xpu" else "CUDA_VISIBLE_DEVICES", [str(i) for i in range(count)]


@lru_cache(maxsize=1)
def _counted_gpus() -> tuple[str, int]:
    """The kind of this machine's GPUs as torch names it (AMD's are ``cuda``, too), and how many there are."""
    done = subprocess.run([sys.executable, "-c", _COUNT], capture_output=True, text=True, check=False)
    kind, _, count = (done.stdout.strip().splitlines() or [""])[-1].partition(" ")
    return (kind, int(count)) if count.isdecimal() else ("cpu", 0)


def is_device(name: str) -> bool:
    """Whether it is the name of a kind of device, with or without a number; loads nothing.

    >>> is_device("cuda:1"), is_device("gpu")
    (True, False)
    """
    return bool(_DEVICE.fullmatch(name))


def find_device(device: str | None) -> str:
    """The device of this name, or where none is named the first there is.

    Raises:
        CalmError: there is no such device, or this machine has none. The CPU does not step in for it.
    """
    import torch

    if device is None:
        return default_device()
    if not is_device(device):
        raise CalmError(f"device {device!r}: no such device; {DEVICES} was expected")
    kind, _, number = device.partition(":")
    if kind == "cpu":
        return device
    module = torch.backends.mps if kind == "mps" else getattr(torch, kind, None)
    if module is None or not module.is_available():
        raise CalmError(f"device {device!r}: this machine has none; it has {default_device()}")
    count = getattr(module, "device_count", lambda: 1)()
    if number and int(number) >= count:
        raise CalmError(f"device {device!r}: this machine has {count} of them, counted from 0")
    return device if number or kind in ("cuda", "mps") else f"{kind}:0"  # as lm-eval's class knows it


def choose_dtype(dtype: str = "auto", *, device: str | None = None) -> str:
    """Resolve ``auto``: bfloat16 on GPUs and processors that multiply matrices in it, float32 otherwise.

    Measured on one CPU: with avx512_bf16 a bf16 matrix product runs four times faster than fp32, without it slower.
    NVIDIA's GPUs before Ampere (T4, V100) only emulate it; AMD's that torch supports all have it.
    """
    if dtype != "auto":
        return dtype
    device = device or default_device()
    if device.startswith("cuda"):
        import torch

        native = torch.version.hip is not None or torch.cuda.get_device_capability(device)[0] >= 8
        return "bfloat16" if native else "float32"
    if device.startswith("xpu"):
        return "bfloat16"
    return "bfloat16" if cpu_flags() & {"avx512_bf16", "amx_bf16"} else "float32"


def seconds_since_start() -> float:
    """Wall-clock seconds since this process began."""
    import time

    import psutil

    return time.time() - float(psutil.Process().create_time())


def peak_memory_mib() -> float:
    """Largest resident memory of this process so far, in MiB."""
    import resource
    import sys

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1024**2 if sys.platform == "darwin" else 1024)
