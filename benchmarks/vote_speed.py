"""How fast generations are read, voted on and paired, and in how much memory.

    python benchmarks/vote_speed.py [--data ../shared/data/wangym2-CALM] [--most 1000000] [--plot FILE.png]

First the paper's 16,182 Llama responses, from this process, imports apart, best of three. Then synthetic responses of
about their length in six languages, three a language and question: `calm-ext vote` and `calm-ext pairs` as commands,
start included, for growing numbers; the peak of memory, of all processes of a command together, is the larger one of
the two commands.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from calm_ext.jsonl import read_numbered, write_jsonl
from calm_ext.languages import get_language
from calm_ext.pairing.build import build_pairs
from calm_ext.pairing.export import write_pairs
from calm_ext.pairing.options import PairingOptions
from calm_ext.records import Ballot, Generation
from calm_ext.results.generations import import_paper
from calm_ext.voting.elect import elect
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.table import VoteTable

CODES = {"en": "en", "zh": "cn", "fr": "fr", "de": "de", "it": "it", "ja": "ja"}
SIZES = (50_000, 100_000, 200_000, 400_000, 700_000, 1_000_000)


def once(folder: Path) -> dict[str, float]:
    """Seconds of each step on generations.jsonl."""
    path, times = folder / "generations.jsonl", {}
    start = time.perf_counter()
    table = VoteTable.read(read_numbered(path, Generation), style="explain")
    times["read and parse"] = time.perf_counter() - start
    start = time.perf_counter()
    write_jsonl(folder / "ballots.jsonl", elect(table, VotingOptions()).ballots)
    times["vote"] = time.perf_counter() - start
    start = time.perf_counter()
    ballots = read_numbered(folder / "ballots.jsonl", Ballot)
    pairs = build_pairs(ballots, lambda: read_numbered(path, Generation), PairingOptions(), style="explain")
    write_pairs(folder / "pairs.jsonl", pairs)
    times["pair"] = time.perf_counter() - start
    return times


def synthetic(path: Path, n_responses: int) -> None:
    """Responses in the paper's form, of made-up words of each language's own cue words."""
    rng = random.Random(0)
    with path.open("w", encoding="utf-8") as handle:
        for i in range(n_responses // (3 * len(CODES))):
            gold = rng.randrange(5)
            for code in CODES:
                own = get_language(code)
                words = [own.question.lower(), own.explanation.lower(), own.name.lower(), own.endonym.lower()]
                options = [f"{own.endonym} {x}" for x in ("one", "two", "three", "four", "five")]
                responses = []
                for _ in range(3):
                    answer = gold if rng.random() < 0.6 else rng.randrange(5)
                    length = 20 if own.space else 12
                    talk = (own.space or "、").join(rng.choices(words, k=length))
                    cue = f"{own.answer}{own.colon}{own.space}"
                    responses.append(f"{own.explanation}: {talk}。\n\n{cue}{'ABCDE'[answer]}. {options[answer]}")
                row = {"id": f"q{i}", "language": code, "source_language": "en", "question": "?", "options": options,
                       "answer": gold, "prompt": f"{i}?", "responses": responses}  # fmt: skip
                handle.write(json.dumps(row, ensure_ascii=False) + "\n")


def memory_of(pid: int) -> float:
    """MiB of a process and those that it started, what they share counted once; 0 where it has ended."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    own = next((int(row.split()[1]) for row in rows if row.startswith("Pss:")), 0)
    return own / 1024 + sum(memory_of(int(child)) for child in children)


def command(*arguments: str) -> tuple[float, float]:
    """Seconds and peak resident memory (MiB) of a calm-ext command."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "calm_ext", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peak = 0.0

    def watch() -> None:
        nonlocal peak
        while process.poll() is None:
            peak = max(peak, memory_of(process.pid))
            time.sleep(0.05)

    thread = threading.Thread(target=watch)
    thread.start()
    code = process.wait()
    thread.join()
    if code:
        raise SystemExit(f"calm-ext {' '.join(arguments)} failed")
    return time.perf_counter() - start, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/wangym2-CALM"))
    parser.add_argument("--most", type=int, default=SIZES[-1])
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {x: options.data / f"data/xcsqa/samples/x_csqa_{c}_train_sampled.json" for x, c in CODES.items()}
        write_jsonl(folder / "generations.jsonl", import_paper(files, source_language="en"))
        best = min((once(folder) for _ in range(3)), key=lambda t: sum(t.values()))
        steps = ", ".join(f"{step} {seconds:.2f} s" for step, seconds in best.items())
        print(f"16,182 published responses: {steps}; together {sum(best.values()):.2f} s", flush=True)
        rows = []
        print("| responses | vote | pairs | together | µs a response | peak memory |\n|---|---|---|---|---|---|")
        for size in (s for s in SIZES if s <= options.most):
            generations, ballots, pairs = (str(folder / x) for x in ("s.jsonl", "sb.jsonl", "sp.jsonl"))
            synthetic(Path(generations), size)
            vote, vote_memory = command("vote", generations, "-o", ballots)
            pair, pair_memory = command("pairs", ballots, generations, "-o", pairs)
            memory = max(vote_memory, pair_memory)
            rows.append((size, vote + pair, memory))
            each = 1e6 * (vote + pair) / size
            print(
                f"| {size:,} | {vote:.1f} s | {pair:.1f} s | {vote + pair:.1f} s | {each:.0f} | {memory:.0f} MiB |",
                flush=True,
            )
    if options.plot:
        plot(rows, options.plot)


def plot(rows: list[tuple[int, float, float]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    millions = [size / 1e6 for size, _, _ in rows]
    left.plot(millions, [seconds for _, seconds, _ in rows], marker="o")
    left.set(xlabel="responses (millions)", ylabel="seconds, vote and pairs", xlim=(0, None), ylim=(0, None))
    right.plot(millions, [memory for _, _, memory in rows], marker="o")
    right.set(xlabel="responses (millions)", ylabel="peak memory (MiB)", xlim=(0, None), ylim=(0, None))
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
