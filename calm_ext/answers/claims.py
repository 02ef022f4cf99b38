"""What a text claims of the options, and which option all of its claims agree on."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from calm_ext.answers.label import TAKEN_BACK
from calm_ext.answers.lines import names_line
from calm_ext.answers.options import Options


class Claim(NamedTuple):
    """That a text names an option.

    Attributes:
        at: where the option stands.
        read: the option, or what :func:`read_piece` gives instead.
        firm: whether it calls the option the right or the last one, in a sentence of its own.
        turned: whether it begins with a word that turns an answer round, and calls the option the right one.
        end: where its piece ends. supposed: whether it stands behind an "if".
    """

    at: int
    read: int
    firm: bool = False
    end: int = 0
    supposed: bool = False
    turned: bool = False


def agreed(text: str, claims: list[Claim], mends: list[int], options: Options) -> int | None:
    """The option that all claims name, after what is taken back."""
    found: list[int] = []
    firm = False  # whether what was found is called the right or the last answer
    last = -1
    sure = [claim for claim in claims if not claim.supposed]
    for claim in sure or claims:
        if found and (claim.turned or bisect_right(mends, last) < bisect_right(mends, claim.at)):
            found.clear()
            firm = False
        if claim.read <= TAKEN_BACK:
            found = [x for x in found if x != TAKEN_BACK - claim.read]
            continue
        # "Many think: the correct answer is A" does not take an answer back, a sentence of its own does.
        if claim.firm and not firm:
            found.clear()
        if claim.read >= 0 and not found and claim.end:
            found += names_line(text, claim.end, options)
        found.append(claim.read)
        firm = firm or claim.firm
        last = claim.at
    if not found or (mends and mends[-1] > last):
        return None
    return found[0] if found[0] >= 0 and len(set(found)) == 1 else None
