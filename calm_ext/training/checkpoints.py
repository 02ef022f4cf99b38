"""Checkpoints of a training: which of them is whole, and when the training has come to its end.

A checkpoint counts where its seal is there and right, and where the adapters of all checks up to it are, too. It keeps
a copy of the log as it was then. Training goes on from the newest one that counts; a newer one that does not is set
aside under another name.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from calm_ext.disk.digests import sha256_of
from calm_ext.disk.seal import damage_of, seal
from calm_ext.files.writing import atomic_write

LOG = "log.jsonl"
#: Written when the adapter and the summary are there.
DONE = "done.json"
_RESULTS = ("summary.json", LOG)
#: What a training leaves behind while it goes on.
UNFINISHED = ("checks", "last", "checkpoints")


def seal_checkpoint(output: Path, checkpoint: Path) -> None:
    """Complete a checkpoint that was just written: with the log up to it, and the seal. Only the one before stays."""
    log = output / LOG
    atomic_write(checkpoint / LOG, log.read_text(encoding="utf-8") if log.is_file() else "")
    seal(checkpoint)
    for old in _newest_first(checkpoint.parent)[2:]:
        shutil.rmtree(old, ignore_errors=True)


def newest_whole(output: Path, *, say: Callable[[str], None]) -> Path | None:
    """The checkpoint to go on from, with the log as it was then; None where training must start anew.

    Args:
        output: the directory of the training.
        say: called with what was set aside, and why.
    """
    folder = output / "checkpoints"
    for checkpoint in _newest_first(folder):
        damage = _damage(output, checkpoint)
        if damage is None:
            atomic_write(output / LOG, (checkpoint / LOG).read_text(encoding="utf-8"))
            return checkpoint
        aside = checkpoint.with_name(f"broken-{checkpoint.name}")
        shutil.rmtree(aside, ignore_errors=True)
        os.replace(checkpoint, aside)
        say(f"the checkpoint of step {_step(checkpoint)} is set aside: {damage}")
    kept = sorted(folder.glob("broken-checkpoint-*"))
    discard(output, but=kept)
    return None


def discard(output: Path, *, but: Sequence[Path] = ()) -> None:
    """Remove all that a training wrote, but for some folders of ``checkpoints``."""
    (output / DONE).unlink(missing_ok=True)
    for name in ("summary.json", LOG):
        (output / name).unlink(missing_ok=True)
    for name in ("checks", "last", "adapter"):
        shutil.rmtree(output / name, ignore_errors=True)
    for path in (output / "checkpoints").glob("*"):
        if path not in but:
            shutil.rmtree(path, ignore_errors=True)


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint-*"), key=_step, reverse=True)


def _step(checkpoint: Path) -> int:
    number = checkpoint.name.rpartition("-")[2]
    return int(number) if number.isascii() and number.isdigit() else -1


def _damage(output: Path, checkpoint: Path) -> str | None:
    damage = damage_of(checkpoint)
    if damage is not None:
        return f"it {damage}"
    for step in _checked(checkpoint / LOG):
        damage = damage_of(output / f"checks/step-{step}")
        if damage is not None:
            return f"the adapter of step {step}, which was made before it, {damage}"
    return None


def _checked(log: Path) -> list[int]:
    """The steps that were checked, of a log that is known to be whole."""
    rows = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    return [row["step"] for row in rows if row["kind"] == "check"]


def finish(output: Path) -> None:
    """Note that adapter, summary and log are complete, and remove what is not needed any more, in this order."""
    atomic_write(output / DONE, json.dumps({name: sha256_of(output / name) for name in ("adapter", *_RESULTS)}) + "\n")
    clear(output)


def clear(output: Path) -> None:
    """Remove what a training that has come to its end needs no more."""
    for name in UNFINISHED:
        shutil.rmtree(output / name, ignore_errors=True)


def finished_adapter(output: Path, places: Iterable[Path]) -> Path | None:
    """Where the adapter of a training lies that came to its end; None where it did not, or a file is damaged since.

    Args:
        output: the directory of the training.
        places: folders where the adapter may lie.
    """
    try:
        wanted = json.loads((output / DONE).read_text(encoding="utf-8"))
        if any(sha256_of(output / name) != wanted[name] for name in _RESULTS):
            return None
        return next((x for x in places if x.is_dir() and sha256_of(x) == wanted["adapter"]), None)
    except (OSError, ValueError, KeyError, TypeError):
        return None
