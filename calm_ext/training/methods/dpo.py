"""Direct preference optimization on the pairs (Rafailov et al. 2023, arXiv 2305.18290), with an NLL anchor.

For a prompt x with the chosen response w and the rejected one l, the policy π, the untrained model π₀ and σ the
logistic function, the loss is

    -log σ(β (log π(w|x)/π₀(w|x) - log π(l|x)/π₀(l|x)))  -  nll_weight · mean over tokens of log π(w|x)

The second term is the anchor of RPO (Pang et al. 2024, arXiv 2404.19733).
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from calm_ext.training.context import TrainingContext
from calm_ext.training.methods import method
from calm_ext.training.options import TrainingOptions


class DPOOptions(TrainingOptions):
    """How to train by DPO."""

    method: Literal["dpo"] = "dpo"
    """Direct preference optimization."""
    beta: float = Field(0.1, gt=0)
    """DPO's β: the larger, the closer the model stays to the untrained one."""
    nll_weight: float = Field(0.5, ge=0)
    """Weight of the mean NLL of the chosen response per token, added to the DPO loss. 0 is plain DPO, which can drive
    all log-probabilities down and wreck a ranking."""

    def own_words(self) -> list[str]:
        """β and the weight of the anchor."""
        return [f"β {self.beta:g}", f"NLL {self.nll_weight:g}"]


@method(
    "dpo",
    eats="pairs",
    options=DPOOptions,
    description="direct preference optimization on the pairs, with an NLL anchor on the chosen responses",
)
def build(context: TrainingContext) -> Any:
    """TRL's trainer on pairs that are encoded already."""
    from datasets import Dataset
    from trl import DPOConfig

    from calm_ext.training.response_head import score_responses_only
    from calm_ext.training.trainer import PairTrainer

    job, options = context.job, context.job.options
    assert isinstance(options, DPOOptions)
    if not context.gpu:
        score_responses_only()
    anchored = options.nll_weight > 0
    arguments = DPOConfig(
        **context.arguments(),
        beta=options.beta,
        loss_type=["sigmoid", "sft"] if anchored else ["sigmoid"],
        loss_weights=[1.0, options.nll_weight] if anchored else None,
        max_length=options.max_length,
        disable_dropout=False,  # the worker switches off the model's; TRL would switch LoRA's off too
    )
    return PairTrainer(
        model=context.model,
        args=arguments,
        train_dataset=Dataset.from_list(list(context.rows)),
        processing_class=context.tokenizer,
        peft_config=context.peft_config,
        callbacks=list(context.callbacks),
        reference=job.output,
        model_path=job.model,
    )
