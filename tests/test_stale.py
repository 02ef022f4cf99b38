"""What is out of date is said, and never merged or pushed; a training that fails replaces nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from calm_ext.cli.main import cli
from calm_ext.disk.digests import sha256_of
from calm_ext.errors import RunError
from calm_ext.pipeline.run import Pipeline
from calm_ext.pipeline.stages import train
from calm_ext.publish.merge import find_adapter
from calm_ext.publish.push import plan_push
from calm_ext.report.board.read import read_entries
from calm_ext.report.collect import read_run
from calm_ext.training.job import TrainingJob
from tests.small import small_recipe
from tests.test_pipeline import Spy

BETA = {"training": {"beta": 5.0}}


@pytest.fixture
def run(small_run: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    shutil.copytree(small_run, folder)
    return folder


def pipeline(model: Path, folder: Path, **changes: Any) -> tuple[Pipeline, Spy]:
    spy = Spy()
    return Pipeline(small_recipe(model, **changes), folder, reporter=spy), spy


def test_a_finished_run_is_current(run: Path) -> None:
    assert read_run(run).outdated == {}
    assert plan_push(run, "me/x").uploads and find_adapter(run).folder == run / "adapter"
    needs = json.loads((run / "manifest.json").read_text())["stages"]["train"]["needs"]
    assert needs["keys"]["training.beta"] == 0.1 and needs["keys"]["training.learning_rate"] == 1e-3


def test_a_changed_recipe_is_not_shown_as_what_was_trained(run: Path, babel_model: Path) -> None:
    """β 5 is in recipe.yaml, and 0.1 is what was trained: the report, the card and the summary say so."""
    made, spy = pipeline(babel_model, run, **BETA)
    made.run(stop_after="pairs")
    assert spy.ran() == []
    reason = "training.beta was 0.1 and is 5.0"
    data = read_run(run)
    assert data.outdated["train"] == (reason,)
    assert data.outdated["after"] == ("stage train before it is out of date",)
    assert data.recipe["training"]["beta"] == 0.1, "what the adapter was trained with"
    result = CliRunner().invoke(cli, ["report", str(run)])
    assert result.exit_code == 0 and reason in " ".join(result.output.split())
    for name in ("README.md", "report/index.html"):
        text = (run / name).read_text()
        assert "This run is out of date" in text and reason in text, name
        assert "β 5" not in text and "beta: 5" not in text, name
    assert json.loads((run / "summary.json").read_text())["run"]["outdated"]["train"] == [reason]
    for refused in (lambda: plan_push(run, "me/x"), lambda: find_adapter(run)):
        with pytest.raises(RunError, match=r"it is out of date \(.*train: training.beta was 0.1 and is 5.0") as caught:
            refused()
        assert "\n" not in str(caught.value)
    reading = read_entries([run])
    assert [entry.path.parent.name for entry in reading.entries] == ["before"]
    assert "eval/after: is out of date (stage train before it is out of date)" in reading.left_out[0]
    made, spy = pipeline(babel_model, run)
    made.run()
    assert "train" not in spy.ran() and read_run(run).outdated == {}, "and back again nothing is trained"
    assert plan_push(run, "me/x").uploads


def test_a_recipe_that_was_edited_is_no_longer_the_runs(run: Path) -> None:
    path = run / "recipe.yaml"
    path.write_text(path.read_text().replace("beta: 0.1", "beta: 5.0"))
    assert read_run(run).recipe["training"]["beta"] == 0.1
    with pytest.raises(RunError, match=r"recipe.yaml: it was changed since the last `calm-ext align`"):
        plan_push(run, "me/x")


def test_a_training_that_fails_leaves_the_old_one(
    run: Path, babel_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adapter, log and summary are those of one training all the time; the new one takes their place when it is done."""
    files = ("adapter", "training/summary.json", "training/log.jsonl")
    before = {name: sha256_of(run / name) for name in files}
    launch = train.launch

    def fails(job: TrainingJob, **_: Any) -> Any:
        assert job.output == run / "training.next"
        (job.output / "log.jsonl").write_text('{"kind": "warning", "message": "half-way"}\n')
        raise RunError("bitsandbytes is not installed")

    monkeypatch.setattr(train, "launch", fails)
    made, _ = pipeline(babel_model, run, **BETA)
    with pytest.raises(RunError, match="bitsandbytes"):
        made.run()
    assert {name: sha256_of(run / name) for name in files} == before
    with pytest.raises(RunError, match="cannot be pushed, it is out of date"):
        plan_push(run, "me/x")
    monkeypatch.setattr(train, "launch", launch)
    made, spy = pipeline(babel_model, run, **BETA)
    made.run()
    assert spy.ran() == ["train", "after", "report"]
    assert not (run / "training.next").exists() and sha256_of(run / "adapter") != before["adapter"]
    assert read_run(run).outdated == {} and read_run(run).recipe["training"]["beta"] == 5.0


def test_an_adapter_that_was_moved_before_a_kill_is_not_trained_again(
    run: Path, babel_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    del manifest["stages"]["train"]
    (run / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(train, "launch", lambda *_, **__: pytest.fail("it was trained"))
    made, spy = pipeline(babel_model, run)
    made.run(stop_after="train")
    assert spy.ran() == ["train"]


def test_a_damaged_adapter_is_neither_merged_nor_pushed(run: Path, tmp_path: Path) -> None:
    for folder in (run / "adapter", tmp_path / "elsewhere"):
        if folder != run / "adapter":
            shutil.copytree(run / "adapter", folder)
        with (folder / "adapter_model.safetensors").open("r+b") as handle:
            handle.seek(-3, 2)
            handle.write(b"\x7f")
    refusals = [
        (lambda: plan_push(run, "me/x"), "is not as training left it"),
        (lambda: find_adapter(run), "is not as training left it"),
        (lambda: find_adapter(run / "adapter"), "is not as training left it"),
        (lambda: find_adapter(tmp_path / "elsewhere"), "has another adapter_model.safetensors than was written"),
    ]
    for refused, words in refusals:
        with pytest.raises(RunError, match=words):
            refused()


def test_generations_of_other_settings_are_put_aside_and_come_back(run: Path, babel_model: Path) -> None:
    before = (run / "generations.jsonl").read_bytes()
    for changes, ran in (({"sampling": {"seed": 1}}, ["sample"]), ({}, ["sample"])):
        made, spy = pipeline(babel_model, run, **changes)
        made.run(stop_after="sample")
        assert spy.ran() == ran
    assert (run / "generations.jsonl").read_bytes() == before
    assert ("sample", "continued: 20 questions were there already") in spy.said, "none of them was asked again"


def test_a_changed_generation_is_asked_again_and_not_signed(run: Path, babel_model: Path) -> None:
    """It still parses: the file's digest shows that something changed, that of its line what."""
    path = run / "generations.jsonl"
    before = path.read_text()
    rows = before.splitlines(keepends=True)
    row = json.loads(rows[4])
    row["responses"][0] = "another answer"
    path.write_text("".join([*rows[:4], json.dumps(row, separators=(",", ":")) + "\n", *rows[5:]]))
    made, spy = pipeline(babel_model, run)
    made.run()
    assert ("sample", "1 generations are not as they were written: asked again") in spy.said
    assert path.read_text() == before and spy.ran() == ["sample"]
    (run / ".generations.jsonl.sha256").unlink()
    path.write_text(before.replace("qaa", "qab", 1))
    made, spy = pipeline(babel_model, run)
    made.run(stop_after="sample")
    assert "put aside as" in dict(spy.said)["sample"] or any("put aside as" in m for _, m in spy.said)
    assert path.read_text() == before
