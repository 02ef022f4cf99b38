"""Prompts run once and references kept: the same loss, gradients and metrics as TRL's own path, on tiny real models."""

from __future__ import annotations

import gc
import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig
from tokenizers import Tokenizer, models
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    Lfm2Config,
    LlamaConfig,
    PreTrainedTokenizerFast,
    Qwen3Config,
)
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from trl import DPOConfig, DPOTrainer
from trl.trainer import utils

from calm_ext.disk.lines import sums_of
from calm_ext.errors import RunError
from calm_ext.training import trl_internals
from calm_ext.training.reference import ReferenceCache, key_of, model_identity, pair_key
from calm_ext.training.response_head import ResponseHead, score_responses_only
from calm_ext.training.shared_prefix import pack
from calm_ext.training.trainer import PairTrainer

WORDS = 97
SMALL: dict[str, Any] = {
    "vocab_size": WORDS,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
}
LAYERS = ["sliding_attention", "full_attention", "sliding_attention"]
CONFIGS = {
    "llama": lambda: LlamaConfig(**SMALL),
    "qwen3": lambda: Qwen3Config(**SMALL),
    "qwen3-window": lambda: Qwen3Config(
        **SMALL, use_sliding_window=True, sliding_window=7, max_window_layers=0, layer_types=LAYERS
    ),
    "gemma3": lambda: Gemma3TextConfig(**SMALL, sliding_window=9, layer_types=LAYERS),
}


class PlainTrainer(DPOTrainer):
    """TRL's own path on encoded pairs."""

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset


def tokenizer() -> PreTrainedTokenizerFast:
    words = models.WordLevel({f"t{i}": i for i in range(WORDS)}, unk_token="t3")
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(words), pad_token="t0", eos_token="t2", unk_token="t3")


def make_rows(n: int, seed: int = 0) -> list[dict[str, list[int]]]:
    """Pairs of unequal lengths, responses of one token among them; every third has the prompt of the one before it."""
    rng = random.Random(seed)

    def ids(least: int, most: int) -> list[int]:
        return [rng.randrange(4, WORDS) for _ in range(rng.randint(least, most))]

    rows: list[dict[str, list[int]]] = []
    for index in range(n):
        prompt = rows[-1]["prompt_ids"] if index % 3 == 2 else [1, *ids(10, 30)]
        response = ids(1, 2) if index % 2 else ids(3, 18)
        rows.append({"prompt_ids": prompt, "chosen_ids": [*response, 2], "rejected_ids": [*ids(0, 12), 5]})
    return rows


def trainer(kind: Any, config: Any, rows: list[dict[str, list[int]]], folder: Path, **options: Any) -> Any:
    """A trainer on a model with random weights, the same for each kind; its adapter is not zero."""
    ours = {k: options.pop(k) for k in ("share", "reference", "model_path") if k in options}
    settings: dict[str, Any] = {"per_device_train_batch_size": 6, "gradient_checkpointing": False, "logging_steps": 1}
    settings |= {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 0.5], "learning_rate": 1e-2}
    arguments = DPOConfig(
        output_dir=str(folder), bf16=False, use_cpu=True, report_to="none", disable_tqdm=True, **(settings | options)
    )
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    for parameter in model.parameters():
        if parameter.dim() == 2:
            torch.nn.init.normal_(parameter, std=0.2)
    found = kind(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer(),
        peft_config=LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"),
        **ours,
    )
    return found


def stir(trainer: Any) -> None:
    """Give the adapter an effect, so that policy and reference differ."""
    generator = torch.Generator().manual_seed(1)
    for name, parameter in trainer.model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(std=0.1, generator=generator)


def one_step(trainer: Any, rows: list[dict[str, Any]]) -> tuple[float, dict[str, torch.Tensor], dict[str, float]]:
    """Loss, gradients and metrics of a batch."""
    trainer.model.train()
    loss = trainer.compute_loss(trainer.model, trainer.data_collator(rows))
    loss.backward()
    gradients = {n: p.grad for n, p in trainer.model.named_parameters() if p.requires_grad}
    metrics = {k: v[0] for k, v in trainer._metrics["train"].items()}
    return loss.item(), gradients, metrics


