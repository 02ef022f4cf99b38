"""``calm-ext eval``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from calm_ext.cli.common import json_option, model_options, print_json
from calm_ext.errors import CalmError


@click.command("eval")
@click.option("--tasks", required=True, help="lm-eval task names, separated by commas.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Directory for results and samples."
)
@click.option("--adapter", type=click.Path(path_type=Path), help="PEFT adapter folder to load on the model.")
@click.option("--limit", type=click.IntRange(1), help="Questions per task.")
@click.option("--num-fewshot", type=click.IntRange(0), help="Shots, in each question's own language.")
@click.option("--metadata", help='JSON for the tasks, as lm_eval\'s: \'{"languages": ["en", "sw"]}\'.')
@click.option("--chat-template", is_flag=True, help="Wrap prompts in the model's chat template.")
@click.option("--seed", type=int, default=0, show_default=True)
@model_options
@json_option
def command(
    tasks: str,
    output: Path,
    adapter: Path | None,
    limit: int | None,
    num_fewshot: int | None,
    metadata: str | None,
    chat_template: bool,
    seed: int,
    model: str,
    dtype: str,
    device: str | None,
    batch_size: int,
    as_json: bool,
) -> None:
    """Evaluate a model, or a model with an adapter, through lm-eval; writes lm-eval's own results and samples.

    Tasks with passages are the calm_..._rag ones: --metadata '{"index": FOLDER, "k": 3, "judge": true}' names the
    index of `calm-ext index build`, and may have the model judge the passages first.
    """
    from calm_ext.harness.evaluate import evaluate, quiet_lm_eval

    values: dict[str, Any] = {}
    if metadata:
        try:
            values = json.loads(metadata)
        except json.JSONDecodeError as error:
            raise CalmError(f"--metadata is not JSON ({error.msg})") from None
    values.setdefault("pretrained", model)  # whose tokenizer passages are cut by
    from calm_ext.models.lm import load_lm

    quiet_lm_eval()
    if adapter is not None and not (adapter / "adapter_config.json").is_file():
        raise CalmError(f"--adapter {adapter}: has no adapter_config.json, a PEFT adapter folder was expected")
    lm = load_lm(model, adapter=str(adapter) if adapter else None, dtype=dtype, device=device, batch_size=batch_size)
    results = evaluate(
        lm,
        [t.strip() for t in tasks.split(",") if t.strip()],
        output,
        model_name=model + (f"+{adapter}" if adapter else ""),
        metadata=values,
        limit=limit,
        num_fewshot=num_fewshot,
        chat_template=chat_template,
        seed=seed,
    )
    if not results:
        return  # not the first process of `accelerate launch`
    if as_json:
        print_json(results["results"])
        return
    from lm_eval.utils import make_table

    click.echo(make_table(results))
