"""The training process: ``python -m calm_ext.training.worker job.json``, or that by ``accelerate launch``.

TRL's :class:`~trl.DPOTrainer` does the training. Ours are the encoding of the pairs (the tokens that scoring sees, end
of text only where a response ends), and the watch over held-out questions that warns, stops and chooses the checkpoint.
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig
from trl.trainer.utils import disable_dropout_in_model

from calm_ext.errors import CalmError, RunError
from calm_ext.jsonl import atomic_write, read_jsonl
from calm_ext.models.device import choose_dtype, peak_memory_mib
from calm_ext.models.meter import reading
from calm_ext.records import Pair, ParallelQuestion, Passages
from calm_ext.training.asking import Asker
from calm_ext.training.callbacks import Log, Metered, Watch
from calm_ext.training.job import TrainingJob
from calm_ext.training.launch import BEGUN, add_spent
from calm_ext.training.monitor import Monitor, encode_pairs
from calm_ext.training.response_head import score_responses_only
from calm_ext.training.tracking import open_run
from calm_ext.training.trainer import PairTrainer

logger = logging.getLogger(__name__)


def run(job: TrainingJob) -> None:
    """Train, and leave ``adapter/`` (the chosen one), ``log.jsonl`` and ``summary.json`` in the job's output."""
    options = job.options
    job.output.mkdir(parents=True, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(job.model, trust_remote_code=job.trust_remote_code)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    pairs = list(read_jsonl(job.pairs, Pair))
    rows, dropped = encode_pairs(pairs, tokenizer, append_eos=job.append_eos, max_length=options.max_length)
    if dropped:
        print(f"{dropped} of {len(pairs)} pairs left out: their prompt fills max_length", file=sys.stderr)
    if not rows:
        raise RunError(f"no pair is left to train on: every prompt fills training.max_length {options.max_length}")
    gpu = torch.cuda.is_available()
    if not gpu:
        score_responses_only()
    dtype = choose_dtype(options.dtype, device="cuda" if gpu else "cpu")
    loaded: dict[str, Any] = {"dtype": getattr(torch, dtype), "trust_remote_code": job.trust_remote_code}
    if options.quantize == "4bit":
        from transformers import BitsAndBytesConfig

        loaded["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
        )
    model = AutoModelForCausalLM.from_pretrained(job.model, **loaded)
    if _first_process():
        print(f"{BEGUN}{dtype} on a {'GPU' if gpu else 'CPU'}", file=sys.stderr)
    model.config.use_cache = True
    disable_dropout_in_model(model)  # here, and not by TRL later: that would switch LoRA's off too
    arguments, steps_per_epoch = _arguments(job, len(rows), gpu=gpu, dtype=dtype)
    watch = _watch(job, tokenizer, steps_per_epoch)
    trainer = PairTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=LoraConfig(
            r=options.lora_r,
            lora_alpha=options.lora_alpha,
            lora_dropout=options.lora_dropout,
            target_modules=options.lora_targets,
            task_type="CAUSAL_LM",
        ),
        reference=job.output,
        model_path=job.model,
        callbacks=[Metered(), Log(job.output / "log.jsonl"), *([watch] if watch else [])],
    )
    _only_a_bar(trainer)
    trainer.processing_class = None  # or each checkpoint would write the base model's tokenizer again
    if watch:
        watch.trainer = trainer
        watch.main = trainer.is_world_process_zero()
    checkpoints = sorted((job.output / "checkpoints").glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1]))
    if not checkpoints and trainer.is_world_process_zero():
        (job.output / "log.jsonl").unlink(missing_ok=True)  # of a run that ended before its first checkpoint
    result = trainer.train(resume_from_checkpoint=str(checkpoints[-1]) if checkpoints else None)
    trainer.save_model(str(job.output / "last"))
    if trainer.is_world_process_zero():
        _finish(job, watch, result.metrics, n_pairs=len(rows), dropped=dropped, dtype=dtype)


def _first_process() -> bool:
    return os.environ.get("RANK", "0") == "0"


def _only_a_bar(trainer: Any) -> None:
    """A progress bar, but not every log entry beside it: those go to ``log.jsonl``."""
    from transformers.trainer_callback import PrinterCallback, ProgressCallback

    class Bar(ProgressCallback):
        def on_log(self, *_: Any, **__: Any) -> None:
            """Print nothing."""

    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    trainer.add_callback(Bar)


