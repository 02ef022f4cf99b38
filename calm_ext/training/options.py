"""The ``training`` section of a recipe: what all methods share, and how ``method`` chooses the other keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, SerializeAsAny, ValidatorFunctionWrapHandler, WrapValidator

from calm_ext.options import OneOf, Section
from calm_ext.training.methods import METHODS

if TYPE_CHECKING:
    from calm_ext.models.options import SamplingOptions

#: The experiment trackers that can follow a run, each by the name of the package it needs.
Tracker = Literal["tensorboard", "wandb", "trackio", "mlflow"]

DEFAULT_METHOD = "dpo"


class TrainingOptions(Section):
    """How to train, by any method. The defaults are safe: label-free stopping and choice of the checkpoint."""

    method: Annotated[str, OneOf(METHODS)] = DEFAULT_METHOD
    """The training method, which also decides what other keys there are."""
    learning_rate: float = Field(5e-5, gt=0)
    """Highest learning rate; it decays linearly to 0."""
    epochs: float = Field(1.0, gt=0)
    """How often each example is trained on."""
    batch_size: int = Field(16, ge=1)
    """Examples in one forward pass, per process."""
    gradient_accumulation: int = Field(1, ge=1)
    """Batches to an optimizer step."""
    warmup_share: float = Field(0.1, ge=0, lt=1)
    """Share of the steps over which the learning rate rises from 0."""
    weight_decay: float = Field(0.0, ge=0)
    """Weight decay of AdamW."""
    max_grad_norm: float = Field(1.0, gt=0)
    """Gradients are clipped to this norm."""
    lora_r: int = Field(16, ge=1)
    """Rank of LoRA (Hu et al. 2021)."""
    lora_alpha: int = Field(32, ge=1)
    """LoRA's α: its update is scaled by α / r."""
    lora_dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout before LoRA's update."""
    lora_targets: str | list[str] = "all-linear"
    """Names of the modules that get LoRA."""
    max_length: int = Field(1024, ge=16)
    """Tokens of prompt and response; an example whose prompt fills it is left out and counted."""
    append_eos: bool | Literal["auto"] = "auto"
    """End responses with the end-of-text token; ``auto``: sampled responses yes, option texts no."""
    heldout_share: float = Field(0.1, ge=0, lt=1)
    """Share of the questions kept out of training, by which it is watched, without gold."""
    heldout_questions: int = Field(60, ge=1)
    """At most so many held-out questions are asked at each check."""
    checks_per_epoch: int = Field(4, ge=1)
    """How often the held-out questions are asked."""
    patience: int = Field(2, ge=0)
    """Training stops when so many checks in a row are clearly below the best one; 0: never."""
    select: Literal["best", "last"] = "best"
    """The checkpoint that is kept: ``best``, the latest that is not clearly below the best one on the held-out
    questions, the untrained model included, or ``last``."""
    seed: int = 0
    """Of LoRA's start and the order of the examples."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format of the base model; ``auto``: bfloat16 where the machine is faster in it."""
    gradient_checkpointing: bool | Literal["auto"] = "auto"
    """Compute activations again in the backward pass, which saves memory; ``auto``: on a GPU."""
    quantize: Literal["none", "4bit"] = "none"
    """``4bit`` for QLoRA (extra ``qlora``; needs a GPU)."""
    report_to: list[Tracker] = Field(default_factory=list)
    """Experiment trackers, which get training's curves and the stages' results as one run."""

    @classmethod
    def own_keys(cls) -> list[str]:
        """The keys that not all methods have."""
        return [key for key in cls.model_fields if key not in TrainingOptions.model_fields]

    def own_words(self) -> list[str]:
        """The keys of the method's own, for a line of the plan."""
        return [f"{key} {getattr(self, key)}" for key in self.own_keys()]

    def problems(
        self, sampling: SamplingOptions, *, gold: bool, n_languages: int | None, anchored: bool = True
    ) -> list[str]:
        """What does not go with the rest of a recipe, one a line.

        Args:
            anchored: whether languages that agree with the vote have pairs, too.
            gold: whether the vote takes gold answers.
            n_languages: in how many languages each question is asked; None where that is not known yet.
        """
        return []

    def words(self) -> str:
        """The line of a plan.

        >>> TrainingOptions(method="sft").words()
        'sft, lr 5e-05, 1 epochs'
        """
        return ", ".join([self.method, f"lr {self.learning_rate:g}", *self.own_words(), f"{self.epochs:g} epochs"])


class GroupOptions(TrainingOptions):
    """What methods that train on groups share: a question in all its languages is one example."""

    completions: Literal["options", "samples"] = "options"
    """What is compared: all ``options``, written as the prompt asks for them, or the sampled responses."""
    max_options: int | None = Field(None, ge=2)
    """Of scored options, compare at most so many in a language: the elected one, and those that the untrained model
    finds likeliest there."""
    batch_size: int = Field(4, ge=1)
    """Questions in one forward pass, per process, each in all its languages with all its completions."""


def options_class(values: Any) -> type[TrainingOptions]:
    """The class of a ``training`` section by its ``method``; where that is unknown, what all methods share."""
    given = values.get("method", DEFAULT_METHOD) if isinstance(values, Mapping) else getattr(values, "method", None)
    return METHODS[given].options if isinstance(given, str) and given in METHODS else TrainingOptions


def training_options(values: Mapping[str, Any]) -> TrainingOptions:
    """The options of a flat ``training`` section.

    Raises:
        pydantic.ValidationError: a key that the method does not have, or a value that is not allowed.
    """
    section = options_class(values)
    if values.get("method", DEFAULT_METHOD) not in list(METHODS):  # its own keys would all be reported as unknown
        values = {k: v for k, v in values.items() if k in section.model_fields}
    return section.model_validate(values)


def _by_method(value: Any, handler: ValidatorFunctionWrapHandler) -> TrainingOptions:
    if isinstance(value, TrainingOptions):
        return value if isinstance(value, options_class(value)) else training_options(dict(value))
    result: TrainingOptions = training_options(value) if isinstance(value, Mapping) else handler(value)
    return result


#: A ``training`` section: validated as the class of its method, and written with all the keys of that class.
AnyTrainingOptions = Annotated[SerializeAsAny[TrainingOptions], WrapValidator(_by_method)]
