"""``calm-ext merge``."""

from __future__ import annotations

from pathlib import Path

import click

from calm_ext.cli.common import trust_option
from calm_ext.cli.terminal import echo


@click.command("merge")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder for the merged model.")
@click.option("--base", help="Base model, where it is not the one that the run or the adapter names.")
@click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default="auto",
    show_default=True,
    help="Number format of the merged model; auto: the base model's own.",
)
@click.option("--force", is_flag=True, help="Replace an existing model folder.")
@trust_option
def command(run: Path, output: Path, base: str | None, dtype: str, force: bool, trust_remote_code: bool) -> None:
    """Fold the adapter of RUN (a run directory, or an adapter folder) into its base model.

    Writes a plain transformers folder with weights, tokenizer, generation config and model card, as a whole or not at
    all. The folder loads without PEFT, for example in vLLM or in llama.cpp's converters.

    \b
    calm-ext merge runs/demo -o models/demo
    lm_eval --model hf --model_args pretrained=models/demo --tasks calm_babel_xl
    """
    from calm_ext.disk.lock import reading, writing
    from calm_ext.publish.merge import check_output, find_adapter, merge
    from calm_ext.publish.push import merged_card

    check_output(output, force=force)  # before a base model is built or loaded
    with reading(run, "merge"), writing(output, "merge", beside=True):
        trained = find_adapter(run, base=base)
        folder = merge(
            trained.folder,
            trained.base,
            output,
            dtype=dtype,
            trust_remote_code=trust_remote_code,
            files={"README.md": merged_card(trained)},
            force=force,
        )
    echo(f"merged model: {folder}")
