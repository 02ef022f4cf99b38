"""The keys of a study file.

An example::

    name: sizes
    recipe: demo                            # a bundled recipe, a file beside this one, or the recipe itself
    vary: {data.limit: [40, 80, 160]}
    seeds: {babel.seed: [0, 1, 2]}
    claims:
      - {metric: consistency, rises: true}
      - {metric: consistency, order: increasing, over: data.limit}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, Literal, NamedTuple

from pydantic import Field, field_validator, model_validator

from calm_ext.errors import CalmError
from calm_ext.metrics.lookup import require_metric
from calm_ext.metrics.names import SET_LEVEL
from calm_ext.options import Section

#: Metrics of a set of questions that the columns of its languages give.
OF_LANGUAGES = ("acc_worst", "overlap_right")


class Claim(Section):
    """What is claimed, in one of three forms: `rises`, `better` with `than`, or `order` with `over`."""

    metric: str
    """A metric, by its code or its plain name."""
    task: str | None = None
    """The task it is measured on; default: the first one whose questions are held out."""
    of: Literal["effect", "after"] = "effect"
    """What is compared: the `effect`, the metric after alignment less before it, or the metric `after` it."""
    where: dict[str, Any] = Field(default_factory=dict)
    """Only cells with these values of varied keys; default: all."""
    rises: bool | None = None
    """The metric rises by alignment; `false`: it falls."""
    better: dict[str, Any] | None = None
    """Values of varied keys that are better …"""
    than: dict[str, Any] | None = None
    """… than these, in cells that are alike otherwise."""
    order: Literal["increasing", "decreasing"] | None = None
    """The metric increases or decreases …"""
    over: str | None = None
    """… with this varied key, whose values are numbers, or lists of which the length is taken."""

    @field_validator("metric")
    @classmethod
    def _known(cls, metric: str) -> str:
        try:
            code = require_metric(metric)
        except CalmError as error:
            raise ValueError(str(error)) from None
        if code in SET_LEVEL and code not in OF_LANGUAGES:
            raise ValueError(f"{code} is no mean over questions, and cannot be tested here")
        return code

    @model_validator(mode="after")
    def _one_form(self) -> Claim:
        forms = [self.rises is not None, self.better is not None, self.order is not None]
        if sum(forms) != 1:
            raise ValueError(
                "a claim is one of `rises: true`, `better: {…}` with `than: {…}`, `order: …` with `over: …`"
            )
        if (self.better is None) != (self.than is None):
            raise ValueError("`better` and `than` go together")
        if (self.order is None) != (self.over is None):
            raise ValueError("`order` and `over` go together")
        if self.rises is not None and self.of == "after":
            raise ValueError("`rises` compares after with before, so `of: after` has no meaning with it")
        return self

    def words(self) -> str:
        """The claim in a line, as it stands in the file."""
        rest = {k: v for k, v in self.model_dump(exclude_defaults=True).items() if k not in ("metric", "where", "of")}
        return self.metric + "".join(f", {k} {_plain(v)}" for k, v in (rest | self.where).items())


class Level(NamedTuple):
    """One value of a varied key.

    Attributes:
        value: what stands in the list, or the label of a mapping.
        changes: recipe key -> value.
    """

    value: Any
    changes: Mapping[str, Any]


class StudyOptions(Section):
    """A study: a recipe, what is varied, over which seeds, and what is claimed."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Names the folder, ``runs/<name>``."""
    recipe: str | dict[str, Any]
    """A recipe that comes along, by its name; a file, from the study's own folder on; or the recipe itself."""
    vary: dict[str, list[Any] | dict[str, dict[str, Any]]] = Field(default_factory=dict)
    """Recipe keys and their values, all combined. Instead of a key a name, and instead of values labels with several
    keys each: `method: {dpo: {}, sft: {training.method: sft}}`."""
    seeds: dict[str, list[Any]] = Field(default_factory=dict)
    """Keys of seeds and their values; of several keys the first values go together, the second ones, and so on."""
    folds: int | None = Field(None, ge=2)
    """The questions are put in so many parts, and each part is measured by the model that did not train on it."""
    evaluate: dict[str, Any] = Field(default_factory=dict)
    """Keys of the recipe's `evaluation`, the same in all cells."""
    claims: list[Claim] = Field(default_factory=list)
    """What is tested."""

    @field_validator("vary")
    @classmethod
    def _values(cls, vary: dict[str, Any]) -> dict[str, Any]:
        for key, values in vary.items():
            if not values:
                raise ValueError(f"{key} has no value")
            labels = [label(v) for v in values]
            twice = next((x for x in labels if labels.count(x) > 1), None)
            if twice is not None:
                raise ValueError(f"{key} has the value {twice} twice")
        return vary

    @field_validator("seeds")
    @classmethod
    def _parallel(cls, seeds: dict[str, list[Any]]) -> dict[str, list[Any]]:
        counts = {key: len(values) for key, values in seeds.items()}
        if len(set(counts.values())) > 1:
            raise ValueError(f"the keys have different numbers of values: {counts}")
        if seeds and not min(counts.values()):
            raise ValueError("at least one value is needed")
        for key, values in seeds.items():
            if len({label(v) for v in values}) < len(values):
                raise ValueError(f"{key} has a value twice")
        return seeds

    @model_validator(mode="after")
    def _claims_fit(self) -> StudyOptions:
        for i, claim in enumerate(self.claims):
            for place, chosen in (("where", claim.where), ("better", claim.better), ("than", claim.than)):
                for key, value in (chosen or {}).items():
                    known = [label(x.value) for x in self.levels(key)]
                    if label(value) not in known:
                        there = f"its values: {', '.join(known)}" if known else f"varied: {', '.join(self.vary)}"
                        raise ValueError(f"claims.{i}.{place}: {key}: {label(value)} is not varied; {there}")
            if claim.better is not None and claim.than is not None:
                if claim.better.keys() != claim.than.keys():
                    raise ValueError(f"claims.{i}: better and than must name the same keys")
                if claim.better == claim.than:
                    raise ValueError(f"claims.{i}: better and than are the same")
            if claim.over is not None:
                numbers = [number_of(x.value) for x in self.levels(claim.over)]
                if len(numbers) < 2 or None in numbers or len(set(numbers)) < 2:
                    raise ValueError(f"claims.{i}.over: {claim.over} has not two values or more that are numbers")
        return self

    def levels(self, key: str) -> list[Level]:
        """The values of a varied key; none where it is not varied."""
        values = self.vary.get(key, [])
        if isinstance(values, dict):
            return [Level(name, changes) for name, changes in values.items()]
        return [Level(value, {key: value}) for value in values]

    def combinations(self) -> Iterator[dict[str, Level]]:
        """Every combination of the varied keys' values, the first key slowest; one, empty, where nothing is varied."""
        for levels in product(*(self.levels(key) for key in self.vary)):
            yield dict(zip(self.vary, levels, strict=True))

    def seed_values(self) -> list[dict[str, Any]]:
        """The values of the seeds' keys, one mapping a seed; one, empty, where the study names none."""
        if not self.seeds:
            return [{}]
        return [dict(zip(self.seeds, values, strict=True)) for values in zip(*self.seeds.values(), strict=True)]


def label(value: Any) -> str:
    """A value as it is named: ``qaa+qab`` for a list.

    >>> label(["qaa", "qab"]), label(0.5), label(True), label(None)
    ('qaa+qab', '0.5', 'true', 'none')
    """
    if isinstance(value, (list, tuple)):
        return "+".join(label(x) for x in value)
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)


def number_of(value: Any) -> float | None:
    """The number that a value stands for: itself, the length of a list, or what a label says; None where there is none.

    >>> number_of(3), number_of(["en", "fr"]), number_of("16"), number_of("dpo"), number_of(True)
    (3.0, 2.0, 16.0, None, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, (list, tuple)):
        return float(len(value))
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {label(v)}" for k, v in value.items())
    return label(value)
