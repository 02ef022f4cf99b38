"""What a run tells while it works: the one seam between the stages and whoever shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

#: What happens to a stage: it starts, it is left out because nothing changed, it ends.
Turn = Literal["starts", "skipped", "done"]


class Reporter:
    """Where a run's messages go; this one drops all. Whoever wants some overrides their methods.

    The command line has two (:mod:`calm_ext.cli.screen`): one that writes lines, and a live screen.
    """

    def begin(self, stages: Sequence[str], folder: Path) -> None:
        """A run begins: all is checked, and the run directory is there and ours.

        Args:
            stages: the names of those it has, in order.
            folder: the run directory.
        """

    def turn(self, name: str, turn: Turn, seconds: float = 0.0) -> None:
        """A stage starts, is skipped, or is done after so many seconds; as a message unless this is overridden."""
        words = {"starts": "starts", "skipped": "unchanged, skipped", "done": f"done in {seconds:.1f} s"}
        self.stage(name, words[turn])

    def stage(self, name: str, message: str) -> None:
        """A stage has something to say."""

    def warn(self, name: str, message: str) -> None:
        """A stage warns; as a message unless this is overridden."""
        self.stage(name, f"warning: {message}")

    def progress(self, label: str, total: int) -> Callable[[int], None]:
        """A function to call with how much is done."""
        return lambda _: None

    def trained(self, row: Mapping[str, Any]) -> None:
        """How training goes: a step, a check of the held-out questions, a warning, work before the first step.

        Args:
            row: ``kind`` and its values, as :mod:`calm_ext.training.messages` describes them.
        """
