"""An adapter folded into its base gives the logits of base and adapter; what cannot be merged is refused in a line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from calm_ext.errors import CalmError
from calm_ext.publish.merge import find_adapter, merge


@pytest.fixture(scope="session")
def adapter(babel_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter whose weights are large enough to see."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(babel_model, dtype=torch.float32)
    torch.manual_seed(0)
    config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    folder = tmp_path_factory.mktemp("lora") / "adapter"
    get_peft_model(base, config).save_pretrained(folder)
    return folder


def logits(model: Any) -> torch.Tensor:
    ids = torch.arange(5, 45).reshape(2, 20)
    with torch.inference_mode():
        found: torch.Tensor = model.eval()(input_ids=ids).logits
    return found


def test_merged_logits_are_those_of_base_and_adapter(babel_model: Path, adapter: Path, tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    out = merge(adapter, str(babel_model), tmp_path / "new/merged", dtype="float32", files={"README.md": "card"})
    base = AutoModelForCausalLM.from_pretrained(babel_model, dtype=torch.float32)
    plain = logits(base)
    both = logits(PeftModel.from_pretrained(base, adapter))
    merged = logits(AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32))
    assert (merged - both).abs().max() < 1e-4
    assert (merged - plain).abs().max() > 0.1
    assert AutoTokenizer.from_pretrained(out).get_vocab() == AutoTokenizer.from_pretrained(babel_model).get_vocab()
    assert (out / "generation_config.json").is_file() and (out / "README.md").read_text() == "card"
    assert not list(out.glob("adapter*"))
    assert [p.name for p in out.parent.iterdir()] == ["merged"], "nothing temporary stays"


@pytest.fixture(scope="session")
def bases(babel_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model with one embedding matrix, and one with two, with Babel's tokenizer."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer, found = AutoTokenizer.from_pretrained(babel_model), {}
    for name in ("tied", "untied"):
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=4, tie_word_embeddings=name == "tied",
        )  # fmt: skip
        found[name] = tmp_path_factory.mktemp(name) / "base"
        LlamaForCausalLM(config).save_pretrained(found[name])
        tokenizer.save_pretrained(found[name])
    return found


ADAPTERS: dict[str, dict[str, Any]] = {
    "inside": {"target_modules": ["q_proj", "down_proj"]},
    "lm_head": {"target_modules": ["q_proj", "lm_head"]},
    "embed_tokens": {"target_modules": ["q_proj", "embed_tokens"]},
    "both": {"target_modules": ["lm_head", "embed_tokens"]},
    "as one": {"target_modules": ["q_proj", "embed_tokens"], "ensure_weight_tying": True},
    "saved lm_head": {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
    "saved embed_tokens": {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"]},
    "saved as one": {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"], "ensure_weight_tying": True},
    "dora": {"target_modules": ["q_proj", "lm_head"], "use_dora": True},
    "new tokens": {"target_modules": ["q_proj"], "trainable_token_indices": [5, 6, 7]},
}


@pytest.mark.parametrize(
    ("name", "kind", "dtype"),
    [(name, kind, "float32") for name in ADAPTERS for kind in ("tied", "untied")]
    + [(name, "tied", dtype) for name in ("inside", "lm_head") for dtype in ("bfloat16", "float16")],
)
def test_an_adapter_of_the_embeddings(
    name: str, kind: str, dtype: str, bases: dict[str, Path], tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    """The merged model is the adapted one, with as many embedding matrices as the adapter makes different."""
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM

    config = LoraConfig(r=4, lora_alpha=8, task_type="CAUSAL_LM", **ADAPTERS[name])
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(bases[kind], dtype=torch.float32), config)
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight) * 0.1)
    model.save_pretrained(tmp_path / "adapter")
    recwarn.clear()
    out = merge(tmp_path / "adapter", str(bases[kind]), tmp_path / "merged", dtype=dtype)
    assert not [w for w in recwarn if "tie_word_embeddings" in str(w.message)]
    exact = torch.float32
    both = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(bases[kind], dtype=exact), tmp_path / "adapter"
    )
    merged = AutoModelForCausalLM.from_pretrained(out, dtype=exact)
    wanted, plain = logits(both), logits(AutoModelForCausalLM.from_pretrained(bases[kind], dtype=exact))
    error = (logits(merged) - wanted).square().mean().sqrt() / wanted.square().mean().sqrt()
    assert error < {"float32": 1e-5, "bfloat16": 0.05, "float16": 0.01}[dtype]
    assert (plain - wanted).square().mean().sqrt() / wanted.square().mean().sqrt() > 0.05, "the adapter does something"
    shared = merged.get_input_embeddings().weight is merged.get_output_embeddings().weight
    assert shared == (kind == "tied" and name in ("inside", "as one", "saved as one", "new tokens"))
    assert json.loads((out / "config.json").read_text())["tie_word_embeddings"] is shared


def test_a_merge_that_is_not_the_adapted_model_is_refused(
    adapter: Path, babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from calm_ext.publish import merge as module

    monkeypatch.setattr(module, "fold", lambda adapted: adapted.unload())  # the base, without the adapter
    with pytest.raises(
        CalmError, match=r"the merged model is not the adapted one: their logits differ by [\d.]+ of"
    ) as e:
        merge(adapter, str(babel_model), tmp_path / "new/merged", dtype="float32")
    assert "\n" not in str(e.value) and "load the adapter with PEFT instead" in str(e.value)
    assert list((tmp_path / "new").iterdir()) == [], "nothing is left"
    kept = tmp_path / "kept"
    shutil.copytree(babel_model, kept)
    with pytest.raises(CalmError, match="is not the adapted one"):
        merge(adapter, str(babel_model), kept, force=True)
    assert (kept / "model.safetensors").read_bytes() == (babel_model / "model.safetensors").read_bytes()


def test_logits_that_are_no_numbers(babel_model: Path, adapter: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "adapter"
    shutil.copytree(adapter, folder)
    weights = load_file(folder / "adapter_model.safetensors")
    save_file({k: w * 1e20 for k, w in weights.items()}, folder / "adapter_model.safetensors", {"format": "pt"})
    with pytest.raises(CalmError) as error:
        merge(folder, str(babel_model), tmp_path / "o", dtype="float16")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "o").exists()


def test_a_folder_is_not_overwritten_by_chance(babel_model: Path, adapter: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("…")
    with pytest.raises(CalmError, match="is not empty; --force replaces a model folder"):
        merge(adapter, str(babel_model), out)
    with pytest.raises(CalmError, match="is no model"):
        merge(adapter, str(babel_model), out, force=True)
    copy = tmp_path / "base"
    shutil.copytree(babel_model, copy)
    with pytest.raises(CalmError, match="holds what is to be merged"):
        merge(adapter, str(copy), copy, force=True)
    (out / "config.json").write_text("{}")
    merge(adapter, str(babel_model), out, force=True)
    assert not (out / "thesis.tex").exists() and (out / "model.safetensors").is_file()


def test_what_cannot_be_merged(babel_model: Path, adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(CalmError, match="no such folder; --base names another"):
        merge(adapter, str(tmp_path / "gone"), tmp_path / "o")
    quantised = tmp_path / "quantised"
    shutil.copytree(babel_model, quantised)
    config = json.loads((quantised / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    (quantised / "config.json").write_text(json.dumps(config))
    with pytest.raises(CalmError, match=r"is quantised.*--base names the model in full precision"):
        merge(adapter, str(quantised), tmp_path / "o")
    broken = tmp_path / "broken"
    shutil.copytree(adapter, broken)
    (broken / "adapter_model.safetensors").write_bytes(b"cut")
    with pytest.raises(CalmError, match="cannot be loaded on") as caught:
        merge(broken, str(babel_model), tmp_path / "o")
    assert "\n" not in str(caught.value)
    (broken / "adapter_model.safetensors").unlink()
    with pytest.raises(CalmError, match="has no adapter_model"):
        merge(broken, str(babel_model), tmp_path / "o")
    assert not (tmp_path / "o").exists()


def test_the_base_of_a_run(adapter: Path, babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_adapter(adapter).base == str(babel_model)
    assert find_adapter(adapter, base="org/other").base == "org/other"
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(CalmError, match="is no run directory"):
        find_adapter(run)
    (run / "manifest.json").write_text("{}")
    with pytest.raises(CalmError, match="has no adapter yet; `calm-ext align` continues"):
        find_adapter(run)
    shutil.copytree(adapter, run / "adapter")
    assert find_adapter(run).base == str(babel_model), "without a recipe, what the adapter says"
    (run / "recipe.yaml").write_text("model: {path: org/base, trust_remote_code: true}\n")
    found = find_adapter(run)
    assert (found.base, found.run) == ("org/base", run)
    import calm_ext.babel

    monkeypatch.setattr(calm_ext.babel, "build", lambda config: f"built {config.seed} {config.passages}")
    (run / "recipe.yaml").write_text("model: {path: babel}\nbabel: {seed: 2, passages: 0.5}\n")
    assert find_adapter(run).base == "built 2 0.5"
    (run / "recipe.yaml").write_text("model: {path")
    with pytest.raises(CalmError, match=r"recipe\.yaml: cannot be read"):
        find_adapter(run)


def test_the_verb(adapter: Path, tmp_path: Path) -> None:
    from tests.shell import calm

    done = calm("merge", str(adapter), "-o", str(tmp_path / "m"), "--dtype", "float32")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"merged model: {tmp_path / 'm'}"
    assert "folded in" in (tmp_path / "m/README.md").read_text()
    again = calm("merge", str(adapter), "-o", str(tmp_path / "m"))
    assert again.returncode == 2
    assert again.stderr.strip() == f"error: {tmp_path / 'm'}: is not empty; --force replaces a model folder"
