"""How responses ended, by language: by themselves, cut at ``max_new_tokens``, or not there at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

#: From this share of a language's responses on, it is said that they were cut.
NOTABLE = 0.05
#: What to do about responses that were cut.
LONGER = "raise sampling.max_new_tokens, or switch thinking off with sampling.template_args"
#: Why a response is missing that came, but without a text; or with a thinking model's thoughts only.
EMPTY, THOUGHTS = "came without content", "came without content, with reasoning only"
#: How a response ended that never came, because the connection or the server failed: the next run asks again.
FAILED = "failed"
_NAMED = 5


class Endings:
    """Counts over generations.

    Attributes:
        asked, missing, cut: language -> responses asked for, not given, and cut at ``max_new_tokens``.
        cut_and_missing: how many of those not given were cut: a thinking model's that never came to its answer.
        failed: how many of those not given failed on the way, and were not refused.
        why: why responses are missing -> ``question in language`` -> how many, as far as it was seen.
    """

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()
        self.cut: Counter[str] = Counter()
        self.cut_and_missing = self.failed = 0
        self.why: dict[str, Counter[str]] = {}

    def add(self, language: str, responses: Sequence[str | None], finish: Sequence[str | None] | None = None) -> None:
        """Count a question's responses, with how they ended where that is known."""
        self.asked[language] += len(responses)
        self.missing[language] += sum(x is None for x in responses)
        for text, end in zip(responses, finish or (), strict=False):
            if end == "length":
                self.cut[language] += 1
                self.cut_and_missing += text is None
            self.failed += text is None and end == FAILED

    def explain(self, name: str, why: str) -> None:
        """A response to this question (``id in language``) is missing, for this reason."""
        self.why.setdefault(why, Counter())[name] += 1

    def forget(self) -> None:
        """Begin to count anew; the reasons stay."""
        for counts in (self.asked, self.missing, self.cut):
            counts.clear()
        self.cut_and_missing = self.failed = 0

    @property
    def refused(self) -> bool:
        """Whether all that are missing were refused, and none came empty."""
        return bool(self.why) and not {EMPTY, THOUGHTS} & self.why.keys()

    def first_reason(self) -> str:
        """Why the first of those that are missing is so, in words."""
        why, names = next(iter(self.why.items()))
        return f"{next(iter(names))} {why}"

    @property
    def given(self) -> int:
        """Responses that there are."""
        return self.asked.total() - self.missing.total()

    def summary(self) -> dict[str, Any]:
        """Counts for a summary: ``missing`` and ``cut`` only where there are such; empty without responses."""
        if not self.asked.total():
            return {}
        found: dict[str, Any] = {"responses": dict(self.asked)}
        found |= {key: dict(+own) for key, own in (("missing", self.missing), ("cut", self.cut)) if +own}
        return found

    def notes(self, *, retry: str = "--retry", next_run: str = "") -> list[str]:
        """What should be known of them, one sentence a line.

        Args:
            retry: what asks for missing ones again.
            next_run: what asks again only for those that failed on the way.
        """
        notes, missing = [], self.missing.total()
        if missing:
            reasons = [_reason(why, names) for why, names in self.why.items()]
            known = sum(names.total() for names in self.why.values())
            if known and known < missing:
                reasons.append(f"{missing - known} in an earlier run")
            listed = f": {'; '.join(reasons)}" if reasons else ""
            some = f"; {next_run} does so for the {self.failed} that failed on the way"
            again = some if next_run and self.failed else ""
            notes.append(
                f"{missing} of {self.asked.total()} responses are missing{listed}. {retry} asks for them again{again}"
            )
        if self.cut_and_missing:
            notes.append(f"{self.cut_and_missing} of these were cut at max_new_tokens: {LONGER}")
        shares = {x: (n, self.asked[x]) for x, n in self.cut.items() if n >= NOTABLE * self.asked[x]}
        if shares and self.cut.total() > self.cut_and_missing:
            listed = ", ".join(f"{x} {n / total:.0%} of {total}" for x, (n, total) in shares.items())
            notes.append(f"responses cut at max_new_tokens: {listed}; {LONGER}")
        return notes


def _reason(why: str, names: Counter[str]) -> str:
    named = ", ".join(list(names)[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    return f"{names.total()} {why} ({named})"
