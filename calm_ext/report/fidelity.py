"""How many of a run's sampled responses are in the language they were asked for in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from calm_ext.disk.shards import shards_of
from calm_ext.errors import DataError
from calm_ext.jsonl import read_jsonl
from calm_ext.languages import get_language, is_language
from calm_ext.metrics.fidelity import fidelity
from calm_ext.records import Generation
from calm_ext.report.rundata import RunData


def fidelity_summary(data: RunData) -> dict[str, Any] | None:
    """language -> ``share`` in that language, ``judged`` responses and how many of them are ``foreign``.

    None where nothing can be judged: options were scored, answers are short, all languages are invented, or the file
    cannot be read.
    """
    sampling = data.recipe.get("sampling") or {}
    languages = list(dict.fromkeys(x for b in data.ballots for x in b.votes))
    real = [x for x in languages if is_language(x) and not get_language(x).invented]
    path = data.path / "generations.jsonl"
    short = sampling.get("mode") == "options" or sampling.get("style") in ("direct", "open")
    if not real or short:
        return None

    def generations() -> Iterator[Generation]:
        for file in shards_of(path):
            yield from read_jsonl(file, Generation, allow_empty=True)

    try:
        found = fidelity(generations(), languages, thoughts=sampling.get("thoughts") or ())
    except DataError:
        return None  # the report shows what there is
    if not any(own and own.judged for own in found.values()):
        return None
    return {
        x: {"share": own.share, "judged": own.judged, "foreign": own.foreign} if own else None
        for x, own in found.items()
    }
