"""Scores of letters, freed of a model's liking for a letter.

Models prefer some letters whatever stands behind them (Zheng et al. 2024, arXiv 2309.03882). Options are shown in a
random order (:func:`calm_ext.prompts.shown_order`), so that over the questions of a language each place should get the
same mean probability. What it gets instead is the bias: the probabilities are divided by it and normalised again (as
Zhao et al. 2021, arXiv 2102.09690, divide by what a model says without content). All of this is counted by place as
shown, and where an option stands in the data plays no part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from math import exp, log
from typing import NamedTuple

from calm_ext.metrics.answered import letter_bias

#: Questions of one number of options that a language needs for the correction.
ENOUGH = 30
_LEAST = 1e-300
_EQUAL = 1e-9


class LetterScores(NamedTuple):
    """The scores of a question's letters in one language, by place as shown.

    Attributes:
        shown: shown place -> index of the option in the data.
        logprobs: shown place -> log-probability of its letter (nats).
    """

    shown: tuple[int, ...]
    logprobs: tuple[float, ...]

    @classmethod
    def of(cls, shown: Sequence[int], option_logprobs: Sequence[float]) -> LetterScores:
        """From scores by option of the data, as a generation has them."""
        return cls(tuple(shown), tuple(option_logprobs[i] for i in shown))

    def by_option(self, values: Sequence[float]) -> list[float]:
        """Values by shown place as values by option of the data."""
        found = [0.0] * len(values)
        for place, option in enumerate(self.shown):
            found[option] = values[place]
        return found


class Bias(NamedTuple):
    """How far a language's answers are from being spread evenly over the letters.

    Attributes:
        before, after: total variation distance from even shares of the letters answered, before and after the
            correction: 0 even, (k - 1)/k where one of k letters gets all. Chance alone leaves a few hundredths.
        corrected: whether there were enough questions to correct it.
    """

    before: float
    after: float
    corrected: bool


class Corrected(NamedTuple):
    """A question's letters after the correction.

    Attributes:
        scores: log-probability of each option of the data, normalised over the options (nats).
        answer: the best option of the data.
    """

    scores: list[float]
    answer: int


def best_place(identity: str, language: str, logprobs: Sequence[float]) -> int:
    """The best shown place; of several alike one that a hash of question and language picks: no place gains."""
    top = max(logprobs)
    best = [place for place, value in enumerate(logprobs) if value >= top - _EQUAL]
    if len(best) == 1:
        return best[0]
    digest = hashlib.sha256(f"{identity}|{language}".encode()).digest()
    return best[int.from_bytes(digest[:4], "big") % len(best)]


#: Number of options -> the mean probability of each shown place; None where too few questions have so many options.
Liking = Mapping[int, Sequence[float] | None]


def liking(questions: Mapping[str, LetterScores], *, enough: int = ENOUGH) -> Liking:
    """What a language's questions, id -> letters, show of the model's liking for letters."""
    found: dict[int, Sequence[float] | None] = {}
    for n in sorted({len(q.shown) for q in questions.values()}):
        known = [_normalised(q.logprobs) for q in questions.values() if len(q.shown) == n]
        enough_of_them = len(known) >= enough
        found[n] = [sum(exp(x[place]) for x in known) / len(known) for place in range(n)] if enough_of_them else None
    return found


def corrected(language: str, questions: Mapping[str, LetterScores], likes: Liking) -> tuple[dict[str, Corrected], Bias]:
    """question id -> its letters in one language after the correction, and the bias before and after it.

    Questions with another number of options are corrected apart.
    """
    found: dict[str, Corrected] = {}
    before: list[tuple[int, int]] = []
    after: list[tuple[int, int]] = []
    done = True
    for n in sorted({len(q.shown) for q in questions.values()}):
        group = {identity: q for identity, q in questions.items() if len(q.shown) == n}
        means = likes.get(n)
        done &= means is not None
        for identity, q in group.items():
            freed = own = _normalised(q.logprobs)
            if means is not None:
                freed = _normalised([x - log(max(m, _LEAST)) for x, m in zip(own, means, strict=True)])
            place = best_place(identity, language, freed)
            found[identity] = Corrected(q.by_option(freed), q.shown[place])
            before.append((best_place(identity, language, own), n))
            after.append((place, n))
    return found, Bias(letter_bias(before), letter_bias(after), done)


def _normalised(logprobs: Sequence[float]) -> list[float]:
    """Log-probabilities that sum to 1 over the places."""
    top = max(logprobs)
    total = top + log(sum(exp(x - top) for x in logprobs))
    return [x - total for x in logprobs]


def letter_notes(bias: Mapping[str, Bias]) -> list[str]:
    """What a reader of a vote should know of the letters, a line each; nothing where no letters were scored.

    >>> letter_notes({"en": Bias(0.5, 0.04, True)})
    ['letters are answered unevenly by this much, before and after the correction (0 is even): en 0.50 → 0.04']
    """
    if not bias:
        return []
    listed = ", ".join(f"{x} {b.before:.2f} → {b.after:.2f}" for x, b in bias.items())
    notes = [f"letters are answered unevenly by this much, before and after the correction (0 is even): {listed}"]
    few = [x for x, b in bias.items() if not b.corrected]
    if few:
        notes.append(f"a liking for letters is not fully corrected in {', '.join(few)}: fewer than {ENOUGH} questions")
    return notes
