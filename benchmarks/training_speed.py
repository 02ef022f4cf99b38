"""Pairs trained a second: TRL's DPOTrainer as one would write it by hand, and ours, on the same batches.

    python benchmarks/training_speed.py PAIRS.jsonl [--model models/gemma-3-270m] [--pairs 64] [--batch 4]

Each run is a process of its own, so that its peak of resident memory is its own; the kinds take turns, so that what
else the machine does hits all of them. float32, LoRA r=16 on all linear layers, one epoch, TRL's default loss and
order. The seconds are those from the pairs' texts to the trained adapter: encoding, our trial of the shared prompts and
our reference pass are in them, loading the model is not. Ours runs twice: with gradient checkpointing, as is TRL's
default, and without it, as is our default on a CPU. The loss of every step is compared with the peer's of its turn.
Tokens and FLOPs are counted beforehand, on an eighth of the pairs, in untimed runs; the reference is in them.
On a machine with other work the seconds of the processor say more than those of the clock; both are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from work import Work, counted, matrix_rate

KINDS = {"trl": "TRL's defaults", "ours": "ours", "ours-fast": "ours, no checkpointing"}


def train(
    kind: str, pairs_file: Path, model_path: str, *, pairs: int, batch: int, nll: float, count: bool
) -> dict[str, Any]:
    """One run, in this process."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    from calm_ext.jsonl import read_jsonl
    from calm_ext.models.device import peak_memory_mib
    from calm_ext.records import Pair

    chosen = list(read_jsonl(pairs_file, Pair))
    chosen = chosen[:: max(1, len(chosen) // pairs)][:pairs]
    tokenizer = AutoTokenizer.from_pretrained(model_path)
    model = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32)
    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, Any] = {"gradient_checkpointing": False} if kind == "ours-fast" else {}
        if nll:
            settings |= {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, nll]}
        arguments = DPOConfig(
            output_dir=folder,
            bf16=False,
            use_cpu=True,
            per_device_train_batch_size=batch,
            num_train_epochs=1,
            learning_rate=1e-4,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
            **settings,
        )
        lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
        common = {"model": model, "args": arguments, "processing_class": tokenizer, "peft_config": lora}
        counting = counted(model) if count else nullcontext(Work())
        start, cpu = time.perf_counter(), time.process_time()
        with counting as work:
            if kind == "trl":
                texts = [{"prompt": p.prompt, "chosen": p.chosen, "rejected": p.rejected} for p in chosen]
                trainer: Any = DPOTrainer(train_dataset=Dataset.from_list(texts), **common)
            else:
                from calm_ext.training.encoding import encode_pairs
                from calm_ext.training.response_head import score_responses_only
                from calm_ext.training.trainer import PairTrainer

                score_responses_only()
                rows, _ = encode_pairs(chosen, tokenizer, append_eos=True, max_length=1024)
                trainer = PairTrainer(
                    train_dataset=Dataset.from_list(rows), reference=Path(folder), model_path=model_path, **common
                )
            ready = time.perf_counter()
            trainer.train()
            end, cpu = time.perf_counter(), time.process_time() - cpu
        lengths = [len(r["prompt_ids"]) for r in trainer.train_dataset]
        responses = [len(r["chosen_ids"]) + len(r["rejected_ids"]) for r in trainer.train_dataset]
        return {
            "seconds": end - start,
            "cpu": cpu,
            "before": ready - start,
            "losses": [x["loss"] for x in trainer.state.log_history if "loss" in x],
            "margins": [x["rewards/margins"] for x in trainer.state.log_history if "loss" in x],
            "peak_mib": peak_memory_mib(),
            "prompt": statistics.mean(lengths),
            "responses": statistics.mean(responses),
            "flops": work.flops,
            "tokens": work.tokens,
            "rate": matrix_rate(torch.float32),
        }


