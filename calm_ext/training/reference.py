"""The reference's log-probabilities of a run's pairs, computed once and kept on disk.

A line of ``reference-KEY.jsonl`` is one pair. KEY hashes what the reference is: the model's files, its configuration,
the number format, and where pairs are cut; a pair is known by a hash of its tokens, so that the prompt's template and
the tokenizer count too. An interrupted or repeated run computes what is missing, and only that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import broadcast_object_list, gather_object

from calm_ext.disk.lines import CheckedAppender, restore
from calm_ext.errors import DataError, RunError
from calm_ext.jsonl import read_jsonl
from calm_ext.records import Record
from calm_ext.training.messages import tell

Row = Mapping[str, Sequence[int]]


class ReferenceLine(Record):
    """The reference's summed log-probabilities of a pair's responses, in nats."""

    pair: str
    chosen: float
    rejected: float


def model_identity(model: Any, path: str) -> dict[str, Any]:
    """What a model is: its configuration, and of a folder each weight file's name, size and time of change."""
    config = model.config.to_dict()
    config.pop("transformers_version", None)
    folder = Path(path)
    files = sorted(f for f in folder.iterdir() if f.suffix in (".safetensors", ".bin")) if folder.is_dir() else []
    return {
        "path": str(folder.resolve()) if folder.is_dir() else path,
        "commit": getattr(model.config, "_commit_hash", None),
        "config": json.loads(json.dumps(config, sort_keys=True, default=str)),
        "files": [[f.name, f.stat().st_size, f.stat().st_mtime_ns] for f in files],
    }


def key_of(identity: Mapping[str, Any], **settings: Any) -> str:
    """A hash of what the reference is."""
    text = json.dumps({**identity, **settings}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def pair_key(row: Row) -> str:
    """A hash of a pair's tokens."""
    parts = [",".join(map(str, row[k])) for k in ("prompt_ids", "chosen_ids", "rejected_ids")]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


class ReferenceCache:
    """Reference log-probabilities in a folder.

    Args:
        folder: a run's training folder.
        key: of the reference (:func:`key_of`).
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.path = folder / f"reference-{key[:16]}.jsonl"
        self.known: dict[str, tuple[float, float]] = {}

    def fill(self, trainer: Any, rows: Sequence[Row], *, batch_size: int) -> int:
        """Compute what is missing, each process its share; returns how many pairs that were.

        Longest pairs first, and those of one prompt one after the other: batches need little padding, share their
        prompts, and the largest comes first.
        """
        accelerator = trainer.accelerator
        main = accelerator.is_main_process
        appender = None
        if main:
            if restore(self.path):  # a line was changed, though it may still be one: all are computed again
                self.path.unlink()
            appender = CheckedAppender(self.path)  # it cuts off half a line
            try:
                found = read_jsonl(self.path, ReferenceLine, allow_empty=True)
                self.known = {x.pair: (x.chosen, x.rejected) for x in found}
            except DataError as error:
                raise RunError(f"{error}; delete the file to compute the reference again") from None
        box: list[Any] = [self.known]
        broadcast_object_list(box, from_process=0)
        self.known = box[0]
        missing = {k: r for r in rows if (k := pair_key(r)) not in self.known}
        order = sorted(missing, key=lambda k: (-pair_length(missing[k]), list(missing[k]["prompt_ids"]), k))
        n, step = accelerator.num_processes, batch_size * accelerator.num_processes
        if main and order:
            tell("note", message=f"reference log-probabilities: {len(order)} of {len(rows)} pairs to compute")
        for start in range(0, len(order), step):
            mine = order[start : start + step][accelerator.process_index :: n]
            lines = gather_object(self._compute(trainer, {k: missing[k] for k in mine}))
            self.known |= {k: (chosen, rejected) for k, chosen, rejected in lines}
            if appender:
                appender.append([ReferenceLine(pair=k, chosen=c, rejected=r) for k, c, r in lines])
                tell("progress", label="reference of pairs", done=min(start + step, len(order)), of=len(order))
        if appender:
            appender.close()
        return len(order)

    def _compute(self, trainer: Any, rows: Mapping[str, Row]) -> list[tuple[str, float, float]]:
        if not rows:
            return []
        batch = trainer.data_collator([dict(r) for r in rows.values()])
        batch = {k: v.to(trainer.accelerator.device) for k, v in batch.items()}
        chosen, rejected = trainer.compute_ref_log_probs(trainer.model, batch)
        if not torch.isfinite(torch.cat([chosen, rejected])).all():
            raise RunError("the untrained model's log-probabilities are not finite: try training.dtype float32")
        return list(zip(rows, chosen.tolist(), rejected.tolist(), strict=True))

    def columns(self, rows: Sequence[Row]) -> dict[str, list[float]]:
        """``ref_chosen_logps`` and ``ref_rejected_logps`` of rows, as TRL's collator takes them."""
        found = [self.known[pair_key(r)] for r in rows]
        return {"ref_chosen_logps": [c for c, _ in found], "ref_rejected_logps": [r for _, r in found]}


def pair_length(row: Row) -> int:
    """Tokens of the longer one of a pair's two rows."""
    return len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"]))
