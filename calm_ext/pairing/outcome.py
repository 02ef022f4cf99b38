"""What became of ballots and responses while pairs were built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from calm_ext.pairing.balance import PairLengths
from calm_ext.records import ANCHOR, Pair


class PairReport:
    """What became of the ballots and responses; filled while pairs are built."""

    def __init__(self) -> None:
        self.by_language: dict[str, Counter[str]] = {}
        self.lengths: dict[str, PairLengths] = {}
        self.left_out: Counter[str] = Counter()
        self.foreign: Counter[str] = Counter()
        self._known: Counter[bool] = Counter()
        self._right: Counter[bool] = Counter()

    def add_language(self, language: str) -> None:
        """A language there are generations of, with pairs or without."""
        if language not in self.by_language:
            self.by_language[language] = Counter()

    def leave_out(self, reason: str, n: int = 1) -> None:
        """Responses or pairs that were left out, for a reason."""
        self.left_out[reason] += n

    def add_foreign(self, language: str, n: int) -> None:
        """Responses that give the winner in another language than their question's."""
        self.foreign[language] += n

    def count(self, pair: Pair, gold: int | None) -> None:
        """One pair more, of a question with this right answer, if it is known."""
        language = pair.language
        self.add_language(language)
        self.by_language[language][pair.origin] += 1
        lengths = self.lengths.get(language)
        if lengths is None:
            lengths = self.lengths[language] = PairLengths()
        lengths.add(len(pair.chosen), len(pair.rejected))
        if gold is not None:
            self._known[pair.is_anchor] += 1
            self._right[pair.is_anchor] += pair.chosen_answer == gold

    def summary(self) -> dict[str, object]:
        """Counts, lengths, and the share of pairs whose chosen answer is gold, None without gold.

        ``precision`` is that of all pairs, ``precision_without_anchors`` that of all but the anchors.
        """
        by_origin: Counter[str] = Counter()
        for origins in self.by_language.values():
            by_origin.update(origins)
        return {
            "n_pairs": by_origin.total(),
            "by_language": {x: origins.total() for x, origins in self.by_language.items()},
            "by_origin": dict(by_origin),
            "anchors": by_origin[ANCHOR],
            "precision": _share(self._right.total(), self._known.total()),
            "precision_without_anchors": _share(self._right[False], self._known[False]),
            "lengths": {x: row.summary() for x, row in self.lengths.items()},
            "left_out": dict(+self.left_out),
            "in_another_language": dict(+self.foreign),
        }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def pair_summary(pairs: Iterable[Pair], gold: Mapping[str, int | None]) -> dict[str, object]:
    """:meth:`PairReport.summary` of pairs that are there already."""
    report = PairReport()
    for pair in pairs:
        report.count(pair, gold.get(pair.id))
    return report.summary()
