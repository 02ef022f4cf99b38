"""An evaluation that was interrupted goes on with the answers that it had, and trusts none that was changed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance

from calm_ext.files.journal import Journal
from calm_ext.harness.evaluate import evaluate
from calm_ext.harness.kept import ResumingLM
from calm_ext.models.lm import SharedPrefixLM, load_lm
from tests.conftest import ROOT
from tests.shell import calm

TASKS = ["calm_babel_xl_mc", "calm_babel_xl"]


@pytest.fixture(scope="module")
def lm(babel_model: Path) -> SharedPrefixLM:
    return load_lm(str(babel_model), dtype="float32", batch_size=4)


def results(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "results.json").read_text())["results"]
    return found


class Power(Exception):
    """Went out."""


def asked(lm: SharedPrefixLM, monkeypatch: pytest.MonkeyPatch, *, stop_at: int | None = None) -> list[int]:
    """Counts the answers that the model gives; it stops at one."""
    counted: list[int] = []
    plain = Journal.add

    def add(self: Journal, key: str, value: Any) -> None:
        plain(self, key, value)
        counted.append(1)
        if len(counted) == stop_at:
            raise Power

    monkeypatch.setattr(Journal, "add", add)
    return counted


@pytest.mark.parametrize("stop_at", [7, 130])
def test_it_goes_on_with_what_it_had(
    stop_at: int, lm: SharedPrefixLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of scoring options, and of generating responses."""
    whole = asked(lm, monkeypatch)
    evaluate(lm, TASKS, tmp_path / "whole", model_name="m", limit=6, identity="a")
    monkeypatch.undo()
    kept = tmp_path / ".parts.answers"
    asked(lm, monkeypatch, stop_at=stop_at)
    with pytest.raises(Power):
        evaluate(lm, TASKS, tmp_path / "parts", model_name="m", limit=6, identity="a")
    assert len(kept.read_text().splitlines()) == stop_at and not (tmp_path / "parts").exists()
    monkeypatch.undo()
    rest, said = asked(lm, monkeypatch), list[str]()
    evaluate(lm, TASKS, tmp_path / "parts", model_name="m", limit=6, identity="a", say=said.append)
    assert said == [f"continued: {stop_at} answers were there already"]
    assert len(rest) == len(whole) - stop_at, "none is asked twice"
    assert results(tmp_path / "parts") == results(tmp_path / "whole")
    assert not kept.exists() and not (tmp_path / ".whole.answers").exists()


def requests() -> list[Instance]:
    return [Instance(request_type="loglikelihood", doc={}, arguments=(f"ba {i}", f" x{i}"), idx=i) for i in range(5)]


class Fixed(SharedPrefixLM):
    """Answers with the number of the request, and counts."""

    def __init__(self) -> None:
        self.calls = 0

    def set_cache_hook(self, hook: Any) -> None:
        pass

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        self.calls += len(requests)
        return [(-float(r.idx), r.idx % 2 == 0) for r in requests]


def answered(path: Path, identity: str = "a") -> tuple[int, list[tuple[float, bool]]]:
    model = Fixed()
    asking = ResumingLM(model, Journal(path, only=identity))
    found = asking.loglikelihood(requests())
    asking.close(finished=False)
    return model.calls, found


def test_answers_of_another_model_or_that_were_changed_are_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "answers"
    whole = [(-float(i), i % 2 == 0) for i in range(5)]
    assert answered(path) == (5, whole) and answered(path) == (0, whole)
    assert answered(path, "b") == (5, whole)
    lines = path.read_text().splitlines(keepends=True)
    assert len(lines) == 5, "a's are gone"
    for damage in (
        lines[1].replace("-1.0", "-9.0"),  # a valid change
        lines[1].replace('"b/', '"a/'),  # another model's
        lines[1][: len(lines[1]) // 2],  # cut
        "[[[[\n", '{"a": 1}\n', '["k", 1]\n', "[" * 100_000 + "\n", "\x00\n",
    ):  # fmt: skip
        path.write_text("".join([lines[0], damage, *lines[2:]]))
        calls, found = answered(path, "b")
        assert found == whole and calls == (1 if damage.endswith("\n") else 2)
        assert sorted(filter(None, path.read_text().split("\n"))) == sorted(x.strip() for x in lines)
        path.write_text("".join([lines[0], damage, *lines[2:]]))
        assert answered(path) == (5, whole), "what is kept is b's"


def test_beginning_again_puts_nothing_at_risk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not to be used goes at once, and with it nothing else, whenever the power goes out."""
    path = tmp_path / "answers"
    answered(path)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])

    def out(*_: Any) -> None:
        raise Power

    with monkeypatch.context() as patched:
        patched.setattr("calm_ext.files.writing.os.replace", out)
        with pytest.raises(Power):
            Journal(path, only="a")
    assert path.read_bytes() == whole + whole[:40]
    assert Journal(path, only="a").n == 5 and path.read_bytes() == whole
    assert Journal(path, only="b").n == 0 and path.read_bytes() == b""


def test_what_is_drawn_is_never_kept(tmp_path: Path) -> None:
    class Drawn(Fixed):
        def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
            self.calls += 1
            return [f"{self.calls}" for _ in requests]

    settings = {"do_sample": True, "until": []}
    drawn = [Instance(request_type="generate_until", doc={}, arguments=("x", settings), idx=0)]
    asking = ResumingLM(Drawn(), Journal(tmp_path / "a", only="a"))
    assert [asking.generate_until(drawn), asking.generate_until(drawn)] == [["1"], ["2"]]


def test_the_verb_goes_on_after_sigterm(babel_model: Path, tmp_path: Path) -> None:
    command = [
        "eval", "--model", str(babel_model), "--tasks", "calm_babel_xl", "--limit", "150",
        "--batch-size", "1", "--dtype", "float32", "-o", str(tmp_path / "out"),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "calm_ext", *command],
        env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    kept = tmp_path / ".out.answers"
    until = time.monotonic() + 120
    while (not kept.is_file() or kept.stat().st_size < 2000) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[1]
    if process.returncode == 0:
        pytest.skip("it was done before the signal came")
    assert process.returncode == 128 + signal.SIGTERM and "the same command continues where it stopped" in said
    done = calm(*command)
    assert done.returncode == 0, done.stderr
    assert "continued: " in done.stderr and (tmp_path / "out/results.json").is_file() and not kept.exists()
