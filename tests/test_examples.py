"""The examples run as they are, on the built-in model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def example(name: str, *arguments: object, cwd: Path) -> str:
    """What an example prints."""
    done = subprocess.run(
        [sys.executable, str(ROOT / f"examples/{name}.py"), *map(str, arguments)],
        capture_output=True, text=True, cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("measure_two_models", ["consistency", "right in every language now, and not before"]),
        ("pairs_by_own_rule", ["majority", "pairs for TRL's DPOTrainer"]),
    ],
)
def test_an_example_runs(name: str, said: list[str], tmp_path: Path) -> None:
    printed = example(name, cwd=tmp_path)
    assert all(x in printed for x in said), printed[-3000:]


def test_own_questions_are_aligned_and_the_run_is_read(tmp_path: Path) -> None:
    printed = example("align_own_questions", "--run", tmp_path / "own", cwd=tmp_path)
    assert "held-out questions, right answers before and after" in printed and "together" in printed
    read = example(
        "read_a_run", tmp_path / "own", "--task", "calm_local_xl_mc", "--plot", tmp_path / "moved.png", cwd=tmp_path
    )
    assert (tmp_path / "moved.png").read_bytes()[:4] == b"\x89PNG"
    assert "qaa" in read or "Babel A" in read
