"""How fast options are scored: lm-eval's own hf class and calm-ext's, in turn, in one process.

    CALM_DATA_DIR=… python benchmarks/scoring_speed.py [--model models/gemma-3-270m] [--questions 100] [--repeats 3]

Each time is that of a whole `lm_eval.simple_evaluate` of calm_xcsqa_xl_mc in six languages, the model loaded: prompts,
tokens, scores, metrics. lm-eval's class is timed at the batch size that is its best on a tenth of the questions, ours
at the program's default. Seconds are wall-clock, and in brackets the processor's, which other programs disturb less.
Tokens and FLOPs are counted on that tenth, untimed.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from typing import Any, NamedTuple

from work import counted, matrix_rate

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # else waiting threads count as computing

TASK = "calm_xcsqa_xl_mc"


class Timed(NamedTuple):
    """One evaluation."""

    wall: float
    cpu: float
    values: dict[str, float]
    scores: list[float]


def evaluated(lm: Any, questions: int, batch_size: int) -> Timed:
    """Evaluate and time."""
    import lm_eval

    from calm_ext.harness.evaluate import task_manager

    lm.batch_size_per_gpu = batch_size
    manager = task_manager([TASK])
    wall, cpu = time.perf_counter(), time.process_time()
    results = lm_eval.simple_evaluate(
        model=lm, tasks=[TASK], task_manager=manager, limit=questions, bootstrap_iters=0, log_samples=True
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert results is not None
    values = {k.split(",")[0]: v for k, v in results["results"][TASK].items() if isinstance(v, float)}
    scores = [float(r[0][0]) for row in results["samples"][TASK] for r in row["resps"]]
    return Timed(wall, cpu, values, scores)


def told(name: str, times: list[Timed]) -> str:
    walls, cpus = [t.wall for t in times], [t.cpu for t in times]
    return (
        f"{name}: median {statistics.median(walls):.1f} s ({statistics.median(cpus):.1f} s); "
        f"all {', '.join(f'{w:.1f} ({c:.1f})' for w, c in zip(walls, cpus, strict=True))}"
    )


def ratios(theirs: list[float], ours: list[float]) -> str:
    each = [a / b for a, b in zip(theirs, ours, strict=True)]
    ratio = statistics.median(theirs) / statistics.median(ours)
    return f"{ratio:.2f} times (each round {', '.join(f'{r:.2f}' for r in each)})"


def apart(a: Timed, b: Timed) -> float:
    """Nats of the largest difference."""
    return max(abs(x - y) for x, y in zip(a.scores, b.scores, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="models/gemma-3-270m")
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, default=8, help="of ours")
    parser.add_argument("--their-batch-sizes", type=int, nargs="+", default=[1, 8, 32])
    args = parser.parse_args()

    import torch
    from lm_eval.models.huggingface import HFLM

    from calm_ext.harness.evaluate import quiet_lm_eval
    from calm_ext.models.lm import SharedPrefixLM

    quiet_lm_eval()
    torch.set_num_threads(args.threads)
    theirs = HFLM(pretrained=args.model, dtype=args.dtype, device=args.device)
    ours = SharedPrefixLM(pretrained=theirs.model, tokenizer=theirs.tokenizer)
    few = max(2, args.questions // 10)
    evaluated(ours, 2, args.batch_size)  # warm
    tried = {b: evaluated(theirs, few, b).cpu for b in args.their_batch_sizes}
    best = min(tried, key=lambda b: tried[b])
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {args.threads} threads of {os.cpu_count()}, load {os.getloadavg()[0]:.1f}, ", end="")
    print(f"torch {torch.__version__}, {args.model} in {args.dtype} on {args.device}")
    each = ", ".join(f"{b}: {t:.1f}" for b, t in tried.items())
    print(f"lm-eval hf on {few} questions, seconds of processor by batch size: {each}", flush=True)
    rate = matrix_rate(ours.model.dtype, args.device)
    work = {}
    for name, lm, size in (("theirs", theirs, best), ("ours", ours, args.batch_size)):
        with counted(ours.model) as part:
            evaluated(lm, few, size)
        work[name] = part.times(args.questions / few)
    runs: dict[str, list[Timed]] = {"theirs": [], "ours": []}
    for _ in range(args.repeats):
        runs["theirs"].append(evaluated(theirs, args.questions, best))
        runs["ours"].append(evaluated(ours, args.questions, args.batch_size))
        print(f"  {runs['theirs'][-1].wall:.1f} s, {runs['ours'][-1].wall:.1f} s", flush=True)
    a, b = runs["theirs"][0], runs["ours"][0]
    print(f"{args.questions} questions, {len(a.scores)} options")
    print(told(f"lm-eval hf, batch size {best}", runs["theirs"]))
    print(told(f"calm-ext, batch size {args.batch_size}", runs["ours"]))
    for name, timed in runs.items():
        print(f"{name}: {work[name].told(statistics.median(t.wall for t in timed), rate)}")
    print("ratio of wall-clock", ratios([t.wall for t in runs["theirs"]], [t.wall for t in runs["ours"]]))
    print("ratio of processor", ratios([t.cpu for t in runs["theirs"]], [t.cpu for t in runs["ours"]]))
    for name in ("acc", "consistency"):
        print(f"{name} {a.values[name]:.4f} and {b.values[name]:.4f}")
    print(f"largest difference of a log-likelihood {apart(a, b):.1e}; ", end="")
    ours.softmax_dtype = theirs.softmax_dtype = torch.float64  # then ours has whole rows of logits, as theirs
    exact = [evaluated(lm, few, args.batch_size) for lm in (theirs, ours)]
    first = [t._replace(scores=t.scores[: len(exact[0].scores)]) for t in (a, b)]
    names = zip(("lm-eval's", "calm-ext's"), first, exact, strict=True)
    told_apart = (f"{name} and the same by a log-softmax in float64 {apart(x, y):.1e}" for name, x, y in names)
    print(f"on {few} questions {', '.join(told_apart)}, those two {apart(*exact):.1e}")


if __name__ == "__main__":
    main()
