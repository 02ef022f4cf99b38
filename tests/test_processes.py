"""A model in two processes gives what it gives in one, byte for byte, wherever the work was interrupted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from click.testing import CliRunner
from lm_eval.api.instance import Instance

from calm_ext.cli.main import cli
from calm_ext.errors import CalmError
from calm_ext.harness import sampler
from calm_ext.harness.evaluate import evaluate
from calm_ext.models import meter
from calm_ext.models.backends.hf import HFBackend
from calm_ext.models.batches import in_batches
from calm_ext.models.processes import preloaded
from calm_ext.models.processes.forked import SWITCH, can_fork
from calm_ext.models.processes.group import Group, join
from calm_ext.models.processes.model import LaunchedLM, _flags, load
from calm_ext.models.processes.options import LaunchOptions, processes_of, threads_of
from calm_ext.models.processes.start import PARENT, command, reason_in
from calm_ext.models.request import SampleRequest
from calm_ext.records import ParallelQuestion
from tests.conftest import ROOT
from tests.shell import calm

TWO = ROOT / "recipes/accelerate/multi-cpu.yaml"


# --- what is shared, without processes --------------------------------------------------------------------------------


def members(size: int) -> list[Group]:
    """Groups whose members are threads of this process."""
    board: list[Any] = [None] * size
    barrier = threading.Barrier(size, timeout=20)

    class Member(Group):
        def gather(self, value: Any) -> list[Any]:
            board[self.rank] = value
            barrier.wait()
            found = list(board)
            barrier.wait()
            return found

    return [Member(rank, size) for rank in range(size)]


def in_all(size: int, call: Callable[[Group], Any]) -> list[Any]:
    """What a call gives in each of the members, or what it raises."""

    def made(group: Group) -> Any:
        try:
            return call(group)
        except Exception as error:
            return error

    with ThreadPoolExecutor(size) as threads:
        return list(threads.map(made, members(size)))


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [0, 1, 7])
def test_every_member_has_all_results_in_order(size: int, n: int) -> None:
    done: list[int] = []
    squares = [x * x for x in range(n)]
    assert in_all(size, lambda group: group.share(range(n), lambda x: done.append(x) or x * x)) == [squares] * size
    assert sorted(done) == list(range(n)), "each item is done once"
    assert in_all(size, lambda group: group.deal(range(n), lambda hand: [x * x for x in hand])) == [squares] * size


def test_what_goes_wrong_in_one_process_is_heard_in_all() -> None:
    def work(x: int) -> int:
        if x == 2:
            raise CalmError("memory does not suffice")
        return x

    found = in_all(3, lambda group: group.share(range(6), work))
    assert [str(error) for error in found] == ["memory does not suffice"] * 3
    assert all(isinstance(error, CalmError) for error in found)


def test_alone_there_is_no_group() -> None:
    join(None)
    assert in_batches([3, 1, 2], 2, lambda part: [x * 2 for x in part]) == [6, 2, 4]


# --- options ----------------------------------------------------------------------------------------------------------


def test_the_number_of_processes(tmp_path: Path) -> None:
    assert processes_of(TWO) == 2 and LaunchOptions(accelerate_config=str(TWO)).several
    assert not LaunchOptions().several and LaunchOptions().problems() == []
    one = tmp_path / "one.yaml"
    one.write_text("num_processes: 1\n")
    assert not LaunchOptions(accelerate_config=str(one)).several
    assert threads_of(TWO) == max(1, len(os.sched_getaffinity(0)) // 2)
    unknown = tmp_path / "all.yaml"
    unknown.write_text("distributed_type: MULTI_GPU\n")
    assert LaunchOptions(accelerate_config=str(unknown)).several and threads_of(unknown) is None
    one_each = tmp_path / "one-each.yaml"  # accelerate launches no single process as several
    one_each.write_text("num_machines: 2\nnum_processes: 2\n")
    assert not LaunchOptions(accelerate_config=str(one_each)).several and processes_of(one_each) == 2


@pytest.mark.parametrize("text", ["", "- a\n", "a: [1\n", "num_processes: two\n"])
def test_what_is_no_accelerate_config_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(text)
    (problem,) = LaunchOptions(accelerate_config=str(path)).problems()
    assert problem.startswith(f"launch.accelerate_config: {path} is no accelerate config; ")
    flags = ["train", "x", "-o", str(tmp_path / "o"), "--model", "m", "--accelerate-config", str(path)]
    with pytest.raises(CalmError, match=f"--accelerate-config: {path} is no accelerate config"):
        CliRunner().invoke(cli, flags, catch_exceptions=False)


@pytest.mark.parametrize("path", sorted((ROOT / "recipes/accelerate").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_bundled_configs_are_accelerate_s(path: Path) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    config = load_config_from_file(str(path))
    assert LaunchOptions(accelerate_config=str(path)).problems() == []
    assert config.num_processes == processes_of(path) > 1
    arguments = launch_command_parser().parse_args(
        ["--config_file", str(path), "-m", "calm_ext.training.worker", "job.json"]
    )
    _validate_launch_command(arguments)


def test_asking_takes_whole_models_on_this_machine() -> None:
    for name, processes in (("multi-node", 8), ("fsdp", 8), ("deepspeed-zero3", 8), ("multi-cpu", 2)):
        path = str(ROOT / f"recipes/accelerate/{name}.yaml")
        line = command("a.b", accelerate_config=path, flags=_flags(path))
        arguments = launch_command_parser().parse_args(line[3:])
        arguments, *_ = _validate_launch_command(arguments)
        assert (arguments.num_processes, arguments.num_machines, arguments.multi_gpu) == (processes, 1, True)
        assert not arguments.use_deepspeed and not arguments.use_fsdp


def test_how_processes_are_started() -> None:
    assert command("a.b", "job.json")[1:] == ["-m", "a.b", "job.json"]
    assert command("a.b", "job.json", accelerate_config="my.yaml")[1:] == [
        "-m", "accelerate.commands.launch", "--config_file", "my.yaml", "-m", "a.b", "job.json",
    ]  # fmt: skip


def test_the_key_of_earlier_versions_is_read() -> None:
    from calm_ext.pipeline.recipe import parse_recipe

    values: dict[str, Any] = {
        "name": "x", "model": {"path": "babel"}, "data": {"source": "babel"},
        "evaluation": {"tasks": ["calm_babel_xl_mc"]}, "training": {"accelerate_config": str(TWO), "beta": 0.2},
    }  # fmt: skip
    recipe = parse_recipe(values)
    assert recipe.launch.accelerate_config == str(TWO)
    assert "accelerate_config" not in recipe.training.model_dump()
    assert parse_recipe({**values, "training": {"accelerate_config": None}}).launch == LaunchOptions()


def test_the_reason_is_the_error_itself() -> None:
    log = "[rank1]: Traceback\n[rank1]: ValueError: no such thing\nChildFailedError: worker failed\n"
    assert reason_in(log) == "ValueError: no such thing"


# --- two processes ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def launched(babel_model: Path) -> Iterator[LaunchedLM]:
    """The model in two processes, one thread each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        lm = load(str(babel_model), launch=LaunchOptions(accelerate_config=str(TWO)), dtype="float32", batch_size=4)
    yield lm
    lm.close()


