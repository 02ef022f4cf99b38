"""``calm-ext sample``."""

from __future__ import annotations

from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import click

from calm_ext.cli.common import ConsoleReporter, model_options


@click.command("sample")
@click.argument("questions", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Generations JSONL to append to.")
@click.option(
    "--mode",
    type=click.Choice(["generate", "options"]),
    default="generate",
    show_default=True,
    help="Sample responses, or score the options' texts.",
)
@click.option(
    "--style",
    type=click.Choice(["explain", "direct"]),
    default="explain",
    show_default=True,
    help="Prompt style of mode generate.",
)
@click.option(
    "-n", "n", type=click.IntRange(1), default=8, show_default=True, help="Responses per question and language."
)
@click.option("--temperature", type=click.FloatRange(0, min_open=True), default=1.0, show_default=True)
@click.option("--max-new-tokens", type=click.IntRange(1), default=256, show_default=True)
@click.option("--chat-template", is_flag=True, help="Wrap prompts in the model's chat template.")
@click.option(
    "--passages",
    type=click.Path(path_type=Path),
    help="Passages JSONL to ask with, of `calm-ext index passages`; the texts are taken as they are.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--backend",
    type=click.Choice(["hf", "vllm", "sglang", "api"]),
    default="hf",
    show_default=True,
    help="What samples: calm-ext itself, an engine, or a server that speaks OpenAI's protocol.",
)
@click.option(
    "--backend-arg",
    "backend_args",
    multiple=True,
    metavar="KEY=VALUE",
    help="For the backend, as base_url=http://localhost:8000/v1 or gpu_memory_utilization=0.8.",
)
@model_options
def command(
    questions: Path,
    output: Path,
    mode: str,
    style: str,
    n: int,
    temperature: float,
    max_new_tokens: int,
    chat_template: bool,
    passages: Path | None,
    seed: int,
    backend: str,
    backend_args: tuple[str, ...],
    model: str,
    dtype: str,
    device: str | None,
    batch_size: int,
) -> None:
    """Ask a model the QUESTIONS (JSONL) in every language and append what it says to a generations JSONL.

    An interrupted run continues at the first missing question, and gives what it would have given.

    \b
    calm-ext sample q.jsonl -o g.jsonl --model models/gemma-3-270m
    calm-ext sample q.jsonl -o g.jsonl --model NAME --backend api --backend-arg base_url=http://localhost:8000/v1
    """
    from calm_ext.harness.evaluate import quiet_lm_eval
    from calm_ext.jsonl import read_jsonl
    from calm_ext.pipeline.recipe import sampling_backend
    from calm_ext.records import ParallelQuestion
    from calm_ext.retrieval.grounding import given_as_is

    asked = list(read_jsonl(questions, ParallelQuestion))
    grounding = given_as_is(str(passages), asked) if passages else None
    options = sampling_backend(backend, backend_args)
    from calm_ext.harness.sampler import sample

    quiet_lm_eval()
    with ConsoleReporter() as reporter:
        lm: Any
        if options.backend == "hf":
            from calm_ext.models.lm import load_lm

            lm = load_lm(model, dtype=dtype, device=device, batch_size=batch_size)
        else:
            from calm_ext.models.backends.engines import load_engine

            lm = load_engine(options.backend, model, arguments=options.backend_args, dtype=dtype, chat=chat_template)
        with closing(lm) if options.backend != "hf" else nullcontext():
            done = sample(
                lm,
                asked,
                output,
                mode="options" if mode == "options" else "generate",
                style="direct" if style == "direct" else "explain",
                n=n,
                temperature=temperature,
                max_new_tokens=max_new_tokens,
                seed=seed,
                chat_template=chat_template,
                grounding=grounding,
                progress=reporter.progress("sampling", len(asked)),
            )
    click.echo(f"{done} questions asked, {len(asked) - done} were there already: {output}", err=True)