def assert_same_step(one: Any, two: Any) -> None:
    assert one[0] == pytest.approx(two[0], abs=1e-5)
    assert one[1].keys() == two[1].keys()
    assert all(g is not None and g.abs().max() > 0 for n, g in one[1].items() if "lora" in n)
    for name, gradient in one[1].items():
        assert torch.allclose(gradient, two[1][name], atol=1e-5), name
    assert one[2].keys() == two[2].keys()
    assert {"rewards/accuracies", "rewards/margins", "logps/chosen", "entropy", "num_tokens"} <= one[2].keys()
    for name, value in one[2].items():
        assert value == pytest.approx(two[2][name], abs=1e-4), name


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("name", CONFIGS)
def test_loss_gradients_and_metrics_are_trls(name: str, checkpointing: bool, tmp_path: Path, own_head: None) -> None:
    rows = make_rows(6)
    steps = []
    for kind in (PlainTrainer, PairTrainer):
        if kind is PairTrainer:
            score_responses_only()
        made = trainer(kind, CONFIGS[name](), rows, tmp_path, gradient_checkpointing=checkpointing)
        stir(made)
        steps.append(one_step(made, rows))
    assert made.sharing is not None
    assert_same_step(*steps)


def test_rows_are_packed_once() -> None:
    rows = [[9] * 10 + [1, 2], [9] * 10 + [3], [8] * 10 + [3], [9] * 10 + [1, 2]]
    packed = pack(rows)
    assert len(packed.tokens) == 11 + 12 + 1
    assert packed.places[0] == packed.places[3]
    for row, places in zip(rows, packed.places, strict=True):
        assert [packed.tokens[p] for p in places] == row
        assert [packed.positions[p] for p in places] == list(range(len(row)))
    assert len(pack([[9, 1], [9, 2]]).tokens) == 4, "a short beginning is not shared"


def test_the_model_sees_each_prompt_once(tmp_path: Path) -> None:
    rows = make_rows(6)
    made = trainer(PairTrainer, CONFIGS["llama"](), rows, tmp_path)
    seen = []
    embedding = made.model.get_input_embeddings()
    embedding.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0].numel()))
    with torch.no_grad():
        made.compute_loss(made.model, made.data_collator(rows))
    prompts = {tuple(r["prompt_ids"]) for r in rows}
    assert len(prompts) == 4
    distinct = sum(map(len, prompts)) + sum(len(r["chosen_ids"]) + len(r["rejected_ids"]) for r in rows)
    assert seen[0] <= distinct
    assert seen[0] > distinct - 6, "two responses may begin alike, but hardly more"


def test_outside_the_loss_the_model_is_as_it_was(tmp_path: Path) -> None:
    rows = make_rows(4)
    made = trainer(PairTrainer, CONFIGS["gemma3"](), rows, tmp_path)
    plain = trainer(PlainTrainer, CONFIGS["gemma3"](), rows, tmp_path)
    batch = torch.randint(4, WORDS, (2, 14), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(batch)
    mask[1, :5] = 0  # padding on the left, as for generation
    with torch.no_grad():
        assert torch.equal(*(t.model(input_ids=batch, attention_mask=mask).logits for t in (made, plain)))
        made.model.eval()
        text = made.model.generate(input_ids=batch, attention_mask=mask, max_new_tokens=4, do_sample=False)
    assert text.shape[1] > 14


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (lambda: Gemma2Config(**SMALL), "its attention runs by 'eager'"),
        (lambda: Lfm2Config(**SMALL, layer_types=["conv", "full_attention", "conv"]), "nats"),
    ],
)
def test_a_model_that_cannot_falls_back(
    config: Any, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], own_head: None
) -> None:
    rows = make_rows(6)
    steps = []
    for kind in (PlainTrainer, PairTrainer):
        torch.manual_seed(0)
        made = trainer(kind, config(), rows, tmp_path)
        stir(made)
        steps.append(one_step(made, rows))
    assert made.sharing is None
    assert capsys.readouterr().err.count(reason) == 1
    assert_same_step(*steps)


