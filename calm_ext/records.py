"""The records of a run: what one line of each JSONL file holds.

Every record is frozen and refuses unknown keys. :mod:`calm_ext.jsonl` reads and writes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field, model_validator

from calm_ext.errors import DataError
from calm_ext.languages import code_hint, is_language

_LANGUAGE_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")

Prompt = str | list[dict[str, str]]

#: For each option of a question what else it is called in a language.
Names = list[list[str]]


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
        answer: 0-based index of the right option; None where it is not known.
        source_language: the language in which it was written, where that is known.
        versions: language code -> :class:`Version`.
        names: language code -> for each option what else it is called there, for answers in free text; None where only
            the options' texts are known. A language may be missing.
    """

    id: str
    answer: int | None = None
    source_language: str | None = None
    versions: dict[str, Version] = Field(min_length=1)
    names: dict[str, Names] | None = None

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
        for language, names in (self.names or {}).items():
            if language not in self.versions:
                raise ValueError(f"names are given in {language}, and there is no version in it")
            _check_names(names, n, f"names.{language}")
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
        names = {x: self.names[x] for x in wanted if x in self.names} if self.names else None
        return self.model_copy(update={"versions": {x: self.versions[x] for x in wanted}, "names": names or None})


class Generation(Record):
    """A question in one language with the model's samples, or its scores of the options.

    Attributes:
        responses: n sampled texts, None for one that the model or its server did not give; empty where the sampler
            scored the options instead.
        finish: how each response ended: ``stop`` by itself, ``length`` cut at ``max_new_tokens``, or the server's word;
            None where that is not known. Left out where all of them are ``stop``, or none is known.
        option_logprobs: summed log-probability of each option's text, or of its letter, given the prompt (nats), where
            scored.
        option_tokens: length of each option's text in tokens, where scored and known.
        option_priors: summed log-probability of each option's text after the bare cue (nats), where asked for.
        shown: where letters were scored, the order in which the prompt shows the options: shown place -> index of the
            option. Everything else counts options as the data does.
        passages: ids of the passages in the prompt, best first.
        names: what else each option is called, for responses in free text (style ``open``); None where that is not
            known.
    """

    id: str
    language: str
    source_language: str | None = None
    question: str
    options: list[str] = Field(min_length=2)
    answer: int | None = None
    prompt: Prompt
    responses: list[str | None] = Field(default_factory=list)
    finish: list[str | None] | None = None
    option_logprobs: list[float] | None = None
    option_tokens: list[int] | None = None
    option_priors: list[float] | None = None
    shown: list[int] | None = None
    passages: list[str] = Field(default_factory=list)
    names: Names | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Generation:
        _check_language(self.language)
        if self.names is not None:
            _check_names(self.names, len(self.options), "names")
        if self.answer is not None and not 0 <= self.answer < len(self.options):
            raise ValueError(f"answer {self.answer} is not one of the {len(self.options)} options")
        if not all(map(str.strip, self.options)):
            raise ValueError("an option is empty")
        if not isinstance(self.prompt, str) and not all({"role", "content"} <= set(turn) for turn in self.prompt):
            raise ValueError("prompt: every turn of a chat has role and content")
        scored = (self.option_logprobs, self.option_tokens, self.option_priors)
        for name, values in zip(("option_logprobs", "option_tokens", "option_priors"), scored, strict=True):
            if values is not None and len(values) != len(self.options):
                raise ValueError(f"{len(values)} {name} for {len(self.options)} options")
        if self.shown is not None and sorted(self.shown) != list(range(len(self.options))):
            raise ValueError(f"shown {self.shown} is no order of the {len(self.options)} options")
        if self.shown is not None and self.option_logprobs is None:
            raise ValueError("shown is the order of letters that were scored, and there are no option_logprobs")
        if not self.responses and self.option_logprobs is None:
            raise ValueError("neither responses nor option_logprobs")
        if self.finish is not None and len(self.finish) != len(self.responses):
            raise ValueError(f"finish has {len(self.finish)} entries for {len(self.responses)} responses")
        return self

    @property
    def given(self) -> list[str]:
        """The responses that there are, without those that are missing."""
        return [text for text in self.responses if text is not None]

    @property
    def n_missing(self) -> int:
        """How many responses were asked for and not given."""
        return sum(text is None for text in self.responses)


