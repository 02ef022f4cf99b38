"""Tables of docs/RESULTS.md from run directories that differ in a seed only.

    python benchmarks/runs_table.py runs/demo-seed0 runs/demo-seed1 runs/demo-seed2

Prints Markdown: before and after per metric, each run's difference with its interval and p, and the median difference;
then vote, pairs, minutes and peak memory per stage, and versions.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any


def load(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return summary, json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def main(folders: list[Path]) -> None:
    runs = [load(f) for f in folders]
    names = [f.name for f in folders]
    tasks = [k for k, v in runs[0][0].items() if isinstance(v, dict) and "difference" in v]
    for task in tasks:
        first = runs[0][0][task]
        print(f"\n**{task}**, {first['n_questions']} questions\n")
        print("| metric | " + " | ".join(f"{n}: before → after, Δ [95 %] p" for n in names) + " | median Δ |")
        print("|---|" + "---|" * (len(runs) + 1))
        for metric in first["difference"]:
            cells, values = [], []
            for summary, _ in runs:
                t = summary[task]
                d = t["difference"][metric]
                values.append(d["value"])
                cells.append(
                    f"{t['before'][metric]:.3f} → {t['after'][metric]:.3f}, {d['value']:+.3f} "
                    f"[{d['low']:+.3f}, {d['high']:+.3f}] {d['p']:.4f}"
                )
            print(f"| {metric} | " + " | ".join(cells) + f" | {median(values):+.3f} |")
        print(f"\n{names[0]}, with 95 % intervals of the values themselves:\n")
        print("| metric | before | after |\n|---|---|---|")
        for metric in first["difference"]:
            cells = [
                "{:.3f} [{:.3f}, {:.3f}]".format(first[when][metric], *first["ci95"][when][metric])
                for when in ("before", "after")
            ]
            print(f"| {metric} | " + " | ".join(cells) + " |")
    _passages(names, [summary for summary, _ in runs])
    for name, (summary, manifest) in zip(names, runs, strict=True):
        vote, pairs, training = summary["vote"], summary["pairs"], summary["training"]
        right = f"right on {vote['accuracy']:.3f} of all and {vote['accuracy_kept']:.3f} of the decided"
        print(f"\n{name}: vote decided {vote['n_decided']} of {vote['n_questions']}, {right};")
        print(f"{pairs['n_pairs']} pairs {pairs['by_language']}, chosen right in {pairs['precision']:.3f};")
        print(f"checkpoint of step {training['chosen_step']} kept.")
        stages = {s: round(e["seconds"] / 60, 1) for s, e in manifest["stages"].items()}
        print(f"minutes {stages}; peak MiB {training['peak_memory_mib']:.0f} (training), "
              f"{max(e['peak_memory_mib'] for e in manifest['stages'].values())} (the rest)")  # fmt: skip
    print("\nversions", next(iter(runs[0][1]["stages"].values()))["versions"])


def _passages(names: list[str], summaries: list[dict[str, Any]]) -> None:
    """What passages did to the answers, where the runs have tasks with and without."""
    for task, first in (summaries[0].get("retrieval") or {"tasks": {}})["tasks"].items():
        print(f"\n**{task}** beside {first['without']}: right without → with, better, worse\n")
        print("| language | " + " | ".join(f"{n}: {w}" for n in names for w in first["effect"]) + " |")
        print("|---|" + "---|" * (len(names) * len(first["effect"])))
        for language in next(iter(first["effect"].values())):
            rows = [s["retrieval"]["tasks"][task]["effect"][w][language] for s in summaries for w in first["effect"]]
            cells = (f"{r['without']:.3f} → {r['with']:.3f}, {r['better']:.3f}, {r['worse']:.3f}" for r in rows)
            print(f"| {language} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main([Path(a) for a in sys.argv[1:]])
