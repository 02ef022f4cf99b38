"""What is decided by GPUs and by several processes, seen without one: each library is asked what it was told."""

from __future__ import annotations

import io
import json
import multiprocessing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from calm_ext.errors import RunError
from calm_ext.models import batches, device
from calm_ext.models.drawing import Drawing, single
from calm_ext.models.processes import worker as asking_worker
from calm_ext.models.processes.group import Group
from calm_ext.models.processes.start import errors_in, reason_in
from calm_ext.training import launch as launching
from calm_ext.training import worker as training_worker
from calm_ext.training.messages import LISTENED, tell
from tests.conftest import ROOT
from tests.test_groups import questions
from tests.test_scoring import tiny
from tests.test_training import job, training_context

# --- the number format ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("capability", "hip", "kind"),
    [((9, 0), None, "bfloat16"), ((8, 0), None, "bfloat16"), ((7, 5), None, "float32"), ((9, 0), "6.4", "bfloat16")],
)
def test_bfloat16_is_for_gpus_that_multiply_in_it(
    capability: tuple[int, int], hip: str | None, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch's own is_bf16_supported counts a T4, which emulates it."""
    asked: list[Any] = []
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda x: asked.append(x) or capability)
    monkeypatch.setattr(torch.version, "hip", hip)
    assert device.choose_dtype(device="cuda:1") == kind and asked == ([] if hip else ["cuda:1"])
    assert device.choose_dtype("float16", device="cuda:1") == "float16"


def test_a_gpu_is_seen_by_its_tool_or_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device.shutil, "which", lambda name: None)
    there: set[str] = set()
    monkeypatch.setattr(device.Path, "exists", lambda path: str(path) in there)
    assert not device.has_gpu()
    there.add("/dev/nvidiactl")
    assert device.has_gpu()
    there.clear()
    monkeypatch.setattr(device.shutil, "which", lambda name: "/usr/bin/rocm-smi" if name == "rocm-smi" else None)
    assert device.has_gpu()


# --- memory -----------------------------------------------------------------------------------------------------------


