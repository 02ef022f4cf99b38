"""The readers of fuzz.py on inputs that are bred: one that reaches code which none before it did is damaged further.

    pip install atheris
    python benchmarks/fuzz_guided.py [--inputs 10000] [--readers results,index] [--minutes 60] [--keep DIR]

atheris (https://github.com/google/atheris, libFuzzer for Python) watches which lines of calm_ext an input reaches; half
of its changes are of bytes, half those of fuzz.py, which know JSON and YAML. One file of a valid input is damaged at a
time, each reader in a process of its own. Prints the table of fuzz.py, with the number of inputs that reached
something new; ends with 1 where a fault was found.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

#: Bytes that a damaged file may have.
LONGEST = 400_000


def guided(reader: str, *, inputs: int, seconds: float, seed: int, to: Path, keep: Path | None) -> None:
    """Breed inputs for one reader until their number or the time is reached; writes what became of them, and exits."""
    import atheris

    with atheris.instrument_imports(include=["calm_ext"]):
        import fuzz

        made = fuzz.READERS[reader]
        place = Path(tempfile.mkdtemp(prefix="calm-fuzz-", dir=to.parent))
        valid, folder, corpus = place / "valid", place / "damaged", place / "corpus"
        valid.mkdir()
        corpus.mkdir()
        names = list(made.make(valid))[:256]
        shutil.copytree(valid, folder)
        made.read(folder)
    logging.disable(logging.WARNING)
    for number, name in enumerate(names):
        (corpus / str(number)).write_bytes(bytes([number]) + (valid / name).read_bytes())
    counts: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    slowest, before, until = 0.0, fuzz.taken(), time.monotonic() + seconds

    def end() -> None:
        memory = fuzz.taken() - before
        if memory > fuzz.MEMORY:
            faults[f"{memory:.0f} MiB of memory"] += 1
        found: dict[str, Any] = {
            "inputs": counts.total(), "read": counts["read"], "refused": counts["refused"], "faults": dict(faults),
            "slowest": slowest, "memory": memory, "new": len(list(corpus.iterdir())) - len(names),
        }  # fmt: skip
        to.write_text(json.dumps(found))
        shutil.rmtree(place)
        sys.stdout.flush()
        os._exit(0)

    def test(data: bytes) -> None:
        nonlocal slowest
        if data:
            name = names[data[0] % len(names)]
            shutil.rmtree(folder)
            shutil.copytree(valid, folder)
            (folder / name).write_bytes(data[1:])
            started = time.process_time()
            kind, fault = fuzz.outcome(made.read, folder)
            slowest = max(slowest, time.process_time() - started)
            counts[kind] += 1
            if fault:
                faults[fault.splitlines()[-1][:160]] += 1
                if keep is not None:
                    shutil.copytree(folder, keep / str(counts.total()))
                    (keep / str(counts.total()) / "raised.txt").write_text(fault, "utf-8", "replace")
        if counts.total() >= inputs or time.monotonic() > until:
            end()

    def change(data: bytes, most: int, number: int) -> bytes:
        rng = random.Random(number)
        if data and rng.random() < 0.5:
            return (data[:1] + fuzz.damaged(data[1:], names[data[0] % len(names)], rng))[:most]
        return bytes(atheris.Mutate(data, most))

    options = [
        f"-seed={seed + 1}",
        f"-max_len={LONGEST}",
        "-timeout=600",
        "-rss_limit_mb=0",
        "-verbosity=0",
        "-len_control=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], test, custom_mutator=change)
    atheris.Fuzz()


def main() -> None:
    from fuzz import options

    parser = options(__doc__)
    parser.add_argument("--to", type=Path, help=argparse.SUPPRESS)  # of the process of one reader
    given = parser.parse_args()
    names = given.readers.split(",")
    if given.to is not None:
        seconds = given.minutes * 60
        guided(names[0], inputs=given.inputs, seconds=seconds, seed=given.seed, to=given.to, keep=given.keep)
    heads = ("reader", "inputs", "read", "refused", "faults", "reached something new", "slowest, s", "memory, MiB")
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}", flush=True)
    all_faults: Counter[str] = Counter()
    end = time.monotonic() + given.minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(names):
            now, to = time.monotonic(), Path(folder) / f"{name}.json"
            minutes = (end - now) / (len(names) - number) / 60
            command = [sys.executable, __file__, "--readers", name, "--to", str(to), "--minutes", str(minutes)]
            command += ["--inputs", str(given.inputs), "--seed", str(given.seed)]
            command += ["--keep", str(given.keep / name)] if given.keep else []
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
            )
            if not to.exists():
                sys.exit(f"{name}: the process ended early, with {done.returncode}: {done.stderr[-2000:]}")
            r = json.loads(to.read_text())
            n = sum(r["faults"].values())
            row = (name, r["inputs"], r["read"], r["refused"], n, r["new"], f"{r['slowest']:.2f}", f"{r['memory']:.0f}")
            print(f"| {' | '.join(map(str, row))} |", flush=True)
            all_faults.update({f"{name}: {fault}": count for fault, count in r["faults"].items()})
    for fault, n in all_faults.most_common():
        print(f"{n} × {fault}", file=sys.stderr)
    sys.exit(bool(all_faults))


if __name__ == "__main__":
    main()
