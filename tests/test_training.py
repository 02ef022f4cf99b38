"""Training with real TRL in a process of its own, and the label-free watch over it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from calm_ext.data import load_questions
from calm_ext.errors import RunError
from calm_ext.jsonl import write_jsonl
from calm_ext.models.options import SamplingOptions
from calm_ext.prompts import ask
from calm_ext.records import Pair
from calm_ext.training.encoding import encode_pairs
from calm_ext.training.job import TrainingJob
from calm_ext.training.launch import _smaller, launch
from calm_ext.training.monitor import Check, Monitor
from calm_ext.training.options import training_options
from calm_ext.training.tracking import log_stages
from tests.test_tracking import SUMMARY

LANGUAGES = ["qaa", "qab", "qac"]


def gold_pairs(n: int) -> list[Pair]:
    """Pairs that prefer the right answer to a wrong one; training on them has an effect that one can see."""
    pairs = []
    for question in load_questions("babel", split="train", languages=LANGUAGES, limit=n):
        assert question.answer is not None
        for language, version in question.versions.items():
            wrong = (question.answer + 1) % 4
            pairs.append(
                Pair(
                    id=question.id,
                    language=language,
                    prompt=ask(language, version.question, version.options, "direct"),
                    chosen=" " + version.options[question.answer],
                    rejected=" " + version.options[wrong],
                    chosen_answer=question.answer,
                    rejected_answer=wrong,
                    margin=1.0,
                    origin="native",
                )
            )
    return pairs


def job(folder: Path, model: Path, *, mode: str = "generate", **options: object) -> TrainingJob:
    folder.mkdir(parents=True, exist_ok=True)
    held = load_questions("babel", split="train", languages=LANGUAGES)[100:106]
    write_jsonl(folder / "pairs.jsonl", gold_pairs(16))
    write_jsonl(folder / "held.jsonl", held)
    write_jsonl(folder / "held_pairs.jsonl", [p for p in gold_pairs(110) if p.id in {q.id for q in held}])
    base = {
        "learning_rate": 1e-2,
        "epochs": 3,
        "batch_size": 8,
        "checks_per_epoch": 2,
        "dtype": "float32",
        "patience": 0,
    }
    return TrainingJob(
        model=str(model),
        pairs=folder / "pairs.jsonl",
        output=folder / "training",
        options=training_options(base | options),
        sampling=SamplingOptions.model_validate(
            {"mode": mode, "style": "direct" if mode == "generate" else "cloze", "max_new_tokens": 3}
        ),
        heldout=folder / "held.jsonl",
        heldout_votes={q.id: dict.fromkeys(LANGUAGES, q.answer) for q in held if q.answer is not None},
        heldout_pairs=folder / "held_pairs.jsonl",
    )


def training_context(made: TrainingJob, rows: Any, tokenizer: Any) -> Any:
    """What the worker gives a method, of a small model in this process."""
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM

    from calm_ext.training.context import TrainingContext

    torch.manual_seed(0)
    return TrainingContext(
        job=made,
        model=AutoModelForCausalLM.from_pretrained(made.model, dtype=torch.float32),
        tokenizer=tokenizer,
        rows=rows,
        peft_config=LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"),
        callbacks=(),
        processes=1,
        gpu=False,
        dtype="float32",
    )


def log(folder: Path, kind: str) -> list[dict]:
    rows = [json.loads(line) for line in (folder / "training/log.jsonl").read_text().splitlines()]
    return [r for r in rows if r["kind"] == kind]


@pytest.fixture(scope="module")
def trained(babel_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One training for all that a plain one shows; a tracker logs it."""
    folder = tmp_path_factory.mktemp("trained")
    made = job(folder, babel_model, report_to=["tensorboard"])
    spent = launch(made.model_copy(update={"run_name": "toy", "tracking": folder / "tracking"}))
    assert spent.seconds > 0
    assert spent.tokens > 3 * 48 * 20
    return folder


