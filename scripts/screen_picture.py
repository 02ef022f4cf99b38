"""Draw the live screen of a finished run as it was in its training, as docs/watch.md shows it.

python scripts/screen_picture.py runs/demo docs/screen.svg --share 0.7

What is drawn is what the run left: the messages of run.log, the checks and warnings of training/log.jsonl, and the
times of manifest.json.
"""

from __future__ import annotations

import argparse
import io
import json
import re
from pathlib import Path
from unittest.mock import patch

from rich.console import Console

from calm_ext.cli.screen.live import Live

_LINE = re.compile(r" *(\w+) (.+)")


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def draw(run: Path, target: Path, *, share: float, width: int) -> None:
    """Write the picture.

    Args:
        share: how far training is, from 0 to 1.
    """
    stages = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["stages"]
    log = (run / "run.log").read_text(encoding="utf-8").rpartition("\n# ")[2]
    said = [found.groups() for line in log.splitlines() if (found := _LINE.fullmatch(line)) and found[1] in stages]
    rows = [json.loads(line) for line in (run / "training/log.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = max(row["step"] for row in rows)
    until = round(share * steps)
    console = Console(file=io.StringIO(), record=True, width=width, height=40, force_terminal=True, highlight=False)
    clock = _Clock()
    with patch("time.monotonic", clock):
        screen = Live(console)
        with patch.object(screen, "_drawn"):
            screen.begin(list(stages), Path("runs") / run.name)
            for name, stage in stages.items():
                screen.turn(name, "starts")
                own = [message for other, message in said if other == name]
                if name == "train":
                    screen.trained({"kind": "step", "step": 0, "of": steps})
                    for row in (r for r in rows if r["kind"] in ("check", "warning") and r["step"] <= until):
                        screen.trained(row)
                    for message in (m for m in own if m.startswith(("training in", "reference "))):
                        screen.stage(name, message)
                    clock.now += share * stage["seconds"]
                    screen.trained({"kind": "step", "step": until, "of": steps})
                    break
                for message in (m for m in own if not re.fullmatch(r"starts|done in .*", m)):
                    screen.stage(name, message)
                clock.now += stage["seconds"]
                screen.turn(name, "done", stage["seconds"])
            console.print(screen.render())
    target.write_text(console.export_svg(title=f"calm-ext align {run.name}"), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--share", type=float, default=0.7)
    parser.add_argument("--width", type=int, default=100)
    given = parser.parse_args()
    draw(given.run, given.target, share=given.share, width=given.width)
