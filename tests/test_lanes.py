"""Threads of a CPU that each run batches of their own: the numbers, the callbacks and the errors of one thread."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from calm_ext.models import lanes, meter, scoring
from calm_ext.models.batches import Shrinking, in_parts
from calm_ext.models.decoding import respond
from calm_ext.models.lanes import _processors, in_lanes
from calm_ext.models.lm import SharedPrefixLM, load_lm
from calm_ext.models.processes.group import Group
from calm_ext.models.processes.worker import Worker
from calm_ext.models.request import SampleRequest
from calm_ext.models.scoring import score_groups
from calm_ext.pipeline.run import Pipeline
from tests.small import small_recipe


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = torch.get_num_threads()
    monkeypatch.setattr(lanes, "_processors", lambda: 2)
    torch.set_num_threads(2)
    yield
    assert torch.get_num_threads() == 2, "what a lane sets is its own"
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def lm(babel_model: Path) -> SharedPrefixLM:
    return load_lm(str(babel_model), dtype="float32", device="cpu", batch_size=4)


def with_threads(number: int, call: Any) -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        return call()
    finally:
        torch.set_num_threads(before)


GROUPS = [([5 + i % 40, 6, 7 + i % 9] * (1 + i % 5), [[8], [9, 10 + i], [11] * (1 + i % 4)]) for i in range(40)]


def test_scores_are_those_of_one_thread(lm: SharedPrefixLM, two_threads: None, monkeypatch: pytest.MonkeyPatch) -> None:
    by: dict[str, int] = {}
    real = scoring._read_rows

    def read(model: Any, rows: Any) -> Any:
        by[threading.current_thread().name] = by.get(threading.current_thread().name, 0) + len(rows)
        time.sleep(0.01)  # so that neither lane takes all
        return real(model, rows)

    monkeypatch.setattr(scoring, "_read_rows", read)
    monkeypatch.setattr(scoring, "_passes_together", lambda *_: 1)
    told: list[int] = []
    kept: dict[tuple[int, int], Any] = {}
    got = score_groups(
        lm.model, GROUPS, batch_size=4, progress=told.append, scored=lambda i, first, answers: kept.update({(i, first): answers})
    )  # fmt: skip
    assert len(by) == 2 and sum(by.values()) == 40 and "MainThread" not in by
    assert sum(told) == sum(len(targets) for _, targets in GROUPS)
    assert [kept[i, 0] for i in range(40)] == got
    assert with_threads(1, lambda: score_groups(lm.model, GROUPS, batch_size=4)) == got
    assert not lm.model.get_output_embeddings()._forward_pre_hooks


def test_responses_are_those_of_one_thread(lm: SharedPrefixLM, two_threads: None) -> None:
    requests = [SampleRequest(str(i), "Talor : Kvelt " * (1 + i % 3), [], range(i, i + 3)) for i in range(20)]
    shares: list[float] = []
    options: dict[str, Any] = {"temperature": 1.0, "top_p": 0.9, "max_new_tokens": 6}
    got = respond(lm, requests, **options, watch=shares.append)
    assert shares == sorted(shares) and shares[-1] == 1 and len(shares) == 5
    assert with_threads(1, lambda: respond(lm, requests, **options)) == got


def test_an_adapter_and_torch_s_state_go_along(lm: SharedPrefixLM, two_threads: None) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(lm.model.config._name_or_path).eval()
    model = get_peft_model(plain, LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)).eval()

    def look(own: Any, item: int) -> tuple[Any, ...]:
        time.sleep(0.01)
        with torch.autocast("cpu", enabled=False):
            number = own(input_ids=torch.tensor([[5, item]])).logits.sum().item()
        state = torch.is_inference_mode_enabled(), torch.is_grad_enabled(), torch.is_autocast_enabled("cpu")
        return number, *state, torch.get_autocast_dtype("cpu"), id(own), id(next(own.parameters()))

    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        found = in_lanes(model, range(6, 12), look)
        with model.disable_adapter():
            without = in_lanes(model, range(6, 12), look)
    assert {x[1:5] for x in found} == {(True, False, True, torch.bfloat16)}
    assert len({x[5] for x in found}) == 2 and len({x[6] for x in found}) == 1, "two models, one set of weights"
    for item, (number, *_), (bare, *_) in zip(range(6, 12), found, without, strict=True):
        assert number == pytest.approx(look(model, item)[0], rel=1e-4)
        with model.disable_adapter():
            assert bare == pytest.approx(look(model, item)[0], rel=1e-4)
        assert number != pytest.approx(bare, rel=1e-3)


def test_what_one_lane_raises_ends_all(lm: SharedPrefixLM, two_threads: None) -> None:
    seen = []

    def work(_: Any, item: int) -> int:
        seen.append(item)
        time.sleep(0.02)
        if item == 1:
            raise OSError("no space left on the disk")
        return item

    with pytest.raises(OSError, match="no space left"):
        in_lanes(lm.model, range(50), work)
    assert len(seen) <= 4
    assert threading.active_count() == len([t for t in threading.enumerate() if "lane" not in t.name])


def test_an_interrupt_waits_for_the_batches_at_hand(lm: SharedPrefixLM, two_threads: None) -> None:
    import _thread

    began, ended = [], []

    def work(_: Any, item: int) -> None:
        began.append(item)
        if item == 3:
            _thread.interrupt_main()
        time.sleep(0.05)
        ended.append(item)

    with pytest.raises(KeyboardInterrupt):
        in_lanes(lm.model, range(50), work)
    assert sorted(began) == sorted(ended) and len(began) < 25, "nothing goes on behind the back of who ended it"


def test_one_lane_where_there_is_one_thread_or_no_copy(
    lm: SharedPrefixLM, two_threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def where(own: Any, _: int) -> tuple[bool, str]:
        return own is lm.model, threading.current_thread().name

    here = [(True, "MainThread")] * 20
    assert with_threads(1, lambda: in_lanes(lm.model, range(20), where)) == here
    assert in_lanes(lm.model, [1], where) == here[:1]

    def refused(*_: Any) -> Any:
        raise TypeError("cannot pickle '_io.TextIOWrapper' object")

    monkeypatch.setattr(lm.model.model, "forward", lm.model.model.forward)
    assert in_lanes(lm.model, range(20), where) == here, "a forward of somebody else's may not run the copy's modules"
    monkeypatch.undo()
    assert in_lanes(lm.model, range(20), where) != here
    with monkeypatch.context() as bound:  # as OMP_PROC_BIND does
        bound.setattr(lanes, "_processors", lambda: 1)
        assert in_lanes(lm.model, range(20), where) == here
    monkeypatch.setattr(lanes.copy, "deepcopy", refused)
    assert in_lanes(lm.model, range(20), where) == here


def test_parts_do_not_depend_on_the_threads(lm: SharedPrefixLM, two_threads: None) -> None:
    def parts(items: int, size: int, unit: int = 1) -> list[int]:
        sizes = in_parts(lm.model, range(items), size, lambda _, part: [(part[0], len(part))] * len(part), unit=unit)
        return [size for _, size in dict.fromkeys(sizes)]

    for threads in (1, 2):
        for wanted, asked in (
            ([5], (5, 64)), ([8, 8], (16, 64)), ([13, 13, 13, 11], (50, 16)), ([16, 8], (24, 64, 8)),
            ([64, 64], (128, 128, 8)), ([40, 40, 40, 30], (150, 64, 8)),
        ):  # fmt: skip
            assert with_threads(threads, lambda asked=asked: parts(*asked)) == wanted


def test_time_in_the_model_is_counted_once(lm: SharedPrefixLM, two_threads: None) -> None:
    def work(_: Any, __: int) -> None:
        with meter.in_model(3):
            time.sleep(0.1)

    before, started = meter.reading(), time.perf_counter()
    in_lanes(lm.model, range(4), work)
    spent = meter.reading().since(before)
    assert spent.tokens == 12
    assert 0.19 < spent.seconds <= time.perf_counter() - started


def test_a_run_of_two_threads_is_that_of_one(
    babel_model: Path, two_threads: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests have one thread each, so this is the only run that has lanes, in training's watch, too."""
    recipe = small_recipe(babel_model, data={"limit": 200}, sampling={"batch_size": 4}, training={"heldout_share": 0.5})
    for threads in (1, 2):
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        with_threads(threads, Pipeline(recipe, tmp_path / f"run{threads}").run)
    for name in ("generations.jsonl", "ballots.jsonl", "pairs.jsonl"):
        assert (tmp_path / "run1" / name).read_bytes() == (tmp_path / "run2" / name).read_bytes()
    assert (tmp_path / "run2/adapter/adapter_model.safetensors").is_file()


