"""The training process: ``python -m calm_ext.training.worker job.json``, or that by ``accelerate launch``.

The method of the job (:mod:`calm_ext.training.methods`) builds the trainer. What all methods share is here: the data as
token ids, the model, the checkpoints, and the watch over held-out questions that warns, stops and chooses one of them.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from transformers import AutoModelForCausalLM

from calm_ext.disk.seal import SEAL, seal
from calm_ext.errors import CalmError, RunError
from calm_ext.files.places import make_folder
from calm_ext.files.writing import atomic_write
from calm_ext.models.device import choose_dtype, peak_memory_mib
from calm_ext.models.meter import reading
from calm_ext.models.processes.preloaded import tokenizer_of
from calm_ext.models.processes.start import end_with_parent
from calm_ext.models.trust import loading
from calm_ext.training.callbacks import Log, Sealing, Steps, Watch, watch
from calm_ext.training.checkpoints import finish
from calm_ext.training.context import TrainingContext
from calm_ext.training.encoding import LOADERS
from calm_ext.training.job import TrainingJob
from calm_ext.training.launch import START_LINE, add_spent
from calm_ext.training.messages import Told, tell
from calm_ext.training.metering import Metered
from calm_ext.training.methods import METHODS


def run(job: TrainingJob) -> None:
    """Train, and leave ``adapter/`` (the chosen one), ``log.jsonl`` and ``summary.json`` in the job's output."""
    options = job.options
    method = METHODS[options.method]
    make_folder(job.output)
    tokenizer = tokenizer_of(job.model, trust_remote_code=job.trust_remote_code)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    load = method.load or LOADERS[method.eats]
    rows, dropped = load(job, tokenizer)
    if dropped:
        total = len(rows) + dropped
        tell("note", message=f"{dropped} of {total} {method.eats} left out: their prompt fills max_length")
    if not rows:
        raise RunError(f"nothing is left to train on: every prompt fills training.max_length {options.max_length}")
    gpu = torch.cuda.is_available()
    dtype = choose_dtype(options.dtype, device="cuda" if gpu else "cpu")
    model = _load_model(job, dtype)
    if _first_process():
        tell("note", message=f"{START_LINE}{dtype} on a {'GPU' if gpu else 'CPU'}")
    watcher = watch(job, tokenizer)
    trainer = method.build(
        TrainingContext(
            job=job,
            model=model,
            tokenizer=tokenizer,
            rows=rows,
            peft_config=LoraConfig(
                r=options.lora_r,
                lora_alpha=options.lora_alpha,
                lora_dropout=options.lora_dropout,
                target_modules=options.lora_targets,
                task_type="CAUSAL_LM",
            ),
            callbacks=(
                Metered(),
                Log(job.output / "log.jsonl"),
                Steps(),
                *([watcher] if watcher else []),
                Sealing(job.output),
            ),
            processes=int(os.environ.get("WORLD_SIZE", "1")),
            gpu=gpu,
            dtype=dtype,
        )
    )
    _make_scalable(trainer)
    _print_nothing(trainer)
    trainer.processing_class = None  # or each checkpoint would write the base model's tokenizer again
    if watcher:
        watcher.attach(trainer)
    result = trainer.train(resume_from_checkpoint=str(job.resume_from) if job.resume_from else None)
    trainer.save_model(str(job.output / "last"))
    if trainer.is_world_process_zero():
        _finish(job, watcher, result.metrics, n_rows=len(rows), dropped=dropped, dtype=dtype)


