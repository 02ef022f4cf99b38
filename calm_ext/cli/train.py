"""``calm-ext train``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from calm_ext.cli.common import marks_option, refuse_model, require_config
from calm_ext.cli.options import flags, template_arg
from calm_ext.cli.terminal import echo
from calm_ext.errors import RecipeError
from calm_ext.files.places import writable_folder
from calm_ext.models.options import ModelOptions, SamplingOptions
from calm_ext.models.processes.options import LaunchOptions
from calm_ext.training.options import TrainingOptions, options_class, training_options


@click.command("train")
@click.argument("pairs", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Directory for adapter/ and logs.")
@click.option("--model", required=True, help="Hugging Face folder or hub name.")
@flags(TrainingOptions, into="method", only=["method"])
@flags(LaunchOptions, into="processes")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A training option, as learning_rate=3e-5.")
@click.option("--heldout", type=click.Path(path_type=Path), help="Questions JSONL, kept out of the pairs, to watch by.")
@click.option("--heldout-generations", type=click.Path(path_type=Path), help="Their generations JSONL, to vote on.")
@flags(SamplingOptions, into="sampling", only=["mode", "style", "normalize", "max_new_tokens", "chat_template"])
@template_arg
@marks_option
def command(
    pairs: Path,
    output: Path,
    model: str,
    method: TrainingOptions,
    processes: LaunchOptions,
    settings: tuple[str, ...],
    heldout: Path | None,
    heldout_generations: Path | None,
    sampling: SamplingOptions,
    template_args: tuple[str, ...],
    thoughts: tuple[tuple[str, str], ...],
) -> None:
    """Train a LoRA adapter on PAIRS (JSONL), in one process or in those of an accelerate config.

    For the methods listwise and dco PAIRS is the groups.jsonl of a run, for grpo its exercises.jsonl.

    With --heldout and --heldout-generations, training is watched on these questions without gold: it warns when it is
    collapsing, stops when it is clearly worse, and keeps no checkpoint that is. They are asked as --mode, --style and
    the flags after them say.
    """
    from calm_ext.cli.screen import on_quiet_screen
    from calm_ext.disk.lock import writing
    from calm_ext.disk.shards import Shards
    from calm_ext.jsonl import read_jsonl
    from calm_ext.pipeline.recipe import with_arguments
    from calm_ext.records import Exercise, Generation, Group, Pair
    from calm_ext.training.job import TrainingJob
    from calm_ext.training.launch import launch
    from calm_ext.training.methods import METHODS
    from calm_ext.voting.elect import votes_of_others
    from calm_ext.voting.options import VotingOptions
    from calm_ext.voting.stored import StoredTable

    options = _options(method, settings)
    if heldout and not heldout_generations:
        raise RecipeError("", ["--heldout needs --heldout-generations, whose vote it watches by"])
    if heldout_generations and not heldout:
        raise RecipeError("", ["--heldout-generations needs --heldout: the questions that they answer"])
    require_config(processes)
    writable_folder(output)
    if sampling.mode_problems():
        raise RecipeError("", sampling.mode_problems())
    sampling = with_arguments(sampling, verb="train", template_args=template_args)
    eats = METHODS[options.method].eats
    record: Any = {"groups": Group, "questions": Exercise}.get(eats, Pair)
    next(read_jsonl(pairs, record))  # a wrong file is refused before a model loads
    refuse_model(ModelOptions(path=model), chat=sampling.chat_template)
    votes: dict[str, dict[str, int]] = {}
    compared = None
    if heldout_generations:
        table = StoredTable.read(
            Shards(heldout_generations, Generation),
            style=sampling.resolved_style,
            thoughts=thoughts,
            normalize=sampling.normalize,
        )
        compared = table.normalized
        if compared and compared.note:
            echo(compared.note, err=True)
        votes = votes_of_others(table, VotingOptions())
    job = TrainingJob(
        model=model,
        pairs=pairs,
        groups=pairs if eats == "groups" else None,
        questions=pairs if eats == "questions" else None,
        output=output,
        accelerate_config=processes.accelerate_config,
        options=options,
        sampling=sampling.replace(thoughts=list(thoughts)),
        heldout=heldout,
        heldout_votes={k: v for k, v in votes.items() if v},
        normalize=compared.how if compared else "byte",
    )
    with on_quiet_screen() as reporter, writing(output, "train", folder=True):
        began = time.monotonic()
        reporter.begin(["train"], output)
        reporter.turn("train", "starts")
        launch(job, say=lambda message: reporter.stage("train", message), trained=reporter.trained)
        reporter.turn("train", "done", time.monotonic() - began)
    echo(f"adapter: {output / 'adapter'}", err=True)


def _options(method: TrainingOptions, settings: Sequence[str]) -> TrainingOptions:
    """The options of ``--method`` and ``--set``, checked.

    Raises:
        RecipeError: with every problem, one a line.
    """
    from pydantic import ValidationError

    from calm_ext.errors import DataError
    from calm_ext.files.texts import read_yaml
    from calm_ext.options import problem

    values: dict[str, Any] = method.model_dump(exclude_unset=True)
    problems = []
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            problems.append(f"{setting}: KEY=VALUE was expected, as learning_rate=3e-5")
            continue
        try:
            value = read_yaml(text, setting)
        except DataError as error:
            problems.append(f"{setting}: the value is not YAML" if "not YAML" in str(error) else str(error))
            continue
        if key == "method" and values.get("method", value) != value:
            problems.append(f"method={value}: --method is {values['method']}; give one of them")
        values[key] = value
    try:
        options = training_options(values)
    except ValidationError as error:
        known = list(options_class(values).model_fields)
        problems += [problem(item, known) for item in error.errors(include_url=False)]
    if problems:
        raise RecipeError("--set", problems)
    return options
