"""A run over several machines: the first one leads, the others start their processes when it does, and end with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from accelerate.commands.launch import _validate_launch_command, launch_command_parser

from calm_ext.errors import CalmError, RunError
from calm_ext.files.holder import Holder
from calm_ext.jsonl import read_jsonl
from calm_ext.models.processes import following, machines
from calm_ext.models.processes.following import follow
from calm_ext.models.processes.machines import NOTE, Lead, flags_of_machine, leading, rank_of_machine, read_state
from calm_ext.models.processes.options import LaunchOptions
from calm_ext.models.processes.start import command
from calm_ext.records import Generation
from calm_ext.study.cell import SharingPipeline
from calm_ext.training.job import TrainingJob
from calm_ext.training.launch import launch as train
from tests.conftest import ROOT
from tests.shell import calm
from tests.small import small_recipe

TWO_PROCESSES = ROOT / "recipes/accelerate/multi-cpu.yaml"

WORKER = "calm_ext.training.worker"


@pytest.fixture
def two(tmp_path: Path) -> LaunchOptions:
    """Two machines, a process each, which find each other on this one; a file that both of them read."""
    path = tmp_path / "machines.yaml"
    text = TWO_PROCESSES.read_text().replace("num_machines: 1", "num_machines: 2\nmain_process_ip: 127.0.0.1")
    path.write_text(text)
    return LaunchOptions(accelerate_config=str(path))


# --- which machine this is --------------------------------------------------------------------------------------------


def srun(task: int, tasks: int = 2) -> dict[str, str]:
    return {"SLURM_STEP_NUM_TASKS": str(tasks), "SLURM_PROCID": str(task), "SLURM_NODEID": str(task)}


@pytest.mark.parametrize(
    ("given", "environment", "in_config", "rank"),
    [
        (1, {}, None, 1),
        (1, srun(0), 0, 1),
        (None, srun(1), None, 1),
        (None, srun(1), 0, 1),  # the file that all nodes share says 0 on each
        (None, {}, 1, 1),
        (None, {"SLURM_PROCID": "0", "SLURM_NTASKS": "2"}, 1, 1),  # a batch script, which srun has not started
        (None, {}, None, 0),
    ],
)
def test_the_number_of_a_machine(
    given: int | None, environment: dict[str, str], in_config: int | None, rank: int, two: LaunchOptions
) -> None:
    path = Path(str(two.accelerate_config))
    if in_config is not None:
        path.write_text(f"{path.read_text()}machine_rank: {in_config}\n")
    assert rank_of_machine(two, given, environment) == rank


def test_numbers_that_no_machine_has(two: LaunchOptions) -> None:
    with pytest.raises(CalmError, match=r"^--machine-rank: there is no machine 2, they are numbered from 0 to 1$"):
        rank_of_machine(two, 2, {})
    with pytest.raises(
        CalmError, match=r"srun has started 16 tasks, .* num_machines 2: start one task for each machine"
    ):
        rank_of_machine(two, None, srun(3, 16))
    with pytest.raises(CalmError, match=r"--machine-rank 1: launch.accelerate_config names no file with num_machines"):
        rank_of_machine(LaunchOptions(), 1, {})
    assert rank_of_machine(LaunchOptions(), None, srun(3, 16)) == 0, "sixteen runs, each of one machine"


@pytest.mark.parametrize("processes", ["3", "0", "null"])
def test_processes_that_machines_cannot_share(processes: str, two: LaunchOptions) -> None:
    path = Path(str(two.accelerate_config))
    path.write_text(path.read_text().replace("num_processes: 2", f"num_processes: {processes}"))
    (problem,) = two.problems()
    assert "num_processes" in problem or "is no accelerate config" in problem
    assert "\n" not in problem


def test_a_study_runs_on_one_machine(two: LaunchOptions, babel_model: Path, tmp_path: Path) -> None:
    asked = small_recipe(babel_model, launch=two.model_dump())
    with pytest.raises(CalmError, match="has num_machines 2, and a study runs on one"):
        SharingPipeline(asked, tmp_path, "cells/a")


def test_what_accelerate_is_told(two: LaunchOptions, tmp_path: Path) -> None:
    """By accelerate's own reading: the same place to meet, a number of its own for each machine."""
    read = []
    with leading(tmp_path, two) as lead:
        assert lead is not None
        start = lead.start("a.b", "job.json", flags=["--multi_gpu"])
        for rank in (0, 1):
            line = command(
                "a.b", "job.json", accelerate_config=two.accelerate_config, flags=flags_of_machine(start, rank)
            )
            arguments, *_ = _validate_launch_command(launch_command_parser().parse_args(line[3:]))
            read.append(arguments)
    first, second = ({k: v for k, v in vars(x).items() if k != "machine_rank"} for x in read)
    assert first == second and [x.machine_rank for x in read] == [0, 1]
    assert (first["num_machines"], first["num_processes"], first["main_process_ip"]) == (2, 2, "127.0.0.1")
    assert first["rdzv_backend"] == "static" and first["main_process_port"] > 0
    with leading(tmp_path, LaunchOptions(accelerate_config=str(TWO_PROCESSES))) as lead:
        assert lead is None


