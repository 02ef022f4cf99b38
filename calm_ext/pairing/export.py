"""Preference pairs in the forms that other trainers read.

- ``jsonl``: our records, with what is known of each pair; TRL reads these too.
- ``trl``: ``prompt``, ``chosen``, ``rejected`` only; where the prompt is a chat, all three are lists of messages
  (https://huggingface.co/docs/trl/dataset_formats#preference).
- ``llamafactory``: a JSON list in its preference format, and its entry in the ``dataset_info.json`` beside it
  (https://llamafactory.readthedocs.io/en/latest/getting_started/data_preparation.html).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from calm_ext.disk.lock import held
from calm_ext.errors import DataError
from calm_ext.files.decode import read_table
from calm_ext.files.writing import atomic_write
from calm_ext.jsonl import write_jsonl
from calm_ext.records import Pair

Format = Literal["jsonl", "trl", "llamafactory"]

#: Seconds in which another process has surely added its entry to ``dataset_info.json``.
_WAIT = 60.0


def write_pairs(path: str | os.PathLike[str], pairs: Iterable[Pair], *, format: Format = "jsonl") -> None:
    """Write pairs as they come.

    Raises:
        DataError: there is a ``dataset_info.json`` beside the file that is no JSON object.
    """
    if format == "jsonl":
        write_jsonl(path, pairs)
    elif format == "trl":
        atomic_write(path, (json.dumps(trl_row(p), ensure_ascii=False) + "\n" for p in pairs))
    else:
        if Path(path).name == "dataset_info.json":
            raise DataError(f"{path}: is the name of LLaMA-Factory's list of data sets; call the pairs otherwise")
        listing = Path(path).with_name("dataset_info.json")
        _with_entry(listing, Path(path))  # a list that cannot be read is refused before the pairs are made
        atomic_write(path, _json_list(_llamafactory(p) for p in pairs))
        with held(listing, "pairs", wait=_WAIT):  # others add their files to it, too
            atomic_write(listing, _with_entry(listing, Path(path)))


def trl_row(pair: Pair) -> dict[str, Any]:
    """A pair as TRL reads it: ``prompt``, ``chosen``, ``rejected``; lists of messages where the prompt is a chat."""
    if isinstance(pair.prompt, str):
        return {"prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected}
    said = {side: [{"role": "assistant", "content": getattr(pair, side)}] for side in ("chosen", "rejected")}
    return {"prompt": pair.prompt, **said}


def _llamafactory(pair: Pair) -> dict[str, Any]:
    roles = {"user": "human", "assistant": "gpt"}
    turns = [{"role": "user", "content": pair.prompt}] if isinstance(pair.prompt, str) else pair.prompt
    system = "\n".join(t["content"] for t in turns if t["role"] == "system")
    return {
        "conversations": [{"from": roles[t["role"]], "value": t["content"]} for t in turns if t["role"] in roles],
        "chosen": {"from": "gpt", "value": pair.chosen.strip()},
        "rejected": {"from": "gpt", "value": pair.rejected.strip()},
        "system": system,
    }


def _json_list(rows: Iterable[Any]) -> Iterator[str]:
    before = "[\n"
    for row in rows:
        yield before + json.dumps(row, ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _with_entry(listing: Path, path: Path) -> str:
    """A ``dataset_info.json`` with an entry for a file beside it."""
    known: Any = {}
    if listing.exists():
        known = read_table(listing, again="LLaMA-Factory's data sets are listed there")
    known[path.stem] = {
        "file_name": path.name,
        "formatting": "sharegpt",
        "ranking": True,
        "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected", "system": "system"},
    }
    return json.dumps(known, ensure_ascii=False, indent=2) + "\n"
