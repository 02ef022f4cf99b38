"""What models answer: samples, option scores, predictions."""

from __future__ import annotations

from pydantic import Field, model_validator

from calm_ext.files.decode import short
from calm_ext.languages import code_hint
from calm_ext.records.base import (
    LANGUAGE_TAG,
    MOST_OPTIONS,
    Identity,
    MaybeIndex,
    Names,
    Prompt,
    Record,
    check_language,
    check_names,
)


class Generation(Record):
    """A question in one language with the model's samples, or its scores of the options.

    Attributes:
        responses: n sampled texts, None for one that the model or its server did not give; empty where the sampler
            scored the options instead.
        finish: how each response ended: ``stop`` by itself, ``length`` cut at ``max_new_tokens``, ``failed`` where none
            came because the connection or the server failed, or the server's word; None where that is not known. Left
            out where all of them are ``stop``, or none is known.
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

    id: Identity
    language: str
    source_language: str | None = None
    question: str
    options: list[str] = Field(min_length=2)
    answer: MaybeIndex = None
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
        check_language(self.language)
        if self.names is not None:
            check_names(self.names, len(self.options), "names")
        if self.answer is not None and not 0 <= self.answer < len(self.options):
            raise ValueError(f"answer {self.answer} is not one of the {len(self.options)} options")
        if not all(map(str.strip, self.options)):
            raise ValueError("an option is empty")
        if not isinstance(self.prompt, str) and not all({"role", "content"} <= set(turn) for turn in self.prompt):
            raise ValueError("prompt: every turn of a chat has role and content")
        for name in ("option_logprobs", "option_tokens", "option_priors"):
            values = getattr(self, name)
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
        answer: index of the right option, or its letter; None where it is not known.
        predictions: language -> index of the option answered, or its letter; None for an abstention.
        scores: language -> one score per option, higher is better; for all languages of ``predictions`` or none.
        options: how many options there are, or their texts; answers are then checked, and chance is known.
    """

    id: Identity
    answer: MaybeIndex = None
    predictions: dict[str, MaybeIndex] = Field(min_length=1)
    scores: dict[str, list[float]] | None = None
    options: list[str] | int | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Prediction:
        for language in self.predictions:
            # Any language code is allowed: no prompt is written here, so no cue words are needed.
            if not LANGUAGE_TAG.fullmatch(language):
                raise ValueError(
                    f"{short(language)!r} is no BCP-47 language code, as en or zh-Hant{code_hint(language)}"
                )
        if self.scores is not None:
            other = set(self.scores) ^ set(self.predictions)
            if other:
                raise ValueError(f"scores and predictions have not the same languages: {', '.join(sorted(other))}")
            lengths = {language: len(s) for language, s in self.scores.items()}
            if len(set(lengths.values())) > 1 or min(lengths.values()) < 2:
                raise ValueError(f"one score per option was expected, at least two, in every language: {lengths}")
        n = self.n_options
        given = len(self.options) if isinstance(self.options, list) else self.options
        if given is not None and given < 2:
            raise ValueError(f"options: at least 2 were expected, got {given}")
        if given is not None and given != n:
            raise ValueError(f"options: there are {given}, but {n} scores in each language")
        named = {"answer": self.answer, **{f"predictions.{x}": a for x, a in self.predictions.items()}}
        for key, index in named.items():
            if index is not None and not 0 <= index < (n or MOST_OPTIONS):
                allowed = (
                    f"the {n} options (0 to {n - 1})" if n else f"the options (0, 1, …, at most {MOST_OPTIONS - 1})"
                )
                raise ValueError(f"{key} {short(index)} is not one of {allowed}")
        return self

    @property
    def n_options(self) -> int | None:
        """Number of options; known only where there are scores, or ``options``."""
        if self.scores:
            return len(next(iter(self.scores.values())))
        return len(self.options) if isinstance(self.options, list) else self.options
