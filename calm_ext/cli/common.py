"""What verbs share: options, output, progress."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from calm_ext.cli.terminal import new_console
from calm_ext.errors import CalmError
from calm_ext.files.shown import json_visible
from calm_ext.models.trust import FLAG

if TYPE_CHECKING:
    from calm_ext.models.options import ModelOptions

F = TypeVar("F", bound=Callable[..., Any])


def json_option(function: F) -> F:
    """``--json``: one object on stdout instead of a table."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")(function)


def trust_option(function: F) -> F:
    """``--trust-remote-code``, by which alone a model's own code is run."""
    return click.option(
        FLAG, "trust_remote_code", is_flag=True, help="Run the Python code that the model brings. No file can say so."
    )(function)


def marks_option(function: F) -> F:
    """``--thought-marks OPEN CLOSE``, which may be given several times: the recipe's ``sampling.thoughts``."""
    return click.option(
        "--thought-marks",
        "thoughts",
        nargs=2,
        multiple=True,
        metavar="OPEN CLOSE",
        help="Marks around the model's thoughts, as '<plan>' '</plan>', besides the known ones.",
    )(function)


def print_json(value: Any) -> None:
    """One JSON object; NaN becomes null."""
    from calm_ext.jsonl import finite

    click.echo(json_visible(json.dumps(finite(value), ensure_ascii=False, indent=2)))


def refuse_inputs(output: Path | None, *inputs: Path) -> None:
    """An output that is one of the inputs would destroy it.

    Raises:
        CalmError: it is.
    """
    for path in inputs:
        if output is not None and output.exists() and path.exists() and output.samefile(path):
            raise CalmError(f"{output}: is also what is read; name another output")


def number_text(value: float, *, sign: bool = False) -> str:
    """Three decimals; a dash where undefined."""
    return "–" if not math.isfinite(value) else f"{value:+.3f}" if sign else f"{value:.3f}"


def interval_text(bounds: tuple[float, float], *, sign: bool = False) -> str:
    """``[low, high]``; empty where undefined."""
    low, high = bounds
    return "" if math.isnan(low) else f"[{number_text(low, sign=sign)}, {number_text(high, sign=sign)}]"


class ConsoleReporter:
    """Tells what a run does on stderr: one line a stage, and a progress bar where it is long."""

    def __init__(self) -> None:
        self.console = new_console(stderr=True)
        self._progress: Any = None

    def stage(self, name: str, message: str) -> None:
        """One line."""
        self._stop()
        from rich.text import Text

        self.console.print(Text.assemble((f"{name:>9}", "bold cyan"), f" {message}"), soft_wrap=True)

    def progress(self, label: str, total: int) -> Callable[[int], None]:
        """A bar; returns the function that sets how much is done."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._stop()
        columns = (
            TextColumn("{task.description:>9}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=self.console, transient=True)
        self._progress.start()
        task = self._progress.add_task(label, total=total)

        def advance(done: int) -> None:
            self._progress.update(task, completed=done)
            if done >= total:
                self._stop()

        return advance

    def _stop(self) -> None:
        if self._progress is not None and self._progress.live.is_started:
            self._progress.stop()

    def __enter__(self) -> ConsoleReporter:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()


def with_babel_built(model: ModelOptions) -> ModelOptions:
    """The model, ``babel`` replaced by the folder of the embedded default, which is built where it is not there yet."""
    if model.path != "babel":
        return model
    from calm_ext.babel import BabelConfig, build

    return model.replace(path=str(build(BabelConfig())))


def cluster_option(function: F) -> F:
    """``--cluster``: which questions belong together."""
    return click.option(
        "--cluster",
        metavar="KEY",
        help="Which questions belong together, of one passage say: a field of the logged documents, as doc.link, or "
        "id:PATTERN, a regular expression whose group in the id is the cluster. Intervals and tests are then over "
        "clusters.",
    )(function)


def scoring_options(function: F) -> F:
    """Options of the verbs that score answers from files."""
    for option in (
        cluster_option,
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the bootstrap."),
        click.option(
            "--resamples", type=click.IntRange(100), default=10_000, show_default=True, help="Of the bootstrap."
        ),
        click.option(
            "--unlabelled",
            type=click.Choice(["wrong", "skip"]),
            default="wrong",
            show_default=True,
            help="Where some questions have no gold answer: count them as not right, or leave them out of accuracy.",
        ),
        click.option("--task", help="Whose samples to take from a folder that has several tasks."),
    ):
        function = option(function)
    return function