def test_a_model_that_ignores_the_layout_is_found_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that takes every argument and gets the window wrong: only the numbers can tell."""
    from calm_ext.training.shared_prefix import Layout

    monkeypatch.setattr(Layout, "window", lambda self, size: None)
    assert trainer(PairTrainer, CONFIGS["gemma3"](), make_rows(4), tmp_path).sharing is None
    assert "nats a token" in capsys.readouterr().err
    assert trainer(PairTrainer, CONFIGS["llama"](), make_rows(4), tmp_path).sharing is not None


def test_a_leak_too_small_for_half_precision_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A convolution before the attention: it is the packed neighbour that it mixes in, whatever the rounding."""
    from calm_ext.training import shared_prefix

    monkeypatch.setattr(shared_prefix, "CLOSE_HALF", 10.0)
    config = Lfm2Config(**SMALL, layer_types=["conv", "full_attention", "conv"])
    made = trainer(PairTrainer, config, make_rows(4), tmp_path, share=False)
    made.accelerator.state._mixed_precision = "bf16"
    try:
        made._try_to_share()
    finally:
        made.accelerator.state._mixed_precision = "no"
    assert made.sharing is None
    assert "a response changes the other's" in capsys.readouterr().err


@pytest.mark.parametrize("tile", [(1024, 8192), (7, 13)])
def test_the_head_is_trls(tile: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    from calm_ext.training import response_head

    monkeypatch.setattr(response_head, "TILE", tile)
    original: Any = utils._ChunkedLogProbFunction
    assert not isinstance(original, ResponseHead)
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(WORDS, 16, generator=generator)
    weight[40] = weight[20]  # words of equal logits: the first of them is the most likely one
    targets = torch.randint(0, WORDS, (30,), generator=generator)
    hidden = torch.randn(30, 16, generator=generator) * 2
    hidden[:6] = weight[[20, 20, 40, 40, 1, 2]] * 9
    targets[:6] = torch.tensor([20, 40, 20, 40, 1, 3])
    wanted = ("log_probs", "entropy", "mean_logits", "is_top1")
    scale = torch.rand(30, generator=generator)
    found = []
    for head in (original, ResponseHead(original)):
        for grad in (True, False):
            states = hidden.clone().requires_grad_(grad)
            with torch.set_grad_enabled(grad):
                out = head.apply(states, weight, None, targets, 1.0, 32, None, 0.5, wanted)
            if grad:
                (out[0] * scale).sum().backward()
            found.append((*out, states.grad))
    theirs, _, ours, ours_without = found
    for a, b, c in zip(theirs[:5], ours, ours_without, strict=False):
        assert (a is None) == (b is None) == (c is None)
        if a is not None:
            assert torch.allclose(a.float(), b.float(), atol=2e-5)
            assert torch.allclose(a.float(), c.float(), atol=2e-5)
    assert torch.allclose(theirs[5], ours[5], atol=1e-5)
    capped = [
        h.apply(hidden, weight, None, targets, 1.0, 32, 5.0, 1.0, wanted)[0] for h in (original, ResponseHead(original))
    ]
    assert torch.equal(*capped)


def test_a_kept_reference_is_the_adapter_switched_off(tmp_path: Path) -> None:
    rows = make_rows(7)
    inline = trainer(PlainTrainer, CONFIGS["gemma3"](), rows, tmp_path)
    kept = trainer(PairTrainer, CONFIGS["gemma3"](), rows, tmp_path, reference=tmp_path, model_path="tiny")
    for made in (inline, kept):
        stir(made)
    chosen, rejected = inline.compute_ref_log_probs(inline.model, inline.data_collator(rows))
    assert torch.allclose(chosen, torch.tensor(kept.train_dataset["ref_chosen_logps"]), atol=1e-4)
    assert torch.allclose(rejected, torch.tensor(kept.train_dataset["ref_rejected_logps"]), atol=1e-4)
    assert_same_step(one_step(inline, rows), one_step(kept, list(kept.train_dataset)))


def test_what_is_kept_is_not_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = make_rows(6)
    computed: list[int] = []
    fill = ReferenceCache.fill
    monkeypatch.setattr(ReferenceCache, "fill", lambda *a, **k: computed.append(fill(*a, **k)))

    def again(rows: list[dict[str, list[int]]], **options: Any) -> Any:
        base: dict[str, Any] = {"reference": tmp_path, "model_path": "tiny", "per_device_train_batch_size": 2}
        return trainer(PairTrainer, CONFIGS["llama"](), rows, tmp_path / "out", **(base | options))

    first = again(rows)
    (file,) = tmp_path.glob("reference-*.jsonl")
    again(rows)
    changed = [{**rows[0], "chosen_ids": rows[0]["chosen_ids"] + [7]}, *rows[1:]]
    again(changed)
    with file.open("a", encoding="utf-8") as handle:
        handle.write('{"pair": "half a li')  # an interruption
    assert again(rows).train_dataset["ref_chosen_logps"] == first.train_dataset["ref_chosen_logps"]
    again(rows, max_length=20)
    again(rows, model_path="another")
    assert computed == [6, 0, 1, 0, 6, 6]
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('"chosen":-', '"chosen":-1', 1), encoding="utf-8")  # still a line, and another number
    assert again(rows).train_dataset["ref_chosen_logps"] == first.train_dataset["ref_chosen_logps"]
    assert computed[-1] == 6 and file.read_text(encoding="utf-8") != text.replace('"chosen":-', '"chosen":-1', 1)
    sums_of(file).unlink()
    file.write_text("not a line\n", encoding="utf-8")
    with pytest.raises(RunError, match="delete the file"):
        again(rows)


