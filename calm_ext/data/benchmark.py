"""A parallel benchmark described by its columns: one YAML in :mod:`calm_ext.data.benchmarks`, or a user's own.

An example, shortened::

    name: xcopa
    title: XCOPA, cause or effect, 2 options
    path: cambridgeltl/xcopa            # on the Hugging Face hub
    files: data/{code}/{file}.{code}.jsonl      # in a folder with the layout of the published files
    splits: {test: {}, validation: {file: val}}
    languages: {et: et, zh: zh}         # our code: theirs; a list holds theirs alone
    key: idx                            # the columns that identify a question in every language, or `row`
    question: "{{ premise }} {{ words[question] }}"
    options: [choice1, choice2]
    answer: {column: label, form: zero_based}
    words: {et: {cause: sest, effect: seetõttu}, zh: {cause: 因为, effect: 所以}}

``question``, each of ``options``, the answer's ``column`` and a ``key`` are names of columns, of keys within one
(``choices.text``) or Jinja templates. A template sees the columns of the row, ``row`` (for columns whose name is no
word, or one of those that follow), ``file`` (what stands beside the rows in their JSON file), ``part``, ``code``,
``language`` and ``words``, and has the filters ``resub(pattern, replacement)`` and Jinja's own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from calm_ext.data.families import Family
from calm_ext.errors import DataError
from calm_ext.files.texts import read_text, read_yaml
from calm_ext.languages.codes import normalise_code
from calm_ext.options import Section, problem

#: The most languages that are asked where none are named.
MOST_BY_DEFAULT = 10

Form = Literal["zero_based", "one_based", "letter", "text", "first", "last"]


class Answer(Section):
    """Which option of a row is right."""

    form: Form
    """`zero_based` or `one_based` number of the option, its `letter`, its `text`, always the `first` or the `last`."""
    column: str | None = None
    """The column, or a template; none where the right option is always the first or the last."""

    @model_validator(mode="after")
    def _has_column(self) -> Answer:
        if (self.column is None) != (self.form in ("first", "last")):
            raise ValueError("forms first and last take no column, all others need one")
        return self


class Split(Section):
    """The names of a split where it is published; `{}` where they are ours, a string where there is one."""

    name: str | None = None
    """Its name on the hub; default: ours."""
    file: str | None = None
    """What `{file}` stands for in `files`; default: its name."""
    share: tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]] | None = None
    """Only the questions from one share to another, as `[0, 0.5]`, spread by a hash of their key, so that a benchmark
    with one published split has questions to align on and others to measure on."""
    keys: str | None = None
    """Only the questions whose key begins as this regular expression says, as `(capital|continent)-`."""

    @field_validator("keys")
    @classmethod
    def _expression(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression ({error})") from None
        return pattern

    @model_validator(mode="after")
    def _ascending(self) -> Split:
        if self.share and self.share[0] >= self.share[1]:
            raise ValueError(f"share: from {self.share[0]} to {self.share[1]} is nothing")
        return self

    def holds(self, key: str, group: str) -> bool:
        """Whether a question is of the split, by its key and by what stands for it in the shares.

        >>> [Split(share=share).holds("k-1", "q1") for share in ((0, 1), (0, 0.5), (0.5, 1))]
        [True, True, False]
        >>> Split(keys="k-").holds("k-1", "q1"), Split(keys="l|m").holds("k-1", "q1")
        (True, False)
        """
        if self.keys is not None and not re.match(self.keys, key):
            return False
        if self.share is None:
            return True
        place = int.from_bytes(hashlib.sha256(group.encode()).digest()[:7], "big") / 256**7
        return self.share[0] <= place < self.share[1]


class OptionColumn(Section):
    """One column that holds all options as one text."""

    column: str
    """The column, or a template."""
    split: str
    """What stands between two options."""


class Layout(Section):
    """Where the rows of a language are, and which columns they have. A language of its own may have another layout."""

    path: str | None = None
    """The dataset on the Hugging Face hub."""
    config: str = "{code}"
    """Its configuration of a language."""
    files: str = "{config}/{split}"
    """The file of a language in a folder of the user's, with or without .jsonl, .json, .tsv, .csv or .parquet."""
    base_url: str | None = None
    """Where `files` are published on the web, for a benchmark that is not on the hub."""
    rows: str | None = None
    """The key under which a JSON file holds its rows; default: the file is a list."""
    columns: list[str] = Field(default_factory=list)
    """Names of a table's columns, in place of those in its first line."""
    parts: list[str] = Field(default_factory=list)
    """What `{part}` in `files` stands for: several files a language; default: all files that are there."""
    key: str | list[str] = "row"
    """The columns, or templates, that identify a question in every language; `row`: its place in the file."""
    together: str | None = None
    """A column, or a template, the same in every language or read `together_in` one: questions with one value are of
    one share of a split; default: the key."""
    question: str
    """A column, or a template."""
    options: str | list[str] | OptionColumn
    """A column that holds a list; columns or templates, one an option, empty ones left out; or a column to be split."""
    answer: Answer
    """Where a row says which option is right."""
    substitute: list[tuple[str, str]] = Field(default_factory=list)
    """What is replaced in questions and options, in turn: pairs of a regular expression and what comes in its place."""

    @field_validator("config", "files")
    @classmethod
    def _names(cls, pattern: str, info: ValidationInfo) -> str:
        known = ("code", "language", "split", "file") + (("config", "part") if info.field_name == "files" else ())
        try:
            names = [name for _, name, _, _ in Formatter().parse(pattern) if name is not None]
        except ValueError as error:
            raise ValueError(f"{pattern}: {error}") from None
        if info.field_name == "files" and pattern.startswith("/"):
            raise ValueError(
                f"{pattern} begins at the root; name it from data_dir on, which is the description's folder"
            )
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ValueError(f"{{{unknown[0]}}} is none of {', '.join(f'{{{x}}}' for x in known)}")
        return pattern

    @field_validator("substitute")
    @classmethod
    def _expressions(cls, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
        for pattern, new in pairs:
            try:
                re.sub(pattern, new, "")
            except re.error as error:
                raise ValueError(f"{pattern!r} or {new!r} is no regular expression ({error})") from None
        return pairs


class Benchmark(Layout):
    """A benchmark that asks the same multiple-choice questions in several languages."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    """What recipes, verbs and tasks call it."""
    title: str
    """What the questions are, in one line."""
    splits: dict[str, Split]
    """Our name of each split -> its own; the first one is evaluated on."""
    unlabelled: list[str] = Field(default_factory=list)
    """Splits without gold answers."""
    languages: dict[str, str] = Field(min_length=2)
    """Our code of each language -> the benchmark's."""
    together_in: str | None = None
    """The language whose rows say what belongs together, where `together` is not the same in every language; they are
    read although it may not be asked."""
    default: list[str] = Field(default_factory=list, max_length=MOST_BY_DEFAULT)
    """The languages that are asked where none are named; default: the first ten."""
    source_language: str | None = None
    """The language in which the questions were written."""
    order: Literal["data", "seeded"] = "data"
    """`seeded`: the options of each question are put in an order of its own, the same in every language. It is needed
    where the right option stands at one place in the data."""
    answers: Literal["texts", "names"] = "texts"
    """`names`: the options are names of things, which a free text can be searched for, and which recur as the answers
    of other questions; a question whose options name different things in two languages is left out."""
    spread: bool = False
    """Whether the questions are put in an order of their own, the same for all languages: where the data has them by
    subject or relation, the first hundred are of one."""
    words: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Words that templates use, by language (our codes)."""
    special: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Languages (our codes) whose rows are elsewhere or have other columns: the keys that differ."""
    medical: bool = False
    """Whether the questions are about medicine."""
    evaluation_only: bool = False
    """Whether its licence forbids training on it; `align` then refuses it."""
    licence: str = ""
    """SPDX identifier, or what is known."""
    url: str = ""
    """Where it is published."""
    citation: str = ""
    """Of its authors."""
    verified: bool = False
    """Whether the published files, or some of them, were read with this description when it was written."""
    lm_eval: list[Family] = Field(default_factory=list)
    """The harness's own tasks of this benchmark, whose logs are then recognised."""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, given: Any) -> Any:
        """Lists of splits and languages as mappings."""
        if not isinstance(given, Mapping):
            return given
        found = dict(given)
        if isinstance(found.get("splits"), list):
            found["splits"] = {str(name): {} for name in found["splits"]}
        if isinstance(found.get("splits"), Mapping):
            found["splits"] = {k: {"name": v} if isinstance(v, str) else v or {} for k, v in found["splits"].items()}
        if isinstance(found.get("languages"), list):
            codes = found["languages"]
            for code in codes:
                if not isinstance(code, str):
                    raise ValueError(f"languages: {code!r} is no text; put it in quotes (YAML reads no as false)")
            ours = [normalise_code(theirs) for theirs in codes]
            for code, theirs in zip(ours, codes, strict=True):
                if ours.count(code) > 1:
                    raise ValueError(f"languages: {theirs} is {code}, as another one of the list; write code: {theirs}")
            found["languages"] = dict(zip(ours, codes, strict=True))
        return found

    @model_validator(mode="after")
    def _consistent(self) -> Benchmark:
        for code in self.languages:
            if normalise_code(code) != code:
                raise ValueError(f"languages: {code} is written {normalise_code(code)} here")
        of_together = [self.together_in] if self.together_in else []
        for key, codes in (
            ("default", self.default), ("words", self.words), ("special", self.special), ("together_in", of_together)
        ):  # fmt: skip
            unknown = [x for x in codes if x not in self.languages]
            if unknown:
                raise ValueError(f"{key}: {', '.join(unknown)} is not one of the languages")
        if not self.splits:
            raise ValueError("splits: at least one is needed")
        unknown = [x for x in self.unlabelled if x not in self.splits]
        if unknown:
            raise ValueError(f"unlabelled: {', '.join(unknown)} is not one of the splits")
        for code in self.special:
            self.layout(code)
        return self

    @property
    def asked(self) -> tuple[str, ...]:
        """The languages that are asked where none are named, at most :data:`MOST_BY_DEFAULT`."""
        return tuple(self.default or list(self.languages)[:MOST_BY_DEFAULT])

    def layout(self, language: str) -> Layout:
        """Where the rows of a language are."""
        common = {name: getattr(self, name) for name in Layout.model_fields}
        return Layout.model_validate(common | self.special.get(language, {}))


def parse_benchmark(value: Any, where: str) -> Benchmark:
    """The benchmark that the value of a YAML describes.

    Raises:
        DataError: with every problem, beginning with ``where``.
    """
    try:
        return Benchmark.model_validate(value)
    except ValidationError as error:
        known = list(Benchmark.model_fields)
        found = "; ".join(problem(item, known) for item in error.errors(include_url=False))
        raise DataError(f"{where}: {found}") from None


def read_benchmark(path: str | Path) -> Benchmark:
    """The benchmark of a YAML file.

    Raises:
        DataError: the file cannot be read, is not YAML, or a key is unknown, missing or of a value that is not allowed.
    """
    try:
        text = read_text(Path(path))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    return parse_benchmark(read_yaml(text, str(path)), str(path))


@lru_cache(maxsize=1)
def bundled_benchmarks() -> tuple[Benchmark, ...]:
    """The benchmarks of :mod:`calm_ext.data.benchmarks`, by file name."""
    folder = Path(__file__).parent / "benchmarks"
    return tuple(read_benchmark(path) for path in sorted(folder.glob("*.yaml")))
