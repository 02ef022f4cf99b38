"""``calm-ext eval``."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calm_ext.cli.common import cluster_option, json_option, print_json, refuse_model, require_config, with_babel_built
from calm_ext.cli.options import backend_arg, flags, template_arg
from calm_ext.cli.terminal import console, echo
from calm_ext.errors import CalmError
from calm_ext.files.places import writable_folder
from calm_ext.files.texts import read_object
from calm_ext.harness.options import EvaluationOptions
from calm_ext.models.options import ModelOptions, SamplingOptions
from calm_ext.models.processes.options import LaunchOptions

if TYPE_CHECKING:
    from lm_eval.api.model import LM


@click.command("eval")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Directory for results and samples."
)
@click.option("--adapter", type=click.Path(path_type=Path), help="PEFT adapter folder to load on the model.")
@flags(ModelOptions, into="model")
@flags(LaunchOptions, into="launch")
@flags(EvaluationOptions, into="evaluation", leave_out=("languages", "metadata"))
@flags(SamplingOptions, into="asking", only=("chat_template", "backend"))
@backend_arg
@template_arg
@click.option("--metadata", help='JSON for the tasks, as lm_eval\'s: \'{"languages": ["en", "sw"]}\'.')
@cluster_option
@click.option("--all", "everything", is_flag=True, help="Print every metric, not the headline and languages only.")
@json_option
def command(
    output: Path,
    adapter: Path | None,
    model: ModelOptions,
    launch: LaunchOptions,
    evaluation: EvaluationOptions,
    asking: SamplingOptions,
    backend_args: tuple[str, ...],
    template_args: tuple[str, ...],
    metadata: str | None,
    cluster: str | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Evaluate a model, or a model with an adapter, through lm-eval; writes lm-eval's own results and samples.

    Of calm-ext's tasks it prints what `calm-ext metrics` makes of the samples: a headline with standard errors, 95 %
    intervals and chance values, and a line a language. Other tasks get lm-eval's table.

    Tasks with passages are the calm_..._rag ones: --metadata '{"index": FOLDER, "k": 3, "judge": true}' names the
    index of `calm-ext index build`, and may have the model judge the passages first.

    With --backend an engine or a server answers instead. What came is kept: where the evaluation is interrupted, the
    same command asks for the rest.

    \b
    calm-ext eval --model NAME --tasks calm_sample_xl_mc -o out --backend vllm
    calm-ext eval --model NAME --tasks calm_sample_xl -o out --backend api --backend-arg base_url=http://localhost:8000/v1
    """
    from calm_ext.disk.lock import writing
    from calm_ext.harness.evaluate import evaluate, quiet_lm_eval, require_tasks
    from calm_ext.harness.metadata import check_metadata, check_questions
    from calm_ext.models.backends import BACKENDS
    from calm_ext.results.clusters import cluster_key

    values: dict[str, Any] = read_object(metadata, "--metadata") if metadata else {}
    key = cluster_key(cluster)
    if key is not None and not any(name.startswith("calm_") for name in evaluation.tasks):
        raise CalmError(
            "--cluster: needs a task of calm-ext in --tasks; of logs of lm-eval's own tasks `calm-ext metrics` takes it"
        )
    quiet_lm_eval()
    require_tasks(evaluation.tasks)
    if all(name.startswith("calm_") for name in evaluation.tasks):
        check_metadata(values, where="--metadata")
    check_questions(values, evaluation.tasks)
    require_config(launch)
    writable_folder(output)
    refuse_model(model, remote=BACKENDS[asking.backend].remote, chat=asking.chat_template)
    from calm_ext.pipeline.recipe import with_arguments

    asking = with_arguments(asking, verb="eval", backend_args=backend_args, template_args=template_args)
    _check_adapter(adapter, asking.backend)
    built = with_babel_built(model)
    values.setdefault("pretrained", built.path)  # whose tokenizer passages are cut by
    if model.device and any("_rag" in name for name in evaluation.tasks):
        values.setdefault("device", model.device)  # where the model of dense search computes
    with writing(output, "eval", beside=True), _asked(built, launch, adapter, asking, evaluation, output) as lm:
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
            identity=_identity(built, adapter, asking),
            say=lambda message: echo(message, err=True),
            cluster=key,
        )
    if not results:
        return  # not the first process of `accelerate launch`
    from calm_ext.report.measured import lm_eval_keys, measured_tasks, render_measured

    ours = measured_tasks(results, output, cluster=cluster)
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


def _identity(model: ModelOptions, adapter: Path | None, asking: SamplingOptions) -> str | None:
    """What an answer depends on besides its request; None where a server keeps its answers itself."""
    from calm_ext.disk.digests import content_of, digest
    from calm_ext.disk.models import model_content
    from calm_ext.models.backends import BACKENDS
    from calm_ext.models.device import choose_dtype

    entry = BACKENDS[asking.backend]
    if entry.remote:
        return None
    if asking.backend != "hf":
        engine = [asking.backend, entry.identity(asking.backend_args), asking.template_args]
        return digest(model.path, model_content(model.path), model.dtype, engine)
    kind = choose_dtype(model.dtype, device=model.device)
    return digest(model.path, model_content(model.path), kind, content_of(adapter) if adapter else None)


def _check_adapter(adapter: Path | None, backend: str) -> None:
    """Refuse what is no adapter, and one for a model that another process or engine loads."""
    if adapter is None:
        return
    if backend != "hf":
        raise CalmError(f"--adapter: --backend {backend} takes none; make a model of it with `calm-ext merge`")
    if not (adapter / "adapter_config.json").is_file():
        raise CalmError(f"--adapter {adapter}: has no adapter_config.json, a PEFT adapter folder was expected")
    from calm_ext.publish.verify import verify_adapter

    verify_adapter(adapter)


@contextmanager
def _asked(
    model: ModelOptions,
    launch: LaunchOptions,
    adapter: Path | None,
    asking: SamplingOptions,
    evaluation: EvaluationOptions,
    output: Path,
) -> Iterator[LM]:
    """The model as lm-eval's class: loaded here, or asked through a backend."""
    if asking.backend == "hf":
        from calm_ext.models.processes.model import load

        yield load(
            model.path,
            launch=launch,
            adapter=str(adapter) if adapter else None,
            dtype=model.dtype,
            device=model.device,
            batch_size=evaluation.batch_size,
            trust_remote_code=model.trust_remote_code,
            template_args=asking.template_args,
        )
        return
    if launch.accelerate_config is not None:
        raise CalmError(f"--accelerate-config: does not go with --backend {asking.backend}; leave it out")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise CalmError(f"--backend {asking.backend} runs in one process; start it without `accelerate launch`")
    from calm_ext.harness.backend_lm import as_lm
    from calm_ext.models.backends import BACKENDS

    with (
        BACKENDS[asking.backend].load(
            model,
            arguments=asking.backend_args,
            batch_size=evaluation.batch_size,
            chat=asking.chat_template,
            template_args=asking.template_args,
        ) as backend,
        as_lm(
            backend, name=asking.backend, seed=evaluation.seed, template_args=asking.template_args, beside=output
        ) as lm,
    ):
        yield lm
