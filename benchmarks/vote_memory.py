"""How much memory `calm-ext vote` and `calm-ext pairs` take, by the number of responses.

    python benchmarks/vote_memory.py [--responses 1000000 10000000] [--rules correlated majority] [--folder FOLDER]
    python benchmarks/vote_memory.py --languages 2 --each 2 --responses 50000 500000    # as many questions, sooner

Simulated generations: ten languages, eight short responses to each question in each, of which 60 % are right where the
model knows the question and 30 % where it does not. They are written to a file, 65 MB for a million responses, and
both verbs run on it as commands, `pairs` on the ballots of the first rule. Printed are the peak resident memory of the
largest process (`ru_maxrss`), and what all processes of the command had together, looked at every half second, what
they share counted once.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from vote_speed import memory_of

from calm_ext.languages import get_language

CODES = ("en", "zh", "fr", "de", "it", "ja", "es", "pt", "nl", "pl")
TEXTS = ("one", "two", "three", "four", "five")


def simulate(path: Path, n_responses: int, codes: Sequence[str], each: int) -> int:
    """Write the generations; returns how many questions they are of."""
    rng = random.Random(0)
    n = n_responses // (each * len(codes))
    spoken = {}
    for code in codes:
        own = get_language(code)
        cue = f"{own.explanation}{own.colon}{own.space}{own.endonym}.\n\n{own.answer}{own.colon}{own.space}"
        spoken[code] = [json.dumps(f"{cue}{'ABCDE'[i]}. {text}", ensure_ascii=False) for i, text in enumerate(TEXTS)]
    with path.open("w", encoding="utf-8") as handle:
        for i in range(n):
            gold = rng.randrange(5)
            for code in codes:
                right = 0.6 if rng.random() < 0.7 else 0.3
                said = [spoken[code][gold if rng.random() < right else rng.randrange(5)] for _ in range(each)]
                handle.write(
                    f'{{"id":"q{i:07d}","language":"{code}","source_language":"en","question":"?",'
                    f'"options":{json.dumps(TEXTS)},"answer":{gold},"prompt":"{i}?","responses":[{",".join(said)}]}}\n'
                )
    return n


def measured(*arguments: str) -> tuple[float, float, float]:
    """Of a calm-ext command: MiB of its largest process, MiB of all of them, and seconds of processor time."""
    process = subprocess.Popen([sys.executable, "-m", "calm_ext", *arguments], stdout=subprocess.DEVNULL)
    peak = 0.0
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.5):
            peak = max(peak, memory_of(process.pid))

    thread = threading.Thread(target=watch)
    thread.start()
    _, status, used = os.wait4(process.pid, 0)
    ended.set()
    thread.join()
    if status:
        raise SystemExit(f"calm-ext {' '.join(arguments)} failed")
    return used.ru_maxrss / 1024, peak, used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--responses", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--rules", nargs="+", default=["correlated", "majority"])
    parser.add_argument("--languages", type=int, default=len(CODES))
    parser.add_argument("--each", type=int, default=8, help="responses to a question in a language")
    parser.add_argument("--folder", type=Path, help="where the files go for the time being")
    options = parser.parse_args()
    print("| responses | questions | command | largest process | all processes | processor |")
    print("|---|---|---|---|---|---|", flush=True)
    for size in options.responses:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            generations, ballots, pairs = (str(Path(name) / x) for x in ("g.jsonl", "b.jsonl", "p.jsonl"))
            began = time.process_time()
            n = simulate(Path(generations), size, CODES[: options.languages], options.each)
            print(f"{size:,} responses written in {time.process_time() - began:.0f} s", file=sys.stderr, flush=True)
            voting = [("vote", generations, "-o", ballots, "--rule", rule) for rule in options.rules]
            for verb in (voting[0], ("pairs", ballots, generations, "-o", pairs), *voting[1:]):
                largest, every, seconds = measured(*verb)
                said = f"vote, {verb[-1]}" if verb[0] == "vote" else "pairs"
                print(
                    f"| {size:,} | {n:,} | {said} | {largest:.0f} MiB | {every:.0f} MiB | {seconds:.0f} s |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
