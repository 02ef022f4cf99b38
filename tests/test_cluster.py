"""The files of examples/cluster: linted, checked against the recipe's keys, and one run with servers on this machine."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from calm_ext.jsonl import read_jsonl
from calm_ext.models.backends import BACKENDS
from calm_ext.pipeline.recipe import load_recipe
from calm_ext.records import Pair
from tests.conftest import ROOT
from tests.test_pipeline import recipe

FOLDER = ROOT / "examples/cluster"
SBATCH = FOLDER / "align.sbatch"
MACHINES = FOLDER / "machines.sbatch"

SRUN = """#!/bin/bash
# runs the command on "the node", an address of this machine
for x in "$@"; do case $x in --cpus-per-task=*) CORES=${x#*=}; shift;; --nodelist=*) export NODE=${x#*=}; shift;; --*) shift;; *) break;; esac; done
echo "$NODE $CORES $*" >> "$STUBS/srun.log"
exec "$@"
"""
SCONTROL = """#!/bin/bash
echo "$*" >> "$STUBS/scontrol.log"
if [[ $1 = show ]]; then echo 127.0.0.1; echo 127.0.0.2; echo 127.0.0.3; fi
"""
VLLM = """#!/bin/bash
[[ -n $VLLM_API_KEY ]] || exit 9
while (($#)); do case $1 in --port) port=$2; shift 2;; *) shift;; esac; done
exec "$PYTHON" -m tests.api_server "$port" "$STUBS/$NODE.answered" "$NODE"
"""
CALM = """#!/bin/bash
# the training of a run is another test's
echo "$*" >> "$STUBS/calm.log"
[[ $OPENAI_API_KEY = "$VLLM_API_KEY" ]] || exit 9
[[ -n $HANG ]] && { sleep 60 & trap 'kill $!; exit 143' TERM; touch "$STUBS/hangs"; wait; }
[[ $* = *--stop-after* ]] || exit 0
exec "$PYTHON" -m calm_ext "$@"
"""


@pytest.mark.parametrize("path", [SBATCH, MACHINES], ids=lambda path: path.stem)
def test_an_sbatch_file_is_a_script(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True).stderr == ""
    if shutil.which("shellcheck"):
        done = subprocess.run(["shellcheck", str(path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    options = dict(re.findall(r"^#SBATCH --([a-z-]+)(?:=(.*))?$", text, re.MULTILINE))
    assert int(options["nodes"]) >= 2 and options["ntasks-per-node"] == "1" and "gpus-per-node" in options
    assert re.fullmatch(r"B:TERM@\d+", options["signal"]) and "requeue" in options
    head = text.split("set -euo pipefail")[0]
    assert all(not line or line.startswith("#") for line in head.splitlines()), "Slurm reads no option after a command"


def test_the_sbatch_file_runs_with_two_servers_on_this_machine(
    babel_model: Path, tmp_path: Path, free_port: int
) -> None:
    (tmp_path / "mine.yaml").write_text(recipe(babel_model, data={"limit": 24}, sampling={"n": 3}).to_yaml())
    done = subprocess.run(
        ["bash", str(SBATCH)], env=stubs(tmp_path, babel_model, free_port), cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answered = [(tmp_path / f"stubs/127.0.0.{i}.answered").stat().st_size for i in (2, 3)]
    assert min(answered) > 0, "both served"
    assert list(read_jsonl(tmp_path / "runs/mine/pairs.jsonl", Pair))
    started = (tmp_path / "stubs/srun.log").read_text().splitlines()
    said = rf"127\.0\.0\.\d 16 vllm serve {babel_model} --host 0\.0\.0\.0 --port {free_port} --data-parallel-size 4"
    assert len(started) == 2 and all(re.fullmatch(said, line) for line in started)
    first, second = (tmp_path / "stubs/calm.log").read_text().splitlines()
    assert first == f"{second} --stop-after pairs", "the settings of what goes on are the same"
    urls = f"[http://127.0.0.2:{free_port}/v1,http://127.0.0.3:{free_port}/v1]"
    assert f"--set sampling.backend_args.base_url={urls}" in second
    assert subprocess.run(["curl", "-s", f"http://127.0.0.2:{free_port}/health"]).returncode != 0, "no server is left"


def end_by_time(script: Path, env: dict[str, str], folder: Path) -> None:
    """Run a job whose calm-ext hangs, send what Slurm sends before its time is up, and see that it is queued again."""
    job = subprocess.Popen(["bash", str(script)], env=env, cwd=folder)
    end = time.monotonic() + 120
    while not (folder / "stubs/hangs").exists():
        assert job.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    job.send_signal(signal.SIGTERM)
    assert job.wait(60) == 0
    assert (folder / "stubs/scontrol.log").read_text().splitlines()[-1] == "requeue 7"


def test_a_job_whose_time_is_up_ends_in_order_and_is_queued_again(
    babel_model: Path, tmp_path: Path, free_port: int
) -> None:
    env = stubs(tmp_path, babel_model, free_port) | {"HANG": "1"}
    end_by_time(SBATCH, env, tmp_path)
    assert subprocess.run(["curl", "-s", f"http://127.0.0.2:{free_port}/health"]).returncode != 0


ALL_NODES = """#!/bin/bash
# runs the command once for each node, as Slurm 22.05 and later would
for x in "$@"; do case $x in --*) echo "$x" >> "$STUBS/srun.log"; shift;; *) break;; esac; done
export SLURM_STEP_NUM_TASKS=2
SLURM_PROCID=0 "$@" & first=$!
SLURM_PROCID=1 "$@" & second=$!
trap 'kill $first $second' TERM
wait $first; code=$?
wait $second || code=$?
exit $code
"""
ONE_OF_THEM = """#!/bin/bash
# says which machine calm-ext takes this one for
[[ -n $HANG ]] && { sleep 60 & trap 'kill $!; exit 143' TERM; touch "$STUBS/hangs"; wait; }
exec "$PYTHON" -c "
import sys
from calm_ext.models.processes.machines import rank_of_machine
from calm_ext.pipeline.recipe import load_recipe
with open(sys.argv[1], 'a') as log:
    log.write(f'{rank_of_machine(load_recipe(sys.argv[3]).launch, None)} {sys.argv[2:]}\\n')
" "$STUBS/calm.log" "$@"
"""


def for_all_nodes(tmp_path: Path, model: Path) -> dict[str, str]:
    """An environment in which srun starts the command on two nodes."""
    env = stubs(tmp_path, model, 0)
    (tmp_path / "stubs/srun").write_text(ALL_NODES)
    (tmp_path / "stubs/calm-ext").write_text(ONE_OF_THEM)
    config = str(ROOT / "recipes/accelerate/multi-node.yaml")
    (tmp_path / "mine.yaml").write_text(recipe(model, launch={"accelerate_config": config}).to_yaml())
    return env


def test_one_run_on_all_nodes(babel_model: Path, tmp_path: Path) -> None:
    """The bundled config serves all nodes: each knows its number by srun."""
    env = for_all_nodes(tmp_path, babel_model)
    done = subprocess.run(["bash", str(MACHINES)], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    said = sorted((tmp_path / "stubs/calm.log").read_text().splitlines())
    assert said == [f"{rank} ['align', 'mine.yaml', '--run', 'runs/mine']" for rank in (0, 1)]
    flags = (tmp_path / "stubs/srun.log").read_text().split()
    assert flags == ["--ntasks-per-node=1", "--cpus-per-task=16", "--kill-on-bad-exit=1"]
    options = dict(re.findall(r"^#SBATCH --([a-z-]+)=(.*)$", MACHINES.read_text(encoding="utf-8"), re.MULTILINE))
    config = yaml.safe_load((ROOT / "recipes/accelerate/multi-node.yaml").read_text(encoding="utf-8"))
    assert int(options["nodes"]) == config["num_machines"]
    assert int(options["nodes"]) * int(options["gpus-per-node"]) == config["num_processes"]


def test_all_nodes_end_when_the_time_is_up(babel_model: Path, tmp_path: Path) -> None:
    env = for_all_nodes(tmp_path, babel_model) | {"HANG": "1"}
    end_by_time(MACHINES, env, tmp_path)


@pytest.fixture
def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stubs(tmp_path: Path, model: Path, port: int) -> dict[str, str]:
    """An environment with stand-ins for Slurm and vLLM."""
    folder = tmp_path / "stubs"
    folder.mkdir()
    for name, text in {"srun": SRUN, "scontrol": SCONTROL, "vllm": VLLM, "calm-ext": CALM}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHON": sys.executable,
        "STUBS": str(folder),
        "SLURM_JOB_NODELIST": "node[1-3]",
        "SLURM_JOB_ID": "7",
        "SLURM_GPUS_ON_NODE": "4",
        "SLURM_CPUS_PER_TASK": "16",
        "RECIPE": "mine.yaml",
        "MODEL": str(model),
        "PORT": str(port),
        "HANG": "",
    }


# --- Kubernetes -------------------------------------------------------------------------------------------------------


def manifest() -> dict[str, dict[str, Any]]:
    parts = list(yaml.safe_load_all((FOLDER / "align.yaml").read_text(encoding="utf-8")))
    for part in parts:
        assert part["apiVersion"] and part["metadata"]["name"] and part["spec"]
    return {part["kind"]: part for part in parts}


def containers(part: dict[str, Any]) -> list[dict[str, Any]]:
    pod = part["spec"]["template"]["spec"]
    return [*pod.get("initContainers", []), *pod["containers"]]


def test_the_manifest_agrees_with_itself() -> None:
    parts = manifest()
    assert set(parts) == {"Service", "StatefulSet", "Job"}
    service, servers, job = (parts[x] for x in ("Service", "StatefulSet", "Job"))
    assert [x["apiVersion"] for x in (service, servers, job)] == ["v1", "apps/v1", "batch/v1"]
    labels = servers["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == servers["spec"]["selector"]["matchLabels"] == labels
    assert servers["spec"]["serviceName"] == service["metadata"]["name"] and service["spec"]["clusterIP"] == "None"
    (vllm,) = containers(servers)
    port = service["spec"]["ports"][0]
    assert {"name": port["targetPort"], "containerPort": port["port"]} in vllm["ports"]
    assert str(port["port"]) in vllm["args"] and vllm["readinessProbe"]["httpGet"]["port"] == port["name"]
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "OnFailure"
    for part in (servers, job):
        volumes = {x["name"] for x in part["spec"]["template"]["spec"]["volumes"]}
        used = {x["name"] for c in containers(part) for x in c.get("volumeMounts", [])}
        assert volumes == used
        assert all(re.fullmatch(r"[\w./-]+:[\w.-]+", c["image"]) for c in containers(part)), "an image has a version"


def test_the_manifest_holds_no_key() -> None:
    parts = manifest()
    found = [e for part in (parts["StatefulSet"], parts["Job"]) for c in containers(part) for e in c.get("env", [])]
    assert [e["name"] for e in found] == ["VLLM_API_KEY", "OPENAI_API_KEY"]
    assert all("value" not in e and e["valueFrom"] == {"secretKeyRef": {"name": "calm", "key": "key"}} for e in found)


def test_the_job_asks_the_servers_that_there_are() -> None:
    parts = manifest()
    wait, align = containers(parts["Job"])
    servers = parts["StatefulSet"]
    name, replicas = servers["metadata"]["name"], servers["spec"]["replicas"]
    hosts = [f"http://{name}-{i}.{name}:8000" for i in range(replicas)]
    command = align["command"]
    assert command[:2] == ["calm-ext", "align"] and command[2].startswith("/recipe/")
    settings = [value for flag, value in itertools.pairwise(command) if flag == "--set"]
    read = load_recipe(ROOT / "recipes/llama.yaml", overrides=[x for x in settings if not x.startswith("model.path")])
    assert read.sampling.backend == "api"
    asked = BACKENDS["api"].parse(read.sampling.backend_args)
    assert asked.addresses == [f"{host}/v1" for host in hosts]
    assert all(f"{host}/health" in wait["command"][-1] for host in hosts)
    model = next(x.partition("=")[2] for x in settings if x.startswith("model.path"))
    (vllm,) = containers(servers)
    assert vllm["args"][vllm["args"].index("--model") + 1] == model, "the server knows the model by this name"
    script = wait["command"][-1]
    assert subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True).stderr == ""


def test_the_page_names_the_files() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    files = {p.name for p in FOLDER.iterdir()} - {"README.md"}
    assert files == set(re.findall(r"\]\(([\w.]+)\)", page))
    for name in files:
        assert (FOLDER / name).read_text(encoding="utf-8").startswith("#")
    assert "examples/cluster/README.md" in (ROOT / "docs/gpu.md").read_text(encoding="utf-8")
