"""A question and what a model answered in each language, and a set of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import TYPE_CHECKING, Literal, NamedTuple

from calm_ext.metrics.question import argmax, per_byte, pivot_of, question_metrics, rankc

if TYPE_CHECKING:
    import numpy as np

Kind = Literal["options", "outcomes", "texts"]


class Answered(NamedTuple):
    """A question and what the model answered.

    Attributes:
        gold: index of the right option, where known.
        answers: language -> index of the option, None for an abstention.
        n_options: number of options; None where the file does not say.
        scores: language -> one score per option by which the answer was chosen, where options were scored.
        unnormalised: language -> a second score per option: the summed log-probability, where ``scores`` are per byte.
        shown: where letters were scored, shown place -> index of the option. Answers and scores count options as the
            data does.
        content: a hash of the question as it was asked, where the file has one.
        where: ``file:line``, for messages.
        source_language: the language the question was written in, where it is recorded.
        faithful: language -> whether its response is in that language; None, or no key, where this was not judged
            (:mod:`calm_ext.metrics.fidelity`).
        twin: what the metrics of the second scores are called: ``acc_unnorm``, or as lm-eval has them ``acc_norm``.
    """

    id: str
    gold: int | None
    answers: dict[str, int | None]
    n_options: int | None = None
    scores: dict[str, list[float]] | None = None
    unnormalised: dict[str, list[float]] | None = None
    content: str | None = None
    where: str = ""
    shown: tuple[int, ...] | None = None
    source_language: str | None = None
    faithful: Mapping[str, bool | None] = {}
    twin: str = "unnorm"

    @property
    def pivot(self) -> str | None:
        """The language that the others are held against (:func:`calm_ext.metrics.question.pivot_of`)."""
        return pivot_of(self.answers, self.source_language)

    @property
    def right(self) -> dict[str, int]:
        """language -> 1 where its answer is right, else 0."""
        return {x: int(a is not None and a == self.gold) for x, a in self.answers.items()}

    @property
    def places(self) -> dict[str, int | None]:
        """language -> the place at which the answer was shown: the option's index where the order is the data's."""
        if self.shown is None:
            return self.answers
        return {x: None if a is None else self.shown.index(a) for x, a in self.answers.items()}

    def metrics(self) -> dict[str, float]:
        """All metrics that this question has (:mod:`calm_ext.metrics.question`)."""
        values = question_metrics(self.answers, self.gold, self.pivot)
        several = len(self.answers) > 1
        if self.scores and several:
            values["rankc"] = rankc(self.scores)
        if self.unnormalised:
            found = question_metrics({x: argmax(s) for x, s in self.unnormalised.items()}, self.gold)
            twins = {name: f"{name}_{self.twin}" for name in ("acc", "consistency")}
            twins |= {f"acc_{x}": f"acc_{self.twin}_{x}" for x in self.answers}
            values |= {twin: found[name] for name, twin in twins.items() if name in found}
            if several:
                values[f"rankc_{self.twin}"] = rankc(self.unnormalised)
        return values | {f"fidelity_{x}": float(known) for x, known in self.faithful.items() if known is not None}

    def set_items(self) -> dict[str, dict[str, int] | dict[str, int | None]]:
        """What the metrics of a set of questions are made of (:mod:`calm_ext.metrics.sets`), by their names."""
        return {"kappa": self.answers, "acc_worst": self.right, "overlap_right": self.right}


def scored_answer(
    identity: str,
    gold: int | None,
    logprobs: Mapping[str, Sequence[float]],
    options: Mapping[str, Sequence[str]],
    shown: Sequence[int] | None = None,
) -> Answered:
    """The answer where options were scored: in each language the one of the highest log-probability per byte.

    Of letters it is the one of the highest log-probability, and the first shown of several.

    Args:
        logprobs: language -> summed log-probability of each option's text, or of its letter (nats).
        options: language -> the texts.
        shown: the order in which the options were shown, where letters were scored.
    """
    if shown is not None:
        by_letter = {x: list(values) for x, values in logprobs.items()}
        best: dict[str, int | None] = {x: best_shown(values, shown) for x, values in by_letter.items()}
        return Answered(identity, gold, best, len(shown), by_letter, shown=tuple(shown))
    scores = {x: per_byte(values, options[x]) for x, values in logprobs.items()}
    answers: dict[str, int | None] = {x: argmax(s) for x, s in scores.items()}
    n = len(next(iter(scores.values())))
    return Answered(identity, gold, answers, n, scores, {x: list(v) for x, v in logprobs.items()})


def letter_bias(places: Iterable[tuple[int, int]]) -> float:
    """How far answers are from being spread evenly over the letters shown: 0 even, (k - 1)/k all on one of k letters.

    The total variation distance of the shares of the letters from even ones, where questions have different numbers of
    options its mean over the answers. Where options are shown in a random order this is the model's own liking for
    letters, and some chance: about 0.4·√(k/n) of n answers. NaN without answers.

    Args:
        places: shown place of an answer, and the number of options of its question.

    >>> letter_bias([(0, 4)] * 10), letter_bias([(0, 2), (1, 2)])
    (0.75, 0.0)
    """
    groups: dict[int, Counter[int]] = {}
    for place, n in places:
        groups.setdefault(n, Counter())[place] += 1
    total = sum(c.total() for c in groups.values())
    uneven = sum(sum(abs(c[p] - c.total() / n) for p in range(n)) / 2 for n, c in groups.items())
    return uneven / total if total else nan


def letter_biases(questions: Iterable[Answered]) -> dict[str, float]:
    """language -> :func:`letter_bias` of its answers; empty where no letters were scored."""
    places: dict[str, list[tuple[int, int]]] = {}
    for question in questions:
        if question.shown is not None:
            for language, place in question.places.items():
                if place is not None:
                    places.setdefault(language, []).append((place, len(question.shown)))
    return {language: letter_bias(own) for language, own in places.items()}


def best_shown(scores: Sequence[float], shown: Sequence[int]) -> int:
    """The option of the highest score, the first shown of several: where it stands in the data plays no part.

    >>> best_shown([0.5, 0.5, 0.0], [2, 1, 0])
    1
    """
    return shown[argmax([scores[i] for i in shown])]


@dataclass(frozen=True)
class AnswerSet:
    """Answers to a set of questions, all in the same languages.

    Attributes:
        source: the file or files, for messages.
        signature: of the evaluation; for predictions, as much of one as is known.
        languages: in the order of the file.
        questions: id -> answers.
        notes: what a reader of the numbers must know of the files, in words.
        left_out: reason -> number of questions that could not be joined over the languages.
        kind: what the answers are: ``options``; ``outcomes``, 1 right and 0 wrong; or ``texts``, which are numbered
            anew for each question, so that there is no kappa. Only options that were shown or scored have chance lines
            and positions (:attr:`chosen`).
        clusters: question -> what it has in common with others, a passage say, by ``cluster_key``; empty where each
            stands for itself.
        cluster_key: the key in words, as ``id:(.+)/``.
    """

    source: str
    signature: str
    languages: list[str]
    questions: dict[str, Answered] = field(repr=False)
    notes: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    kind: Kind = "options"
    clusters: Mapping[str, str] = field(default_factory=dict, repr=False)
    cluster_key: str = ""

    def cluster_numbers(self) -> np.ndarray | None:
        """The number of each question's cluster, 0, 1, …, shape (questions,); None without clusters."""
        return numbered([self.clusters[i] for i in self.questions]) if self.clusters else None

    @property
    def chosen(self) -> bool:
        """Whether the model chose among options: not where it never saw them (style ``open``), nor of other kinds."""
        return self.kind == "options" and parts_of(self.signature).get("style") != "open"

    @property
    def n_options(self) -> int | None:
        """Largest number of options; where no file gives it, the largest index named plus one."""
        if self.kind != "options":
            return None
        counts = [q.n_options for q in self.questions.values() if q.n_options]
        if counts:
            return max(counts)
        named = [a for q in self.questions.values() for a in (*q.answers.values(), q.gold) if a is not None]
        return max(max(named) + 1, 2) if named else None


def numbered(names: Sequence[Hashable]) -> np.ndarray:
    """The number of each name, in the order in which the names first come.

    >>> numbered(["a", "b", "a"]).tolist()
    [0, 1, 0]
    """
    import numpy as np

    place = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([place[name] for name in names], dtype=int)


def parts_of(signed: str) -> dict[str, str]:
    """``key: value`` of a signature's parts.

    >>> parts_of("task:t|langs:en.fr")
    {'task': 't', 'langs': 'en.fr'}
    """
    return dict(part.partition(":")[::2] for part in signed.split("|")) if signed else {}


def differences(a: str, b: str, *, ignore: set[str] | frozenset[str] = frozenset()) -> Iterator[str]:
    """How two signatures differ, in words; yields nothing where one of them is unknown."""
    first, second = parts_of(a), parts_of(b)
    if first and second:
        for key in dict.fromkeys([*first, *second]):
            if key not in ignore and first.get(key) != second.get(key):
                yield f"{key} ({first.get(key, 'none')} against {second.get(key, 'none')})"
