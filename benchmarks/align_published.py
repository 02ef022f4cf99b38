"""Is every change of a copy of the paper's files found when it is loaded?

    CALM_DATA_DIR=../shared/data/wangym2-CALM PYTHONPATH=. python benchmarks/align_published.py [--seeds 10]

Each language's file of each set is damaged at random, once per seed and kind (the kinds of tests/test_align.py), and
loaded as a user would load it. Prints a Markdown table: how many were refused, rightly repaired (what is left is
right), missed.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from calm_ext.data import load_joined
from calm_ext.data.fetch import read_json
from calm_ext.data.sources import xcsqa
from calm_ext.data.sources.medqa import files_of
from calm_ext.errors import DataError
from calm_ext.records import ParallelQuestion
from tests.test_align import deleted, exchanged, inserted, other_gold, shuffled

SETS: dict[str, tuple[str, str, dict[str, str]]] = {
    "medqa": ("medqa", "test", files_of("en", "test", ("en", "zh", "fr"))),
    "medqa_zh": ("medqa_zh", "test", files_of("zh", "test", ("zh", "en", "fr"))),
    "xcsqa test": ("xcsqa", "test", xcsqa.paper_files("test", xcsqa.PAPER_LANGUAGES)),
    "xcsqa train": ("xcsqa", "train", xcsqa.paper_files("train", xcsqa.PAPER_LANGUAGES)),
}


def texts(questions: Sequence[ParallelQuestion]) -> set[tuple[str, ...]]:
    return {tuple(v.question for v in q.versions.values()) for q in questions}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    seeds = parser.parse_args().seeds
    logging.getLogger("calm_ext").setLevel(logging.ERROR)
    base = os.environ.get("CALM_DATA_DIR", "../shared/data/wangym2-CALM")
    print("| data | damage | done | refused | rightly repaired | missed |\n|---|---|---:|---:|---:|---:|")
    for name, (source, split, files) in SETS.items():
        raw: dict[str, list[Any]] = {x: read_json(base, f) for x, f in files.items()}
        right = texts(load_joined(source, split=split, data_dir=base).questions)
        with tempfile.TemporaryDirectory() as folder:
            for damage in (exchanged, shuffled, other_gold, deleted, inserted):
                counts = {"refused": 0, "repaired": 0, "missed": 0}
                for language in files:
                    for seed in range(seeds):
                        for x, f in files.items():
                            rows = [dict(r) for r in raw[x]]
                            if x == language:
                                damage(rows, random.Random(seed))
                            (Path(folder) / f).parent.mkdir(parents=True, exist_ok=True)
                            (Path(folder) / f).write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
                        try:
                            kept = texts(load_joined(source, split=split, data_dir=folder).questions)
                        except DataError:
                            counts["refused"] += 1
                            continue
                        lost = damage is deleted
                        good = kept <= right and len(kept) == len(right) - lost and damage in (deleted, inserted)
                        counts["repaired" if good else "missed"] += 1
                done = " | ".join(str(n) for n in counts.values())
                print(f"| {name} | {damage.__name__} | {seeds * len(files)} | {done} |", flush=True)


if __name__ == "__main__":
    main()
