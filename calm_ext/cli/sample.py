"""``calm-ext sample``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from calm_ext.cli.common import refuse_inputs, refuse_model, require_config, with_babel_built
from calm_ext.cli.options import backend_arg, flags, template_arg
from calm_ext.cli.terminal import echo
from calm_ext.errors import CalmError
from calm_ext.models.options import ModelOptions, SamplingOptions
from calm_ext.models.processes.options import LaunchOptions


@click.command("sample")
@click.argument("questions", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Generations JSONL to append to.")
@click.option(
    "--passages",
    type=click.Path(path_type=Path),
    help="Passages JSONL to ask with, of `calm-ext index passages`; the texts are taken as they are.",
)
@flags(ModelOptions, into="model")
@flags(LaunchOptions, into="launch")
@flags(SamplingOptions, into="sampling", leave_out=("backend_args", "template_args", "thoughts"), names={"n": ["-n"]})
@backend_arg
@template_arg
@click.option("--retry", is_flag=True, help="Ask again for all responses that OUTPUT lacks; the others stay.")
def command(
    questions: Path,
    output: Path,
    passages: Path | None,
    model: ModelOptions,
    launch: LaunchOptions,
    sampling: SamplingOptions,
    backend_args: tuple[str, ...],
    template_args: tuple[str, ...],
    retry: bool,
) -> None:
    """Ask a model the QUESTIONS (JSONL) in every language and append what it says to a generations JSONL.

    An interrupted run continues at the first missing question, and gives what it would have given. A response that a
    server did not give is null in OUTPUT. The same command asks again where the connection or the server failed; where
    the server refused the question, --retry does.

    \b
    calm-ext sample q.jsonl -o g.jsonl --model models/gemma-3-270m
    calm-ext sample q.jsonl -o g.jsonl --model NAME --backend api --backend-arg base_url=http://localhost:8000/v1
    """
    from calm_ext.cli.screen import on_quiet_screen
    from calm_ext.data.sources.local import load_any
    from calm_ext.disk.lock import writing
    from calm_ext.files.places import writable_file
    from calm_ext.harness.evaluate import quiet_lm_eval
    from calm_ext.models.backends import BACKENDS
    from calm_ext.models.endings import Endings
    from calm_ext.pipeline.recipe import with_arguments
    from calm_ext.prompts import check_words
    from calm_ext.retrieval.grounding import given_as_is

    refuse_inputs(output, questions)
    asked = load_any(questions).questions
    grounding = given_as_is(str(passages), asked) if passages else None
    sampling = with_arguments(sampling, verb="sample", backend_args=backend_args, template_args=template_args)
    check_words(asked[0].versions, sampling.resolved_style)
    if launch.accelerate_config is not None and not BACKENDS[sampling.backend].shares_lm:
        raise CalmError(f"--accelerate-config: does not go with --backend {sampling.backend}; leave it out")
    require_config(launch)
    writable_file(output)
    refuse_model(model, remote=BACKENDS[sampling.backend].remote, chat=sampling.chat_template)
    from calm_ext.harness.sampler import sample

    quiet_lm_eval()
    endings = Endings()
    with on_quiet_screen() as reporter, writing(output, "sample"):
        began = time.monotonic()
        reporter.log_to(output.with_name(f".{output.name}.log"))
        reporter.turn("sample", "starts")
        with BACKENDS[sampling.backend].load(
            with_babel_built(model),
            arguments=sampling.backend_args,
            batch_size=sampling.batch_size,
            chat=sampling.chat_template,
            template_args=sampling.template_args,
            scored=sampling.mode == "options",
            launch=launch,
        ) as backend:
            done = sample(
                backend,
                asked,
                output,
                mode=sampling.mode,
                style=sampling.resolved_style,
                n=sampling.n,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                max_new_tokens=sampling.max_new_tokens,
                seed=sampling.seed,
                chat_template=sampling.chat_template,
                priors=sampling.wants_priors,
                grounding=grounding,
                shard_bytes=sampling.shard_bytes,
                retry=retry,
                endings=endings,
                progress=reporter.progress("questions", len(asked)),
                say=lambda note: reporter.stage("sample", note),
            )
        reporter.turn("sample", "done", time.monotonic() - began)
    echo(f"{done} questions asked, {len(asked) - done} were there already: {output}", err=True)
    for note in endings.notes(next_run="the same command"):
        echo(f"note: {note}", err=True)
