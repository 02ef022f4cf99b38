"""Two processes that run the same recipe in the same directory, begun at random moments: does either spoil the other?

    python benchmarks/races.py [--pairs 40] [--seconds 3600] [--seed 0] [--out FOLDER]

The second is begun up to as long after the first as a whole run takes. One of them does the work; the other must be
refused in one line that names the first, or find all of it done. Prints a Markdown table, and ends with 1 where a pair
left a traceback, other files than an undisturbed run's, or a run that cannot be gone on with.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

from ordeal import Attempt, attempt, clock, differences, end, prepare, start, table, workplace

KINDS = ("second refused", "first refused", "both ended well", "both refused", "other files", "broken", "traceback")


def race(recipe: Path, out: Path, *, after: float, stop_after: str | None = None) -> tuple[str, str]:
    """Start two at once; returns what became of them, and the words that explain a failure."""
    run, logs = out / "run", (out / "first.log", out / "second.log")
    if run.exists():
        run.rename(out / f"old-{time.monotonic_ns()}")
    for log in logs:
        log.unlink(missing_ok=True)
    first = start(recipe, run, logs[0], stop_after=stop_after)
    time.sleep(after)
    second = start(recipe, run, logs[1], stop_after=stop_after)
    ends = [end(second, logs[1]), end(first, logs[0])][::-1]
    said = "\n".join(x.text for x in ends)
    if any(x.has_traceback for x in ends):
        return "traceback", said
    refused = [is_refused(x) for x in ends]
    if any(x.code and not r for x, r in zip(ends, refused, strict=True)):
        return "broken", said
    again = attempt(recipe, run, out / "again.log", stop_after=stop_after)
    if again.code:
        return "broken", again.text
    wrong = differences(run, out / "reference", trained=stop_after is None)
    if wrong:
        return "other files", ", ".join(wrong)
    kinds = {(False, True): "second refused", (True, False): "first refused", (True, True): "both refused"}
    return kinds.get((refused[0], refused[1]), "both ended well"), ""


def is_refused(found: Attempt) -> bool:
    """Whether it said in one line that another process writes the run."""
    errors = [line for line in found.text.splitlines() if line.startswith("error: ")]
    return found.code == 2 and len(errors) == 1 and "is being written by" in errors[0]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    draw, left, counts = random.Random(options.seed), clock(options.seconds), Counter[str]()
    with workplace(options.out) as out:
        recipe = prepare(out)
        began = time.monotonic()
        if attempt(recipe, out / "reference", out / "reference.log").code:
            raise SystemExit(f"the run itself fails: {(out / 'reference.log').read_text()[-500:]}")
        whole = time.monotonic() - began
        for number in range(options.pairs):
            if not left():
                print(f"time is over after {number} pairs", file=sys.stderr)
                break
            # Every other pair begins within a twentieth of a second: that is where a lock is not yet there.
            after = draw.uniform(0, 0.05 if number % 2 else whole)
            became, words = race(recipe, out, after=after)
            counts[became] += 1
            if words:
                print(f"{after:.2f} s apart: {became}: {words[-2000:]}", file=sys.stderr)
    print(table([(counts.total(), *(counts[kind] for kind in KINDS))], ("pairs", *KINDS)))
    return int(any(counts[kind] for kind in ("both refused", *KINDS[4:])))


if __name__ == "__main__":
    sys.exit(main())
