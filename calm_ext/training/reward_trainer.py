"""TRL's GRPOTrainer on prompts that are sampled as they were before training, in batches of whole questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trl import GRPOTrainer

from calm_ext.models.request import encode_prompt
from calm_ext.training import trl_internals
from calm_ext.training.rewards import QuestionSampler


class _Texts:
    """What TRL needs of a tokenizer in a step: prompts as token ids, with one BOS token, and completions as text."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def __call__(self, text: Sequence[str]) -> dict[str, list[list[int]]]:
        return {"input_ids": [encode_prompt(self.tokenizer, prompt) for prompt in text]}

    def batch_decode(self, rows: Any, **keywords: Any) -> Any:
        """The tokenizer's own."""
        return self.tokenizer.batch_decode(rows, **keywords)


class RewardTrainer(GRPOTrainer):
    """A GRPOTrainer on text prompts, chats as their template writes them.

    Args:
        together: so many rows, from a multiple of it on, come in one batch: those of a question.
    """

    def __init__(self, *args: Any, together: int = 1, **kwargs: Any) -> None:
        self.together = together
        self.args: Any
        self.train_dataset: Any
        self.processing_class: Any
        trl_internals.has(GRPOTrainer, trl_internals.SAMPLER, otherwise="batches may hold parts of questions")
        super().__init__(*args, **kwargs)
        self._texts = _Texts(self.processing_class)

    def training_step(self, *args: Any, **kwargs: Any) -> Any:
        """TRL's; the texts are there in it only, or each checkpoint would write the base model's tokenizer again."""
        before, self.processing_class = self.processing_class, self._texts
        try:
            return super().training_step(*args, **kwargs)
        finally:
            self.processing_class = before

    def _get_train_sampler(self, dataset: Any = None) -> Any:
        return QuestionSampler(
            len(self.train_dataset if dataset is None else dataset),
            together=self.together,
            batch=self.args.generation_batch_size // self.args.num_generations,
            generations=self.args.num_generations,
            repeats=self.args.steps_per_generation * self.args.num_iterations,
            seed=self.args.seed,
        )
