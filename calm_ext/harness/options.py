"""What a recipe says of evaluation."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from calm_ext.options import Section


class EvaluationOptions(Section):
    """What is measured before and after, through lm-eval.

    Attributes:
        tasks: lm-eval task names; ours are compared question by question, others by their means.
        limit: questions per task.
        num_fewshot: shots, in the question's own language.
        languages: of our tasks; default: data.languages.
        batch_size, seed: of the evaluation.
        metadata: passed on to the tasks, as lm_eval's --metadata.
    """

    tasks: list[str] = Field(min_length=1)
    limit: int | None = Field(None, ge=1)
    num_fewshot: int | None = Field(None, ge=0)
    languages: list[str] | None = Field(None, min_length=1)
    batch_size: int = Field(8, ge=1)
    seed: int = 0
    metadata: dict[str, Any] = Field(default_factory=dict)
