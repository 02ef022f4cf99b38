"""What a run tells while it works."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

#: What happens to a stage: it starts, it is left out because nothing changed, it ends.
Turn = Literal["starts", "skipped", "done"]


class Reporter:
    """Where a run's messages go; this one drops all. Whoever wants some overrides their methods.

    The command line has two: one that writes lines to stderr, and a live screen.
    """

    def begin(self, stages: Sequence[str], folder: Path) -> None:
        """A run begins.

        Args:
            stages: the names of those it has, in order.
            folder: the run directory, which is there.
        """

    def turn(self, name: str, turn: Turn, seconds: float = 0.0) -> None:
        """A stage starts, is skipped, or is done after so many seconds; as a message unless this is overridden."""
        words = {"starts": "starts", "skipped": "unchanged, skipped", "done": f"done in {seconds:.1f} s"}
        self.stage(name, words[turn])

    def stage(self, name: str, message: str) -> None:
        """A stage has something to say."""

    def progress(self, label: str, total: int) -> Callable[[int], None]:
        """A function to call with how much is done."""
        return lambda _: None

    def trained(self, row: Mapping[str, Any]) -> None:
        """A line of the training log: a step, a check of the held-out questions, or a warning."""
