"""Training methods: the registry, the keys that a method brings, SFT, and a method of another package."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from calm_ext import plugins
from calm_ext.errors import CalmError, RecipeError
from calm_ext.jsonl import write_jsonl
from calm_ext.pipeline.recipe import parse_recipe
from calm_ext.plugins import registry
from calm_ext.training.encoding import encode_chosen, encode_pairs
from calm_ext.training.job import TrainingJob
from calm_ext.training.launch import launch
from calm_ext.training.methods import METHODS, Method, method
from calm_ext.training.methods.dpo import DPOOptions
from calm_ext.training.options import TrainingOptions, training_options
from tests.test_training import gold_pairs, job, log, training_context


def recipe(**training: Any) -> dict[str, Any]:
    return {
        "name": "x",
        "model": {"path": "babel"},
        "data": {"source": "babel"},
        "training": training,
        "evaluation": {"tasks": ["calm_babel_xl"]},
    }


def problems(**training: Any) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(recipe(**training))
    return list(caught.value.problems)


def test_the_registry_holds_what_each_method_says_of_itself() -> None:
    assert {"dpo", "sft"} <= set(METHODS)
    assert METHODS["dpo"].options is DPOOptions
    assert METHODS["dpo"].eats == "pairs"
    assert METHODS["sft"].options is TrainingOptions
    assert all(m.description and m.name == name for name, m in METHODS.items())
    with pytest.raises(CalmError, match="no training method 'dop' \\(did you mean 'dpo'\\?\\)"):
        METHODS["dop"]
    with pytest.raises(CalmError, match="there are two training methods with the name 'sft'"):
        method("sft", eats="chosen", description="another")(lambda context: None)
    with pytest.raises(CalmError, match="eats is one of chosen, pairs, groups, questions, got 'words'"):
        method("new", eats="words", description="?")  # type: ignore[arg-type]
    with pytest.raises(CalmError, match="DPOOptions needs the key method"):
        method("new", eats="pairs", description="?", options=DPOOptions)


def test_reading_the_registry_loads_no_framework() -> None:
    code = (
        "import sys; from calm_ext.training.methods import METHODS; assert len(METHODS) >= 2; "
        "from calm_ext.training.options import training_options; training_options({}); "
        "heavy = {'torch', 'transformers', 'trl', 'peft', 'datasets'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_recipe_has_the_keys_of_its_method() -> None:
    assert parse_recipe(recipe()).training == DPOOptions()
    assert parse_recipe(recipe(beta=0.3)).training == DPOOptions(beta=0.3)
    assert type(parse_recipe(recipe(method="sft")).training) is TrainingOptions
    assert problems(method="sft", nll_weight=1)[0].startswith("training.nll_weight: unknown key; known here: method,")
    assert "beta" not in problems(method="sft", bta=1)[0]
    assert problems(bta=1) == ["training.bta: unknown key; did you mean beta?"]
    assert problems(lora_rr=1) == ["training.lora_rr: unknown key; did you mean lora_r?"]
    assert problems(beta=0)[0].startswith("training.beta: more than 0 was expected")
    (said,) = problems(method="dop", beta=1)
    assert said == "training.method: one of dco, dpo, grpo, listwise, sft was expected (did you mean 'dpo'?), got 'dop'"
    assert problems(method="dop", epochs="many")[1].startswith("training.epochs: ")
    with pytest.raises(RecipeError, match="training: "):
        parse_recipe(recipe() | {"training": 3})


def test_a_resolved_recipe_has_every_key_and_reads_back() -> None:
    for given in ({}, {"method": "sft", "seed": 4}, {"beta": 0.2, "report_to": []}):
        read = parse_recipe(recipe(**given))
        written = yaml.safe_load(read.to_yaml())
        assert set(written["training"]) == set(type(read.training).model_fields)
        assert parse_recipe(written) == read
    assert {"beta", "nll_weight"} <= set(yaml.safe_load(parse_recipe(recipe()).to_yaml())["training"])


def test_every_key_is_described() -> None:
    for entry in METHODS.values():
        assert [k for k, field in entry.options.model_fields.items() if not field.description] == []


def test_the_line_of_a_plan() -> None:
    assert training_options({}).words() == "dpo, lr 5e-05, β 0.1, NLL 0.5, 1 epochs"
    assert training_options({"method": "sft"}).words() == "sft, lr 5e-05, 1 epochs"


def test_a_job_keeps_the_class_of_its_options() -> None:
    made = TrainingJob(model="m", pairs=Path("p"), output=Path("o"), options=training_options({"beta": 0.3}))
    assert TrainingJob.model_validate_json(made.model_dump_json()) == made
    base: Any = TrainingOptions(seed=2)
    assert made.replace(options=base).options == DPOOptions(seed=2), "the class follows the method"


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> dict[str, Method]:
    """The registry's entries, put back after the test."""
    len(METHODS)
    monkeypatch.setattr(METHODS, "_entries", dict(METHODS._entries))
    return METHODS._entries


