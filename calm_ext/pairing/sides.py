"""Which responses of a language may be chosen, and which rejected."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from calm_ext.answers.read import contradicts
from calm_ext.pairing.options import PairingOptions
from calm_ext.prompts import Style
from calm_ext.records import Generation


class Sides:
    """The sampled responses to a question in one language, sorted by what the vote says.

    Args:
        votes: the option read from each response that there is, None where it could not be read.
        winner: the elected option.

    Attributes:
        rejected: responses that give another answer, each with that answer; unread ones if the options allow it.
    """

    def __init__(
        self, generation: Generation, votes: Sequence[int | None], winner: int, options: PairingOptions, style: Style
    ) -> None:
        self._generation, self._winner = generation, winner
        self._check = options.drop_contradictions and style == "explain"
        answers = list(zip(generation.given, votes, strict=False))
        self._winning = [text for text, vote in answers if vote == winner]
        self.rejected = [
            (text, vote) for text, vote in answers if vote != winner and (vote is not None or options.reject_unparsed)
        ]

    @cached_property
    def chosen(self) -> list[str]:
        """Responses that give the winner, without those whose explanation speaks for another option."""
        if not self._check:
            return self._winning
        g = self._generation
        return [text for text in self._winning if not contradicts(text, g.options, self._winner, g.language)]

    @property
    def n_contradicting(self) -> int:
        """How many responses give the winner and are not chosen."""
        return len(self._winning) - len(self.chosen)

    @property
    def lacks_chosen(self) -> bool:
        """Whether there is something to reject and nothing to choose, so that the fallback has to step in."""
        return bool(self.rejected) and not self.chosen