def test_memory_is_given_back_on_every_kind_of_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []
    for name, backend in (("cuda", torch.cuda), ("xpu", torch.xpu), ("mps", torch.backends.mps)):
        monkeypatch.setattr(getattr(torch, name), "empty_cache", lambda name=name: given.append(name))
        monkeypatch.setattr(backend, "is_available", lambda: True)
    batches.release_memory()
    assert given == ["cuda", "xpu", "mps"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    batches.release_memory()
    assert given[3:] == ["xpu", "mps"]


#: Rank 1 runs out of memory; rank 0, which waits for it, ends by an error of its own, and is heard last.
TWO_LOST = """{start}bfloat16 on a GPU
[rank1]: Traceback (most recent call last):
[rank1]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 1 has a total capacity of 79 GiB
[rank0]: Traceback (most recent call last):
[rank0]: torch.distributed.DistBackendError: NCCL communicator was aborted on rank 0.
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
"""


def test_out_of_memory_in_one_of_several_processes_is_out_of_memory(
    tmp_path: Path, babel_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = TWO_LOST.format(start=launching.START_LINE)
    assert "DistBackendError" in reason_in(log) and any("CUDA out of memory" in x for x in errors_in(log))

    def ended(text: str) -> type[Exception]:
        process = SimpleNamespace(stdout=io.BufferedReader(io.BytesIO(text.encode())), wait=lambda: 1)  # type: ignore
        monkeypatch.setattr(launching, "_started", lambda *_, **__: process)
        with pytest.raises(RunError) as caught:
            launching._run(job(tmp_path, babel_model), print, print)
        return caught.type

    assert ended(log) is launching._OutOfMemory
    assert ended(log.replace("OutOfMemoryError: CUDA out of memory", "AcceleratorError: CUDA error")) is RunError
    assert ended(log.replace(launching.START_LINE, "")) is RunError, "before the model is loaded no batch is too large"


# --- which GPU --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("visible", "wanted", "seen"), [(None, None, "0"), ("4,6", "cuda:1", "6"), ("", None, ""), ("-1", None, "-1")]
)
def test_training_sees_one_gpu_and_none_that_is_hidden(
    visible: str | None, wanted: str | None, seen: str, tmp_path: Path, babel_model: Path, monkeypatch: Any
) -> None:
    around: dict[str, str] = {}

    def started(_: Any, environment: dict[str, str], **__: Any) -> Any:
        around.update(environment)
        return SimpleNamespace(stdout=io.BufferedReader(io.BytesIO()), wait=lambda: 0)  # type: ignore[arg-type]

    monkeypatch.setattr(launching, "_started", started)
    monkeypatch.setattr(launching, "has_gpu", lambda: True)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    launching._run(job(tmp_path, babel_model).model_copy(update={"device": wanted}), print, print)
    assert around["CUDA_VISIBLE_DEVICES"] == seen


@pytest.mark.parametrize(
    ("wanted", "kind", "taken"),
    [(None, "cuda", "cuda:1"), ("cuda", "cuda", "cuda:1"), ("cuda:0", "cuda", "cuda:0"), ("xpu", "xpu", "xpu:1")],
)
def test_each_process_that_asks_has_a_gpu_of_its_own(
    wanted: str | None, kind: str, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, current = [], []
    for name in ("cuda", "xpu"):
        module = getattr(torch, name)
        monkeypatch.setattr(module, "is_available", lambda name=name: name == kind)
        monkeypatch.setattr(module, "device_count", lambda: 2)
        monkeypatch.setattr(module, "set_device", current.append)
    lm = SimpleNamespace(max_length=1, eot_token_id=0, tokenizer_name="t", get_model_info=dict)
    monkeypatch.setattr(asking_worker, "load_lm", lambda **given: loaded.append(given["device"]) or lm)
    monkeypatch.setattr(Group, "gather", lambda self, value: [value])
    asking_worker.Worker(Group(3, 4), 3, None).load({"path": "m", "device": wanted})
    assert loaded == current == [taken]


def test_more_processes_than_gpus_are_refused_before_a_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from calm_ext.errors import CalmError
    from calm_ext.pipeline.ready import _check_gpus

    recipe: Any = SimpleNamespace(launch=SimpleNamespace(accelerate_config="recipes/accelerate/multi-node.yaml"))
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    _check_gpus(recipe, "cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    _check_gpus(recipe, "cpu")
    with pytest.raises(CalmError, match=r"multi-node\.yaml starts 8 processes on this machine, which has 4 GPUs"):
        _check_gpus(recipe, "cuda")


def test_cells_of_a_study_are_not_forked_where_a_gpu_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from calm_ext.study import workers

    asked: list[str] = []
    monkeypatch.setattr(workers.forked, "can_fork", lambda: True)
    monkeypatch.setattr(workers.forked, "context", lambda: asked.append("fork"))
    monkeypatch.setattr(multiprocessing, "get_context", lambda kind: asked.append(kind))
    for there in (False, True):
        monkeypatch.setattr(workers, "has_gpu", lambda there=there: there)
        assert workers.run_cells([], tmp_path, jobs=2, report=print) == {}
    assert asked == ["fork", "spawn"]


# --- training ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rank", "kind"), [(None, "bfloat16"), ("3", "float16")])
def test_a_quantised_model_is_loaded_where_it_is_trained(
    rank: str | None, kind: str, tmp_path: Path, babel_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left to itself transformers takes the current device, which is the first one in every process."""
    given: dict[str, Any] = {}

    def load(path: str, **keywords: Any) -> Any:
        given.update(keywords)
        return _Model()

    monkeypatch.setattr(training_worker.AutoModelForCausalLM, "from_pretrained", load)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("LOCAL_RANK", rank)
    made = job(tmp_path, babel_model, quantize="4bit")
    training_worker._load_model(made, kind)
    config = given["quantization_config"]
    assert given["device_map"] == {"": 0 if rank is None else 1}
    assert (config.load_in_4bit, config.bnb_4bit_quant_type) == (True, "nf4")
    assert config.bnb_4bit_compute_dtype == getattr(torch, kind) == given["dtype"]
    for name in ("ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED"):
        with monkeypatch.context() as sharded:
            sharded.setenv(name, "true")
            with pytest.raises(RunError, match="quantize 4bit needs the whole model"):
                training_worker._load_model(made, kind)
    given.clear()
    training_worker._load_model(job(tmp_path, babel_model), kind)
    assert "device_map" not in given and "quantization_config" not in given, "the trainer moves it"


@pytest.mark.parametrize("fp16", [True, False])
def test_gradients_that_are_scaled_are_of_float32(fp16: bool) -> None:
    """As TRL leaves a quantised model: its adapter in bfloat16, which torch's GradScaler refuses on a GPU."""
    model = torch.nn.ModuleDict({name: torch.nn.Linear(2, 2, dtype=torch.bfloat16) for name in ("base", "lora")})
    model["base"].requires_grad_(False)
    training_worker._make_scalable(SimpleNamespace(args=SimpleNamespace(fp16=fp16), model=model))
    assert model["lora"].weight.dtype == (torch.float32 if fp16 else torch.bfloat16)
    assert model["base"].weight.dtype == torch.bfloat16


class _Model(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace(use_cache=False)


@pytest.mark.parametrize("stage", ["2", "3"])
def test_under_zero3_an_adapter_has_the_model_s_format(
    stage: str, tmp_path: Path, babel_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DeepSpeed gathers parameters of one format only, and recomputes by the older way only."""
    from transformers import AutoTokenizer, TrainingArguments

    from calm_ext.training import groups

    built: dict[str, Any] = {}
    monkeypatch.setattr(groups, "TrainingArguments", dict)
    monkeypatch.setattr(groups, "GroupTrainer", lambda model, arguments, **_: built.update(m=model, a=arguments))
    monkeypatch.setattr(groups, "score_responses_only", lambda: None)
    made = job(tmp_path, babel_model, gradient_checkpointing=True)
    context = training_context(made, questions(), AutoTokenizer.from_pretrained(babel_model))
    context.model.to(torch.bfloat16)
    with monkeypatch.context() as launched:
        launched.setenv("ACCELERATE_USE_DEEPSPEED", "true")
        launched.setenv("ACCELERATE_DEEPSPEED_ZERO_STAGE", stage)
        groups.group_trainer(context, questions(), lambda scores, layout: (scores.sum(), {}), needs_reference=False)
    formats = {p.dtype for p in built["m"].parameters() if p.requires_grad}
    assert formats == {torch.bfloat16 if stage == "3" else torch.float32}
    read = TrainingArguments(**built["a"]).activation_checkpointing_kwargs or {}
    assert read.get("use_reentrant", False) == (stage == "3"), "what transformers' trainer reads"


def test_a_sharded_model_gives_no_reference_of_groups() -> None:
    from calm_ext.training.groups import GroupTrainer

    made: Any = object.__new__(GroupTrainer)
    made.args, made.model = SimpleNamespace(per_device_train_batch_size=2), _Adapted()
    made.accelerator = SimpleNamespace(autocast=torch.no_grad)
    made.is_deepspeed_enabled, made.is_fsdp_enabled = False, True
    known = questions()
    assert made._with_reference(known) == known, "those that sampling scored are known"
    with pytest.raises(RunError, match="need the whole model in each process"):
        made._with_reference(questions(reference=False))


class _Adapted(torch.nn.Module):
    disable_adapter = torch.no_grad

    def get_input_embeddings(self) -> Any:
        return torch.nn.Embedding(1, 1)


def test_of_several_processes_one_tells_notes(monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    monkeypatch.setenv(LISTENED, "1")
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        tell("note", message=f"note of {rank}")
        tell("warning", message=f"warning of {rank}")
    said = [json.loads(x[1:])["message"] for x in capfd.readouterr().err.rstrip().split("\n")]
    assert said == ["note of 0", "warning of 0", "warning of 1"]


# --- what is drawn ----------------------------------------------------------------------------------------------------


def test_a_number_just_below_one_stays_below_it_in_float32() -> None:
    """On a device without float64 it would otherwise draw what no probability is left for."""
    last = torch.tensor([1 - 2**-53], dtype=torch.float64)
    assert last.float() == 1 and single(last) < 1
    some = torch.tensor([0.0, 0.25, 0.5], dtype=torch.float64)
    assert single(some).equal(some.float())
    logits = torch.tensor([[0.0, 0.0, -torch.inf]])
    assert Drawing().draw(logits, single(last), torch.zeros(1, 1, dtype=torch.long)).tolist() == [1]


def test_padding_is_no_token_that_was_said() -> None:
    """A repetition penalty must not see the tokens that fill a shorter prompt of the batch."""
    from calm_ext.models.decoding import decode

    model = tiny("llama")
    likely = torch.zeros(model.config.vocab_size)
    likely[0] = 1000.0  # the token that padding was made of
    model.lm_head.register_forward_hook(lambda _, __, logits: logits + likely)
    drawing = Drawing(temperature=0, repetition_penalty=1e4)

    def said(*prompts: list[int]) -> list[list[int]]:
        rows = range(len(prompts))
        with torch.inference_mode():
            return decode(model, prompts, rows, rows, drawing=drawing, max_new_tokens=3, ends=set())

    short, long = [5, 6], [1, 2, 3, 4, 5, 6]
    assert said(short, long) == [*said(short), *said(long)]
    assert said(short)[0][0] == 0
