"""What the worker hands to a method that builds a trainer."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from calm_ext.training.job import TrainingJob
from calm_ext.training.tracking import open_run


@dataclass(frozen=True)
class TrainingContext:
    """A job with all that its trainer is built from.

    Attributes:
        job: the options and the files.
        model: the base model, loaded, its dropout switched off, without an adapter.
        tokenizer: with a padding token.
        rows: the training data, encoded; of a method that eats ``pairs`` the keys are ``prompt_ids``, ``chosen_ids``
            and ``rejected_ids``, of one that eats ``chosen`` the first two.
        peft_config: the LoRA adapter.
        callbacks: for the trainer; they watch, log and measure.
        processes: how many train together.
        gpu: whether there is one.
        dtype: number format of the model, by its name.
    """

    job: TrainingJob
    model: Any
    tokenizer: Any
    rows: Sequence[Any]
    peft_config: Any
    callbacks: Sequence[Any]
    processes: int
    gpu: bool
    dtype: str

    @property
    def zero3(self) -> bool:
        """Whether DeepSpeed shards the weights, as ``accelerate launch`` tells its processes.

        It gathers parameters of one number format only, and it recomputes activations by the older, reentrant way only
        (github.com/huggingface/trl/issues/6089, …/2514). TRL's trainers see to the first. The second they set too late
        for transformers 5.23, which reads it when the arguments are made.
        """
        names = {"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_ZERO_STAGE": "3"}
        return all(os.environ.get(name) == value for name, value in names.items())

    def peft_model(self) -> Any:
        """The model with a new adapter, for a trainer that takes no ``peft_config``."""
        from peft import get_peft_model

        return get_peft_model(self.model, self.peft_config, autocast_adapter_dtype=not self.zero3)

    def arguments(self, *, steps_per_epoch: int | None = None) -> dict[str, Any]:
        """The arguments of :class:`transformers.TrainingArguments` that all methods share.

        ``save_steps`` is also how often the held-out questions are asked.

        Args:
            steps_per_epoch: optimizer steps; default: ``batch_size`` counts rows, and each is run once.
        """
        options = self.job.options
        step = options.batch_size * self.processes * options.gradient_accumulation
        steps_per_epoch = steps_per_epoch or math.ceil(len(self.rows) / step)
        every = max(1, steps_per_epoch // options.checks_per_epoch)
        total = max(1, round(steps_per_epoch * options.epochs))
        checkpointing = options.gradient_checkpointing
        return {
            "output_dir": str(self.job.output / "checkpoints"),
            "learning_rate": options.learning_rate,
            "lr_scheduler_type": "linear",
            "warmup_steps": round(options.warmup_share * total),
            "num_train_epochs": options.epochs,
            "per_device_train_batch_size": options.batch_size,
            "gradient_accumulation_steps": options.gradient_accumulation,
            "weight_decay": options.weight_decay,
            "max_grad_norm": options.max_grad_norm,
            "bf16": self.gpu and self.dtype == "bfloat16",
            "fp16": self.gpu and self.dtype == "float16",
            "use_cpu": not self.gpu,
            "gradient_checkpointing": self.gpu if checkpointing == "auto" else checkpointing,
            **({"gradient_checkpointing_kwargs": {"use_reentrant": True}} if self.zero3 else {}),
            "logging_steps": max(1, min(10, every // 2)),
            "save_strategy": "steps",
            "save_steps": every,
            "save_total_limit": None,  # the older ones go when a new one is sealed, not before
            "report_to": list(options.report_to) or "none",
            "seed": options.seed,
            "data_seed": options.seed,
            "dataloader_pin_memory": self.gpu,
            "disable_tqdm": True,
            **self._tracked(),
        }

    def _tracked(self) -> dict[str, Any]:
        """The run's name and project, where there are trackers; the rest is in the environment that launch sets."""
        job = self.job
        if not job.options.report_to:
            return {}
        run = open_run(job.options.report_to, job.tracking_folder, name=job.run_name or job.output.resolve().name)
        return {"run_name": run.name, "project": run.project}