def _arguments(job: TrainingJob, n_rows: int, *, gpu: bool, dtype: str) -> tuple[DPOConfig, int]:
    """TRL's configuration, and the optimizer steps of one epoch."""
    options = job.options
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    steps_per_epoch = math.ceil(n_rows / (options.batch_size * processes * options.gradient_accumulation))
    every = max(1, steps_per_epoch // options.checks_per_epoch)
    total = max(1, round(steps_per_epoch * options.epochs))
    anchored = options.nll_weight > 0
    checkpointing = gpu if options.gradient_checkpointing == "auto" else options.gradient_checkpointing
    arguments = DPOConfig(
        output_dir=str(job.output / "checkpoints"),
        beta=options.beta,
        loss_type=["sigmoid", "sft"] if anchored else ["sigmoid"],
        loss_weights=[1.0, options.nll_weight] if anchored else None,
        learning_rate=options.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=round(options.warmup_share * total),
        num_train_epochs=options.epochs,
        per_device_train_batch_size=options.batch_size,
        gradient_accumulation_steps=options.gradient_accumulation,
        weight_decay=options.weight_decay,
        max_grad_norm=options.max_grad_norm,
        max_length=options.max_length,
        disable_dropout=False,
        bf16=gpu and dtype == "bfloat16",
        fp16=gpu and dtype == "float16",
        use_cpu=not gpu,
        gradient_checkpointing=checkpointing,
        logging_steps=max(1, min(10, every // 2)),
        save_strategy="steps",
        save_steps=every,
        save_total_limit=1,
        report_to=list(options.report_to) or "none",
        **_tracked(job),
        seed=options.seed,
        data_seed=options.seed,
        dataloader_pin_memory=gpu,
        disable_tqdm=False,
    )
    return arguments, steps_per_epoch


def _tracked(job: TrainingJob) -> dict[str, Any]:
    """The run's name and project, where there are trackers; the rest of it is in the environment that launch gives."""
    if not job.options.report_to:
        return {}
    run = open_run(job.options.report_to, job.tracking_folder, name=job.run_name or job.output.resolve().name)
    return {"run_name": run.name, "project": run.project}


def _watch(job: TrainingJob, tokenizer: Any, steps_per_epoch: int) -> Watch | None:
    """The watch over the held-out questions that the vote decided; None where there are none."""
    options = job.options
    if job.heldout is None or not job.heldout_votes:
        print("no held-out question was decided: training is not watched, the last checkpoint is kept", file=sys.stderr)
        return None
    questions = [q for q in read_jsonl(job.heldout, ParallelQuestion) if q.id in job.heldout_votes]
    questions = questions[: options.heldout_questions]
    ids = {q.id for q in questions}
    encoded = []
    if job.heldout_pairs:
        pairs = [p for p in read_jsonl(job.heldout_pairs, Pair, allow_empty=True) if p.id in ids]
        rows, _ = encode_pairs(pairs[:200], tokenizer, append_eos=job.append_eos, max_length=options.max_length)
        encoded = [(r["prompt_ids"], r["chosen_ids"]) for r in rows]
    monitor = Monitor(
        questions=questions,
        votes=job.heldout_votes,
        encoded=encoded,
        asker=Asker(
            tokenizer, job.mode, job.style, job.chat_template, job.max_new_tokens, passages=_read_passages(job)
        ),
        patience=options.patience,
    )
    return Watch(monitor, every=max(1, steps_per_epoch // options.checks_per_epoch), output=job.output, main=True)


def _read_passages(job: TrainingJob) -> dict[tuple[str, str], list[str]]:
    if job.heldout_passages is None:
        return {}
    return {(p.id, p.language): [x.shown() for x in p.passages] for p in read_jsonl(job.heldout_passages, Passages)}


def _finish(
    job: TrainingJob, watch: Watch | None, metrics: dict[str, float], *, n_pairs: int, dropped: int, dtype: str
) -> None:
    chosen, step = job.output / "last", None
    if watch and job.options.select == "best":
        step = watch.monitor.chosen.step
        chosen = job.output / f"checks/step-{step}"
        if step == 0:
            print(
                "every checkpoint was clearly worse on the held-out questions than the untrained model, which is kept; "
                "lower training.learning_rate, or look at the vote's margins",
                file=sys.stderr,
            )
    target = job.output / "adapter"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(chosen, target, ignore=shutil.ignore_patterns("training_args.bin", "checkpoint-*", "README.md"))
    for name in ("checks", "last", "checkpoints"):
        shutil.rmtree(job.output / name, ignore_errors=True)
    summary = {
        "n_pairs": n_pairs,
        "n_pairs_dropped": dropped,
        "dtype": dtype,
        "seconds": metrics.get("train_runtime"),
        "loss": metrics.get("train_loss"),
        "chosen_step": step,
        "checks": [{**c._asdict(), "score": c.score} for c in watch.monitor.checks] if watch else [],
        "peak_memory_mib": peak_memory_mib(),
        "peak_gpu_memory_mib": torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else None,
    }
    atomic_write(job.output / "summary.json", json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    told = TrainingJob.model_validate_json(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        run(told)
    except CalmError as error:
        sys.exit(f"error: {error}")
    finally:
        if _first_process():
            add_spent(told, reading())
