"""Training that is killed, or whose files are damaged, goes on from the newest checkpoint that is whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from calm_ext.disk.digests import sha256_of
from calm_ext.disk.seal import SEAL, damage_of
from calm_ext.errors import RunError
from calm_ext.training import checkpoints
from calm_ext.training.checkpoints import finished_adapter, newest_whole
from calm_ext.training.job import TrainingJob
from calm_ext.training.launch import launch
from tests.test_training import job, log

#: Ends the worker in the middle of writing the checkpoint of step 4, as SIGKILL does.
KILLS = """
import os, sys
if sys.orig_argv[1:3] == ["-m", "calm_ext.training.worker"]:
    from transformers import Trainer
    plain = Trainer._save_rng_state
    def save(self, folder):
        if folder.endswith("checkpoint-4"):
            os._exit(1)
        plain(self, folder)
    Trainer._save_rng_state = save
"""


def small(folder: Path, model: Path) -> TrainingJob:
    return job(folder, model, epochs=1, checks_per_epoch=3, select="last", batch_size=8)


def weights(folder: Path) -> bytes:
    return (folder / "training/adapter/adapter_model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def whole(babel_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    launch(small(folder, babel_model))
    return folder


@pytest.fixture(scope="module")
def interrupted(babel_model: Path, make_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A training with checkpoints of steps 2 (whole) and 4 (half written)."""

    def make(folder: Path) -> None:
        (folder / "site").mkdir()
        (folder / "site/sitecustomize.py").write_text(KILLS)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(folder / "site"))
            with pytest.raises(RunError):
                launch(small(folder, babel_model))

    return make_once("interrupted", make)


def test_a_half_written_checkpoint_is_set_aside(
    interrupted: Path, whole: Path, babel_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(interrupted, folder)
    there = {p.name for p in (folder / "training/checkpoints").glob("checkpoint-*")}
    assert there == {"checkpoint-2", "checkpoint-4"}
    with (folder / "training/log.jsonl").open("a") as handle:
        handle.write('{"kind": "train", "st')
    said: list[str] = []
    launch(small(folder, babel_model), say=said.append)
    assert said[0] == "the checkpoint of step 4 is set aside: it was not written to its end"
    for kind in ("check", "answers"):
        assert [r["step"] for r in log(folder, kind)] == [r["step"] for r in log(whole, kind)]
    assert weights(folder) == weights(whole), "byte for byte"


FILES = (
    "adapter_model.safetensors",
    "optimizer.pt",
    "scheduler.pt",
    "rng_state.pth",
    "trainer_state.json",
    "log.jsonl",
)


@pytest.mark.parametrize("name", [*FILES, SEAL])
@pytest.mark.parametrize("how", ["cut", "flipped", "gone"])
def test_damage_to_any_part_of_a_checkpoint_is_seen(interrupted: Path, tmp_path: Path, name: str, how: str) -> None:
    """None of it is loaded; without another checkpoint training starts anew."""
    output = tmp_path / "training"
    shutil.copytree(interrupted / "training", output)
    shutil.rmtree(output / "checkpoints/checkpoint-4")
    path = output / "checkpoints/checkpoint-2" / name
    data = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        at = len(data) // 2
        path.write_bytes(data[:at] if how == "cut" else data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
    said: list[str] = []
    assert newest_whole(output, say=said.append) is None
    assert len(said) == 1 and said[0].startswith("the checkpoint of step 2 is set aside: it ")
    assert not (output / "log.jsonl").exists() and not (output / "checks").exists()


def test_an_adapter_that_may_be_chosen_is_part_of_the_checkpoint(interrupted: Path, tmp_path: Path) -> None:
    output = tmp_path / "training"
    shutil.copytree(interrupted / "training", output)
    assert newest_whole(output, say=lambda _: None) == output / "checkpoints/checkpoint-2"
    (output / "checks/step-0/adapter_model.safetensors").write_bytes(b"")
    said: list[str] = []
    assert newest_whole(output, say=said.append) is None
    assert "the adapter of step 0, which was made before it, has another adapter_model.safetensors" in said[0]


def test_the_end_survives_a_kill_at_any_of_its_steps(
    whole: Path, babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever of the working files is gone already: where the end is noted nothing is trained again."""
    assert damage_of(whole / "training/adapter") is None
    for index in range(len(checkpoints.UNFINISHED) + 1):
        folder = tmp_path / str(index)
        shutil.copytree(whole, folder)
        for name in checkpoints.UNFINISHED[index:]:
            (folder / "training" / name).mkdir()
        before = (folder / "training/adapter/adapter_model.safetensors").stat().st_mtime_ns
        launch(small(folder, babel_model))
        assert (folder / "training/adapter/adapter_model.safetensors").stat().st_mtime_ns == before
        assert not any((folder / "training" / name).exists() for name in checkpoints.UNFINISHED)
    output = tmp_path / "0/training"
    assert finished_adapter(output, [output / "nothing", output / "adapter"]) == output / "adapter"
    with (output / "adapter/adapter_model.safetensors").open("r+b") as handle:
        handle.seek(-1, 2)
        handle.write(b"\x01")
    assert finished_adapter(output, [output / "adapter"]) is None, "damaged afterwards"
    for name, content in (("done.json", "[]"), ("summary.json", " "), ("log.jsonl", " ")):
        output = shutil.copytree(whole / "training", tmp_path / f"damaged {name}")
        assert finished_adapter(output, [output / "adapter"])
        (output / name).write_text((output / name).read_text() + content)
        assert finished_adapter(output, [output / "adapter"]) is None, name


def test_another_job_in_the_same_folder_starts_anew(whole: Path, babel_model: Path, tmp_path: Path) -> None:
    """Also with the same name: its pairs or its options are others, so none of the old work is its own."""
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    made = small(folder, babel_model)
    launch(made.replace(options=made.options.replace(report_to=["tensorboard"])))
    assert sha256_of(folder / "training/adapter") == sha256_of(whole / "training/adapter"), "trackers train nothing"
    made.pairs.write_text("".join(made.pairs.read_text().splitlines(keepends=True)[:24]))
    launch(made)
    assert json.loads((folder / "training/summary.json").read_text())["n_pairs"] == 24
