"""A training run as one JSON file, from the pipeline to :mod:`calm_ext.training.worker`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from calm_ext.models.options import SamplingOptions
from calm_ext.options import Section
from calm_ext.training.options import AnyTrainingOptions


class TrainingJob(Section):
    """One training run: the options and the files it reads and writes."""

    model: str
    """Hugging Face folder or hub name of the base model."""
    pairs: Path
    """Pairs JSONL to train on."""
    groups: Path | None = None
    """Groups JSONL to train on, for methods that do."""
    questions: Path | None = None
    """Exercises JSONL to train on, for methods that sample and reward answers."""
    output: Path
    """Directory for ``adapter/``, ``log.jsonl`` and ``checkpoints/``."""
    accelerate_config: str | None = None
    """The accelerate config of the processes that train; default: one process."""
    options: AnyTrainingOptions
    """The method and how to train by it."""
    sampling: SamplingOptions = SamplingOptions()
    """How the questions were asked when they were sampled: held-out ones are asked alike."""
    heldout: Path | None = None
    """Questions JSONL to watch training by."""
    heldout_votes: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Held-out question id -> language -> option that the vote of the *other* languages elected."""
    heldout_pairs: Path | None = None
    """Pairs JSONL of the held-out questions, whose chosen NLL is watched."""
    heldout_passages: Path | None = None
    """Passages JSONL that the held-out questions are asked with."""
    normalize: Literal["byte", "token", "sum", "pmi"] = "byte"
    """How scores of options are made comparable where held-out questions are asked: as in the vote."""
    advice: list[str] = Field(default_factory=list)
    """What the recipe can change so that agreeing answers are kept, besides the learning rate, for a warning."""
    device: str | None = None
    """Where to train, as ``cpu`` or ``cuda:1``; default: the first GPU there is, else the CPU."""
    trust_remote_code: bool = False
    """Let the model bring code of its own."""
    run_name: str | None = None
    """Name for the trackers of ``options.report_to``; default: the output directory's name."""
    tracking: Path | None = None
    """Directory of the trackers' run; default: ``tracking/`` in the output."""

    resume_from: Path | None = None
    """The checkpoint to go on from; default: training starts at its first step."""

    @property
    def tracking_folder(self) -> Path:
        """Where the trackers' run is kept."""
        return self.tracking or self.output / "tracking"

    @property
    def append_eos(self) -> bool:
        """Whether responses end with the end-of-text token."""
        if self.options.append_eos == "auto":
            return self.sampling.mode == "generate"
        return self.options.append_eos
