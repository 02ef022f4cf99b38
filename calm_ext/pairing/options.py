"""How to build pairs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from calm_ext.options import Section


class PairingOptions(Section):
    """How pairs are built (:mod:`calm_ext.pairing.build`)."""

    fallback: Literal["skip", "answer_only", "translate"] = "answer_only"
    """What to choose in a language none of whose responses gives the winner."""
    translator: str | None = None
    """Folder of the model that translates: a seq2seq model, or a causal one that is asked to; never the network. A
    recipe that names none translates with its own model."""
    anchors: Literal["all", "none"] = "all"
    """`all`: also a language that agrees with the vote gets a pair of each question, so that training holds what it
    knows: the winner is chosen, and the runner-up rejected."""
    anchor_ratio: float | None = Field(None, ge=0)
    """Most anchors as a multiple of all other pairs, drawn at random and evenly over languages, after all other
    limits; without it all of them."""
    balance: Literal["none", "answer"] = "none"
    """`answer`: drop pairs until no answer of a language is rejected more often than it is chosen there; answers that
    are never chosen are left alone."""
    reject_unparsed: bool = False
    """Responses that could not be read may be rejected."""
    drop_contradictions: bool = True
    """Leave out chosen responses whose explanation speaks for another option."""
    fidelity: bool = True
    """Leave out chosen responses that are surely in another language than the question's, thoughts aside."""
    thoughts: Literal["keep", "strip"] = "keep"
    """The model's thoughts: ``keep`` them where both sides of a pair have them, so that training neither teaches nor
    unteaches thinking, and strip them from both where one side has none; or ``strip`` them always."""
    max_per_question: int = Field(2, ge=1)
    """Most pairs of one question in one language."""
    max_per_language: int | None = Field(None, ge=1)
    """Most pairs of one language, drawn at random."""
    max_ratio: float | None = Field(None, ge=1)
    """Balance: most pairs of a language, as a multiple of the smallest language's; 1 is an even balance."""
    max_length_ratio: float | None = Field(None, ge=1)
    """Match lengths: take for each rejected response the chosen one nearest in length, and leave out pairs where one
    side is longer than the other by more than this factor (in characters)."""
    seed: int = 0
    """Seed of the random draws."""

    @property
    def selects(self) -> bool:
        """Whether there are limits, so that which pairs are kept depends on all pairs."""
        limits = (self.max_per_language, self.max_ratio, self.anchor_ratio)
        return self.balance == "answer" or any(limit is not None for limit in limits)
