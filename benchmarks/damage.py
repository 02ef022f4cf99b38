"""Every file of a run damaged in every way, and the run begun again: what is repaired, refused, and used all the same?

    python benchmarks/damage.py [--damages 400] [--seconds 3600] [--seed 0] [--files PATTERN] [--out FOLDER]
    python benchmarks/damage.py --files '*.log'      # one class of files: the logs

Damaged are the files of a finished run, and of one that was killed in training, each of them: cut in the middle,
emptied, overwritten with zeros, with one bit turned, removed, and with the content of another file of the run. Then
the same command is given again. Prints a Markdown table:

- repaired: the run ends, and the file is again what it was (or, of what differs from run to run, was written anew);
- refused: one line says what is wrong;
- harmless: the run ends, and the file is one that no result depends on (logs, locks, what was put aside);
- stopped by a log: one line refuses the run, or a result is another, though the file is only a log; or the log was not
  continued below what was left of it;
- silently used: the run ends with the damaged file as a result;
- traceback.

Ends with 1 where something of the last three is found.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from ordeal import Attempt, attempt, clock, copied, differences, prepare, table, workplace

WAYS = ("cut", "emptied", "zeros", "bit", "removed", "swapped")
KINDS = ("repaired", "refused", "harmless", "stopped by a log", "silently used", "traceback")
#: The log of a run, which is only read by people: whatever happens to it, the run goes on and continues it.
LOG = "run.log"
#: Files that no result depends on: they are for people, or a process's own notes, which it reads again or makes again.
IDLE = ("worker.log", "job.json", "spent.jsonl", ".inputs", ".job", ".lock", "done.json", ".sha256", "README.md")


class Damage(NamedTuple):
    """One damage: to which file of which state of the run."""

    state: str
    file: str
    way: str


def damages(states: dict[str, Path]) -> list[Damage]:
    """All there are."""
    found = []
    for state, folder in states.items():
        files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
        if state == "in training":
            files = [x for x in files if x.startswith("training/") or x == LOG]
        found += [Damage(state, file, way) for file in files for way in WAYS]
    return found


def do(path: Path, way: str, other: Path, draw: random.Random) -> None:
    """Damage a file."""
    data = path.read_bytes()
    if way == "removed":
        path.unlink()
    elif way == "swapped":
        shutil.copyfile(other, path)
    elif way == "bit" and data:
        at = draw.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1 :])
    else:
        path.write_bytes({"cut": data[: len(data) // 2], "zeros": bytes(len(data))}.get(way, b""))


def suffer(recipe: Path, out: Path, state: Path, damage: Damage, draw: random.Random) -> tuple[str, Attempt]:
    """Damage a copy of a run and go on with it."""
    run, reference = copied(state, out / "run"), out / "reference"
    path = run / damage.file
    others = sorted(p for p in run.rglob("*") if p.is_file() and p != path and p.read_bytes() != path.read_bytes())
    do(path, damage.way, draw.choice(others), draw)
    after = path.read_bytes() if path.exists() else None
    if after == (state / damage.file).read_bytes():
        return "harmless", Attempt(0, "nothing was changed")
    found = attempt(recipe, run, out / "run.log")
    if found.has_traceback:
        return "traceback", found
    wrong = [] if found.code else differences(run, reference)
    now = path.read_bytes() if path.exists() else None
    if damage.file == LOG:
        is_continued = now is not None and now != after and now.startswith(after or b"")
        return ("stopped by a log" if found.code or wrong or not is_continued else "harmless"), found
    if found.code:
        return "refused", found
    if wrong:
        return "silently used", found._replace(text=f"differs: {', '.join(wrong)}\n{found.text}")
    if path.name.endswith(IDLE) or damage.file not in results_of(reference):
        return "harmless", found
    return ("silently used" if now == after else "repaired"), found


def results_of(run: Path) -> set[str]:
    """The files that a run's manifest answers for, with the manifest and the recipe."""
    manifest = json.loads((run / "manifest.json").read_text())
    found = {"manifest.json", "recipe.yaml"}
    for entry in manifest["stages"].values():
        for name in entry["outputs"]:
            path = run / name
            files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
            found |= {p.relative_to(run).as_posix() for p in files}
    return found


def states_of(recipe: Path, out: Path) -> dict[str, Path]:
    """A finished run, and one that was killed in training behind its first checkpoint."""
    half, log = out / "half", out / "reference.log"
    if attempt(recipe, half, log, stop_after="pairs").code:
        raise SystemExit(f"the run itself fails: {log.read_text()[-500:]}")
    if attempt(recipe, copied(half, out / "reference"), log, kill=("train", 0)).code:
        raise SystemExit(f"the run itself fails: {log.read_text()[-500:]}")
    operations = int(Path(f"{log}.train").read_text())
    untrained = copied(half, out / "untrained")
    for tenths in (6, 7, 8, 9):
        attempt(recipe, copied(untrained, half), out / "half.log", kill=("train", operations * tenths // 10))
        if list(half.glob("training/checkpoints/checkpoint-*/sha256.json")):
            return {"finished": out / "reference", "in training": half}
    raise SystemExit("no kill left a checkpoint")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--damages", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", default="*", metavar="PATTERN", help="only these, as 'training/*' or '*.log'")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    draw, left = random.Random(options.seed), clock(options.seconds)
    counts: dict[str, Counter[str]] = {}
    with workplace(options.out) as out:
        recipe = prepare(out)
        states = states_of(recipe, out)
        todo = [damage for damage in damages(states) if fnmatch(damage.file, options.files)]
        draw.shuffle(todo)
        for number, damage in enumerate(todo[: options.damages]):
            if not left():
                print(f"time is over after {number} damages", file=sys.stderr)
                break
            became, found = suffer(recipe, out, states[damage.state], damage, draw)
            counts.setdefault(damage.state, Counter())[became] += 1
            if became in KINDS[3:]:
                print(f"{damage}: {became}: {found.text[-2000:]}", file=sys.stderr)
    rows = [(state, own.total(), *(own[kind] for kind in KINDS)) for state, own in counts.items()]
    print(table(rows, ("a run that is", "damages", *KINDS)))
    return int(any(own[kind] for own in counts.values() for kind in KINDS[3:]))


if __name__ == "__main__":
    sys.exit(main())
