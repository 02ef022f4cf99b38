"""Fold an adapter into its base model: a plain transformers folder, which needs no PEFT to load.

The weights that LoRA adds are summed into the base's matrices in the base's number format, so that in bfloat16 the
merged model is the adapted one up to rounding; ``dtype="float32"`` keeps it exact. The folder is read again and its
logits are compared with the adapted model's before it gets its name (:mod:`calm_ext.publish.fold`).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.errors import CalmError, DataError, RunError
from calm_ext.files.decode import read_table
from calm_ext.files.places import make_folder
from calm_ext.files.texts import read_text, read_yaml
from calm_ext.files.writing import prefix_of, sweep
from calm_ext.models.paths import local_folder
from calm_ext.models.trust import loading, require_adapter, why
from calm_ext.publish.fold import fold, logits, no_tied_warning, prompts, verify
from calm_ext.publish.verify import require_current, verify_adapter

#: What the adapter is made of, and by: where one of these is out of date, it is.
_OF_THE_ADAPTER = ("recipe.yaml", "questions", "retrieve", "sample", "vote", "pairs", "train")


class Trained(NamedTuple):
    """An adapter and what it was trained on.

    Attributes:
        folder: of the adapter.
        base: Hugging Face folder or hub name of the base model.
        run: the run directory; None where only an adapter folder was given.
    """

    folder: Path
    base: str
    run: Path | None = None


def find_adapter(source: Path, *, base: str | None = None) -> Trained:
    """The adapter of a run directory, or an adapter folder, and its base model.

    The base of a run is the recipe's ``model.path``, of which ``babel`` is built where it is not there yet; of an
    adapter folder, what its adapter_config.json names.

    Args:
        base: the base model, where it is not the one that the run or the adapter names.

    Raises:
        CalmError: there is no adapter, it changed since it was trained, it is of another recipe than the run's, or its
            base model is not named.
    """
    if not source.is_dir():
        raise RunError(f"{source}: no such run directory or adapter folder")
    if (source / "adapter_config.json").is_file():
        require_adapter(source)
        verify_adapter(source)
        return Trained(source, base or _named_base(source))
    folder = adapter_of(source)
    require_current(source, to="merged", stages=_OF_THE_ADAPTER)
    model, babel = (_recipe_section(source / "recipe.yaml", name) for name in ("model", "babel"))
    path = base or model.get("path") or _named_base(folder)
    if path == "babel":
        from calm_ext.babel import BabelConfig, build

        known = {k: v for k, v in babel.items() if k in ("seed", "passages")}
        path = str(build(BabelConfig(**known)))
    return Trained(folder, str(path), source)


def adapter_of(run: Path) -> Path:
    """The adapter folder of a run directory.

    Raises:
        RunError: it is no run directory, or has no adapter.
        CalmError: the adapter is not whole.
    """
    if not any((run / name).is_file() for name in ("manifest.json", "recipe.yaml")):
        raise RunError(f"{run}: is no run directory (no manifest.json); `calm-ext align` makes one")
    folder = run / "adapter"
    if not (folder / "adapter_config.json").is_file():
        raise RunError(f"{run}: has no adapter yet; `calm-ext align` continues the run until it is trained")
    require_adapter(folder)
    verify_adapter(folder)
    return folder


def _recipe_section(path: Path, name: str) -> dict[str, Any]:
    """A section of a run's recipe, not validated: a run whose data or trackers are elsewhere can still be merged."""
    try:
        recipe = read_yaml(read_text(path), str(path)) if path.exists() else None
    except (OSError, DataError) as error:
        raise RunError(f"{path}: cannot be read ({error})") from None
    found = recipe.get(name) if isinstance(recipe, dict) else None
    return found if isinstance(found, dict) else {}


def _named_base(folder: Path) -> str:
    path = folder / "adapter_config.json"
    name = read_table(path, again="copy the adapter again").get("base_model_name_or_path")
    if not isinstance(name, str) or not name:
        raise RunError(f"{path}: names no base model; --base names it")
    return name


