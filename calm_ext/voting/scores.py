"""Scores of options made comparable: the log-probability of a text depends on its length, and on how common it is.

Four ways are known to normalise it: per byte and per token (Brown et al. 2020, arXiv 2005.14165, section 2.4), not at
all, and by the text's own log-probability, which leaves the pointwise mutual information with the question (Holtzman
et al. 2021, arXiv 2104.08315). None is best everywhere (docs/RESULTS.md), and :func:`choose` picks one without gold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import fmean, stdev
from typing import Literal, NamedTuple, TypeVar

from calm_ext.errors import DataError
from calm_ext.records import Generation

_T = TypeVar("_T", int, float)

Normalize = Literal["auto", "byte", "token", "sum", "pmi"]

#: Questions on which :func:`choose` compares, at most.
PART = 500


class OptionScores(NamedTuple):
    """What is known of a question's options in one language; each has one entry an option.

    Attributes:
        logprobs: summed log-probability of the text after the question (nats).
        n_bytes: its length in UTF-8.
        n_tokens: its length in tokens, where recorded.
        priors: its summed log-probability after the bare cue (nats), where recorded.
        where: ``file:line``, for messages.
    """

    logprobs: tuple[float, ...]
    n_bytes: tuple[int, ...]
    n_tokens: tuple[int, ...] | None
    priors: tuple[float, ...] | None
    where: str

    @classmethod
    def of(cls, generation: Generation, where: str) -> OptionScores:
        """The scores of a generation whose options were scored."""
        g = generation
        return cls(
            tuple(g.option_logprobs or ()),
            tuple(len(text.encode()) for text in g.options),
            tuple(g.option_tokens) if g.option_tokens else None,
            tuple(g.option_priors) if g.option_priors else None,
            where,
        )

    def normalised(self, how: str) -> list[float]:
        """One score an option, in nats for an option of mean length.

        Raises:
            DataError: the way needs what is not recorded.
        """
        return self._by(how, self.logprobs)

    def _by(self, how: str, values: Sequence[float]) -> list[float]:
        if how == "sum":
            return list(values)
        if how == "pmi":
            return [a - b for a, b in zip(values, self._need(self.priors, "option_priors", how), strict=True)]
        lengths = self.n_bytes if how == "byte" else self._need(self.n_tokens, "option_tokens", how)
        mean = sum(lengths) / len(lengths)
        return [value / length * mean for value, length in zip(values, lengths, strict=True)]

    def _need(self, value: tuple[_T, ...] | None, key: str, how: str) -> tuple[_T, ...]:
        if value is None:
            raise DataError(
                f"{self.where}: normalize {how} needs {key}, which is not recorded; "
                f"sample with sampling.normalize: {how}, or use byte or sum"
            )
        return value

    def unread(self, how: str) -> list[float] | None:
        """The score of each option without the question; None where that is alike for all.

        Where priors are recorded they are normalised; else every byte has the same log-probability.
        """
        if how == "pmi":
            return None
        if self.priors is not None:
            return self._by(how, self.priors)
        return [-float(n) for n in self.n_bytes] if how == "sum" else None


class Choice(NamedTuple):
    """How scores are normalised.

    Attributes:
        how: ``byte``, ``token``, ``sum`` or ``pmi``.
        agreement: each way that was compared -> agreement of two languages beyond chance; empty where none was.
        note: what was chosen and why, in one line; None where the user chose.
    """

    how: str
    agreement: Mapping[str, float] = {}
    note: str | None = None


def choose(questions: Sequence[Mapping[str, OptionScores]]) -> Choice:
    """The way by which languages agree most on the best option, beyond what they agree on without the question.

    With a the share of pairs of languages that put the same option first, and c the share that would by the scores of
    the options without the question (:meth:`OptionScores.unread`), a way is worth (a - c) / (1 - c), as Cohen's kappa
    is. Ties share an option. The plain sum is taken unless another way is worth more by a standard error of the
    difference over the questions (the rule of one standard error, Breiman et al. 1984, Classification and Regression
    Trees, section 3.4.3). At most :data:`PART` questions are compared, spread over all.

    Args:
        questions: language -> scores, one each.
    """
    part = [q for q in questions if len(q) > 1]
    if not part:
        return Choice("byte", {}, "options are compared per byte: one language alone cannot show what suits better")
    part = part[:: -(-len(part) // PART)]
    every = [s for q in part for s in q.values()]
    ways = ["sum", "byte"]
    ways += ["token"] if all(s.n_tokens for s in every) else []
    ways += ["pmi"] if all(s.priors for s in every) else []
    worth: dict[str, list[float]] = {}
    for how in ways:
        agreed = [_agreement([s.normalised(how) for s in q.values()]) for q in part]
        chance = fmean([_agreement([s.unread(how) or [0.0] * len(s.logprobs) for s in q.values()]) for q in part])
        worth[how] = [(a - chance) / (1 - chance) if chance < 1 else 0.0 for a in agreed]
    found = {how: fmean(values) for how, values in worth.items()}
    best = max(found, key=lambda how: found[how])
    shown = ", ".join(f"{how} {value:.3f}" for how, value in sorted(found.items(), key=lambda x: -x[1]))
    gains = [a - b for a, b in zip(worth[best], worth["sum"], strict=True)]
    if best != "sum" and fmean(gains) <= (stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else 0.0):
        return Choice(
            "sum", found, f"options are compared by sum: no other way agrees clearly more beyond chance ({shown})"
        )
    return Choice(best, found, f"options are compared by {best}: languages agree most so, beyond chance ({shown})")


def _agreement(scores: Sequence[Sequence[float]]) -> float:
    """The mean over pairs of languages of the chance that both put the same option of a question first."""
    firsts = []
    for row in scores:
        top = max(row)
        tied = [i for i, x in enumerate(row) if x >= top - 1e-9]
        firsts.append({i: 1 / len(tied) for i in tied})
    return fmean([sum(share * b.get(i, 0.0) for i, share in a.items()) for a, b in combinations(firsts, 2)])
