"""Align a model on questions of your own, from one CSV a language, and see what it won on questions that were held out.

python examples/align_own_questions.py
python examples/align_own_questions.py --model MODEL --run runs/mine

The questions are in examples/own_questions/: three CSV files, questions.yaml, which says what their columns mean, and
recipe.yaml.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent / "own_questions"
CALM_EXT = [sys.executable, "-m", "calm_ext"]


def bar(value: float) -> str:
    """A share as twenty blocks."""
    return "█" * round(20 * value) + "·" * (20 - round(20 * value))


def main() -> None:
    """Check the questions, align, read the summary."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="babel", help="a folder, a name on the hub, or babel")
    parser.add_argument("--run", type=Path, default=Path("runs/own-questions"))
    options = parser.parse_args()

    questions = HERE / "questions.yaml"
    subprocess.run([*CALM_EXT, "data", "check", str(questions), "--split", "train"], check=True)
    changes = [f"model.path={options.model}", f"data.spec={questions}"]
    command = [*CALM_EXT, "align", str(HERE / "recipe.yaml"), "--run", str(options.run)]
    subprocess.run([*command, *(x for change in changes for x in ("--set", change))], check=True)

    summary = json.loads((options.run / "summary.json").read_text(encoding="utf-8"))
    print("\nheld-out questions, right answers before and after:")
    task = summary["calm_local_xl_mc"]
    for metric, name in (("acc_qaa", "Babel A"), ("acc_qad", "Babel D"), ("acc_qae", "Babel E"), ("acc", "together")):
        before, after = task["before"][metric], task["after"][metric]
        print(f"  {name:9} {bar(before)} {before:4.0%} → {bar(after)} {after:4.0%}")
    print(f"the report: {options.run / 'report' / 'index.html'}")


if __name__ == "__main__":
    main()
