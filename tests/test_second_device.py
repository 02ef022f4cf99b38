"""Scoring, sampling and training steps on a second device: what they give on the CPU, and nothing on the wrong device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests import second_device
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    registration = pytest.importorskip("torch.utils.backend_registration")
    if not hasattr(registration, "_setup_privateuseone_for_python_backend"):
        pytest.skip("this torch makes no device from Python")
    done = subprocess.run(
        [sys.executable, "-m", "tests.second_device"],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.parametrize("name", second_device.SCENARIOS)
def test_there_it_is_as_here(name: str, found: dict[str, Any]) -> None:
    assert isinstance(found[name], list), found[name]
    difference, same, n = found[name]
    assert same and n >= 20
    assert difference < 2e-5, "TRL's output layer, as on a GPU, instead of the one for CPUs"


def test_the_device_refuses_what_a_gpu_refuses(found: dict[str, Any]) -> None:
    assert found["refused"] == [
        "add: RuntimeError", "cat: RuntimeError", "linear: RuntimeError", "where: RuntimeError", "numpy: TypeError",
    ]  # fmt: skip
    assert found["taken"] == ["a number", "an index", "a copy"]
