"""Read what an alignment left: which questions moved, by how much the languages gained, and a plot.

python examples/read_a_run.py runs/demo --task calm_babel_xl
python examples/read_a_run.py runs/own-questions --task calm_local_xl_mc --plot moved.png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from calm_ext import compare


def samples(folder: Path, task: str) -> dict[str, dict[str, Any]]:
    """Question id -> the line that lm-eval logged of it."""
    lines = next(folder.glob(f"samples_{task}*.jsonl")).read_text(encoding="utf-8").splitlines()
    return {row["doc"]["id"]: row for row in map(json.loads, lines)}


def answers(rows: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """What the answers of the languages are; lm-eval logs them under kappa, which is computed from them."""
    return [{"id": x, "answer": row["doc"]["answer"], "predictions": row["kappa"]} for x, row in rows.items()]


def main() -> None:
    """Print what changed, and draw it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--task", default="calm_babel_xl", help="one of the tasks that the run was evaluated on")
    parser.add_argument("--plot", type=Path, default=Path("moved.png"))
    parser.add_argument("--show", type=int, default=3, help="how many questions to show")
    options = parser.parse_args()
    before, after = (samples(options.run / "eval" / when, options.task) for when in ("before", "after"))

    moved = [(x, language) for x, row in before.items() for language, answer in row["kappa"].items()
             if answer != after[x]["kappa"][language]]  # fmt: skip
    print(f"{len(moved)} answers changed, of {len(before)} questions")
    for x, language in moved[: options.show]:
        doc = before[x]["doc"]
        place = doc["languages"].index(language)
        names = dict(enumerate(doc["options"][place])) | {None: "no answer"}
        old, new = names[before[x]["kappa"][language]], names[after[x]["kappa"][language]]
        mark = "✓" if new == names[doc["answer"]] else "✗"
        print(f"  {language}  {doc['questions'][place]}  {old} → {new} {mark}")

    changes = compare(answers(before), answers(after))
    print(f"\n{changes.to_pandas().round(3).head(6).to_string()}")
    draw(changes, options.plot)
    print(f"plot: {options.plot}")


def draw(changes: Any, path: Path) -> None:
    """A line for each language from its accuracy before to that after, with the interval of the difference."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    languages = [name for name in changes.changes if name.startswith("acc_") and len(name) <= len("acc_zh-Hant")]
    languages = [name for name in languages if name[4:] in changes.comparison.languages]
    figure, axes = pyplot.subplots(figsize=(6, 0.6 * len(languages) + 1), layout="constrained")
    for place, name in enumerate(languages):
        change = changes[name]
        low, high = (change.before + x for x in change.ci95)
        axes.plot([low, high], [place, place], color="#9cc", linewidth=6, solid_capstyle="butt")
        axes.annotate(
            "",
            (change.after, place),
            (change.before, place),
            arrowprops={"arrowstyle": "->", "shrinkA": 0, "shrinkB": 0},
        )
        axes.plot(change.before, place, "o", color="#055")
    axes.set_yticks(range(len(languages)), [name[4:] for name in languages])
    axes.set_xlabel("accuracy before → after; band: 95 % interval of the difference")
    axes.set_xlim(0, 1)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
