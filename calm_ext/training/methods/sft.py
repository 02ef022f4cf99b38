"""Supervised fine-tuning on the responses that the vote elected: self-consistent SFT, without gold labels.

With w a chosen response of n tokens after the prompt x, the loss of a step is the mean over its tokens,

    -(1 / Σ n) · Σ over responses w of log π(w|x)

Prompts carry no loss. A response that several pairs have chosen is trained on once.
"""

from __future__ import annotations

from typing import Any

from calm_ext.training.context import TrainingContext
from calm_ext.training.methods import method


@method("sft", eats="chosen", description="supervised fine-tuning on the responses that the vote elected")
def build(context: TrainingContext) -> Any:
    """TRL's trainer on responses that are encoded already: the token ids are those that scoring sees."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    from calm_ext.training.response_head import score_responses_only

    if not context.gpu:
        score_responses_only()
    rows = [
        {
            "input_ids": [*row["prompt_ids"], *row["chosen_ids"]],
            "completion_mask": [0] * len(row["prompt_ids"]) + [1] * len(row["chosen_ids"]),
        }
        for row in context.rows
    ]
    return SFTTrainer(
        model=context.model,
        args=SFTConfig(
            **context.arguments(),
            max_length=context.job.options.max_length,
            completion_only_loss=True,
            loss_type="nll",
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=context.tokenizer,
        peft_config=context.peft_config,
        callbacks=list(context.callbacks),
    )
