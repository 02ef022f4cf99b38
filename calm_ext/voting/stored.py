"""A table of votes of any length: most of its questions are in a temporary file, and come back in parts.

What a vote learns of all questions together (how reliable a language is, how scores compare, how often a winner is
right) is learned from all of them up to :data:`LEARNED`, beyond from as many as that: those whose ids have the smallest
SHA-256 hashes, so that it depends neither on their order nor on chance. What it learned is then applied to all.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from calm_ext.answers.thoughts import Marks
from calm_ext.disk.spill import Spill
from calm_ext.models.endings import Endings
from calm_ext.prompts import Style
from calm_ext.records import Generation
from calm_ext.voting.answered import Answered, enter_all
from calm_ext.voting.letters import Bias
from calm_ext.voting.scores import Choice, Normalize
from calm_ext.voting.table import EqualOptions, VoteTable

#: From how much a vote learns, at most, counted as questions times languages: 6,553 questions in ten languages.
LEARNED = 1 << 16
#: How much is brought back at once.
BLOCK = 1 << 14


class StoredTable:
    """The votes on all questions, as :class:`~calm_ext.voting.table.VoteTable` has them, in parts.

    Sizes are in questions times languages.

    Args:
        learned: from how much a vote learns, at most. few: up to what size all stays in memory. block: of a part.

    Attributes:
        learned: the questions from which a vote learns.
        learned_rows: which of the questions these are.
    """

    def __init__(self, *, learned: int = LEARNED, few: int = LEARNED, block: int = BLOCK) -> None:
        self._most, self._few, self._size = learned, few, block
        self._window, self._held = VoteTable(), 0
        self._places: list[int | None] = []
        self._rows = Spill(few=0)
        self._columns: dict[str, None] = {}
        self._has_gold = False
        self._normalize: Normalize = "auto"
        self._last: tuple[int, VoteTable] | None = None
        self.learned = self._window
        self.learned_rows: slice | Sequence[int] = slice(None)

    @classmethod
    def read(
        cls,
        generations: Iterable[tuple[str, Generation]],
        *,
        style: Style,
        thoughts: Marks = (),
        normalize: Normalize = "auto",
        endings: Endings | None = None,
        learned: int = LEARNED,
        few: int = LEARNED,
        block: int = BLOCK,
    ) -> StoredTable:
        """The table of generations; see :meth:`calm_ext.voting.table.VoteTable.read` for arguments and errors."""
        table = cls(learned=learned, few=few, block=block)
        enter_all(table, generations, style, thoughts, endings)
        table._normalize = normalize
        if len(table._rows):
            table._store()
            table.learned, table.learned_rows = table._drawn()
        if table.scored:
            table.learned.normalise(normalize)
        return table

    def enter(self, one: Generation | Answered, where: str, style: Style, thoughts: Marks) -> None:
        """Add a generation, or what was read of one; raises as :meth:`calm_ext.voting.table.VoteTable.add`."""
        window = self._window
        if one.id not in window:
            if self._held >= (self._size if len(self._rows) else self._few):
                self._store()
            known = self._rows.find(one.id) if len(self._rows) else None
            if known is not None:
                window.unpack(one.id, known[1])
                self._held += len(window.votes[-1])
            self._places.append(known[0] if known else None)
        window.enter(one, where, style, thoughts)
        self._held += 1

    def _store(self) -> None:
        """Put away what is in memory."""
        for row, (question, place) in enumerate(zip(self._window.questions, self._places, strict=True)):
            packed = self._window.pack(row)
            self._columns |= dict.fromkeys(self._window.votes[row])
            self._has_gold |= question.gold is not None
            if place is None:
                self._rows.add(question.id, packed)
            else:
                self._rows.put(place, packed)
        self._window.clear()
        self._held = 0
        self._places.clear()

    def _drawn(self) -> tuple[VoteTable, list[int]]:
        """The questions from which a vote learns, and their rows."""
        hashes = ((_hash(identity), row) for row, (identity, _) in enumerate(self._rows.items()))
        rows = sorted(row for _, row in heapq.nsmallest(self._questions(self._most), hashes))
        table = self._window.part(self.languages)
        for row in rows:
            for identity, packed in self._rows.items(row, row + 1):
                table.unpack(identity, packed)
        return table, rows

    def _questions(self, size: int) -> int:
        return max(size // len(self._columns), 1)

    def __len__(self) -> int:
        return len(self._rows) or len(self._window)

    @property
    def scored(self) -> bool:
        """Whether options, or their letters, were scored instead of sampled."""
        return self._window.scored

    @property
    def languages(self) -> list[str]:
        """All languages, in order of first appearance."""
        return list(self._columns) or self._window.languages

    @property
    def has_gold(self) -> bool:
        """Whether any question has a gold answer."""
        return self._has_gold or self._window.has_gold

    @property
    def gold(self) -> Mapping[str, int | None]:
        """question id -> gold answer."""
        return _Gold(self._rows) if len(self._rows) else self._window.gold

    @property
    def normalized(self) -> Choice | None:
        """How scores are normalised, and why; None where options were not scored."""
        return self.learned.normalized

    @property
    def letters(self) -> Mapping[str, Bias]:
        """language -> how evenly letters are answered, of the questions that are learned from."""
        return self.learned.letters

    @property
    def equal_options(self) -> Mapping[str, EqualOptions]:
        """As in the table in memory."""
        return self._window.equal_options

    def scoring(self) -> dict[str, Any]:
        """How scores were made comparable, as ``vote --json`` and vote.json say it."""
        return self.learned.scoring()

    def blocks(self) -> Iterator[VoteTable]:
        """The questions in parts, in their order."""
        row = 0
        while row < len(self):
            _, part = self.block(row)
            yield part
            row += len(part)

    def block(self, row: int) -> tuple[int, VoteTable]:
        """The part that a question is in, and the row of the part's first question."""
        if not len(self._rows):
            return 0, self._window
        size = self._questions(self._size)
        first = row // size * size
        if self._last is None or self._last[0] != first:
            self._last = None  # one at a time
            part = self._window.part(self.languages)
            for identity, packed in self._rows.items(first, first + size):
                part.unpack(identity, packed)
            if self.scored:
                part.normalise(self._normalize, like=self.learned)
            self._last = first, part
        return self._last


class _Gold(Mapping[str, int | None]):
    """The gold answers of questions in a file."""

    def __init__(self, rows: Spill) -> None:
        self._rows = rows

    def __getitem__(self, identity: str) -> int | None:
        found = self._rows.find(identity)
        if found is None:
            raise KeyError(identity)
        return _gold_of(identity, found[1])

    def __iter__(self) -> Iterator[str]:
        return (identity for identity, _ in self._rows.items())

    def __len__(self) -> int:
        return len(self._rows)


def _gold_of(identity: str, packed: bytes) -> int | None:
    one = VoteTable()
    one.unpack(identity, packed)
    return one.questions[0].gold


def _hash(identity: str) -> bytes:
    return hashlib.sha256(f"vote|{identity}".encode()).digest()[:16]
