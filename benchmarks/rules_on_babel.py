"""What a vote rule is worth in training: Babel, aligned with the pairs of each rule, before and after.

    python benchmarks/rules_on_babel.py --out runs/rules [--seeds 3]

Three of Babel's languages are asked, twice each, so that the vote is noisy: the pivot, which knows most, and the two
that know least. All rules of a seed share the sampled generations and the evaluation before, and train with one seed.
Runs are kept, and continued where they were interrupted.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from statistics import mean

from calm_ext.pipeline.bundled import find_recipe
from calm_ext.pipeline.recipe import load_recipe
from calm_ext.pipeline.run import Pipeline
from calm_ext.voting.rules import RULES as ALL_RULES

RULES = [name for name, rule in ALL_RULES.items() if not (rule.needs_scores or rule.needs_gold)]
TASKS = {"asked": "calm_babel_xl_asked", "held out": "calm_babel_xl"}
SETTING = ["data.languages=[qaa, qad, qae]", "sampling.n=2", "vote.ties=first"]


def run(out: Path, seed: int, rule: str, stop_after: str | None = None) -> Path:
    folder = out / f"seed{seed}-{rule}"
    seeds = [f"{key}.seed={seed}" for key in ("babel", "sampling", "training", "pairs")]
    overrides = [*SETTING, *seeds, "name=rules", f"vote.rule={rule}"]
    Pipeline(load_recipe(find_recipe("demo"), overrides=overrides), folder).run(stop_after=stop_after)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    found: dict[str, list[dict]] = {}
    for seed in range(options.seeds):
        first = run(options.out, seed, RULES[0], stop_after="sample")
        for rule in RULES:
            folder = options.out / f"seed{seed}-{rule}"
            if not folder.exists():
                shutil.copytree(first, folder)
            run(options.out, seed, rule)
            found.setdefault(rule, []).append(json.loads((folder / "summary.json").read_text()))
            print(f"seed {seed} {rule}: done", flush=True)
    print("| rule | vote right | pairs right | " + " | ".join(f"{w} acc, consistency" for w in TASKS) + " |")
    print("|---|---|---|" + "---|" * len(TASKS))
    before = found[RULES[0]]
    print("| before | | | " + " | ".join(_cell(before, task, "before") for task in TASKS.values()) + " |")
    for rule, runs in found.items():
        vote = mean(r["vote"]["accuracy"] for r in runs)
        pairs = mean(r["pairs"]["precision"] for r in runs)
        cells = " | ".join(_cell(runs, task, "after") for task in TASKS.values())
        print(f"| {rule} | {vote:.3f} | {pairs:.3f} | {cells} |")


def _cell(runs: list[dict], task: str, when: str) -> str:
    values = (mean(r[task][when][name] for r in runs) for name in ("acc", "consistency"))
    spread = [r[task][when]["acc"] for r in runs]
    acc, consistency = values
    return f"{acc:.3f} ({min(spread):.3f} to {max(spread):.3f}), {consistency:.3f}"


if __name__ == "__main__":
    main()