class Prediction(Record):
    """The answers to one question in all languages, for scoring without a model.

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
            # Any language code is allowed: no prompt is written here, so no cue words are needed.
            if not _LANGUAGE_TAG.fullmatch(language):
                raise ValueError(f"{language!r} is no BCP-47 language code, as en or zh-Hant{code_hint(language)}")
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
                allowed = f"the {n} options (0 to {n - 1})" if n else "the options (0, 1, …)"
                raise ValueError(f"{key} {index} is not one of {allowed}")
        return self

    @property
    def n_options(self) -> int | None:
        """Number of options; known only where there are scores."""
        return len(next(iter(self.scores.values()))) if self.scores else None


class Ballot(Record):
    """The vote on one question.

    Attributes:
        winner: index of the elected option; None where nothing could be decided or it was filtered.
        margin: lead of the winner over the runner-up, as a share of the lead that a unanimous vote would give, 0 to 1;
            in standard deviations for the rule zscore.
        probability: estimated probability that the winner is right; None where no option was elected.
        tie: whether the first place was shared before a tie rule was applied.
        votes: language -> the index read from each response that there is, None where the parser abstained; in mode
            ``options`` the index of the option with the highest score.
        weights: language -> its weight in the vote.
    """

    id: str
    winner: int | None = Field(None, ge=0)
    margin: float
    probability: float | None = Field(None, ge=0, le=1)
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


class CorpusPassage(Record):
    """A text of a corpus: one line of a corpus JSONL.

    Attributes:
        id: unique among the passages of its language; passages with one id are translations of each other.
        answers: ids of the questions that it answers, where known; retrieval is measured by them.
    """

    id: str = Field(min_length=1)
    language: str
    title: str = ""
    text: str = Field(min_length=1)
    answers: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _known(self) -> CorpusPassage:
        _check_language(self.language)
        if not self.text.strip():
            raise ValueError("text: is empty")
        return self


class Passage(Record):
    """A passage given with a question.

    Attributes:
        id: its id in the corpus.
        language: of the text; the question may be in another one.
        score: of the search, higher is better; scores of different searches cannot be compared.
        relevance: the model's own probability that the passage helps, where the model judged it (Self-RAG).
        gold: whether the passage is known to answer the question; None where the corpus does not say.
        source: where it comes from, as the data source names it, for example a retrieval setting of MedExpQA.
    """

    id: str
    language: str
    title: str = ""
    text: str = Field(min_length=1)
    score: float | None = None
    relevance: float | None = Field(None, ge=0, le=1)
    gold: bool | None = None
    source: str = ""

    def shown(self) -> str:
        """Title and text as one string, not yet quoted for a prompt."""
        return f"{self.title}: {self.text}" if self.title else self.text


class Passages(Record):
    """The passages given with a question in one language, best first; one line of a passages JSONL."""

    id: str
    language: str
    passages: list[Passage]


def _check_names(names: Names, n_options: int, what: str) -> None:
    if len(names) != n_options:
        raise ValueError(
            f"{what}: {len(names)} lists of names for {n_options} options; give [] to an option without any"
        )
    for index, own in enumerate(names):
        if not all(name.strip() for name in own):
            raise ValueError(f"{what}: a name of option {index} is empty")


def _check_language(code: str) -> None:
    # Strict, so that all files of a run write a language in one way; the hint tells which.
    if not is_language(code):
        raise ValueError(f"unknown language {code!r}{code_hint(code)}; `calm-ext languages` lists the known ones")
