"""A study of 40 Babel cells, killed again and again: no finished cell is repeated, and what cells share is done once.

    python benchmarks/study_kills.py --out runs/study-kills [--kills 8] [--jobs 2]

The study's own process is killed with SIGKILL at random moments, which must end its cells' processes, too. After each
kill the finished cells are noted; at the end they must be as they were, and every stage must have been done as often as
its inputs differ. Prints a Markdown table, and ends with 1 where something is wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import yaml

STUDY = {
    "name": "study-kills",
    "recipe": {
        "model": {"path": "babel", "dtype": "float32", "device": "cpu"},
        "data": {"source": "babel", "languages": ["qaa", "qab", "qac"], "limit": 48},
        "sampling": {"mode": "generate", "style": "direct", "n": 4, "max_new_tokens": 3, "batch_size": 128},
        "pairs": {"fallback": "answer_only"},
        "training": {"learning_rate": 1e-3, "batch_size": 16, "dtype": "float32", "checks_per_epoch": 1},
        "evaluation": {"tasks": ["calm_babel_xl_mc"], "limit": 20, "batch_size": 64},
    },
    "vary": {"training.learning_rate": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2], "training.nll_weight": [0.0, 0.5]},
    "seeds": {"training.seed": [0, 1, 2, 3]},
    "claims": [{"metric": "acc", "rises": True}],
}
WANTED = {"questions": 1, "before": 1, "sample": 1, "vote": 1, "pairs": 1, "train": 40, "after": 40, "report": 40}


def finished(folder: Path) -> dict[str, dict[str, int]]:
    """Cell -> its files and when they were written, of the cells whose report is written."""
    found = {}
    for manifest in folder.glob("cells/*/manifest.json"):
        if "report" in json.loads(manifest.read_text())["stages"]:
            files = (p for p in sorted(manifest.parent.rglob("*")) if p.is_file())
            found[manifest.parent.name] = {str(p.relative_to(manifest.parent)): p.stat().st_mtime_ns for p in files}
    return found


def done(folder: Path) -> Counter[str]:
    """How often each stage was done, by what the cells printed."""
    text = "".join(p.read_text(errors="replace") for p in folder.glob("logs/*.log"))
    return Counter(re.findall(r"^ *(\w+) done in [\d.]+ s$", text, re.MULTILINE))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    (options.out / "study.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False))
    folder = options.out / "run"
    command = [sys.executable, "-m", "calm_ext", "study", str(options.out / "study.yaml"), "--run", str(folder)]
    command += ["--jobs", str(options.jobs)]
    draw = random.Random(options.seed)
    noted: dict[str, dict[str, int]] = {}
    for kill in range(options.kills):
        with (options.out / "study.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
            time.sleep(draw.uniform(15, 60))
            ended = process.poll() is not None
            process.kill()
            process.wait()
        time.sleep(2)  # the cells' processes see that it is gone
        for name, files in finished(folder).items():
            noted.setdefault(name, files)
        print(f"kill {kill + 1}: {len(noted)} cells finished", file=sys.stderr, flush=True)
        if ended:
            break
    last = subprocess.run(command, capture_output=True, text=True, check=False)
    after = finished(folder)
    changed = [name for name, files in noted.items() if after.get(name) != files]
    counts = done(folder)
    print("| stage | done | wanted |\n|---|---|---|")
    for stage, wanted in WANTED.items():
        print(f"| {stage} | {counts[stage]} | {wanted} |")
    print(f"\n{len(noted)} cells were finished before the last run, {len(changed)} of them changed in it; "
          f"{len(after)} of 40 are finished at the end, exit code {last.returncode}.")  # fmt: skip
    return int(
        bool(changed) or len(after) != 40 or last.returncode != 0 or any(counts[s] != n for s, n in WANTED.items())
    )


if __name__ == "__main__":
    sys.exit(main())
