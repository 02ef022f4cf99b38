"""What verbs share: options and output."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from calm_ext.errors import CalmError
from calm_ext.files.shown import fixed, json_visible
from calm_ext.models.trust import FLAG

if TYPE_CHECKING:
    from calm_ext.models.options import ModelOptions
from calm_ext.models.processes.options import LaunchOptions

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
    return "–" if not math.isfinite(value) else fixed(value, signed=sign)


def interval_text(bounds: tuple[float, float], *, sign: bool = False) -> str:
    """``[low, high]``; empty where undefined."""
    low, high = bounds
    return "" if math.isnan(low) else f"[{number_text(low, sign=sign)}, {number_text(high, sign=sign)}]"


def refuse_model(model: ModelOptions, *, remote: bool = False, chat: bool = False, named: str = "--") -> None:
    """Refuse a device that this machine lacks, and a model that is not there, before anything is loaded.

    Args:
        remote: the model runs elsewhere.
        chat: it is asked through its chat template, which it must have.
        named: what stands before ``model`` and ``device`` in a message.

    Raises:
        CalmError: it names ``--device``, ``--model`` or ``--chat-template``.
    """
    if remote:
        return
    from calm_ext.models.device import find_device
    from calm_ext.models.find import find_model
    from calm_ext.models.template import require_chat_template

    try:
        if model.path != "babel":
            find_model(model.path)
    except CalmError as error:
        raise CalmError(f"{named}{error}") from None
    try:
        if model.device not in (None, "cpu"):
            find_device(model.device)
    except CalmError as error:
        raise CalmError(f"--{error}") from None
    if chat:
        require_chat_template(model.path, where="--chat-template", off="leave the flag out", fetch=True)


def require_config(launch: LaunchOptions) -> None:
    """Refuse an accelerate config that is not there, or is none.

    Raises:
        CalmError: it names ``--accelerate-config``.
    """
    for problem in launch.problems():
        raise CalmError(problem.replace("launch.accelerate_config", "--accelerate-config"))


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