def test_the_key_follows_the_model_and_the_pair(tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_config(CONFIGS["llama"]())
    model.save_pretrained(tmp_path)
    one = key_of(model_identity(model, str(tmp_path)), dtype="float32")
    assert key_of(model_identity(model, str(tmp_path)), dtype="float32") == one
    assert key_of(model_identity(model, str(tmp_path)), dtype="bfloat16") != one
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")
    assert key_of(model_identity(model, str(tmp_path)), dtype="float32") != one
    row = make_rows(1)[0]
    moved = {**row, "prompt_ids": row["prompt_ids"][:-1], "chosen_ids": row["prompt_ids"][-1:] + row["chosen_ids"]}
    assert len({pair_key(row), pair_key(moved), pair_key({**row, "rejected_ids": [1]})}) == 3


def losses(made: Any) -> list[float]:
    return [x["loss"] for x in made.state.log_history if "loss" in x]


def test_accumulation_and_resuming_give_trls_curve(tmp_path: Path, own_head: None) -> None:
    """Two batches a step, two epochs, interrupted after two steps of six and resumed: the losses of an undivided TRL run."""
    rows = make_rows(12)
    options: dict[str, Any] = {
        "gradient_accumulation_steps": 2,
        "per_device_train_batch_size": 2,
        "num_train_epochs": 2,
        "save_steps": 2,
    }
    plain = trainer(PlainTrainer, CONFIGS["gemma3"](), rows, tmp_path / "plain", **options)
    plain.train()
    score_responses_only()
    ours = {"reference": tmp_path, "model_path": "tiny"}
    whole = trainer(PairTrainer, CONFIGS["gemma3"](), rows, tmp_path / "ours", **options, **ours)
    whole.train()
    assert len(losses(plain)) == 6
    assert losses(whole) == pytest.approx(losses(plain), abs=1e-4)
    assert losses(whole)[-1] < losses(whole)[0]
    resumed = trainer(PairTrainer, CONFIGS["gemma3"](), rows, tmp_path / "ours", **options, **ours)
    resumed.train(resume_from_checkpoint=str(tmp_path / "ours/checkpoint-2"))
    assert resumed.sharing is not None
    assert losses(resumed) == pytest.approx(losses(plain), abs=1e-4)
    state = json.loads((tmp_path / "ours/checkpoint-2/trainer_state.json").read_text())
    assert state["global_step"] == 2


def test_half_precision_shares_too(tmp_path: Path) -> None:
    """Under bf16 autocast the two paths round differently; the trial allows that, and losses agree to its precision."""
    rows = make_rows(6)
    found = []
    for kind in (PlainTrainer, PairTrainer):
        made = trainer(kind, CONFIGS["gemma3"](), rows, tmp_path)
        stir(made)
        made.accelerator.state._mixed_precision = "bf16"
        if kind is PairTrainer:
            made._try_to_share()
            assert made.sharing is not None
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found.append(made.compute_loss(made.model, made.data_collator(rows)).item())
        made.accelerator.state._mixed_precision = "no"
    assert found[0] == pytest.approx(found[1], abs=0.05)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, None),
        ({"USE_TRITON": "_gone"}, "has no trl.trainer.utils._gone: its own output layer is used"),
        ({"LOGPROBS": "_gone"}, "has no trl.trainer.utils._gone: its own output layer is used"),
        ({"REFERENCE": "gone"}, "has no DPOTrainer.gone: each step computes the reference again"),
        ({"REFERENCE_IS_GIVEN": "gone"}, "has no PairTrainer.gone: each step computes the reference again"),
    ],
)
def test_training_goes_on_with_equal_loss_where_trl_lacks_a_private_name(
    changed: dict[str, str],
    said: str | None,
    tmp_path: Path,
    own_head: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = make_rows(6)
    plain = trainer(PlainTrainer, CONFIGS["llama"](), rows, tmp_path / "plain", per_device_train_batch_size=2)
    plain.train()
    capsys.readouterr()
    for name, value in changed.items():
        monkeypatch.setattr(trl_internals, name, value)
    restore = score_responses_only()
    assert isinstance(utils._ChunkedLogProbFunction, ResponseHead) == (not changed.keys() & {"USE_TRITON", "LOGPROBS"})
    options: dict[str, Any] = {"reference": tmp_path, "model_path": "tiny", "per_device_train_batch_size": 2}
    made = trainer(PairTrainer, CONFIGS["llama"](), rows, tmp_path / "ours", **options)
    made.train()
    restore()
    assert ("ref_chosen_logps" in made.train_dataset.column_names) == (not any("REFERENCE" in name for name in changed))
    assert losses(made) == pytest.approx(losses(plain), abs=1e-5)
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: TRL ")]
    assert len(notes) == (said is not None)
    assert said is None or said in notes[0]


def test_an_output_layer_without_the_keyword_falls_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A TRL that names the fused layer's keyword otherwise: the trial fails in a line, and TRL's path is taken."""
    made = trainer(PairTrainer, CONFIGS["llama"](), make_rows(4), tmp_path, share=False)
    model = made.model.get_base_model()
    forward = type(model).forward
    monkeypatch.setattr(model, "forward", lambda *a, fused_lm_head=None, **k: forward(model, *a, **k))
    made._try_to_share()
    assert made.sharing is None
    assert "prompts are run twice, for chosen and rejected, as TRL does: AttributeError" in capsys.readouterr().err


def test_the_head_is_put_back() -> None:
    own = (utils._use_triton, utils._ChunkedLogProbFunction)
    restore = score_responses_only()
    assert isinstance(utils._ChunkedLogProbFunction, ResponseHead)
    score_responses_only()()  # a second one changes nothing, and takes nothing back
    assert isinstance(utils._ChunkedLogProbFunction, ResponseHead)
    restore()
    assert (utils._use_triton, utils._ChunkedLogProbFunction) == own


def test_transformers_gets_its_attention_back(tmp_path: Path) -> None:
    """With the last trainer that shares, by ``remove`` or because it is gone."""
    gc.collect()
    own = ALL_ATTENTION_FUNCTIONS["sdpa"]
    assert own is sdpa_attention_forward
    one, two = (trainer(PairTrainer, CONFIGS["llama"](), make_rows(4), tmp_path) for _ in range(2))
    assert ALL_ATTENTION_FUNCTIONS["sdpa"] is not own
    forward = one.sharing._forward
    one.sharing.remove()
    one.sharing.remove()
    assert one.model.get_base_model().base_model.forward == forward
    assert ALL_ATTENTION_FUNCTIONS["sdpa"] is not own, "the other one still shares"
    assert two.sharing is not None
    del two
    gc.collect()
    assert ALL_ATTENTION_FUNCTIONS["sdpa"] is own
    assert trainer(PairTrainer, CONFIGS["gemma3"](), make_rows(4), tmp_path).sharing is not None
    made = trainer(
        PairTrainer, Lfm2Config(**SMALL, layer_types=["conv", "full_attention", "conv"]), make_rows(6), tmp_path
    )
    assert made.sharing is None
    gc.collect()
    assert ALL_ATTENTION_FUNCTIONS["sdpa"] is own
