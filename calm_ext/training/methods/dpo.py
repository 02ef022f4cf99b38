"""Direct preference optimization on the pairs, and its relatives, with an NLL anchor.

For a prompt x with the chosen response w and the rejected one l, the policy π and the untrained model π₀, let

    a = log π(w|x)/π₀(w|x)      b = log π(l|x)/π₀(l|x)      m = β (a - b)      σ the logistic function

The loss of a batch of B pairs, whose chosen responses have T tokens in all, is

    1/B · Σ over pairs of v · ℓ(a, b)  -  1/T · Σ over pairs of nll_weight · log π(w|x)

The second term is the anchor of RPO (Pang et al. 2024, arXiv 2404.19733). ``loss`` is ℓ:

    sigmoid       -(1-ε) log σ(m) - ε log σ(-m)                   DPO (Rafailov et al. 2023, 2305.18290); with
                                                                  ε > 0 conservative DPO (Mitchell 2023)
    robust        (-(1-ε) log σ(m) + ε log σ(-m)) / (1-2ε)        robust DPO (Chowdhury et al. 2024, 2403.00409)
    sigmoid_norm  -log σ(β (a/|w| - b/|l|))                       DPO per token (Lambert et al. 2024, 2411.15124)
    hinge         max(0, 1 - m)                                   SLiC (Zhao et al. 2023, 2305.10425), RSO (2309.06657)
    ipo           (a/|w| - b/|l| - 1/(2β))²                       IPO (Azar et al. 2023, 2310.12036), per token
    exo_pair      KL((σ(m), σ(-m)) ‖ (1-ε, ε))                    EXO (Ji et al. 2024, 2402.00856)
    nca_pair      -log σ(βa) - ½ log σ(-βa) - ½ log σ(-βb)        NCA (Chen et al. 2024, 2402.05369)
    bco_pair      -log σ(βa) - log σ(-βb)                         BCO (Jung et al. 2024, 2404.04656), no reward shift
    sppo_hard     (a - 1/(2β))² + (b + 1/(2β))²                   SPPO (Wu et al. 2024, 2405.00675)
    apo_zero      1 - σ(βa) + σ(βb)                               APO (D'Oosterlinck et al. 2024, 2408.06266)
    apo_down      σ(βa) + 1 - σ(m)                                the same
    discopop      (1-s) · -log σ(m) + s · exp(-m), s = σ(m/.05)   DiscoPOP (Lu et al. 2024, 2406.08414)

The numbers are arXiv's; |w| and |l| are numbers of tokens. The formulas are TRL 1.16's, but for the ε of ``sigmoid``,
which TRL does not have. Its ``aot`` and ``aot_unpaired`` are left out: they sort the ratios of a batch, so that the
loss depends on the batch's size and on the number of processes.

ε is ``label_smoothing`` and v is 1, or, with p the vote's probability that the chosen answer is right (``noise``):

- ``vote``: ε = min(1 - p, .45). The rejected answer is right instead with a probability of at most 1 - p. The bound is
  for ``robust``, which divides by 1 - 2ε.
- ``weight``: v = p over the mean p of the training set's pairs that have a preference loss.

Pairs of languages that agree with the vote already have the origin ``anchor``. What is done with them (``anchors``):

- ``pair``: the same as with all others.
- ``nll``: v = 0, and ``anchor_weight`` takes the place of nll_weight.
- ``kl``: v = 0 and nll_weight = 0, and the loss gets the term

    anchor_weight / T · Σ over the tokens of the anchors' chosen responses of KL(π₀ ‖ π)

  of the two distributions over the whole vocabulary at that token. π₀ is the model with its adapter off, which runs on
  the batch's anchors in every step.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from calm_ext.training.context import TrainingContext
from calm_ext.training.job import TrainingJob
from calm_ext.training.messages import tell
from calm_ext.training.methods import method
from calm_ext.training.options import TrainingOptions

if TYPE_CHECKING:
    from calm_ext.models.options import SamplingOptions

#: The losses that have an ε.
SMOOTHED = ("sigmoid", "robust", "exo_pair")


class DPOOptions(TrainingOptions):
    """How to train by DPO."""

    method: Literal["dpo"] = "dpo"
    """Direct preference optimization."""
    beta: float = Field(0.1, gt=0)
    """DPO's β: the larger, the closer the model stays to the untrained one."""
    loss: Literal[
        "sigmoid", "robust", "sigmoid_norm", "hinge", "ipo", "exo_pair", "nca_pair", "bco_pair", "sppo_hard",
        "apo_zero", "apo_down", "discopop",
    ] = "sigmoid"  # fmt: skip
    """The preference loss, by TRL's name: ``sigmoid`` is DPO."""
    label_smoothing: float = Field(0.0, ge=0, lt=0.5)
    """ε, the probability that chosen and rejected are the wrong way round: with ``sigmoid`` conservative DPO, with
    ``robust`` robust DPO, with ``exo_pair`` EXO's ε. The other losses have none."""
    noise: Literal["none", "vote", "weight"] = "none"
    """What the vote's probability of a pair does: ``vote``: ε is 1 minus it, at most .45, for each pair (losses
    ``sigmoid`` and ``robust``); ``weight``: it weights the pair's preference loss, the mean weight being 1."""
    nll_weight: float = Field(0.5, ge=0)
    """Weight of the mean NLL of the chosen response per token, added to the DPO loss. 0 is plain DPO, which can drive
    all log-probabilities down and wreck a ranking."""
    anchors: Literal["pair", "nll", "kl"] = "pair"
    """What pairs of languages that agree with the vote already are for: ``pair``: the same as all others; ``nll``: only
    the NLL of the chosen response; ``kl``: only the divergence from the untrained model at the chosen response."""
    anchor_weight: float = Field(1.0, gt=0)
    """Weight of the anchors' NLL or divergence per token."""

    @model_validator(mode="after")
    def _fits(self) -> DPOOptions:
        if self.label_smoothing and self.loss not in SMOOTHED:
            raise ValueError(
                f"label_smoothing goes with the losses {', '.join(SMOOTHED)}; loss {self.loss} has no ε, so set it to 0"
            )
        if self.noise == "vote" and self.loss not in ("sigmoid", "robust"):
            raise ValueError(
                f"noise vote goes with the losses sigmoid and robust, not {self.loss}; noise weight goes with all"
            )
        if self.noise == "vote" and self.label_smoothing:
            raise ValueError("noise vote gives each pair its own ε, so set label_smoothing to 0")
        if self.loss in ("robust", "exo_pair") and not self.label_smoothing and self.noise != "vote":
            also = " (or noise to vote)" if self.loss == "robust" else ""
            raise ValueError(f"loss {self.loss} needs an ε: set label_smoothing above 0{also}, or take loss sigmoid")
        if self.anchors == "pair" and self.anchor_weight != 1:
            raise ValueError("anchor_weight goes with anchors nll and kl; anchors pair does not use it")
        return self

    def problems(
        self, sampling: SamplingOptions, *, gold: bool, n_languages: int | None, anchored: bool = True
    ) -> list[str]:
        """Anchors that are held in a way of their own must be there."""
        if self.anchors == "pair" or anchored:
            return []
        return ["training.anchors: there are no pairs of languages that agree; set pairs.anchors to all"]

    @property
    def weighed(self) -> bool:
        """Whether the loss is more than TRL's own: pairs count differently, or DPO has an ε."""
        smoothed = self.loss == "sigmoid" and self.label_smoothing > 0
        return smoothed or self.noise != "none" or self.anchors != "pair"

    def own_words(self) -> list[str]:
        """β, the weight of the NLL, and what differs from plain DPO."""
        said = [f"β {self.beta:g}", f"NLL {self.nll_weight:g}"]
        if self.loss != "sigmoid":
            said.insert(0, f"loss {self.loss}")
        if self.label_smoothing:
            said.append(f"ε {self.label_smoothing:g}")
        if self.noise != "none":
            said.append("ε by the vote" if self.noise == "vote" else "weighted by the vote")
        if self.anchors != "pair":
            said.append(f"anchors by {self.anchors.upper()} {self.anchor_weight:g}")
        return said


