"""The records of a run and their JSONL (DESIGN, section 3).

Every record is frozen and refuses unknown keys; every bad line is a :class:`~calm_ext.errors.DataError` that names
``file:line``. Readers stream. Writers either replace a file atomically (:func:`write_jsonl`) or append whole groups of
lines (:class:`Appender`), whose last line is checked when the file is opened again.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import jsonlines
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from calm_ext.errors import DataError
from calm_ext.languages import is_known

_LANGUAGE_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")

Prompt = str | list[dict[str, str]]


class Record(BaseModel):
    """Base of all records: frozen, unknown keys refused, NaN and infinity refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class Version(Record):
    """A question in one language; ``options`` are parallel by index over the languages."""

    question: str = Field(min_length=1)
    options: list[str] = Field(min_length=2)

    @model_validator(mode="after")
    def _no_empty_option(self) -> Version:
        for index, option in enumerate(self.options):
            if not option.strip():
                raise ValueError(f"option {index} is empty")
        return self


class ParallelQuestion(Record):
    """One culture-independent multiple-choice question in several languages.

    Attributes:
        id: unique within its set.
        answer: 0-based index of the right option, or None where it is not known.
        source_language: the language it was written in, where known.
        versions: language code -> :class:`Version`.
    """

    id: str
    answer: int | None = None
    source_language: str | None = None
    versions: dict[str, Version] = Field(min_length=1)

    @model_validator(mode="after")
    def _parallel(self) -> ParallelQuestion:
        counts = {language: len(v.options) for language, v in self.versions.items()}
        if len(set(counts.values())) > 1:
            raise ValueError(f"the languages have different numbers of options: {counts}")
        n = next(iter(counts.values()))
        if self.answer is not None and not 0 <= self.answer < n:
            raise ValueError(f"answer {self.answer} is not one of the {n} options (0 to {n - 1})")
        for language in self.versions:
            _check_language(language)
        return self

    @property
    def n_options(self) -> int:
        """Number of options, the same in every language."""
        return len(next(iter(self.versions.values())).options)

    def restricted_to(self, languages: Iterable[str]) -> ParallelQuestion:
        """The same question with only ``languages``, in that order.

        Raises:
            DataError: a language is missing.
        """
        wanted = list(languages)
        missing = [x for x in wanted if x not in self.versions]
        if missing:
            have = ", ".join(self.versions)
            raise DataError(f"question {self.id} has no version in {', '.join(missing)} (it has {have})")
        return self.model_copy(update={"versions": {x: self.versions[x] for x in wanted}})


class Generation(Record):
    """A question in one language with the model's samples, or its scores of the options.

    Attributes:
        responses: n sampled texts; empty where the sampler scored the options instead.
        option_logprobs: summed log-probability of each option's text given the prompt (nats), where scored.
    """

    id: str
    language: str
    source_language: str | None = None
    question: str
    options: list[str] = Field(min_length=2)
    answer: int | None = None
    prompt: Prompt
    responses: list[str] = Field(default_factory=list)
    option_logprobs: list[float] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Generation:
        _check_language(self.language)
        if self.answer is not None and not 0 <= self.answer < len(self.options):
            raise ValueError(f"answer {self.answer} is not one of the {len(self.options)} options")
        if self.option_logprobs is not None and len(self.option_logprobs) != len(self.options):
            raise ValueError(f"{len(self.option_logprobs)} option_logprobs for {len(self.options)} options")
        if not self.responses and self.option_logprobs is None:
            raise ValueError("neither responses nor option_logprobs")
        return self


class Prediction(Record):
    """The answers to one question, for scoring without a model (DESIGN, section 3).

    Attributes:
        answer: index of the right option, or None where it is not known.
        predictions: language -> index of the option answered, or None for an abstention.
        scores: language -> one score per option, higher is better; for all languages of ``predictions`` or none.
    """

    id: str
    answer: int | None = None
    predictions: dict[str, int | None] = Field(min_length=1)
    scores: dict[str, list[float]] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Prediction:
        for language in self.predictions:
            # Any language: nothing is asked here, so cue words are not needed.
            if not _LANGUAGE_TAG.fullmatch(language):
                raise ValueError(f"{language!r} is no BCP-47 language code, as en or zh-Hant")
        if self.scores is not None:
            other = set(self.scores) ^ set(self.predictions)
            if other:
                raise ValueError(f"scores and predictions have not the same languages: {', '.join(sorted(other))}")
            lengths = {language: len(s) for language, s in self.scores.items()}
            if len(set(lengths.values())) > 1 or min(lengths.values()) < 2:
                raise ValueError(f"one score per option was expected, at least two, in every language: {lengths}")
        n = self.n_options
        named = {"answer": self.answer, **{f"predictions.{x}": a for x, a in self.predictions.items()}}
        for key, index in named.items():
            if index is not None and (index < 0 or (n is not None and index >= n)):
                told = f"the {n} options (0 to {n - 1})" if n else "the options (0, 1, …)"
                raise ValueError(f"{key} {index} is not one of {told}")
        return self

    @property
    def n_options(self) -> int | None:
        """Number of options; known only where there are scores."""
        return len(next(iter(self.scores.values()))) if self.scores else None


