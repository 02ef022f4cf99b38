"""What a recipe says of evaluation."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from calm_ext.languages.codes import LanguageCode
from calm_ext.options import Section


class EvaluationOptions(Section):
    """What is measured before and after training, through lm-eval."""

    tasks: list[str] = Field(min_length=1, json_schema_extra={"metavar": "TASK,…"})
    """lm-eval task names; calm-ext's own are compared question by question, others by their means."""
    limit: int | None = Field(None, ge=1)
    """Questions per task; default: all."""
    num_fewshot: int | None = Field(None, ge=0)
    """Shots, in each question's own language."""
    languages: list[LanguageCode] | None = Field(None, min_length=1)
    """Languages of calm-ext's own tasks; default: data.languages."""
    batch_size: int = Field(8, ge=1)
    """Prompts in one forward pass, each with all its options."""
    seed: int = 0
    """Seed of lm-eval: of random numbers and the choice of shots."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """Passed on to the tasks, as lm_eval's --metadata. What stands under the name of a source is for its tasks alone,
    as in `{klar: {split: held_out}}`."""