def merge(
    adapter: Path,
    base: str,
    output: Path,
    *,
    dtype: str = "auto",
    trust_remote_code: bool = False,
    files: dict[str, str] | None = None,
    force: bool = False,
) -> Path:
    """Write base model and adapter as one model, with tokenizer and generation config.

    The folder is there as a whole or not at all.

    Args:
        adapter: a PEFT adapter folder.
        base: Hugging Face folder or hub name of the model that it was trained on.
        output: the folder to write; not there, or empty.
        dtype: number format of the merged model; ``auto``: the base's own.
        files: texts to put beside the model, by name, as README.md.
        force: replace a model folder.

    Raises:
        CalmError: the output holds something, base and adapter cannot be loaded or do not go together, or the merged
            model is not the adapted one.
    """
    check_output(output, force=force, inputs=(adapter, Path(base)))
    require_adapter(adapter)
    adapted, tokenizer = _load(adapter, base, dtype, trust_remote_code)
    asked = prompts(tokenizer, adapted.get_input_embeddings().weight.shape[0])
    wanted, device = logits(adapted, asked), adapted.device
    try:
        model = fold(adapted)
    except ValueError as error:  # not a number in the sum
        raise CalmError(f"{adapter}: cannot be merged: {why(error, lines=2)}") from None
    del adapted
    output = output.resolve()
    make_folder(output.parent)
    sweep(output)
    temporary = Path(tempfile.mkdtemp(dir=output.parent, prefix=prefix_of(output), suffix=".tmp"))
    try:
        folder = temporary / "model"
        model.save_pretrained(folder)
        del model
        verify(folder, wanted, asked, trust_remote_code=trust_remote_code, device=device)
        tokenizer.save_pretrained(folder)
        for name, text in (files or {}).items():
            (folder / name).write_text(text, encoding="utf-8")
        if output.is_dir():
            os.replace(output, temporary / "old")
        os.replace(folder, output)
    except OSError as error:
        if (temporary / "old").is_dir() and not output.exists():
            os.replace(temporary / "old", output)
        raise CalmError(f"{output}: cannot be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return output


def check_output(output: Path, *, force: bool, inputs: tuple[Path, ...] = ()) -> None:
    """Refuse a folder that is not empty, unless it holds a model and ``force`` is set.

    Raises:
        CalmError: naming the folder and what to do.
    """
    if not output.exists():
        return
    if not output.is_dir():
        raise CalmError(f"{output}: is a file, a folder for the merged model was expected")
    if not any(output.iterdir()):
        return
    if not force:
        raise CalmError(f"{output}: is not empty; --force replaces a model folder")
    if any(output.resolve() in (p.resolve(), *p.resolve().parents) for p in inputs if p.exists()):
        raise CalmError(f"{output}: holds what is to be merged; name another folder")
    if not (output / "config.json").is_file():
        raise CalmError(f"{output}: is not empty and is no model (no config.json), so --force does not replace it")


def _load(adapter: Path, base: str, dtype: str, trust_remote_code: bool) -> tuple[Any, Any]:
    from peft import PeftModel
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    path = local_folder(base)
    if path is not None and not path.is_dir():
        raise CalmError(f"base model {base}: no such folder; --base names another")
    name = str(path or base)
    try:
        config = AutoConfig.from_pretrained(name, trust_remote_code=trust_remote_code)
        if getattr(config, "quantization_config", None):
            raise CalmError(
                f"base model {base}: is quantised, and an adapter cannot be folded into rounded weights without loss; "
                f"--base names the model in full precision"
            )
        model = AutoModelForCausalLM.from_pretrained(name, dtype=dtype, **loading(trust_remote_code))
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=trust_remote_code)
    except (OSError, ValueError) as error:
        raise CalmError(f"base model {base} cannot be loaded: {why(error, lines=2)}; --base names another") from None
    try:
        with no_tied_warning():
            adapted = PeftModel.from_pretrained(model, str(adapter))
    except Exception as error:  # PEFT, safetensors and torch each raise kinds of their own
        raise CalmError(f"{adapter}: cannot be loaded on {base}: {why(error, lines=2)}") from None
    if not hasattr(adapted, "merge_and_unload"):
        raise CalmError(f"{adapter}: is a {adapted.active_peft_config.peft_type.value} adapter, which does not merge")
    return adapted.eval(), tokenizer