def test_training_leaves_an_adapter_a_log_and_a_summary(trained: Path) -> None:
    assert (trained / "training/adapter/adapter_model.safetensors").is_file()
    assert not (trained / "training/checkpoints").exists()
    summary = json.loads((trained / "training/summary.json").read_text())
    assert summary["n_pairs"] == 48
    assert summary["n_pairs_dropped"] == 0
    steps = [c["step"] for c in log(trained, "check")]
    assert steps == [0, 3, 6, 9, 12, 15, 18]
    assert summary["chosen_step"] in steps
    assert all(0 <= c["agreement"] <= 1 and c["n"] == 18 for c in log(trained, "check"))
    first = log(trained, "check")[0]
    assert (first["kept"], first["lost"]) == (1.0, [])
    assert sum(n for _, n in first["kept_by_language"].values()) == round(18 * first["agreement"])
    assert [a["step"] for a in log(trained, "answers")] == steps
    before, *_, now = (a["answers"] for a in log(trained, "answers"))
    votes = job(trained / "again", Path("m")).heldout_votes
    agreed = [(i, x) for i, vote in votes.items() for x in vote if before[i][x] == vote[x]]
    kept = sum(now[i][x] == before[i][x] for i, x in agreed) / len(agreed)
    assert log(trained, "check")[-1]["kept"] == pytest.approx(kept)
    losses = [r["loss"] for r in log(trained, "train") if "loss" in r]
    assert sum(losses[-3:]) < sum(losses[:3])
    margins = [r["rewards/margins"] for r in log(trained, "train") if "rewards/margins" in r]
    assert margins[-1] > 0.05


def test_the_adapter_is_the_checkpoint_that_was_chosen(trained: Path) -> None:
    monitor = Monitor.__new__(Monitor)
    monitor.checks = [Check(**{k: c[k] for k in Check._fields}) for c in log(trained, "check")]
    assert json.loads((trained / "training/summary.json").read_text())["chosen_step"] == monitor.chosen.step
    assert not (trained / "training/checks").exists()