@pytest.fixture(scope="module")
def alone(babel_model: Path) -> Iterator[Any]:
    """The same model in this process, one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield load(str(babel_model), launch=LaunchOptions(), dtype="float32", batch_size=4)
    torch.set_num_threads(threads)


@pytest.mark.parametrize(
    "settings", [{"mode": "options", "priors": True}, {"mode": "generate", "n": 3, "max_new_tokens": 12}]
)
def test_samples_are_those_of_one_process(
    settings: dict[str, Any], launched: LaunchedLM, alone: Any, questions: list[ParallelQuestion], tmp_path: Path
) -> None:
    one, two, three = (tmp_path / f"{name}.jsonl" for name in ("one", "two", "three"))
    sampler.sample(HFBackend(alone), questions, one, **settings)
    # Begun by two processes, gone on with by one; and the other way round.
    for path, first, second in ((two, launched, alone), (three, alone, launched)):
        sampler.sample(HFBackend(first), questions[:16], path, **settings)
        sampler.sample(HFBackend(second), questions, path, **settings)
        assert path.read_bytes() == one.read_bytes()


def test_an_evaluation_is_that_of_one_process(launched: LaunchedLM, alone: Any, tmp_path: Path) -> None:
    """Options are scored in the one task, and responses generated in the other."""
    tasks = ["calm_babel_xl_mc", "calm_babel_xl"]
    for name, lm in (("one", alone), ("two", launched)):
        evaluate(lm, tasks, tmp_path / name, model_name="m", limit=6)
    first, second = (json.loads((tmp_path / name / "results.json").read_text()) for name in ("one", "two"))
    for found in (first, second):
        for key in [x for x in found if "time" in x or x in ("date", "configs")]:  # functions by their addresses
            del found[key]
    assert first == second
    for task in tasks:
        samples = [(tmp_path / name / f"samples_{task}.jsonl").read_bytes() for name in ("one", "two")]
        assert samples[0] == samples[1]


def test_progress_and_tokens_are_those_of_all(launched: LaunchedLM, questions: list[ParallelQuestion]) -> None:
    texts = [version.question for question in questions[:9] for version in question.versions.values()]
    requests = [
        Instance(request_type="loglikelihood", doc={}, arguments=(text, " a"), idx=i) for i, text in enumerate(texts)
    ]
    seen: list[int] = []
    launched.watch = lambda total: (seen.append(-total), seen.append)[1]  # type: ignore[func-returns-value]
    before = meter.reading()
    launched.loglikelihood(requests)
    launched.watch = None
    assert sum(seen) == 0 and len(seen) > 1 and seen[0] < 0
    assert meter.reading().since(before).tokens > len(texts)


def test_a_user_s_mistake_leaves_the_processes_usable(launched: LaunchedLM) -> None:
    request = SampleRequest("q in en", "ba di", [], [1, 2])
    with pytest.raises(CalmError, match="context"):
        launched.respond([request], temperature=1.0, top_p=1.0, max_new_tokens=100_000)
    (replies,) = launched.respond([request], temperature=1.0, top_p=1.0, max_new_tokens=3)
    assert len(replies) == 2


def test_a_process_that_is_killed_ends_the_call_in_a_line(launched: LaunchedLM) -> None:
    """The last test of these processes."""
    workers = [p for p in psutil.Process(launched._process.pid).children(recursive=True) if _is_worker(p)]
    assert len(workers) == 2
    os.kill(workers[1].pid, signal.SIGKILL)
    with pytest.raises(CalmError, match=r"the processes that hold the model have ended .*: one was killed"):
        launched.respond([SampleRequest("q in en", "ba di", [], [1])], temperature=1.0, top_p=1.0, max_new_tokens=3)
    psutil.wait_procs(workers, timeout=20)
    assert not any(p.is_running() for p in workers)


def _is_worker(process: psutil.Process) -> bool:
    return "calm_ext.models.processes.worker" in " ".join(process.cmdline())


def test_the_shell_s_flag_and_a_model_that_is_not_there(
    questions_file: Path, babel_model: Path, tmp_path: Path
) -> None:
    """A process that is killed leaves no others behind."""
    broken = tmp_path / "model"
    shutil.copytree(babel_model, broken)
    (broken / "model.safetensors").write_bytes(b"not weights")
    asked = calm(
        "sample", questions_file, "-o", tmp_path / "g.jsonl", "--model", broken, "--mode", "options",
        "--accelerate-config", TWO,
    )  # fmt: skip
    assert asked.returncode == 2
    assert f"error: model {broken} cannot be loaded: " in asked.stderr.splitlines()[-1]


def test_processes_end_with_the_one_that_started_them() -> None:
    script = "import os, sys, time\nfrom calm_ext.models.processes.start import end_with_parent\nend_with_parent()\n"
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    started = psutil.Process(gone.pid).create_time()
    gone.wait()
    parent = json.dumps([gone.pid, started, socket.gethostname()])
    left = subprocess.run([sys.executable, "-c", script], env={**os.environ, PARENT: parent}, timeout=30, check=False)
    assert left.returncode == 1


# --- one process, forked ----------------------------------------------------------------------------------------------

SCRIPT = """
import os, sys
print("the script runs", flush=True)
from calm_ext.models.processes import forked
forked._PRELOADED.clear()  # this module needs none
process = forked.Forked("tests.forked_module", sys.argv[1:], {**os.environ, "CALM_GIVEN": "x"})
out = process.stdout.read().decode()
print(repr(out), process.wait(), flush=True)
"""


@pytest.mark.parametrize(
    ("end", "out", "code"),
    [("fine", "out fine x\n", 0), ("word", "out word x\nerror: no such thing\n", 1), ("kill", "out kill x\n", -9)],
)
def test_a_forked_process_is_like_a_new_one(end: str, out: str, code: int, tmp_path: Path) -> None:
    """Also for a script without a guard, which multiprocessing would run once more."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script, end], env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=tmp_path,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == f"the script runs\n{out!r} {code}\n"


def test_a_new_interpreter_where_others_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert can_fork()
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert not can_fork(), "the server would not find what is there"
    monkeypatch.undo()
    monkeypatch.setenv(SWITCH, "0")
    assert not can_fork()


def test_a_tokenizer_that_was_read_before_is_taken_once_and_only_unchanged(
    babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "model"
    shutil.copytree(babel_model, model)
    monkeypatch.setenv(preloaded.MODEL, str(model))
    for changed in (False, True):
        monkeypatch.setattr(preloaded, "_loaded", preloaded._preloaded())
        (kept,) = preloaded._loaded.values()
        if changed:
            os.utime(model / "tokenizer.json", (1, 1))
        assert (preloaded.tokenizer_of(str(model)) is kept) != changed
        assert preloaded.tokenizer_of(str(model)) is not kept
    monkeypatch.setenv(preloaded.MODEL, str(tmp_path / "nothing"))
    assert preloaded._preloaded() == {}
