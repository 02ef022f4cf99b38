"""What a training process is told: one JSON file between the pipeline and :mod:`calm_ext.training.worker`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from calm_ext.prompts import Style
from calm_ext.training.options import TrainingOptions


class TrainingJob(BaseModel):
    """One training run: the options and the files it reads and writes.

    Attributes:
        model: Hugging Face folder or hub name of the base model.
        pairs: pairs JSONL to train on.
        heldout: questions JSONL that is watched, or None.
        heldout_votes: held-out question id -> language -> option that the vote of the *other* languages elected.
        heldout_pairs: pairs JSONL of the held-out questions (their chosen NLL is watched), or None.
        heldout_passages: passages JSONL that the held-out questions are asked with, or None.
        mode: how the held-out questions are asked, as they were sampled.
        style: prompt style.
        chat_template: whether the prompts are wrapped in the model's chat template.
        max_new_tokens: for held-out questions in ``generate`` mode.
        output: directory for ``adapter/``, ``log.jsonl`` and ``checkpoints/``.
        run_name: of what is trained, for the trackers of ``options.report_to``; default: the output directory's name.
        tracking: directory of the trackers' run; default: ``tracking/`` in the output.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    pairs: Path
    output: Path
    options: TrainingOptions
    mode: Literal["generate", "options"] = "options"
    style: Style = "cloze"
    chat_template: bool = False
    max_new_tokens: int = 256
    heldout: Path | None = None
    heldout_votes: dict[str, dict[str, int]] = Field(default_factory=dict)
    heldout_pairs: Path | None = None
    heldout_passages: Path | None = None
    trust_remote_code: bool = False
    run_name: str | None = None
    tracking: Path | None = None

    @property
    def tracking_folder(self) -> Path:
        """Where the trackers' run is kept."""
        return self.tracking or self.output / "tracking"

    @property
    def append_eos(self) -> bool:
        """Whether responses end with the end-of-text token."""
        if self.options.append_eos == "auto":
            return self.mode == "generate"
        return self.options.append_eos