def test_training_and_stages_are_one_run_of_tensorboard(trained: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tracking = tmp_path / "tracking"
    shutil.copytree(trained / "tracking", tracking)
    assert log_stages(["tensorboard"], tracking, name="toy", summary=SUMMARY) == []
    found = EventAccumulator(str(tracking))
    found.Reload()
    losses = [(e.step, e.value) for e in found.Scalars("train/loss")]
    logged = [(r["step"], r["loss"]) for r in log(trained, "train") if "loss" in r]
    assert losses == [(step, pytest.approx(loss, rel=1e-4)) for step, loss in logged]
    assert [step for step, _ in losses] == list(range(1, 19)), "steps with a check too"
    checks = log(trained, "check")
    assert [e.step for e in found.Scalars("eval/heldout_agreement")] == [c["step"] for c in checks]
    assert found.Scalars("after/toy_xl/acc")[0].value == pytest.approx(0.6)
    assert found.Scalars("vote/n_decided")[0].value == 39
    assert not (trained / "training/checkpoints").exists(), "no log directory of the trainer's own"
    assert not [r for r in log(trained, "train") if any(k.startswith("eval_") for k in r)]
    assert {p.name for p in tracking.iterdir() if not p.name.startswith("events.")} == {"run.json"}
    assert json.loads((tracking / "run.json").read_text())["name"].startswith("toy-")


def test_the_anchor_keeps_the_chosen_likely(babel_model: Path, tmp_path: Path) -> None:
    """With nll_weight the chosen responses end more likely than without it, at the same seed."""
    ends = {}
    for weight in (0.0, 1.0):
        folder = tmp_path / str(weight)
        launch(job(folder, babel_model, mode="options", nll_weight=weight, select="last", beta=0.5))
        ends[weight] = log(folder, "check")[-1]["chosen_nll"]
    assert ends[1.0] < ends[0.0]


def test_a_failing_worker_is_one_line(tmp_path: Path, babel_model: Path) -> None:
    broken = job(tmp_path, babel_model, lora_targets=["no_such_layer"])
    with pytest.raises(RunError, match="no_such_layer") as caught:
        launch(broken)
    assert "\n" not in str(caught.value)
    assert "worker.log" in str(caught.value)
    with pytest.raises(RunError, match=r"training\.max_length 16"):
        launch(job(tmp_path / "short", babel_model, max_length=16))


OUT_OF_MEMORY = """
import sys
if sys.orig_argv[1:3] == ["-m", "calm_ext.training.worker"]:
    import torch
    from calm_ext.training.trainer import PairTrainer
    plain = PairTrainer.training_step
    def step(self, model, inputs, *args, **kwargs):
        if self.state.global_step >= 5 and len(inputs["input_ids"]) > 2 * PAIRS:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")
        return plain(self, model, inputs, *args, **kwargs)
    PairTrainer.training_step = step
"""


def test_out_of_memory_halves_the_batch_and_changes_no_step(
    babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The worker is ended by torch's own error at its sixth step, and goes on from the checkpoint of the third."""
    launch(job(tmp_path / "whole", babel_model, nll_weight=0.0))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # so that a new interpreter is started, which reads this:
    (tmp_path / "sitecustomize.py").write_text(OUT_OF_MEMORY.replace("PAIRS", "4"))
    capfd.readouterr()
    launch(job(tmp_path / "a", babel_model, nll_weight=0.0))
    told = capfd.readouterr().err
    assert told.count("out of memory: training goes on with batches of 4 examples, 2 to a step") == 1
    (whole, parts) = (log(folder, "check") for folder in (tmp_path / "whole", tmp_path / "a"))
    assert [c["step"] for c in whole] == [c["step"] for c in parts]
    for a, b in zip(whole, parts, strict=True):
        assert a["chosen_nll"] == pytest.approx(b["chosen_nll"], abs=1e-3)
        assert (a["kept"], a["lost"]) == (b["kept"], b["lost"]), "the untrained model's answers are not forgotten"
    (tmp_path / "sitecustomize.py").write_text(OUT_OF_MEMORY.replace("PAIRS", "0"))
    with pytest.raises(RunError, match=r"out of memory.*memory does not suffice for one example") as caught:
        launch(job(tmp_path / "b", babel_model, batch_size=1))
    assert "\n" not in str(caught.value)
    smaller = _smaller(job(tmp_path / "c", babel_model, batch_size=3))
    assert smaller is not None and (smaller.options.batch_size, smaller.options.gradient_accumulation) == (1, 3)


def test_loras_dropout_is_not_switched_off(trained: Path, babel_model: Path, tmp_path: Path) -> None:
    launch(job(tmp_path, babel_model, lora_dropout=0.5))
    plain, dropped = ([r["loss"] for r in log(folder, "train") if "loss" in r] for folder in (trained, tmp_path))
    assert plain[0] == pytest.approx(dropped[0], abs=1e-6), "an untrained adapter adds nothing"
    assert max(abs(a - b) for a, b in zip(plain[1:], dropped[1:], strict=True)) > 1e-3


def test_pairs_are_encoded_as_they_are_scored(babel_model: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(babel_model)
    (row, *_), dropped = encode_pairs(gold_pairs(1), tokenizer, append_eos=True, max_length=100)
    assert dropped == 0
    whole = tokenizer(gold_pairs(1)[0].prompt + gold_pairs(1)[0].chosen)["input_ids"]
    assert row["prompt_ids"] + row["chosen_ids"] == [*whole, tokenizer.eos_token_id]
    _, dropped = encode_pairs(gold_pairs(1), tokenizer, append_eos=True, max_length=4)
    assert dropped == 3
    options, sampling = training_options({}), SamplingOptions(mode="options")
    assert not TrainingJob(model="m", pairs=Path("p"), output=Path("o"), options=options, sampling=sampling).append_eos


def check(
    step: int,
    agreement: float = 0.5,
    consistency: float = 0.5,
    nll: float = 2.0,
    answered: float = 1.0,
    shift: float = 0.0,
) -> Check:
    scores = [agreement + 0.25 * consistency + shift * (-1) ** i for i in range(40)]
    return Check(step, agreement, consistency, answered, nll, scores, 300)


@pytest.mark.parametrize(
    ("last", "word"),
    [
        (check(10, agreement=0.35, consistency=0.9), "COLLAPSING: agreement"),
        (check(10, answered=0.7), "COLLAPSING: answers"),
        (check(10, nll=2.9), "WARNING: the chosen"),
        (check(10, agreement=0.47), None),
        (check(10, agreement=0.7, consistency=0.8, nll=1.0), None),
    ],
)
def test_a_collapse_is_told_in_words(last: Check, word: str | None) -> None:
    monitor = Monitor.__new__(Monitor)
    monitor.checks, monitor.patience = [check(0), last], 2
    told = monitor.warning()
    assert (told is None) if word is None else (told is not None and word in told)


def test_stopping_and_choosing() -> None:
    monitor = Monitor.__new__(Monitor)
    monitor.patience = 2
    monitor.checks = [check(0), check(1, 0.6), check(2, 0.55)]
    assert not monitor.should_stop()
    monitor.checks.append(check(3, 0.58))
    assert monitor.should_stop()
    assert monitor.best.step == monitor.chosen.step == 1
    monitor.checks = [check(0), check(1, 0.4, 0.8)]
    assert monitor.chosen.step == 0, "more consistent but further from the vote is not better"
    monitor.checks = [check(0), check(1, 0.52), check(2, 0.51, shift=0.3)]
    assert monitor.best.step == 1
    assert monitor.chosen.step == 2, "noise does not undo training"
    assert not monitor.should_stop()


def test_scoring_the_responses_only_is_the_same_loss(babel_model: Path) -> None:
    """TRL's output layer over all positions, and over the responses' alone, as training on a CPU has it."""
    import torch
    from transformers import AutoModelForCausalLM
    from trl.trainer import utils

    from calm_ext.training.response_head import score_responses_only

    own = (utils._use_triton, utils._ChunkedLogProbFunction)
    ids = torch.randint(5, 60, (4, 12), generator=torch.Generator().manual_seed(0))
    labels = ids.masked_fill(torch.arange(12) < 7, -100)
    found = []
    for patched in (False, True):
        model = AutoModelForCausalLM.from_pretrained(babel_model, dtype=torch.float32)
        utils.add_fused_lm_head(model)
        restore = score_responses_only() if patched else lambda: None
        try:
            out = model(input_ids=ids, labels=labels, fused_lm_head=True)
        finally:
            restore()
        out.log_probs.sum().backward()
        found.append((out.log_probs.detach(), model.model.embed_tokens.weight.grad))
    assert (utils._use_triton, utils._ChunkedLogProbFunction) == own
    (one, one_gradient), (two, two_gradient) = found
    assert one.shape == (4, 11)
    assert torch.allclose(one, two, atol=1e-6)
    assert torch.allclose(one_gradient, two_gradient, atol=1e-5)
    assert (two[:, :6] == 0).all()
    assert (two[:, 6:] < 0).all()


def test_advice_names_only_keys_that_the_method_has() -> None:
    monitor = Monitor.__new__(Monitor)
    monitor.patience = 2
    monitor.checks = [check(0), check(10, nll=2.9)]
    assert str(monitor.warning()).endswith("raise training.nll_weight")
    monitor.keys = ["learning_rate"]
    assert str(monitor.warning()).endswith("lower training.learning_rate")
    monitor.checks = [check(0), check(10, agreement=0.35)]
    assert str(monitor.warning()).endswith("lower training.learning_rate")
