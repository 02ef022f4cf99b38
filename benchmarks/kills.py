"""A small run, killed again and again: at file operations, and at moments, of the run and of its training process.

    python benchmarks/kills.py [--kills 100] [--seconds 3600] [--seed 0] [--out FOLDER]

Each kill is a SIGKILL of the run together with its training process, at a random one of the file operations that they
do in the run directory, or (every third) at a random moment. The same command is then given again until it ends. Prints
a Markdown table of what became of the runs: up to and with the pairs their files must be those of a run that nobody
killed, byte for byte, and there must be an adapter. Ends with 1 where something is wrong.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

from ordeal import attempt, clock, differences, prepare, table, workplace

#: How often a run is begun again after a kill, before it counts as blocked.
TRIES = 2


def reference(recipe: Path, out: Path) -> tuple[dict[str, int], float]:
    """A run that nobody kills: the number of file operations of each process, and the seconds that it took."""
    operations = {}
    for process, folder in (("align", "reference"), ("train", "counted")):
        began = time.monotonic()
        log = out / f"{folder}.log"
        found = attempt(recipe, out / folder, log, kill=(process, 0))
        if found.code:
            raise SystemExit(f"the run itself fails: {found.text[-500:]}")
        operations[process] = int(Path(f"{log}.{process}").read_text())
    return operations, time.monotonic() - began


def survive(
    recipe: Path, out: Path, *, kill: tuple[str, int] | None, seconds: float | None, stop_after: str | None = None
) -> tuple[str, str]:
    """Kill a fresh run once and go on with it; returns what became of it, and the words that explain a failure."""
    run, log = out / "run", out / "run.log"
    if run.exists():
        run.rename(out / f"old-{time.monotonic_ns()}")
    found = attempt(recipe, run, log, kill=kill, seconds=seconds, stop_after=stop_after)
    if found.code == 0:
        return "ended before the kill", ""
    for _ in range(TRIES):
        found = attempt(recipe, run, log, stop_after=stop_after)
        if found.has_traceback:
            return "traceback", found.text
        if found.code == 0:
            wrong = differences(run, out / "reference", trained=stop_after is None)
            return ("other files", ", ".join(wrong)) if wrong else ("survived", "")
    return "blocked", found.text


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    draw, left = random.Random(options.seed), clock(options.seconds)
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in ("align", "train", "moment")}
    with workplace(options.out) as out:
        recipe = prepare(out)
        operations, seconds = reference(recipe, out)
        for number in range(options.kills):
            if not left():
                print(f"time is over after {number} kills", file=sys.stderr)
                break
            kind = ("align", "train", "moment")[number % 3]
            kill = None if kind == "moment" else (kind, draw.randint(1, operations[kind]))
            moment = draw.uniform(0, seconds) if kind == "moment" else None
            became, words = survive(recipe, out, kill=kill, seconds=moment)
            counts[kind][became] += 1
            if words:
                print(f"{kind} {kill or moment}: {became}: {words[-2000:]}", file=sys.stderr)
    heads = ("survived", "ended before the kill", "other files", "blocked", "traceback")
    names = {"align": "file operation of the run", "train": "file operation of training", "moment": "moment"}
    rows = [(names[x], counts[x].total(), *(counts[x][head] for head in heads)) for x in counts]
    print(table(rows, ("killed at a", "kills", *heads)))
    return int(any(own[x] for own in counts.values() for x in heads[2:]))


if __name__ == "__main__":
    sys.exit(main())
