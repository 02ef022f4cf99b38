"""Votes, and the examples that a model is trained on."""

from __future__ import annotations

from pydantic import Field, model_validator

from calm_ext.records.base import Names, Prompt, Record, check_names


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
        rankings: language -> all options, the best first, by the scores that the vote compared; in mode ``options``.
    """

    id: str
    winner: int | None = Field(None, ge=0)
    margin: float
    probability: float | None = Field(None, ge=0, le=1)
    tie: bool = False
    votes: dict[str, list[int | None]]
    weights: dict[str, float]
    rankings: dict[str, list[int]] = Field(default_factory=dict)


#: The origin of a pair in a language that agrees with the vote already.
ANCHOR = "anchor"
#: The origin of a pair whose chosen side has one explanation in all languages (``pairs.chosen: pooled``).
POOLED = "pooled"


class Pair(Record):
    """A preference pair; ``prompt``, ``chosen`` and ``rejected`` are what TRL reads.

    Attributes:
        origin: where the chosen response comes from: ``native``, a fallback's name, ``pooled`` where all languages have
            the same explanation, or ``anchor`` where the language agrees with the vote already.
        probability: that the chosen answer is right, by the vote's estimate; None where there is none.
    """

    id: str
    language: str
    prompt: Prompt
    chosen: str
    rejected: str
    chosen_answer: int
    rejected_answer: int | None
    margin: float
    origin: str
    probability: float | None = Field(None, ge=0, le=1)

    @property
    def is_anchor(self) -> bool:
        """Whether the language agrees with the vote already."""
        return self.origin == ANCHOR


class Member(Record):
    """A group's question in one language: the completions that are compared, and the answer that each gives.

    Attributes:
        completions: the options' texts or letters as they follow the prompt, or sampled responses.
        answers: of each completion, the index of the option that it gives.
        logprobs: summed log-probability of each completion by the untrained model (nats), where the sampler scored it.
    """

    prompt: Prompt
    completions: list[str] = Field(min_length=2)
    answers: list[int]
    logprobs: list[float] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Member:
        for name in ("answers", "logprobs"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.completions):
                raise ValueError(f"{len(values)} {name} for {len(self.completions)} completions")
        if len(set(self.answers)) < 2:
            raise ValueError("all completions give one answer, so there is nothing to compare")
        return self


class Group(Record):
    """A question in all its languages, for methods that compare its answers within and across languages.

    Attributes:
        winner: index of the elected option; None where the vote decided nothing, or the winner was filtered.
        probabilities: of each option, that it is right, by the vote; they sum to 1. None where there is no winner.
        members: language -> what is compared there.
    """

    id: str
    winner: int | None = None
    probabilities: list[float] | None = None
    members: dict[str, Member] = Field(min_length=1)


class Exercise(Record):
    """A question in one language that a model in training answers, with what its answer is rewarded by.

    Attributes:
        prompt: as it was sampled.
        names: what else each option is called, for answers in free text; None where that is not known.
        target: index of the option that the *other* languages elected, so that no language judges itself.
        gold: index of the right option, only where the run is supervised (vote rule ``gold``).
    """

    id: str
    language: str
    prompt: Prompt
    options: list[str] = Field(min_length=2)
    names: Names | None = None
    target: int = Field(ge=0)
    gold: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _consistent(self) -> Exercise:
        n = len(self.options)
        for key, index in (("target", self.target), ("gold", self.gold)):
            if index is not None and index >= n:
                raise ValueError(f"{key} {index} is not one of the {n} options (0 to {n - 1})")
        if self.names is not None:
            check_names(self.names, n, "names")
        return self
