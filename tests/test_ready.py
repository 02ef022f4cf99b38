"""What a machine lacks for a recipe is said before the first stage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from calm_ext.errors import CalmError
from calm_ext.pipeline.ready import check_machine, check_packages, weight_bytes
from calm_ext.pipeline.run import Pipeline
from tests.test_pipeline import recipe


def refused(base: Path, folder: Path, **changes: Any) -> str:
    """The error of a run; nothing has been written when it comes."""
    with pytest.raises(CalmError) as told:
        Pipeline(recipe(base, **changes), folder).run()
    assert not folder.exists()
    assert "\n" not in str(told.value)
    return str(told.value)


def test_a_package_that_is_lacking(babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    said = "training.quantize: 4bit needs the package bitsandbytes"
    assert said in refused(babel_model, tmp_path / "run", training={"quantize": "4bit"})
    with pytest.raises(CalmError, match=said):
        Pipeline(recipe(babel_model, training={"quantize": "4bit"}), tmp_path / "run").plan()


def test_a_device_that_is_lacking(babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert "model.device 'cuda:1': this machine has none" in refused(
        babel_model, tmp_path / "run", model={"device": "cuda:1"}
    )
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    four = recipe(babel_model, training={"quantize": "4bit"})
    check_packages(four)
    with pytest.raises(CalmError, match="4bit needs a GPU"):
        check_machine(four, tmp_path)
    Pipeline(recipe(babel_model, model={"device": "cuda"}), tmp_path / "plan").plan()  # as on a login node


def test_a_model_that_is_not_there(babel_model: Path, tmp_path: Path) -> None:
    assert "model org/none: is no folder here and not in the cache" in refused(
        babel_model, tmp_path / "run", model={"path": "org/none"}
    )


def test_memory_and_disk(babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = recipe(babel_model)
    check_machine(asking, tmp_path / "run")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=2**20))
    assert "its disk has 1 MiB free, and the run may need" in refused(babel_model, tmp_path / "run")
    monkeypatch.undo()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=1000))
    assert "this machine has 0 MiB of memory" in refused(babel_model, tmp_path / "run")


def test_weights_in_another_format_have_another_size(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(bytes(600))
    (tmp_path / "config.json").write_text(json.dumps({"dtype": "bfloat16"}))
    assert [weight_bytes(str(tmp_path), x) for x in ("bfloat16", "float32")] == [600, 1200]
    assert weight_bytes("org/on-the-hub", "float32") == 0


def test_what_loads_no_model_needs_no_machine(
    babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=0))
    Pipeline(recipe(babel_model), tmp_path / "run").run(stop_after="questions")


def test_nothing_is_read_as_a_whole_before_what_is_cheap(
    babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that memory cannot hold is refused by its size; of a large one the files would take minutes to read."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=1000))
    monkeypatch.setattr("calm_ext.pipeline.needs.model_content", lambda path: pytest.fail("the model was read"))
    assert "take a smaller model" in refused(babel_model, tmp_path / "run")


def test_a_finished_run_needs_no_machine(babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only there does it matter whether the model is the same, and its files are read."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=1000))
    pipeline, asked = Pipeline(recipe(babel_model), tmp_path / "run"), list[str]()
    done = {"before": True, "sample": True, "train": True, "after": True}

    def is_done(stage: Any) -> bool:
        asked.append(stage.name)
        return done[stage.name]

    monkeypatch.setattr(pipeline.context, "is_done", is_done)
    with pytest.raises(CalmError, match="take a smaller model"):
        pipeline._check_machine(pipeline.stages)
    assert asked == [], "a stage has never been finished"
    pipeline.dir.manifest["stages"] = {stage: {} for stage in done}
    pipeline._check_machine(pipeline.stages)
    done["train"] = False
    with pytest.raises(CalmError, match="take a smaller model"):
        pipeline._check_machine(pipeline.stages)
