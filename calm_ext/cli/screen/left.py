"""How long a run will still take, by what its stages have taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from calm_ext.cli.screen.words import Bar
from calm_ext.errors import CalmError
from calm_ext.files.decode import read_table
from calm_ext.report.words import is_number

#: Stages that run a model, whose time must be known before anything is said of the whole.
_LONG = ("retrieve", "before", "sample", "train", "after")
#: A stage that takes about as long as another one: it does the same.
_LIKE = {"after": "before"}


class Forecast:
    """What is known of the time of stages.

    Args:
        seconds: stage -> seconds that it took before.
    """

    def __init__(self, seconds: Mapping[str, float]) -> None:
        self.seconds = dict(seconds)

    @classmethod
    def of_run(cls, folder: Path) -> Forecast:
        """By the manifest of a run, which may have run before."""
        try:
            stages = read_table(folder / "manifest.json")["stages"]
        except (CalmError, KeyError):
            return cls({})
        return cls({name: x["seconds"] for name, x in stages.items() if is_number(x.get("seconds"))})

    def took(self, stage: str, seconds: float) -> None:
        """A stage ended."""
        self.seconds[stage] = seconds

    def of(self, stage: str) -> float | None:
        """Seconds that a stage will take; None where that is not known. What is always short counts as nothing."""
        known = self.seconds.get(stage, self.seconds.get(_LIKE.get(stage, "")))
        return known if known is not None or stage in _LONG else 0.0

    def left(self, stage: str | None, gone: float, waiting: Sequence[str], bars: Sequence[Bar]) -> float | None:
        """Seconds until all is done; None where a long stage's time is not known.

        Args:
            stage: the one that runs.
            gone: seconds since it began.
            waiting: the stages after it.
            bars: how far it is.
        """
        parts = [self.of(x) for x in waiting]
        if stage is not None:
            of_bars = [left for bar in bars if (left := bar.left()) is not None]
            known = self.of(stage)
            parts.append(max(of_bars) if of_bars else None if known is None else max(0.0, known - gone))
        return None if None in parts else sum(x for x in parts if x is not None)