def child(kind: str, arguments: argparse.Namespace, *, count: bool = False) -> dict[str, Any]:
    """One run, in a process of its own."""
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[1]), environment.get("PYTHONPATH", "")])
    if kind != "trl" or count:
        environment["TORCH_COMPILE_DISABLE"] = "1"  # as calm_ext.training.launch has it
    command = [sys.executable, __file__, str(arguments.file), "--model", arguments.model, "--kind", kind]
    pairs = arguments.pairs // 8 if count else arguments.pairs
    command += ["--pairs", str(pairs), "--batch", str(arguments.batch), "--nll", str(arguments.nll)]
    command += ["--count"] if count else []
    out = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(out.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="pairs JSONL of `calm-ext pairs`")
    parser.add_argument("--model", default="models/gemma-3-270m")
    parser.add_argument("--pairs", type=int, default=64)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--nll", type=float, default=0.0, help="weight of the NLL anchor; TRL's default has none")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--kind", help=argparse.SUPPRESS)
    parser.add_argument("--count", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.kind:
        sizes = {"pairs": arguments.pairs, "batch": arguments.batch, "nll": arguments.nll, "count": arguments.count}
        print(json.dumps(train(arguments.kind, arguments.file, arguments.model, **sizes)))
        return
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in arguments.kinds}
    counts = {kind: child(kind, arguments, count=True) for kind in arguments.kinds}
    for turn in range(arguments.repeats):
        for kind in arguments.kinds:
            one = child(kind, arguments)
            found[kind].append(one)
            said = f"{turn + 1} {KINDS[kind]}: {one['seconds']:.1f} s, {one['before']:.1f} of them before training,"
            print(f"{said} {one['cpu']:.1f} s of the processor, {one['peak_mib']:.0f} MiB", file=sys.stderr, flush=True)
    first = found[arguments.kinds[0]]
    prompt, responses = first[0]["prompt"], first[0]["responses"]
    print(
        f"{arguments.pairs} pairs, batch {arguments.batch}, medians of {arguments.repeats}. Tokens of a pair: ", end=""
    )
    print(
        f"prompt {prompt:.0f}, responses {responses:.0f}; {2 * prompt + responses:.0f} as TRL has them, padding ",
        end="",
    )
    print(f"apart, {prompt + responses:.0f} with the prompt once")
    print("\n| | pairs/s | times TRL (spread) | by processor time | peak MiB | most a step differs: loss, margin |")
    print("|---|---|---|---|---|---|")
    for kind, runs in found.items():
        rate = statistics.median(arguments.pairs / r["seconds"] for r in runs)
        clock, cpu = (times(first, runs, key) for key in ("seconds", "cpu"))
        peak = statistics.median(r["peak_mib"] for r in runs)
        gaps = ", ".join(f"{gap(first, runs, key):.1e}" for key in ("losses", "margins"))
        print(f"| {KINDS[kind]} | {rate:.3f} | {clock} | {cpu} | {peak:.0f} | {gaps} |")
    print()
    for kind, runs in found.items():
        work = Work()
        work.flops, work.tokens = counts[kind]["flops"], counts[kind]["tokens"]
        seconds, rate = (statistics.median(r[key] for r in runs) for key in ("seconds", "rate"))
        print(f"{KINDS[kind]}: {work.times(arguments.pairs / (arguments.pairs // 8)).told(seconds, rate)}")


def times(first: list[dict[str, Any]], runs: list[dict[str, Any]], key: str) -> str:
    """How many times less a kind takes than the first in the same turn: median (least to most)."""
    ratios = sorted(p[key] / r[key] for p, r in zip(first, runs, strict=True))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def gap(first: list[dict[str, Any]], runs: list[dict[str, Any]], key: str) -> float:
    """The largest difference of a step's value from the first kind's in the same turn."""
    return max(abs(a - b) for p, r in zip(first, runs, strict=True) for a, b in zip(p[key], r[key], strict=True))


if __name__ == "__main__":
    main()
