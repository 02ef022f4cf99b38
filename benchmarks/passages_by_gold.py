"""Accuracy with and without passages, where the right passage was among those shown and where it was not.

    python benchmarks/passages_by_gold.py calm_babel_xl_rag_asked runs/rag-seed0 runs/rag-seed1 runs/rag-seed2

Prints Markdown: language by language, the share of questions whose answering passage was shown, and accuracy without →
with passages on those and on the others, before and after alignment; means over the runs, weighted by questions.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from calm_ext.report.page.passages import twin_of


def count(folder: Path, task: str, sums: Counter[tuple[str, bool, str]]) -> None:
    rows = {}
    for name in (task, twin_of(task)):
        for line in (folder / f"samples_{name}.jsonl").open(encoding="utf-8"):
            row = json.loads(line)
            rows[name, row["doc"]["id"]] = row
    for (name, identity), row in rows.items():
        if name != task:
            continue
        plain = rows[twin_of(task), identity]
        for language, passages in zip(row["doc"]["languages"], row["doc"]["passages"], strict=True):
            shown = any(p["gold"] for p in passages)
            sums[language, shown, "n"] += 1
            sums[language, shown, "with"] += row[f"acc_{language}"]
            sums[language, shown, "without"] += plain[f"acc_{language}"]


def main() -> None:
    task, folders = sys.argv[1], [Path(x) for x in sys.argv[2:]]
    found = {}
    for when in ("before", "after"):
        found[when] = Counter()
        for folder in folders:
            count(folder / "eval" / when, task, found[when])
    languages = list(dict.fromkeys(x for x, _, _ in found["before"]))
    heads = [f"{when}, {what}" for when in found for what in ("shown", "not shown")]
    print(f"| language | shown | {' | '.join(heads)} |\n|---|---|{'---|' * len(heads)}")
    for language in languages:
        cells = []
        for sums in found.values():
            for shown in (True, False):
                n = sums[language, shown, "n"]
                pair = [sums[language, shown, key] / n for key in ("without", "with")] if n else []
                cells.append(" → ".join(f"{x:.3f}" for x in pair) or "–")
        n = sum(found["before"][language, shown, "n"] for shown in (True, False))
        print(f"| {language} | {found['before'][language, True, 'n'] / n:.2f} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
