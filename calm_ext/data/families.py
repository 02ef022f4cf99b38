"""How other people's lm-eval tasks of a parallel benchmark are recognised in logs, and how their lines are read.

lm-eval has many benchmarks as tasks of one language each: ``belebele_fra_Latn``, ``global_mmlu_full_fr_anatomy``. A
*family* is the set of them. An example::

    name: belebele
    task: belebele_(?P<language>[a-z]{3}_[A-Z][a-z]{3})
    key: [doc.link, doc.question_number]
    options: [mc_answer1, mc_answer2, mc_answer3, mc_answer4]

A *field* of a logged line is ``doc_id``, ``target``, or ``doc.`` and a column of the data.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from pydantic import Field, field_validator

from calm_ext.options import Section

TargetForm = Literal["auto", "zero_based", "one_based", "letter", "text"]


class Family(Section):
    """Tasks of one language each that ask the same questions, as lm-eval has them for many benchmarks."""

    name: str
    """What ``--family`` calls it, and what its tables are called."""
    task: str
    """Regular expression of the whole task name, with a group `language` (or one group); a group `part` (a subject,
    say) joins the key."""
    key: str | list[str] = "doc_id"
    """What identifies a question in every language: fields of a logged line, as `doc.sample_id`; `doc.ind|doc.id` is
    the first of the two that a line has."""
    target: str | int = "target"
    """The field that holds the right answer, or the number of the option that is always right."""
    form: TargetForm = "auto"
    """How the target is written; `auto` reads a number as that of an option from 0 on, a single letter as its letter,
    and any other text as that of the option."""
    options: str | list[str] | None = None
    """The columns of the doc that hold the texts of the options, where letters are scored or written. Where texts are
    scored, they are known from the requests."""
    answer_from: str = "scored"
    """Where an answer is taken from, see ``--answer-from``."""
    languages: dict[str, str] = Field(default_factory=dict)
    """The tasks' code of a language -> ours, where that cannot be derived."""

    @field_validator("task")
    @classmethod
    def _is_a_pattern(cls, value: str) -> str:
        try:
            pattern = re.compile(value)
        except re.error as error:
            raise ValueError(f"is no regular expression ({error})") from None
        if "language" not in pattern.groupindex and pattern.groups != 1:
            raise ValueError("has no group for the language: write (.+), or (?P<language>.+) where there are several")
        return value

    def parts_of(self, task: str) -> tuple[str, str] | None:
        """The language and the part in the name of a task; None where it is none of this family or names no language.

        >>> Family(name="m", task="m_(?P<language>[a-z]{2})_(?P<part>.+)").parts_of("m_fr_law")
        ('fr', 'law')
        """
        match = re.fullmatch(self.task, task)
        if match is None:
            return None
        named = match.groupdict()
        language = named["language"] if "language" in named else match[1]
        return (language, named.get("part") or "") if language else None

    @property
    def key_fields(self) -> list[str]:
        """The fields of the key."""
        return [self.key] if isinstance(self.key, str) else self.key


@lru_cache(maxsize=1)
def bundled_families() -> tuple[Family, ...]:
    """The families of the bundled benchmarks, by file and place, with the benchmark's codes of languages."""
    from calm_ext.data.benchmark import bundled_benchmarks

    found = []
    for benchmark in bundled_benchmarks():
        codes = {theirs.lower(): ours for ours, theirs in benchmark.languages.items()}
        found += [family.replace(languages={**codes, **family.languages}) for family in benchmark.lm_eval]
    return tuple(found)
