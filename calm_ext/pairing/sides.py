"""Which responses of a language may be chosen, and which rejected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Literal

from calm_ext.answers.read import contradicts
from calm_ext.answers.thoughts import Marks, may_have_thoughts, split_thoughts, strip_thoughts
from calm_ext.metrics.fidelity import Judge, Response
from calm_ext.pairing.options import PairingOptions
from calm_ext.prompts import Style, delimiter
from calm_ext.records import Generation, Prompt


class Sides:
    """The sampled responses to a question in one language, sorted by what the vote says.

    Args:
        votes: the option read from each response that there is, None where it could not be read.
        winner: the elected option.
        thoughts: marks of thoughts besides the known ones.
        languages: those of all questions; a response in another one than its question's is not chosen.

    Attributes:
        giving: responses that give the winner, in whatever language.
        rejected: responses that give another answer, each with that answer; unread ones if the options allow it.
    """

    def __init__(
        self,
        generation: Generation,
        votes: Sequence[int | None],
        winner: int,
        options: PairingOptions,
        style: Style,
        thoughts: Marks = (),
        languages: frozenset[str] = frozenset(),
    ) -> None:
        self._languages = languages if options.fidelity and style == "explain" else frozenset()
        self._generation, self._winner, self._thoughts = generation, winner, thoughts
        self._check = options.drop_contradictions and style == "explain"
        answers = list(zip(generation.given, votes, strict=False))
        self.giving = [text for text, vote in answers if vote == winner]
        self.rejected = [
            (text, vote) for text, vote in answers if vote != winner and (vote is not None or options.reject_unparsed)
        ]

    @cached_property
    def _winning(self) -> list[str]:
        """Responses that give the winner, without those in another language."""
        if not self._languages or not self.rejected:
            return self.giving
        self.judge([self], self._thoughts)
        return self._winning

    @staticmethod
    def judge(sides: Iterable[Sides], thoughts: Marks = ()) -> None:
        """Tell the languages of all responses that may be chosen; faster for many questions at once than for each.

        Args:
            sides: of the same languages. thoughts: the marks that they were made with.
        """
        asked = [s for s in sides if s._languages and s.rejected]
        if not asked:
            return
        rows = [Response(x, s._generation.language, s._generation.options) for s in asked for x in s.giving]
        foreign = iter(Judge.of(asked[0]._languages).are_foreign(rows, thoughts=thoughts))
        for s in asked:
            s._winning = [text for text in s.giving if not next(foreign)]

    @cached_property
    def chosen(self) -> list[str]:
        """Responses that give the winner, without those in another language and those that speak for another option."""
        if not self._check:
            return self._winning
        g, marks = self._generation, self._thoughts
        against = [contradicts(t, g.options, self._winner, g.language, thoughts=marks) for t in self._winning]
        return [text for text, wrong in zip(self._winning, against, strict=True) if not wrong]

    @property
    def agrees(self) -> bool:
        """Whether the language gives the winner, and nothing that may be rejected."""
        return bool(self.giving) and not self.rejected

    @property
    def n_foreign(self) -> int:
        """How many responses give the winner in another language than the question's."""
        return len(self.giving) - len(self._winning)

    @property
    def n_contradicting(self) -> int:
        """How many responses give the winner, in the question's language, and are not chosen."""
        return len(self._winning) - len(self.chosen)

    @property
    def lacks_chosen(self) -> bool:
        """Whether there is something to reject and nothing to choose, so that the fallback has to step in."""
        return bool(self.rejected) and not self.chosen


def alike(chosen: str, rejected: str, thoughts: Literal["keep", "strip"], marks: Marks = ()) -> tuple[str, str]:
    """The two sides of a pair, both with their thoughts or both without.

    Thoughts on one side only would teach the model to think, or not to, whatever the answer.

    >>> alike("Answer: B", "<think>Hm.</think>Answer: A", "keep")
    ('Answer: B', 'Answer: A')
    """
    if not marks and not (may_have_thoughts(chosen) or may_have_thoughts(rejected)):
        return chosen, rejected
    has = [bool(split_thoughts(text, marks).thoughts) for text in (chosen, rejected)]
    if not any(has) or (all(has) and thoughts == "keep"):
        return chosen, rejected
    return strip_thoughts(chosen, marks), strip_thoughts(rejected, marks)


def joined(prompt: Prompt, text: str, language: str) -> str:
    """The completion as it follows the prompt: with the space between them where the language writes one."""
    if not isinstance(prompt, str) or prompt[-1:].isspace() or text[:1].isspace():
        return text
    return delimiter(language) + text