def test_threads_that_openmp_binds_are_seen() -> None:
    """Whoever starts a thread gives it its own place: with two processors it would have both lanes on one."""
    script = (
        "import torch\nfrom calm_ext.models.lanes import _processors\n"
        "torch.ones(300, 300) @ torch.ones(300, 300)\nprint(torch.get_num_threads(), _processors())"
    )
    if not hasattr(os, "sched_getaffinity") or _processors() < 2:
        pytest.skip("Linux with two processors")
    for bind, processors in (("true", 1), ("false", _processors())):
        around = {**os.environ, "OMP_NUM_THREADS": "2", "OMP_PROC_BIND": bind, "OMP_PLACES": "threads"}
        done = subprocess.run([sys.executable, "-c", script], env=around, capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["2", str(processors)], done.stderr


def test_a_batch_that_was_halved_by_another_lane_stays_so() -> None:
    sizes: list[int] = []

    def work(_: Any, part: Any) -> Any:
        sizes.append(len(part))
        if len(part) > 2:
            shrinking.size = 2  # what another lane has found out meanwhile
            raise MemoryError
        return part

    shrinking = Shrinking(8, work)
    assert shrinking.do(None, range(8)) == list(range(8))
    assert sizes == [8, 2, 2, 2, 2]


def test_messages_of_two_lanes_do_not_run_into_each_other() -> None:
    """A pipe takes one message at a time: one lane tells how far it is while another one warns."""
    sending, met = threading.Lock(), []

    class Line:
        def send(self, message: Any) -> None:
            met.append(sending.acquire(blocking=False))
            time.sleep(0.05)
            if met[-1]:
                sending.release()

    worker = Worker(Group(0, 2), 0, Line())  # type: ignore[arg-type]
    threads = [threading.Thread(target=worker.tell, args=("progress", 1)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert met == [True] * 3
