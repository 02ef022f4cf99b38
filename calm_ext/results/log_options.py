"""How the logs of other people's tasks are to be read: the options, and the family that they name or describe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from calm_ext.data.families import Family, TargetForm, bundled_families
from calm_ext.errors import CalmError
from calm_ext.options import Section


class LogOptions(Section):
    """How logs of tasks of one language each are read; tasks of calm-ext need none of it."""

    family: str | None = Field(None, json_schema_extra={"metavar": "NAME"})
    """Whose logs to read where there are several: a benchmark's name, as belebele, or one of a file of yours."""
    language_from: str | None = Field(None, json_schema_extra={"metavar": "task:PATTERN"})
    """For tasks that no family knows: where the language stands in their names, as 'task:mytask_(.+)'."""
    key: list[str] = Field(default_factory=list, json_schema_extra={"metavar": "FIELD"})
    """What identifies a question in every language: doc_id, or columns, as doc.id."""
    target: str | None = Field(None, json_schema_extra={"metavar": "FIELD"})
    """Where the right answer stands: target, a column, as doc.label, or the number of the option always right."""
    form: TargetForm | None = None
    """How the target is written; auto finds out whether it is a number, a letter or a text."""
    filter: str | None = Field(None, json_schema_extra={"metavar": "NAME"})
    """Whose responses to take where a task has several filters; default: the first."""
    answer_from: str | None = Field(None, json_schema_extra={"metavar": "WHAT"})
    """scored: as lm-eval scored them. read: the reader of calm-ext. response: the text, for tasks without options.
    acc_norm, acc_bytes: the score by which options are ranked. Any other metric of 0 and 1, as bleu_acc, for itself."""
    languages: list[str] = Field(default_factory=list, json_schema_extra={"metavar": "CODE"})
    """Only these, to leave one out that lacks questions."""
    at_least: float = Field(0.5, gt=0, le=1)
    """The share of questions that must be joined over all languages."""

    @property
    def by_hand(self) -> bool:
        """Whether a family is named or described."""
        return bool(self.family or self.language_from)


def chosen_families(options: LogOptions) -> list[Family]:
    """The family that the options name or describe; empty where they do neither.

    Raises:
        CalmError: there is no such family, or the language cannot be found as described.
    """
    if options.language_from:
        return [_described(options)]
    return [adjusted(_family(options.family), options)] if options.family else []


def _family(name: str) -> Family:
    """A bundled family, or the one of a benchmark's YAML.

    Raises:
        CalmError: there is none.
    """
    import difflib

    if Path(name).suffix in (".yaml", ".yml"):
        from calm_ext.data.benchmark import read_benchmark

        own = read_benchmark(name).lm_eval
        if len(own) != 1:
            raise CalmError(f"{name}: has {len(own)} families under lm_eval, and one is needed")
        return own[0]
    known = {f.name: f for f in bundled_families()}
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(known))}"
        raise CalmError(f"--family {name}: no such family; {hint}")
    return known[name]


def _described(options: LogOptions) -> Family:
    """The family that the options describe.

    Raises:
        CalmError: the language cannot be found by them.
    """
    where, _, pattern = (options.language_from or "").partition(":")
    if where != "task" or not pattern:
        raise CalmError(f"--language-from {options.language_from}: write task:PATTERN, as 'task:mytask_(.+)'")
    base = _family(options.family) if options.family else Family(name="logs", task="(.+)")
    try:
        return adjusted(base.replace(task=pattern), options)
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise CalmError(f"--language-from {options.language_from}: the pattern {message}") from None


def adjusted(family: Family, options: LogOptions) -> Family:
    """A family with what the options say otherwise."""
    changes: dict[str, Any] = {}
    if options.key:
        changes["key"] = list(options.key)
    if options.target is not None:
        changes["target"] = int(options.target) if options.target.isdecimal() else options.target
    if options.form:
        changes["form"] = options.form
    if options.answer_from:
        changes["answer_from"] = options.answer_from
    return family.replace(**changes) if changes else family
