"""``calm-ext eval``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from calm_ext.cli.common import json_option, print_json, refuse_model, require_config, with_babel_built
from calm_ext.cli.options import flags, template_arg
from calm_ext.cli.terminal import console, echo
from calm_ext.errors import CalmError
from calm_ext.files.places import writable_folder
from calm_ext.files.texts import read_object
from calm_ext.harness.options import EvaluationOptions
from calm_ext.models.options import ModelOptions, SamplingOptions
from calm_ext.models.processes.options import LaunchOptions


@click.command("eval")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Directory for results and samples."
)
@click.option("--adapter", type=click.Path(path_type=Path), help="PEFT adapter folder to load on the model.")
@flags(ModelOptions, into="model")
@flags(LaunchOptions, into="launch")
@flags(EvaluationOptions, into="evaluation", leave_out=("languages", "metadata"))
@flags(SamplingOptions, into="asking", only=("chat_template",))
@template_arg
@click.option("--metadata", help='JSON for the tasks, as lm_eval\'s: \'{"languages": ["en", "sw"]}\'.')
@click.option("--all", "everything", is_flag=True, help="Print every metric, not the headline and languages only.")
@json_option
def command(
    output: Path,
    adapter: Path | None,
    model: ModelOptions,
    launch: LaunchOptions,
    evaluation: EvaluationOptions,
    asking: SamplingOptions,
    template_args: tuple[str, ...],
    metadata: str | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Evaluate a model, or a model with an adapter, through lm-eval; writes lm-eval's own results and samples.

    Of calm-ext's tasks it prints what `calm-ext metrics` makes of the samples: a headline with standard errors, 95 %
    intervals and chance values, and a line a language. Other tasks get lm-eval's table.

    Tasks with passages are the calm_..._rag ones: --metadata '{"index": FOLDER, "k": 3, "judge": true}' names the
    index of `calm-ext index build`, and may have the model judge the passages first.
    """
    from calm_ext.harness.evaluate import evaluate, quiet_lm_eval, require_tasks
    from calm_ext.harness.metadata import check_metadata, check_questions

    values: dict[str, Any] = read_object(metadata, "--metadata") if metadata else {}
    quiet_lm_eval()
    require_tasks(evaluation.tasks)
    if all(name.startswith("calm_") for name in evaluation.tasks):
        check_metadata(values, where="--metadata")
    check_questions(values, evaluation.tasks)
    require_config(launch)
    writable_folder(output)
    refuse_model(model)
    from calm_ext.pipeline.recipe import with_arguments

    asking = with_arguments(asking, verb="eval", template_args=template_args)
    if adapter is not None and not (adapter / "adapter_config.json").is_file():
        raise CalmError(f"--adapter {adapter}: has no adapter_config.json, a PEFT adapter folder was expected")
    if adapter is not None:
        from calm_ext.publish.verify import verify_adapter

        verify_adapter(adapter)
    from calm_ext.models.processes.model import load

    built = with_babel_built(model)
    values.setdefault("pretrained", built.path)  # whose tokenizer passages are cut by
    lm = load(
        built.path,
        launch=launch,
        adapter=str(adapter) if adapter else None,
        dtype=model.dtype,
        device=model.device,
        batch_size=evaluation.batch_size,
        trust_remote_code=model.trust_remote_code,
        template_args=asking.template_args,
    )
    results = evaluate(
        lm,
        evaluation.tasks,
        output,
        model_name=model.path + (f"+{adapter}" if adapter else ""),
        metadata=values,
        limit=evaluation.limit,
        num_fewshot=evaluation.num_fewshot,
        chat_template=asking.chat_template,
        seed=evaluation.seed,
    )
    if not results:
        return  # not the first process of `accelerate launch`
    from calm_ext.report.measured import lm_eval_keys, measured_tasks, render_measured

    ours = measured_tasks(results, output)
    echo(
        f"results and samples are in {output}; look at every answer: calm-ext view {shlex.quote(str(output))}", err=True
    )
    if as_json:
        print_json({t: {**v, **(lm_eval_keys(ours[t]) if t in ours else {})} for t, v in results["results"].items()})
        return
    out = console()
    for task, found in ours.items():
        for part in (*render_measured(found, title=task, everything=everything), ""):
            out.print(part, soft_wrap=True)
        for warning in found.warnings:
            echo(f"note: {task}: {warning}", err=True)
    others = {name: values for name, values in results["results"].items() if name not in ours}
    if others:  # tasks of lm-eval, and groups
        from lm_eval.utils import make_table

        echo(make_table({**results, "results": others}))
