"""What asking costs against the number of options, samples, languages and questions, by calm-ext's scorer and sampler.

    CALM_DATA_DIR=… python benchmarks/cost.py [--model models/gemma-3-270m] [--plot docs/cost.png]

Each point is a whole `calm_ext.harness.sampler.sample` of X-CSQA questions, the model loaded, from prompts to the
generations file; the median of --repeats. One number changes, the others stay at 8 questions, 2 languages and 5 options
or 4 samples of 8 tokens. The exponent is the slope in logarithms, by least squares: 1 is linear, less is sub-linear.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

AXES = {
    "options": [2, 4, 6, 8, 10],
    "samples": [1, 2, 4, 8, 16],
    "languages": [1, 2, 3, 4, 6],
    "questions": [4, 8, 16, 32],
}
BASE = {"questions": 8, "languages": 2, "options": 5, "samples": 4}
#: The languages, those with prompts of like length first.
LANGUAGES = ["en", "de", "fr", "it", "zh", "ja"]


def asked(questions: list[Any], sizes: dict[str, int]) -> list[Any]:
    """So many questions in so many languages, each with so many options: those of the next question come in."""
    made = []
    for index, question in enumerate(questions[: sizes["questions"]]):
        beside = questions[(index + 1) % len(questions)]
        versions = {}
        for language in LANGUAGES[: sizes["languages"]]:
            version, other = question.versions[language], beside.versions[language]
            options = [*version.options, *(f"{x} ({n})" for n, x in enumerate(other.options))][: sizes["options"]]
            versions[language] = version.model_copy(update={"options": options})
        made.append(question.model_copy(update={"versions": versions, "answer": None, "source_language": "en"}))
    return made


def seconds(lm: Any, questions: list[Any], mode: str, sizes: dict[str, int]) -> float:
    from calm_ext.harness.sampler import sample
    from calm_ext.models.backends.hf import HFBackend

    with tempfile.TemporaryDirectory() as folder:
        part = asked(questions, sizes)
        start = time.perf_counter()
        sample(HFBackend(lm), part, Path(folder) / "g.jsonl", mode=mode, n=sizes["samples"], max_new_tokens=8, chunk=64)  # type: ignore[arg-type]
        return time.perf_counter() - start


def exponent(points: dict[int, float]) -> float:
    import numpy as np

    return float(np.polyfit(np.log(list(points)), np.log(list(points.values())), 1)[0])


def plot(found: dict[tuple[str, str], dict[int, float]], path: Path, title: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(AXES), figsize=(13, 3.6), layout="constrained")
    for panel, axis in zip(panels, AXES, strict=True):
        for (mode, on), points in found.items():
            if on == axis:
                label = f"{'options scored' if mode == 'options' else 'responses sampled'}: n^{exponent(points):.2f}"
                color = "C0" if mode == "options" else "C1"
                panel.plot(list(points), list(points.values()), "o-", color=color, label=label)
                first, last = min(points), max(points)
                panel.plot([0, last], [0, points[first] / first * last], ":", color=color, alpha=0.6)
        top = max(max(points.values()) for (_, on), points in found.items() if on == axis)
        panel.set(xlabel=axis, xlim=(0, None), ylim=(0, 1.15 * top))
        panel.grid(alpha=0.3)
        panel.legend(fontsize=8, loc="upper left")
    panels[0].set_ylabel("seconds (dotted: the first point in proportion)")
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="models/gemma-3-270m")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()

    import torch

    from calm_ext.data import load_questions
    from calm_ext.harness.evaluate import quiet_lm_eval
    from calm_ext.models.lm import load_lm

    quiet_lm_eval()
    questions = load_questions("xcsqa", limit=max(AXES["questions"]))
    lm = load_lm(args.model, dtype=args.dtype, device=args.device)
    machine = (
        f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    )
    title = f"{args.model} in {args.dtype} on {args.device}; {machine}"
    print(f"{title}, load {os.getloadavg()[0]:.1f}; medians of {args.repeats}")
    found: dict[tuple[str, str], dict[int, float]] = {}
    print("\n| | changes | seconds by number | exponent |\n|---|---|---|---|")
    for mode, own in (("options", "options"), ("generate", "samples")):
        seconds(lm, questions, mode, BASE)  # warm
        for axis in (own, "languages", "questions"):
            points = {
                n: statistics.median(seconds(lm, questions, mode, {**BASE, axis: n}) for _ in range(args.repeats))
                for n in AXES[axis]
            }
            found[mode, axis] = points
            each = ", ".join(f"{n}: {s:.2f}" for n, s in points.items())
            print(f"| {mode} | {axis} | {each} | {exponent(points):.2f} |", flush=True)
    if args.plot:
        plot(found, args.plot, title)


if __name__ == "__main__":
    main()
