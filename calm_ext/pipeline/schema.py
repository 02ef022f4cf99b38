"""The keys of a recipe: one frozen class of options a section, unknown keys forbidden, defaults that are safe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import Field, model_validator

from calm_ext.babel.options import BabelOptions
from calm_ext.data.options import DataOptions
from calm_ext.files.secrets import without_secrets
from calm_ext.harness.options import EvaluationOptions
from calm_ext.models.options import ModelOptions, SamplingOptions
from calm_ext.models.processes.options import LaunchOptions
from calm_ext.options import Section
from calm_ext.pairing.options import PairingOptions
from calm_ext.retrieval.options import RetrievalOptions
from calm_ext.training.options import AnyTrainingOptions, training_options
from calm_ext.voting.options import VotingOptions


class Recipe(Section):
    """A whole run, from questions to a report."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Names the run directory, ``runs/<name>``."""
    model: ModelOptions
    launch: LaunchOptions = LaunchOptions()
    babel: BabelOptions = BabelOptions()
    data: DataOptions
    retrieval: RetrievalOptions | None = None
    sampling: SamplingOptions = SamplingOptions()
    vote: VotingOptions = VotingOptions()
    pairs: PairingOptions = PairingOptions()
    training: AnyTrainingOptions = Field(default_factory=lambda: training_options({}))
    evaluation: EvaluationOptions

    @model_validator(mode="before")
    @classmethod
    def _moved_keys(cls, values: Any) -> Any:
        """The accelerate config where recipes of earlier versions, and their runs, have it: in ``training``."""
        training = values.get("training") if isinstance(values, Mapping) else None
        if not isinstance(training, Mapping) or "accelerate_config" not in training:
            return values
        config = training["accelerate_config"]
        values = {**values, "training": {k: v for k, v in training.items() if k != "accelerate_config"}}
        launch = values.get("launch") or {}
        if config is not None and isinstance(launch, Mapping) and launch.get("accelerate_config") is None:
            values["launch"] = {**launch, "accelerate_config": config}
        return values

    def to_yaml(self) -> str:
        """The resolved recipe, every key written out; without logins and keys in addresses."""
        return yaml.safe_dump(without_secrets(self.model_dump(mode="json")), sort_keys=False, allow_unicode=True)
