"""Where the time of a run went: seconds and tokens of each stage, and the share spent outside the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rich.console import Console


class Row(NamedTuple):
    """A stage.

    Attributes:
        seconds, model_seconds: of the clock, all of it and within the model.
        tokens: that the model read or wrote, padding included.
        now: whether it ran this time; otherwise the numbers are those of an earlier run.
    """

    stage: str
    seconds: float
    model_seconds: float
    tokens: int
    now: bool = True


class Timing(NamedTuple):
    """The stages, preceded by the start of the process and followed by the time between the stages."""

    rows: list[Row]

    @classmethod
    def of(cls, stages: Mapping[str, Any], *, ran: Sequence[str], startup: float, total: float) -> Timing:
        """From the stages of a run's manifest.

        Args:
            stages: in order; those of ``ran`` ran this time.
            startup, total: seconds of the process before the run and altogether.
        """
        rows = [
            Row(stage, x["seconds"], x.get("model_seconds", 0.0), x.get("tokens", 0), stage in ran)
            for stage, x in stages.items()
        ]
        between = total - startup - sum(r.seconds for r in rows if r.now)
        return cls([Row("start", startup, 0.0, 0), *rows, Row("between", max(0.0, between), 0.0, 0)])

    @property
    def total(self) -> Row:
        """The sum of what ran this time."""
        now = [r for r in self.rows if r.now]
        return Row("total", sum(r.seconds for r in now), sum(r.model_seconds for r in now), sum(r.tokens for r in now))

    @property
    def glue(self) -> float:
        """The share of the time that was not spent in the model."""
        total = self.total
        return 1 - total.model_seconds / total.seconds if total.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "stages": {r.stage: {k: v for k, v in r._asdict().items() if k != "stage"} for r in self.rows},
            "seconds": self.total.seconds,
            "model_seconds": self.total.model_seconds,
            "tokens": self.total.tokens,
            "glue_share": self.glue,
        }


def print_timing(timing: Timing, console: Console) -> None:
    """A table; stages that were skipped this time are dim, with what they took when they ran."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title="where the time went", title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.add_column("")
    for name in ("seconds", "in the model", "not in it", "tokens", "tokens/s"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in [*timing.rows, timing.total]:
        if row.stage == "total":
            table.add_section()
        rate = f"{row.tokens / row.model_seconds:,.0f}" if row.tokens and row.model_seconds else ""
        table.add_row(
            row.stage + ("" if row.now else " (before)"),
            f"{row.seconds:.1f}",
            f"{row.model_seconds:.1f}" if row.model_seconds else "",
            f"{row.seconds - row.model_seconds:.1f}",
            f"{row.tokens:,}" if row.tokens else "",
            rate,
            style="" if row.now else "dim",
        )
    console.print(table)
    console.print(f"{timing.glue:.1%} of the time was not spent in the model.")
