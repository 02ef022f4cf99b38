"""The smallest run that has all its parts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from calm_ext.pipeline.recipe import parse_recipe
from calm_ext.pipeline.schema import Recipe

#: What libraries are known to print in a run.
LIBRARIES = re.compile(
    r"it/s|\d+%\||Loading weights|FutureWarning|warnings\.warn|fatal: not a git|overrides existing|requests:|"
    r"transformers|lm[_-]eval|site-packages|Traceback|UserWarning|\bWARNING\b|\bINFO\b"
)


def small_recipe(model: Path, **changes: dict[str, Any]) -> Recipe:
    """Two checkpoints of training, two languages, one task that needs no generation."""
    values: dict[str, Any] = {
        "name": "small",
        "model": {"path": str(model), "dtype": "float32", "device": "cpu"},
        "data": {"source": "babel", "languages": ["qaa", "qab"], "limit": 20},
        "sampling": {"mode": "generate", "style": "direct", "n": 3, "max_new_tokens": 3, "batch_size": 64},
        "training": {"learning_rate": 1e-3, "batch_size": 16, "dtype": "float32", "checks_per_epoch": 2, "lora_r": 4},
        "evaluation": {"tasks": ["calm_babel_xl_mc"], "limit": 4, "batch_size": 64},
    }
    for key, change in changes.items():
        values[key] = values[key] | change if key in values else change
    return parse_recipe(values)