def test_a_method_on_groups_has_the_options_of_groups(entries: dict[str, Method]) -> None:
    with pytest.raises(CalmError, match="'mine' eats groups: its options need the base class GroupOptions"):
        method("mine", eats="groups", description="?")(lambda context: None)
    method("mine", eats="groups", description="?", load=lambda job, tokenizer: None)(lambda context: None)  # type: ignore
    assert parse_recipe(recipe(method="mine")).training.method == "mine"


# --- SFT --------------------------------------------------------------------------------------------------------------


def test_a_chosen_response_is_encoded_once(babel_model: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(babel_model)
    pairs = gold_pairs(3)
    twice = [*pairs, pairs[0].model_copy(update={"rejected": " another"})]
    rows, dropped = encode_chosen(twice, tokenizer, append_eos=True, max_length=100)
    wanted, _ = encode_pairs(pairs, tokenizer, append_eos=True, max_length=100)
    assert dropped == 0
    assert rows == [{key: row[key] for key in ("prompt_ids", "chosen_ids")} for row in wanted]
    assert encode_chosen(pairs, tokenizer, append_eos=True, max_length=4).dropped == 9


def sft_trainer(made: TrainingJob) -> tuple[Any, Any]:
    """SFT's trainer as the worker builds it, and the rows."""
    from transformers import AutoTokenizer

    from calm_ext.training.encoding import LOADERS

    tokenizer = AutoTokenizer.from_pretrained(made.model)
    rows, _ = LOADERS["chosen"](made, tokenizer)
    return METHODS["sft"].build(training_context(made, rows, tokenizer)), rows


@pytest.mark.parametrize("patched", [True, False])
def test_the_loss_of_sft_is_the_mean_nll_of_the_chosen_tokens(
    patched: bool, babel_model: Path, tmp_path: Path, own_head: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a sum written by hand, one response at a time; with our output layer and with TRL's own."""
    import torch

    from calm_ext.training import trl_internals

    if not patched:
        monkeypatch.setattr(trl_internals, "USE_TRITON", "_not_there")
    trainer, rows = sft_trainer(job(tmp_path, babel_model, method="sft"))
    generator = torch.Generator().manual_seed(1)
    for name, parameter in trainer.model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(std=0.1, generator=generator)
    examples = [trainer.train_dataset[i] for i in (0, 7, 20)]
    batch = trainer.data_collator(examples)
    loss, total, count = trainer.compute_loss(trainer.model, batch), torch.zeros(()), 0
    for i in (0, 7, 20):
        prompt, chosen = rows[i]["prompt_ids"], rows[i]["chosen_ids"]
        logits = trainer.model(input_ids=torch.tensor([prompt + chosen])).logits[0].double()
        for position, token in enumerate(chosen, start=len(prompt)):
            total = total - logits[position - 1].log_softmax(-1)[token]
            count += 1
    assert loss.item() == pytest.approx(total.item() / count, abs=1e-5)
    trained = {n: p for n, p in trainer.model.named_parameters() if p.requires_grad}
    ours, wanted = (torch.autograd.grad(x, list(trained.values())) for x in (loss, total / count))
    for name, one, two in zip(trained, ours, wanted, strict=True):
        assert two.abs().max() > 0, name
        assert torch.allclose(one, two, atol=1e-5), name


def test_sft_trains_in_a_process_of_its_own(babel_model: Path, tmp_path: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from calm_ext.training.monitor import chosen_nll

    spent = launch(job(tmp_path, babel_model, method="sft", select="last"))
    assert spent.seconds > 0
    assert spent.tokens > 3 * 48 * 10
    summary = json.loads((tmp_path / "training/summary.json").read_text())
    assert summary["n_pairs"] == 48
    assert (tmp_path / "training/adapter/adapter_model.safetensors").is_file()
    checks = log(tmp_path, "check")
    assert [c["step"] for c in checks] == [0, 3, 6, 9, 12, 15, 18]
    losses = [r["loss"] for r in log(tmp_path, "train") if "loss" in r]
    assert sum(losses[-3:]) < sum(losses[:3])
    rows, _ = encode_chosen(gold_pairs(16), AutoTokenizer.from_pretrained(babel_model), append_eos=True, max_length=100)
    encoded = [(r["prompt_ids"], r["chosen_ids"]) for r in rows]
    model = AutoModelForCausalLM.from_pretrained(babel_model, dtype=torch.float32)
    before = chosen_nll(model, encoded)
    assert chosen_nll(PeftModel.from_pretrained(model, tmp_path / "training/adapter"), encoded) < before - 0.1


# --- a method of another package --------------------------------------------------------------------------------------

PLUGIN = '''
from typing import Any, Literal

from pydantic import Field

from calm_ext.training.context import TrainingContext
from calm_ext.training.methods import method
from calm_ext.training.options import TrainingOptions


class ScaledOptions(TrainingOptions):
    method: Literal["scaled"] = "scaled"
    gamma: float = Field(1.0, gt=0)
    """The factor of the loss."""


@method("scaled", eats="chosen", options=ScaledOptions, description="SFT with a factor")
def build(context: TrainingContext) -> Any:
    import torch
    from transformers import Trainer, TrainingArguments

    def collate(rows):
        width = max(len(r["prompt_ids"]) + len(r["chosen_ids"]) for r in rows)
        ids, labels, mask = [], [], []
        for r in rows:
            row = r["prompt_ids"] + r["chosen_ids"]
            pad = width - len(row)
            ids.append(row + [context.tokenizer.pad_token_id] * pad)
            mask.append([1] * len(row) + [0] * pad)
            labels.append([-100] * len(r["prompt_ids"]) + r["chosen_ids"] + [-100] * pad)
        parts = {"input_ids": ids, "labels": labels, "attention_mask": mask}
        return {k: torch.tensor(v) for k, v in parts.items()}

    class Scaled(Trainer):
        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            return context.job.options.gamma * super().compute_loss(*args, **kwargs)

    return Scaled(
        context.peft_model(),
        TrainingArguments(**context.arguments(), remove_unused_columns=False),
        train_dataset=list(context.rows),
        data_collator=collate,
        callbacks=list(context.callbacks),
    )
'''


@pytest.fixture
def plugin(entries: dict[str, Method], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed package that brings a method, for this process and for those that it starts."""
    site = tmp_path / "site"
    info = site / "scaled_method-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "scaled_method.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: scaled-method\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{plugins.GROUP}]\nscaled = scaled_method\n")
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site))
    registry.load_plugins.cache_clear()
    monkeypatch.setattr(METHODS, "_loaded", False)
    yield
    registry.load_plugins.cache_clear()
    sys.modules.pop("scaled_method", None)


def test_a_method_of_another_package_goes_from_the_recipe_to_the_worker(
    plugin: None, babel_model: Path, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from calm_ext.training.monitor import chosen_nll

    assert problems(method="scaled", gama=2) == ["training.gama: unknown key; did you mean gamma?"]
    assert problems(method="scaled", gamma=0)[0].startswith("training.gamma: more than 0 was expected")
    read = parse_recipe(recipe(method="scaled", gamma=3)).training
    assert read.words() == "scaled, lr 5e-05, gamma 3.0, 1 epochs"
    made = job(tmp_path, babel_model, method="scaled", gamma=3, epochs=1, batch_size=24, select="last")
    write_jsonl(made.pairs, gold_pairs(8))
    launch(made)
    model = AutoModelForCausalLM.from_pretrained(babel_model, dtype=torch.float32)
    rows, _ = encode_chosen(gold_pairs(8), AutoTokenizer.from_pretrained(babel_model), append_eos=True, max_length=100)
    nll = chosen_nll(model, [(r["prompt_ids"], r["chosen_ids"]) for r in rows])
    (loss,) = [r["loss"] for r in log(tmp_path, "train") if "loss" in r]
    assert loss == pytest.approx(3 * nll, rel=1e-4)
    assert (tmp_path / "training/adapter/adapter_model.safetensors").is_file()
