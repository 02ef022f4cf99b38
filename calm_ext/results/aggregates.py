"""The results file of lm-eval: the aggregated values of each task, and how they came about.

The keys that are read here (shortened)::

    {"results": {"calm_medqa_xl": {"acc,none": 0.5, "acc_stderr,none": "N/A", "sample_len": 100, …}},
     "configs": {"calm_medqa_xl": {"metadata": {"signature": "task:…|langs:en.fr|…", "style": "explain", …}, …}},
     "n-samples": {"calm_medqa_xl": {"original": 1273, "effective": 100}}, "n-shot": {…}, "versions": {…},
     "config": {"model_args": {"pretrained": "org/model"}, "limit": 100, …}, "model_name": "org/model", "date": 1.8e9}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard, get_args

from calm_ext.errors import DataError
from calm_ext.files.decode import read_table
from calm_ext.prompts import Style


@dataclass(frozen=True)
class Aggregates:
    """A results file whose outer form was checked: ``results`` and ``configs`` are tables by task.

    Attributes:
        path: the file.
        raw: its content.
    """

    path: Path
    raw: Mapping[str, Any] = field(repr=False)

    # --- the evaluation

    @property
    def tasks(self) -> list[str]:
        """Names of tasks and groups, in the order of the file."""
        return list(self.raw["results"])

    @property
    def arguments(self) -> dict[str, Any]:
        """What the model was loaded with; lm-eval before 0.4.9 wrote it as ``pretrained=…,dtype=…``."""
        given = self._config.get("model_args")
        if isinstance(given, str):
            given = dict(part.partition("=")[::2] for part in given.split(",") if part)
        return {name: value for name, value in _table(given).items() if value is not None}

    def model_name(self, fallback: str) -> str:
        """The model's name; base and adapter where it has one, for which lm-eval names the adapter alone."""
        arguments = {name: str(value) for name, value in self.arguments.items()}
        name = self.raw.get("model_name")
        base = next((arguments[k] for k in ("pretrained", "model", "path", "engine") if arguments.get(k)), "")
        adapter = arguments.get("peft") or arguments.get("delta")
        if adapter and base:
            return f"{base} + {adapter}"
        return name if isinstance(name, str) and name.strip() else base or fallback

    @property
    def date(self) -> float:
        """When it was written, in seconds since 1970; 0 where the file has no date."""
        date = self.raw.get("date")
        return float(date) if _is_number(date) else 0.0

    @property
    def limit(self) -> Any:
        """``--limit``."""
        return self._config.get("limit")

    @property
    def chat_template(self) -> bool:
        """Whether a chat template was applied."""
        return bool(self.raw.get("chat_template"))

    @property
    def system_instruction(self) -> Any:
        """The system instruction, or nothing."""
        return self.raw.get("system_instruction")

    @property
    def fewshot_as_multiturn(self) -> bool:
        """Whether the examples were turns of a conversation."""
        return bool(self.raw.get("fewshot_as_multiturn"))

    @property
    def fewshot_seed(self) -> int | float | None:
        """The seed that chose the examples."""
        seed = self._config.get("fewshot_seed")
        return seed if _is_number(seed) else None

    # --- a task

    def is_group(self, task: str) -> bool:
        """Whether a name in ``tasks`` is that of a group."""
        return task in _table(self.raw.get("groups"))

    def metadata(self, task: str) -> dict[str, Any]:
        """The metadata of a task; that of our tasks has ``signature``, ``languages`` and ``style``."""
        return _table(self._settings(task).get("metadata"))

    def signature(self, task: str) -> str:
        """The signature of a task of ours; empty for every other task."""
        signature = self.metadata(task).get("signature")
        return signature if isinstance(signature, str) else ""

    def style(self, task: str) -> Style:
        """How a task of ours asks: ``explain`` where its metadata names no style."""
        found, known = self.metadata(task).get("style"), get_args(Style)
        return known[known.index(found)] if found in known else "explain"

    def values(self, task: str) -> dict[str, float]:
        """metric -> value (:func:`plain_values`)."""
        return plain_values(self.raw["results"][task])

    def standard_errors(self, task: str) -> dict[str, float]:
        """metric -> lm-eval's own standard error, where it was asked for them."""
        found = {}
        for key, value in self.raw["results"][task].items():
            metric = key.partition(",")[0]
            if metric.endswith("_stderr") and _is_number(value):
                found[metric.removesuffix("_stderr")] = float(value)
        return found

    def n_questions(self, task: str) -> int | None:
        """How many documents were evaluated; None where the file does not say."""
        effective = _table(_table(self.raw.get("n-samples")).get(task)).get("effective")
        if _is_number(effective):
            return int(effective)
        length = self.raw["results"][task].get("sample_len")
        return length if isinstance(length, int) else None

    def n_original(self, task: str) -> int | None:
        """How many documents the task has; None where the file does not say."""
        original = _table(_table(self.raw.get("n-samples")).get(task)).get("original")
        return original if isinstance(original, int) else None

    def version(self, task: str) -> Any:
        """The version of the task."""
        return _table(self.raw.get("versions")).get(task, self.metadata(task).get("version"))

    def n_shot(self, task: str) -> Any:
        """Number of examples before each question."""
        return _table(self.raw.get("n-shot")).get(task) or self._settings(task).get("num_fewshot") or 0

    def generates(self, task: str) -> bool:
        """Whether the model wrote its answers, instead of having options scored."""
        return self._settings(task).get("output_type") not in ("loglikelihood", "multiple_choice")

    def generation_settings(self, task: str) -> Any:
        """The task's settings of generation, as a table or a text."""
        return self._settings(task).get("generation_kwargs") or self._config.get("gen_kwargs")

    @property
    def _config(self) -> dict[str, Any]:
        return _table(self.raw.get("config"))

    def _settings(self, task: str) -> dict[str, Any]:
        return _table(self.raw["configs"].get(task))


def read_aggregates(path: Path) -> Aggregates:
    """Read a results file of lm-eval and check its outer form.

    Raises:
        DataError: it cannot be read, or is not lm-eval's.
    """
    values = read_table(path, again="run the evaluation again")
    for key in ("results", "configs"):
        part = values.get(key)
        if not isinstance(part, dict) or not all(isinstance(x, dict) for x in part.values()):
            raise DataError(f"{path}: is not a results file of lm-eval (no {key!r} by task)")
    return Aggregates(path, values)


def plain_values(values: Mapping[str, Any]) -> dict[str, float]:
    """metric -> number, of lm-eval's ``metric,filter`` keys; standard errors and texts are left out.

    A metric under several filters keeps its filter in the name.

    >>> plain_values({"acc,none": 0.5, "acc_stderr,none": 0.1, "alias": "t", "sample_len": 3})
    {'acc': 0.5}
    """
    found: dict[str, dict[str, float]] = {}
    for key, value in values.items():
        metric, comma, name = key.partition(",")
        if comma and not metric.endswith("_stderr") and isinstance(value, (int, float)) and not isinstance(value, bool):
            found.setdefault(metric, {})[name] = float(value)
    return {
        metric if len(by_filter) == 1 else f"{metric},{name}": value
        for metric, by_filter in found.items()
        for name, value in by_filter.items()
    }


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
