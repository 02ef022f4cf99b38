"""How large does `calm-ext view` become for many models?

    python benchmarks/view_size.py [--models 200] [--questions 1000] [--languages 10] [--characters 700] [--keep FOLDER]

Writes synthetic results in lm-eval's own format, makes a view of them, and prints the sizes of the page, of its largest
part, and of each kind of part. Four models are made up and the others are links to their samples, which is all the same
to the sizes. --keep leaves the view in a folder, to be opened.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from leaderboard_speed import write_results

MADE = 4


def make(folder: Path, models: int, questions: int, languages: int, characters: int) -> None:
    """The results of all models."""
    for i in range(MADE):
        write_results(
            folder / f"m{i:03d}", model=f"org/model-{i:03d}", skill=0.3 + 0.1 * i, questions=questions,
            languages=languages, characters=characters, seed=i,
        )  # fmt: skip
    for i in range(MADE, models):
        first = folder / f"m{i % MADE:03d}"
        own = folder / f"m{i:03d}"
        own.mkdir()
        for path in first.iterdir():
            if path.name.startswith("samples_"):
                os.link(path, own / path.name)
            else:
                (own / path.name).write_text(path.read_text().replace(f"model-{i % MADE:03d}", f"model-{i:03d}"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--languages", type=int, default=10)
    parser.add_argument("--characters", type=int, default=700)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, view = Path(name, "results"), Path(name, "view")
        make(folder, given.models, given.questions, given.languages, given.characters)
        command = [sys.executable, "-m", "calm_ext", "view", str(folder), "-o", str(view), "--json"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert json.loads(done.stdout)["tables"][0]["entries"] == given.models
        kinds: dict[str, list[int]] = defaultdict(list)
        for path in sorted((view / "data").rglob("*.js")):
            kinds[re.split(r"[/-]", path.relative_to(view / "data/0").as_posix())[0]].append(path.stat().st_size)
        print(f"{given.models} models, {given.questions} questions, {given.languages} languages\n")
        print("| | files | largest (kB) | all (MB) |\n|:--|--:|--:|--:|")
        print(f"| index.html | 1 | {(view / 'index.html').stat().st_size / 1e3:.0f} | |")
        for kind, sizes in kinds.items():
            print(f"| {kind} | {len(sizes)} | {max(sizes) / 1e3:.0f} | {sum(sizes) / 1e6:.1f} |")
        if given.keep:
            shutil.move(view, given.keep)


if __name__ == "__main__":
    main()