class Ballot(Record):
    """The vote on one question.

    Attributes:
        winner: index of the elected option; None where nothing could be decided or it was filtered.
        margin: (weight of the winner - weight of the runner-up) / total weight of the languages, 0 to 1.
        tie: whether the first place was shared before a tie rule was applied.
        votes: language -> the index read from each response (None: could not be read); in `options` mode the top one.
        weights: language -> weight in the vote.
    """

    id: str
    winner: int | None = None
    margin: float
    tie: bool = False
    votes: dict[str, list[int | None]]
    weights: dict[str, float]


class Pair(Record):
    """A preference pair; ``prompt``, ``chosen`` and ``rejected`` are what TRL reads."""

    id: str
    language: str
    prompt: Prompt
    chosen: str
    rejected: str
    chosen_answer: int
    rejected_answer: int | None
    margin: float
    origin: str


R = TypeVar("R", bound=Record)


def _check_language(code: str) -> None:
    if not is_known(code):
        raise ValueError(f"unknown language {code!r}; `calm-ext languages` lists the known ones")


def explain(error: ValidationError) -> str:
    """One line for a pydantic error: every problem as ``key: what``, joined by semicolons."""
    parts = []
    for item in error.errors(include_url=False):
        key = ".".join(str(x) for x in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "unknown key"
        elif item["type"] == "missing":
            message = "missing"
        elif item["type"].endswith("_type"):
            message += f", got {type(item['input']).__name__}"
        parts.append(f"{key}: {message}" if key else message)
    return "; ".join(parts)


def _loads(text: str | bytes) -> Any:
    """JSON, but a key that comes twice is an error: the standard module silently keeps the last one."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            keys = [key for key, _ in items]
            raise ValueError(f"the key {next(k for k in keys if keys.count(k) > 1)!r} comes twice")
        return found

    return json.loads(text, object_pairs_hook=pairs)


def numbered_lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Stream the objects of a JSONL file with their 1-based line numbers; blank lines are skipped.

    Raises:
        DataError: the file is missing or unreadable, or a line is not a JSON object (a truncated one, say).
    """
    source = Path(path)
    number = 0
    try:
        with source.open(encoding="utf-8") as handle:
            for number, line in enumerate(handle, 1):
                if not line.strip():
                    continue
                try:
                    value = jsonlines.Reader([line], loads=_loads).read(type=dict)
                except jsonlines.InvalidLineError as error:
                    hint = "" if line.endswith("\n") else " (the last line has no end: was the file cut off?)"
                    reason = str(error).removeprefix("line contains invalid json: ").split(" (line ")[0]
                    reason = re.sub(r": line \d+ (column \d+).*", r" at \1", reason)
                    raise DataError(f"{source}:{number}: not a JSON object: {reason}{hint}") from None
                yield number, value
    except FileNotFoundError:
        raise DataError(f"{source}: no such file") from None
    except IsADirectoryError:
        raise DataError(f"{source}: is a directory, a JSONL file was expected") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{source}:{number + 1}: not UTF-8 ({error.reason})") from None
    except OSError as error:
        raise DataError(f"{source}: cannot be read ({error.strerror})") from None


def read_jsonl(path: str | os.PathLike[str], kind: type[R], *, allow_empty: bool = False) -> Iterator[R]:
    """Stream the records of a JSONL file.

    Raises:
        DataError: at the first line that is not a ``kind``, naming ``file:line``; or at the end of a file that has no
            record, unless ``allow_empty``.
    """
    empty = True
    for number, value in numbered_lines(path):
        try:
            record = kind.model_validate(value)
        except ValidationError as error:
            raise DataError(f"{path}:{number}: {explain(error)}") from None
        empty = False
        yield record
    if empty and not allow_empty:
        raise DataError(f"{path}: has no {kind.__name__} record, it is empty")


def to_line(record: Record) -> str:
    """The record as one JSON line with its newline; keys that are None and have that default are left out."""
    return record.model_dump_json(exclude_defaults=True) + "\n"


def atomic_write(path: str | os.PathLike[str], text: str | Iterable[str]) -> None:
    """Write a text file so that readers see the old one or the new one, never half of it."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as handle:
            for piece in [text] if isinstance(text, str) else text:
                handle.write(piece)
            handle.flush()
            os.fsync(handle.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_jsonl(path: str | os.PathLike[str], records: Iterable[Record]) -> int:
    """Write records atomically; returns how many."""
    count = 0

    def lines() -> Iterator[str]:
        nonlocal count
        for record in records:
            count += 1
            yield to_line(record)

    atomic_write(path, lines())
    return count


class Appender:
    """Appends groups of records to a JSONL file, each group flushed to disk as a whole.

    A last line without a newline is what an interrupted write leaves; opening the file again cuts it off.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            _cut_incomplete_line(self.path)
        self._handle = self.path.open("a", encoding="utf-8", newline="\n")

    def append(self, records: Iterable[Record]) -> None:
        """Write the records and fsync."""
        self._handle.write("".join(to_line(r) for r in records))
        self._handle.flush()
        os.fsync(self._handle.fileno())

    def close(self) -> None:
        """Close the file."""
        self._handle.close()

    def __enter__(self) -> Appender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _cut_incomplete_line(path: Path) -> None:
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        with path.open("r+b") as handle:
            handle.truncate(data.rfind(b"\n") + 1)
