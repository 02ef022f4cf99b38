"""What a recipe says of training."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from calm_ext.options import Section

#: The experiment trackers that a run can be followed with, each by the name of the package it needs.
Tracker = Literal["tensorboard", "wandb", "trackio", "mlflow"]


class TrainingOptions(Section):
    """How to train. The defaults are safe: an NLL anchor, label-free stopping and checkpoint choice.

    Attributes:
        method: ``dpo`` (Rafailov et al. 2023) on the pairs.
        beta: DPO's β.
        nll_weight: weight of the mean NLL of the chosen response per token, added to the DPO loss (the anchor of RPO,
            Pang et al. 2024). 0 is plain DPO, which can drive all log-probabilities down and wreck a ranking.
        learning_rate, epochs, batch_size, gradient_accumulation, warmup_share, weight_decay, max_grad_norm: as usual;
            the rate decays linearly; batch_size is per process.
        lora_r, lora_alpha, lora_dropout, lora_targets: LoRA (Hu et al. 2021).
        max_length: tokens of prompt and response; pairs whose prompt fills it are left out and counted.
        append_eos: end responses with the end-of-text token; ``auto``: sampled responses yes, option texts no.
        heldout_share: share of the questions kept out of the pairs, by which training is watched, without gold.
        heldout_questions: at most so many of them are asked at each check.
        checks_per_epoch: how often they are asked.
        patience: training stops when so many checks in a row are clearly below the best one; 0: never.
        select: the checkpoint that is kept: ``best``, the latest that is not clearly below the best one on the held-out
            questions, the untrained model included (:attr:`calm_ext.training.monitor.Monitor.chosen`), or ``last``.
        seed: of LoRA's start and the order of the pairs.
        dtype: of the base model; ``auto``: bfloat16 where the machine is faster in it.
        gradient_checkpointing: ``auto``: on a GPU.
        quantize: ``4bit`` for QLoRA (extra ``qlora``; needs a GPU).
        accelerate_config: an accelerate config file for several processes or machines; default one process.
        report_to: experiment trackers, which get training's curves and the stages' results as one run
            (:mod:`calm_ext.training.tracking`).
    """

    method: Literal["dpo"] = "dpo"
    beta: float = Field(0.1, gt=0)
    nll_weight: float = Field(0.5, ge=0)
    learning_rate: float = Field(5e-5, gt=0)
    epochs: float = Field(1.0, gt=0)
    batch_size: int = Field(16, ge=1)
    gradient_accumulation: int = Field(1, ge=1)
    warmup_share: float = Field(0.1, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    lora_r: int = Field(16, ge=1)
    lora_alpha: int = Field(32, ge=1)
    lora_dropout: float = Field(0.0, ge=0, lt=1)
    lora_targets: str | list[str] = "all-linear"
    max_length: int = Field(1024, ge=16)
    append_eos: bool | Literal["auto"] = "auto"
    heldout_share: float = Field(0.1, ge=0, lt=1)
    heldout_questions: int = Field(60, ge=1)
    checks_per_epoch: int = Field(4, ge=1)
    patience: int = Field(2, ge=0)
    select: Literal["best", "last"] = "best"
    seed: int = 0
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    gradient_checkpointing: bool | Literal["auto"] = "auto"
    quantize: Literal["none", "4bit"] = "none"
    accelerate_config: str | None = None
    report_to: list[Tracker] = Field(default_factory=list)
