"""How much faster two processes of one thread each sample and score than one process of one thread.

    CALM_DATA_DIR=… python benchmarks/processes_speed.py [--model models/gemma-3-270m] [--questions 16] [--repeats 3]

Questions are X-CSQA's in six languages: as the stage `sample` asks them (8 responses of 16 tokens, batches of 8
prompts), and as an evaluation scores their options. Both models are loaded, and take turns; times are wall-clock. The
results are compared: they must be the same.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["OMP_NUM_THREADS"] = "1"

CONFIG = Path(__file__).resolve().parents[1] / "recipes/accelerate/multi-cpu.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="models/gemma-3-270m")
    parser.add_argument("--questions", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--only", choices=["sampling", "scoring"])
    options = parser.parse_args()
    import torch

    from calm_ext.data import load_questions
    from calm_ext.harness.sampler import ask_model
    from calm_ext.models.backends.hf import HFBackend
    from calm_ext.models.processes.model import load
    from calm_ext.models.processes.options import LaunchOptions

    torch.set_num_threads(1)
    questions = load_questions("xcsqa", limit=options.questions)
    settings = {"temperature": 1.0, "top_p": 1.0, "max_gen_toks": 16, "until": [], "do_sample": True}
    models = {
        name: load(options.model, launch=launch, dtype=options.dtype, batch_size=8)
        for name, launch in (("one", LaunchOptions()), ("two", LaunchOptions(accelerate_config=str(CONFIG))))
    }

    def asked(lm: Any, style: Any, repeats: int) -> Any:
        return ask_model(
            HFBackend(lm),
            questions,
            style=style,
            generation_kwargs=settings,
            repeats=repeats,
            chat_template=False,
            seed=0,
        )

    work: dict[str, Callable[[Any], Any]] = {
        "sampling": lambda lm: asked(lm, "explain", 8),
        "scoring": lambda lm: asked(lm, "cloze", 1),
    }
    for what, do in work.items():
        if options.only not in (None, what):
            continue
        times: dict[str, list[float]] = {name: [] for name in models}
        found: dict[str, Any] = {}
        for repeat in range(options.repeats + 1):
            for name, lm in models.items():
                start = time.perf_counter()
                found[name] = do(lm)
                if repeat:  # the first of each is to warm up
                    times[name].append(time.perf_counter() - start)
        one, two = (statistics.median(times[name]) for name in models)
        same = "the same results" if found["one"] == found["two"] else "OTHER RESULTS"
        ratios = sorted(a / b for a, b in zip(times["one"], times["two"], strict=True))
        print(
            f"{what}: one process {one:.1f} s, two {two:.1f} s: {one / two:.2f} times as fast "
            f"({ratios[0]:.2f} to {ratios[-1]:.2f}); {same}",
            flush=True,
        )
    models["two"].close()


if __name__ == "__main__":
    main()