def load(job: TrainingJob, tokenizer: Any) -> Any:
    """The pairs, with the columns that the options need."""
    from calm_ext.training.weighing import load_weighed

    return load_weighed(job, tokenizer)


@method(
    "dpo",
    eats="pairs",
    options=DPOOptions,
    description="direct preference optimization on the pairs, with an NLL anchor on the chosen responses",
    load=load,
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
    shared = {
        **context.arguments(),
        "beta": options.beta,
        "max_length": options.max_length,
        "disable_dropout": False,  # the worker switches off the model's; TRL would switch LoRA's off too
    }
    given = {
        "model": context.model,
        "train_dataset": Dataset.from_list(list(context.rows)),
        "processing_class": context.tokenizer,
        "peft_config": context.peft_config,
        "callbacks": list(context.callbacks),
        "reference": job.output,
        "model_path": job.model,
    }
    if not options.weighed:
        anchored = options.nll_weight > 0
        arguments = DPOConfig(
            **shared,
            loss_type=[options.loss, "sft"] if anchored else [options.loss],
            loss_weights=[1.0, options.nll_weight] if anchored else None,
            label_smoothing=options.label_smoothing,
        )
        return PairTrainer(args=arguments, **given)

    from calm_ext.training.weighed_trainer import WeighedPairTrainer
    from calm_ext.training.weighing import weighing_words

    if os.environ.get("RANK", "0") == "0":
        for line in weighing_words(context.rows, options):
            tell("note", message=line)
    # TRL's loss has weight 0: the trainer adds its own. The columns are not arguments of the model.
    arguments = DPOConfig(**shared, loss_type=["sigmoid"], loss_weights=[0.0], remove_unused_columns=False)
    return WeighedPairTrainer(args=arguments, options=options, **given)
