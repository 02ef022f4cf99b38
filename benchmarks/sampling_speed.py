"""How fast responses are sampled: lm-eval's hf class with repeated requests and calm-ext's, in turn, in one process.

    CALM_DATA_DIR=… python benchmarks/sampling_speed.py [--model models/gemma-3-270m] [--prompts 16] [--responses 8]

Prompts are X-CSQA questions in six languages, one after the other until about --tokens tokens are full; responses are
of 16 tokens, or fewer where the model ends them. The model is loaded. Seconds are wall-clock, and in brackets the
processor's, which other programs disturb less. Tokens and FLOPs are counted on a quarter of the prompts,
untimed. At the end, how many responses change with the batch size.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

from work import counted, matrix_rate

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # else waiting threads count as computing


def prompts_of(tokenizer: Any, n: int, tokens: int) -> list[str]:
    """Prompts of about this many tokens."""
    from calm_ext.data import load_questions
    from calm_ext.prompts import ask

    asked = (
        ask(language, version.question, version.options, "explain")
        for question in load_questions("xcsqa")
        for language, version in question.versions.items()
    )
    found: list[str] = []
    while len(found) < n:
        text = next(asked)
        while len(tokenizer(text)["input_ids"]) < tokens:
            text += "\n\n" + next(asked)
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        found.append(tokenizer.decode(ids[-tokens + len(found) % 9 - 4 :]))
    return found


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def told(name: str, times: list[tuple[float, float]]) -> None:
    walls, cpus = zip(*times, strict=True)
    each = ", ".join(f"{w:.1f} ({c:.1f})" for w, c in times)
    print(f"{name}: median {statistics.median(walls):.1f} s ({statistics.median(cpus):.1f} s); all {each}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="models/gemma-3-270m")
    parser.add_argument("--prompts", type=int, default=16)
    parser.add_argument("--responses", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=219)
    parser.add_argument("--new-tokens", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, default=16, help="prompts in a pass of ours")
    parser.add_argument("--their-batch-size", type=int, default=16, help="responses in a pass of lm-eval's")
    args = parser.parse_args()

    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    from calm_ext.harness.evaluate import quiet_lm_eval
    from calm_ext.harness.sampler import derive_seed
    from calm_ext.models.decoding import can_decode, respond
    from calm_ext.models.lm import SharedPrefixLM
    from calm_ext.models.request import SampleRequest

    quiet_lm_eval()
    torch.set_num_threads(args.threads)
    theirs = HFLM(pretrained=args.model, dtype=args.dtype, device=args.device, batch_size=args.their_batch_size)
    ours = SharedPrefixLM(pretrained=theirs.model, tokenizer=theirs.tokenizer, batch_size=args.batch_size)
    assert can_decode(ours)
    prompts = prompts_of(ours.tokenizer, args.prompts, args.tokens)
    lengths = [len(ours.tok_encode(p)) for p in prompts]
    kwargs = {"do_sample": True, "temperature": 1.0, "top_p": 1.0, "max_gen_toks": args.new_tokens, "until": []}
    repeats = [
        Instance(request_type="generate_until", doc={}, arguments=(p, kwargs), idx=i)
        for i, p in enumerate(prompts)
        for _ in range(args.responses)
    ]
    requests = [
        SampleRequest(str(i), p, [], [derive_seed(0, i, j) for j in range(args.responses)])
        for i, p in enumerate(prompts)
    ]

    def own(part: int = args.prompts) -> list[list[str | None]]:
        replies = respond(ours, requests[:part], temperature=1.0, top_p=1.0, max_new_tokens=args.new_tokens)
        return [[reply.text for reply in own] for own in replies]

    def repeated(part: int = args.prompts) -> Any:
        torch.manual_seed(0)
        return theirs.generate_until(repeats[: part * args.responses], disable_tqdm=True)

    machine = platform.processor() or platform.machine()
    print(f"{machine}, {args.threads} threads of {os.cpu_count()}, load {os.getloadavg()[0]:.1f}, ", end="")
    print(f"torch {torch.__version__}, {args.model} in {args.dtype} on {args.device}")
    spread = f"{statistics.mean(lengths):.0f} tokens ({min(lengths)} to {max(lengths)})"
    print(f"{args.responses} responses to {len(prompts)} prompts of {spread}, {args.new_tokens} new tokens", flush=True)
    rate, part = matrix_rate(ours.model.dtype, args.device), max(1, args.prompts // 4)
    work = {}
    for name, call in (("theirs", repeated), ("ours", own)):
        with counted(ours.model) as counts:
            call(part)
        work[name] = counts.times(args.prompts / part)
    runs: dict[str, list[tuple[float, float]]] = {"theirs": [], "ours": []}
    texts: list[list[str]] = []
    for _ in range(args.repeats):
        wall, cpu, _ = timed(repeated)
        runs["theirs"].append((wall, cpu))
        wall, cpu, texts = timed(own)
        runs["ours"].append((wall, cpu))
        print(f"  {runs['theirs'][-1][0]:.1f} s, {wall:.1f} s", flush=True)
    told(f"lm-eval hf with repeats, batch size {args.their_batch_size}", runs["theirs"])
    told(f"calm-ext, batch size {args.batch_size}", runs["ours"])
    for name, times in runs.items():
        print(f"{name}: {work[name].told(statistics.median(w for w, _ in times), rate)}")
    for index, name in enumerate(("wall-clock", "processor")):
        a, b = [t[index] for t in runs["theirs"]], [t[index] for t in runs["ours"]]
        each = ", ".join(f"{x / y:.2f}" for x, y in zip(a, b, strict=True))
        print(f"ratio of {name} {statistics.median(a) / statistics.median(b):.2f} times (each round {each})")
    ours.batch_size_per_gpu = 1
    pairs = zip(itertools.chain(*texts), itertools.chain(*own()), strict=True)
    print(f"at batch size 1 instead, {sum(a != b for a, b in pairs)} of {len(repeats)} responses differ")


if __name__ == "__main__":
    main()