def _load_model(job: TrainingJob, dtype: str) -> Any:
    """The base model without dropout; LoRA has its own.

    Raises:
        RunError: it is to be quantised, and sharded.
    """
    keywords: dict[str, Any] = {"dtype": getattr(torch, dtype), **loading(job.trust_remote_code)}
    if job.options.quantize == "4bit":
        from transformers import BitsAndBytesConfig

        if any(os.environ.get(f"ACCELERATE_USE_{x}") == "true" for x in ("FSDP", "DEEPSPEED")):
            raise RunError(
                "training.quantize 4bit needs the whole model in each process, and launch.accelerate_config shards it; "
                "take recipes/accelerate/multi-gpu.yaml, or leave quantize out"
            )
        keywords["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=getattr(torch, dtype)
        )
        if torch.cuda.is_available():  # else transformers would put the model of each process on the first GPU
            local_rank = int(os.environ.get("LOCAL_RANK", "0"))
            keywords["device_map"] = {"": local_rank % torch.cuda.device_count()}
    model = AutoModelForCausalLM.from_pretrained(job.model, **keywords)
    model.config.use_cache = True
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0
    return model


def _first_process() -> bool:
    return os.environ.get("RANK", "0") == "0"


def _make_scalable(trainer: Any) -> None:
    """Keep an adapter in float32 where gradients are scaled, as in float16: torch scales none of bfloat16.

    TRL puts the adapter of a quantised model into bfloat16, whatever the number format of training.
    """
    if trainer.args.fp16:
        for parameter in trainer.model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()


def _print_nothing(trainer: Any) -> None:
    """No bar and no log entries: steps are told, and the entries go to ``log.jsonl``."""
    from transformers.trainer_callback import PrinterCallback, ProgressCallback

    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)


def _finish(
    job: TrainingJob, watcher: Watch | None, metrics: dict[str, float], *, n_rows: int, dropped: int, dtype: str
) -> None:
    chosen, step = job.output / "last", None
    if watcher and job.options.select == "best":
        step = watcher.monitor.chosen.step
        chosen = job.output / f"checks/step-{step}"
        if step == 0:
            tell(
                "note",
                message="every checkpoint was clearly worse on the held-out questions than the untrained model, which "
                "is kept; lower training.learning_rate, or look at the vote's margins",
            )
    target, partial = job.output / "adapter", job.output / "adapter.partial"
    for old in (target, partial):
        shutil.rmtree(old, ignore_errors=True)
    left_out = shutil.ignore_patterns("training_args.bin", "checkpoint-*", "README.md", SEAL)
    shutil.copytree(chosen, partial, ignore=left_out)
    seal(partial)
    partial.rename(target)
    summary = {
        "eats": METHODS[job.options.method].eats,
        "n_pairs": n_rows,
        "n_pairs_dropped": dropped,
        "dtype": dtype,
        "seconds": metrics.get("train_runtime"),
        "loss": metrics.get("train_loss"),
        "chosen_step": step,
        "checks": [{**c._asdict(), "score": c.score} for c in watcher.monitor.checks] if watcher else [],
        "peak_memory_mib": peak_memory_mib(),
        "peak_gpu_memory_mib": torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else None,
    }
    atomic_write(job.output / "summary.json", json.dumps(summary, indent=2) + "\n")
    finish(job.output)


def main(job_file: str) -> None:
    """Run the job of a file; a user's mistake ends in one line."""
    logging.basicConfig(level=logging.WARNING)
    Told.attach()
    try:
        job = TrainingJob.model_validate_json(Path(job_file).read_text(encoding="utf-8"))
    except CalmError as error:  # of a plugin
        sys.exit(f"error: {error}")
    threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        with _alone(job) if _first_process() else nullcontext():
            run(job)
    except CalmError as error:
        sys.exit(f"error: {error}")
    finally:
        if _first_process():
            add_spent(job, reading())


@contextmanager
def _alone(job: TrainingJob) -> Iterator[None]:
    """Wait until a training that was left behind by a killed run, and writes the same files, has ended.

    Raises:
        RunError: it does not end.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(make_folder(job.output) / ".worker.lock", timeout=60)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(f"{job.output}: another training process writes there; end it") from None
    try:
        yield
    finally:
        lock.release()


if __name__ == "__main__":
    main(sys.argv[1])