# --- following --------------------------------------------------------------------------------------------------------


class Follower:
    """A second machine as a thread, whose processes run a script in place of accelerate."""

    def __init__(self, folder: Path, launch: LaunchOptions) -> None:
        self.said: list[str] = []
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._follow, args=(folder, launch), daemon=True)
        self._thread.start()
        self.until(lambda: self.said)

    def _follow(self, folder: Path, launch: LaunchOptions) -> None:
        try:
            follow(folder, launch, 1, say=self.said.append)
        except Exception as error:
            self.error = error

    @staticmethod
    def until(there: Callable[[], object]) -> None:
        end = time.monotonic() + 30
        while not there():
            assert time.monotonic() < end
            time.sleep(0.02)

    def ended(self) -> Exception | None:
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.error


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Looks are quick, and the processes a script: it writes its number, and waits unless it is to fail."""
    monkeypatch.setattr(following, "_LOOK", 0.02)
    script = (
        "import os, sys, time; open(sys.argv[1] + '/started', 'a').write(f'{os.getpid()} {sys.argv[2:]}\\n');"
        "sys.exit('error: no such GPU') if os.environ.get('TQDM_DISABLE') == 'fail' else time.sleep(60)"
    )

    def stand_in(module: str, *arguments: str, accelerate_config: str | None, flags: list[str]) -> list[str]:
        return [sys.executable, "-c", script, *arguments, module, flags[-1]]

    monkeypatch.setattr(following, "command", stand_in)
    return monkeypatch


def started(folder: Path) -> list[str]:
    path = folder / "started"
    return [x for x in path.read_text().splitlines() if x.endswith("]")] if path.exists() else []


def test_processes_start_and_end_with_those_of_the_first(
    quick: pytest.MonkeyPatch, two: LaunchOptions, tmp_path: Path
) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    other.mkdir()
    follower = Follower(run, two)  # comes first: there is no folder yet
    run.mkdir()
    with leading(run, two) as lead:
        assert lead is not None
        first = lead.start("calm_ext.training.worker", str(other))
        follower.until(lambda: len(started(other)) == 1)
        second = lead.start("calm_ext.models.processes.worker", str(other))  # in place of the first
        follower.until(lambda: len(started(other)) == 2)
        lead.stop(first)  # has been stopped already
        one, last = (
            psutil.Process(int(x.split()[0])) if psutil.pid_exists(int(x.split()[0])) else None for x in started(other)
        )
        assert one is None and last is not None and last.is_running()
        lead.stop(second)
        follower.until(lambda: not last.is_running())
    assert follower.ended() is None
    assert [x.partition(" ")[2] for x in started(other)] == [
        "['calm_ext.training.worker', '1']", "['calm_ext.models.processes.worker', '1']",
    ]  # fmt: skip
    assert [x.partition(": ")[2] for x in follower.said[1:]] == [
        "starts its processes for training", "starts its processes for sampling and evaluation",
        "the run has come to its end",
    ]  # fmt: skip
    assert [x.name for x in run.iterdir()] == [NOTE], "the other machine writes nothing"


def test_a_failure_of_the_first_ends_the_others_in_one_line(
    quick: pytest.MonkeyPatch, two: LaunchOptions, tmp_path: Path
) -> None:
    follower = Follower(tmp_path, two)

    def fail() -> None:
        with leading(tmp_path, two) as lead:
            assert lead is not None
            lead.start(WORKER, str(tmp_path))
            follower.until(lambda: started(tmp_path))
            raise CalmError("the disk is full\nand more")

    with pytest.raises(CalmError):
        fail()
    assert str(follower.ended()) == f"{tmp_path}: the run has failed on machine 0: the disk is full"
    assert not psutil.pid_exists(int(started(tmp_path)[0].split()[0]))
    with pytest.raises(KeyboardInterrupt), leading(tmp_path, two):
        raise KeyboardInterrupt
    state = read_state(tmp_path)
    assert state is not None and state.ended == "it was ended"


def dead() -> Holder:
    """A process of this machine that is gone."""
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    holder = Holder.here("align")._replace(pid=gone.pid, started=psutil.Process(gone.pid).create_time())
    gone.wait()
    return holder


def test_a_first_machine_that_was_killed_is_noticed(
    quick: pytest.MonkeyPatch, two: LaunchOptions, tmp_path: Path
) -> None:
    follower = Follower(tmp_path, two)
    lead = Lead(tmp_path, two)
    lead.start(WORKER, str(tmp_path))
    follower.until(lambda: started(tmp_path))
    lead._write(leader=dead())
    assert "machine 0 is gone (calm-ext align (process" in str(follower.ended())
    assert not psutil.pid_exists(int(started(tmp_path)[0].split()[0]))
    lead.end("")


def test_a_first_machine_that_is_silent_counts_as_dead(
    quick: pytest.MonkeyPatch, two: LaunchOptions, tmp_path: Path
) -> None:
    """As where the other machine has lost its power: only that nothing comes says so."""
    quick.setattr(following, "SILENCE", 1.0)
    quick.setattr(machines, "BEAT", 0.1)
    follower = Follower(tmp_path, two)
    lead = Lead(tmp_path, two)
    lead._write(leader=Holder.here("align")._replace(host="elsewhere"))
    time.sleep(2.0)
    assert follower._thread.is_alive(), "it beats"
    lead._over.set()
    assert "machine 0 has shown no sign of life for 1 s (calm-ext align" in str(follower.ended())


def test_a_run_that_is_over_is_not_taken_for_this_one(
    quick: pytest.MonkeyPatch, two: LaunchOptions, tmp_path: Path
) -> None:
    quick.setattr(following, "TO_COME", 1.0)
    with leading(tmp_path, two):
        pass
    error = Follower(tmp_path, two).ended()
    assert isinstance(error, RunError) and "machine 0 has not begun in" in str(error)
    follower = Follower(tmp_path, two)
    with leading(tmp_path, two):
        pass
    assert follower.ended() is None


def test_in_one_step_of_slurm_the_first_may_have_ended_before(
    quick: pytest.MonkeyPatch, two: LaunchOptions, tmp_path: Path
) -> None:
    quick.setenv("SLURM_JOB_ID", "7")
    quick.setenv("SLURM_STEP_ID", "0")
    with leading(tmp_path, two):
        pass
    assert Follower(tmp_path, two).ended() is None


def test_processes_that_fail_here_only_end_this_machine_with_their_reason(
    quick: pytest.MonkeyPatch, two: LaunchOptions, tmp_path: Path
) -> None:
    quick.setattr(following, "TO_NOTICE", 0.1)
    follower = Follower(tmp_path, two)
    with leading(tmp_path, two) as lead:
        assert lead is not None
        lead.start(WORKER, str(tmp_path), environment={"TQDM_DISABLE": "fail"})
        said = str(follower.ended())
    assert said == "the processes of machine 1 have ended (exit code 1): no such GPU"


@pytest.mark.parametrize(
    ("module", "flags", "variable", "refused"),
    [
        ("http.server", [], "TQDM_DISABLE", "http.server"),
        (WORKER, [], "LD_PRELOAD", "LD_PRELOAD"),
        (WORKER, ["/tmp/mine.py"], "TQDM_DISABLE", "/tmp/mine.py"),  # accelerate would run it in place of the module
        (WORKER, ["--multi_gpu", "-m", "http.server"], "TQDM_DISABLE", "-m, http.server"),
        (WORKER, ["--num_machines", "--no_python"], "TQDM_DISABLE", "--no_python"),
        (WORKER, ["--num_machines=1"], "TQDM_DISABLE", "--num_machines=1"),
    ],
)
def test_nothing_else_is_started_for_the_first_machine(
    module: str,
    flags: list[str],
    variable: str,
    refused: str,
    quick: pytest.MonkeyPatch,
    two: LaunchOptions,
    tmp_path: Path,
) -> None:
    follower = Follower(tmp_path, two)
    with leading(tmp_path, two) as lead:
        assert lead is not None
        lead.start(module, str(tmp_path), flags=flags, environment={variable: "x"})
        said = str(follower.ended())
    assert f"{NOTE}: asks for {refused}, which no machine starts" in said
    assert not started(tmp_path)


def test_a_run_that_is_started_again_has_its_processes_started_again(
    quick: pytest.MonkeyPatch, two: LaunchOptions, tmp_path: Path
) -> None:
    """The first machine died and was started again before this one noticed: both runs count from 1."""
    holder = Holder.here("align")._replace(host="elsewhere")
    follower = Follower(tmp_path, two)
    for run in (1, 2):
        quick.setattr(machines.Holder, "here", lambda _, run=run: holder._replace(pid=run))
        lead = Lead(tmp_path, two)
        lead._over.set()  # of the first one there is no more
        lead.start(WORKER, str(tmp_path))
        follower.until(lambda run=run: len(started(tmp_path)) == run)
    one, last = (int(x.split()[0]) for x in started(tmp_path))
    assert not psutil.pid_exists(one) and psutil.pid_exists(last)
    lead.end("")
    assert follower.ended() is None


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"step": "", "leader": 3}', '{"step": "", "leader": ["a"]}'])
def test_what_is_no_note_says_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / NOTE).write_text(text)
    assert read_state(tmp_path) is None


# --- a run ------------------------------------------------------------------------------------------------------------


def test_the_adapter_of_two_machines_is_that_of_two_processes(
    two: LaunchOptions, babel_model: Path, tmp_path: Path
) -> None:
    """gloo on loopback, a process each. Evaluation and sampling before the training are shared, too."""
    (tmp_path / "r.yaml").write_text(
        small_recipe(babel_model, launch=two.model_dump(), training={"batch_size": 2}).to_yaml()
    )
    run = tmp_path / "run"
    line = [sys.executable, "-m", "calm_ext", "align", "r.yaml", "--run", str(run), "--stop-after", "train"]
    around = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    both: Any = {"cwd": tmp_path, "env": around, "stderr": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    second = subprocess.Popen([*line, "--machine-rank", "1"], **both)
    try:
        first = subprocess.run(line, check=False, timeout=600, **both)
        out, said = second.communicate(timeout=60)
    finally:
        second.kill()
    assert first.returncode == 0, first.stderr
    assert second.returncode == 0 and out == "", said
    ours = [x for x in said.splitlines() if x.startswith("machine 1")]
    assert [x.rpartition(" ")[2] for x in ours] == [str(run), "evaluation", "training", "end"]

    assert all(len(g.responses) == 3 for g in read_jsonl(run / "generations.jsonl", Generation))
    job = TrainingJob.model_validate_json((run / "training/job.json").read_text(encoding="utf-8"))
    alone = job.replace(
        output=tmp_path / "alone",
        tracking=tmp_path / "tracking",
        accelerate_config=str(TWO_PROCESSES),
        resume_from=None,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        train(alone, say=lambda _: None)
    weights = [(x / "adapter/adapter_model.safetensors").read_bytes() for x in (run, tmp_path / "alone")]
    assert weights[0] == weights[1]
    rows = [json.loads(x) for x in (run / "training/log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows[-1]["step"] > 1, "more than the first step, before which the adapters are one"


def test_the_number_is_checked_before_anything_is_loaded(two: LaunchOptions, babel_model: Path, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(small_recipe(babel_model, launch=two.model_dump()).to_yaml())
    asked = calm("align", tmp_path / "r.yaml", "--run", tmp_path / "run", "--machine-rank", "2")
    assert asked.returncode == 2
    assert (
        asked.stderr.splitlines()[-1] == "error: --machine-rank: there is no machine 2, they are numbered from 0 to 1"
    )
