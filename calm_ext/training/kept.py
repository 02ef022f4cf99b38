"""What training unlearns: held-out answers that agreed with the other languages' vote before it, and do no more.

Pairs exist where a language contradicts the vote. Where it agrees nothing may hold it, and agreement as a whole can
rise while answers that agreed are lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from calm_ext.metrics.question import question_metrics

#: question id -> language -> the option that was answered, None where no answer could be read.
Answered = Mapping[str, Mapping[str, int | None]]

#: A smaller share of kept answers than this is warned of. It is a convention: greedy answers to close questions turn
#: in any training, and one in ten of the answers that agreed is more than most trainings can win elsewhere.
ENOUGH = 0.9


class Kept(NamedTuple):
    """What is left of the untrained model's agreeing answers.

    Attributes:
        share: of its answers that agreed with the vote of the other languages, those still given; None where none did.
        error: standard error of the share, over questions: the languages of a question are lost together.
        by_language: language -> [answers still given, answers that agreed].
        lost: ids of the questions on which all languages agreed before, and do not now, in order.
    """

    share: float | None
    error: float | None
    by_language: dict[str, list[int]]
    lost: list[str]

    @property
    def fell(self) -> bool:
        """Whether the share is below :data:`ENOUGH` by more than two standard errors.

        The error is that over questions, and at least that of as many independent answers of which ``ENOUGH`` are
        kept, so that a handful of answers is not a finding.
        """
        n = sum(total for _, total in self.by_language.values())
        if self.share is None or not n:
            return False
        error = max(self.error or 0.0, (ENOUGH * (1 - ENOUGH) / n) ** 0.5)
        return self.share < ENOUGH - 2 * error


def kept_answers(before: Answered, now: Answered, votes: Mapping[str, Mapping[str, int]]) -> Kept:
    """Compare the answers of a check with those of the untrained model.

    Args:
        before, now: questions that one of them lacks are left out.
        votes: question id -> language -> option that the untrained model elected in the other languages.
    """
    by_language: dict[str, list[int]] = {}
    questions: list[tuple[int, int]] = []
    lost = []
    for identity, first in before.items():
        if identity not in now:
            continue
        agreed = [x for x, vote in votes.get(identity, {}).items() if first.get(x) == vote]
        still = [x for x in agreed if now[identity].get(x) == first[x]]
        for language in agreed:
            counts = by_language.setdefault(language, [0, 0])
            counts[0] += language in still
            counts[1] += 1
        if agreed:
            questions.append((len(still), len(agreed)))
        if _consistent(first) and not _consistent(now[identity]):
            lost.append(identity)
    n = sum(total for _, total in questions)
    share = sum(same for same, _ in questions) / n if n else None
    return Kept(share, None if share is None else _error(questions, share), by_language, lost)


def _consistent(answers: Mapping[str, int | None]) -> bool:
    return question_metrics(answers, None).get("all_agree") == 1.0


def _error(questions: Sequence[tuple[int, int]], share: float) -> float | None:
    """Standard error of a ratio of sums over questions (Cochran 1977, Sampling Techniques, section 2.11)."""
    q, n = len(questions), sum(total for _, total in questions)
    if q < 2:
        return None
    return float((q / (q - 1) * sum((same - share * total) ** 2 for same, total in questions)) ** 0.5 / n)


def kept_warning(found: Kept, *, advice: Sequence[str], text: str, shown: Mapping[str, str]) -> str:
    """Words for answers that are unlearned: how many, in which languages worst, on which questions, and what to do.

    Args:
        advice: what can be changed, each as a recipe has it.
        text: what stands before, ``step 10``.
        shown: id -> the question's text, of those that may be named.
    """
    n = sum(total for _, total in found.by_language.values())
    worst = sorted(found.by_language.items(), key=lambda item: (item[1][0] / item[1][1], item[0]))
    worst = [(x, counts) for x, counts in worst if counts[0] < counts[1]][:3]
    languages = ", ".join(f"{x} {same} of {total}" for x, (same, total) in worst)
    words = (
        f"{text}: UNLEARNING: of the {n} held-out answers that agreed with the other languages' vote before training, "
        f"{found.share or 0:.0%} are left (worst: {languages})"
    )
    if found.lost:
        named = ", ".join(f"{x} ({_clipped(shown[x])})" if x in shown else x for x in found.lost[:3])
        more = f" and {len(found.lost) - 3} more" if len(found.lost) > 3 else ""
        words += f"; languages no longer agree on {named}{more}"
    return f"{words}; {' or '.join(advice)}"


def _clipped(text: str, longest: int = 60) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"
