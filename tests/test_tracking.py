"""Experiment trackers: one run for an alignment, with training's curves and the stages' results in it."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from calm_ext.errors import CalmError, RecipeError
from calm_ext.pipeline.recipe import parse_recipe
from calm_ext.training.tracking import PROJECT, TrackedRun, log_stages, open_run, stage_metrics, tracker_problems

SUMMARY = {
    "toy_xl": {"before": {"acc": 0.5, "kappa": None}, "after": {"acc": 0.6}, "ci95": {}},
    "vote": {"n_questions": 40, "n_decided": 39, "n_ties": 1, "estimated_accuracy": 0.7, "accuracy": None},
    "pairs": {"n_pairs": 90, "by_language": {"en": 40, "fr": 50}, "precision": 0.8},
    "retrieval": {"quality": {"k": 2, "overall": {"recall": {"1": 0.5, "2": 0.75}, "mrr": 0.6}}},
    "training": {"chosen_step": 30},
    "run": {"name": "toy", "missing": []},
}


def recipe(**training: Any) -> dict[str, Any]:
    return {
        "name": "x",
        "model": {"path": "babel"},
        "data": {"source": "babel"},
        "training": training,
        "evaluation": {"tasks": ["calm_babel_xl"]},
    }


def test_the_stages_as_metrics() -> None:
    assert stage_metrics(SUMMARY) == {
        "before/toy_xl/acc": 0.5, "after/toy_xl/acc": 0.6, "vote/n_questions": 40, "vote/n_decided": 39, "vote/n_ties": 1,
        "vote/estimated_accuracy": 0.7, "pairs/n_pairs": 90, "pairs/n_pairs_en": 40, "pairs/n_pairs_fr": 50,
        "pairs/precision": 0.8, "retrieval/recall_at_1": 0.5, "retrieval/recall_at_2": 0.75, "retrieval/mrr": 0.6,
        "training/chosen_step": 30,
    }  # fmt: skip
    assert stage_metrics({}) == {}


def test_trackers_that_are_not_there_are_recipe_errors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    parse_recipe(recipe(report_to=["tensorboard"]))
    with pytest.raises(RecipeError, match=r"training\.report_to\.0: tensorboard, wandb.* got 'nope'"):
        parse_recipe(recipe(report_to=["nope"]))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RecipeError) as caught:
        parse_recipe(recipe(report_to=["wandb", "tensorboard"]))
    assert str(caught.value).splitlines() == [
        "recipe: training.report_to: wandb is not installed; pip install wandb",
        "recipe: training.report_to: tensorboard is not installed; pip install tensorboard",
    ]
    with pytest.raises(CalmError, match="wandb is not installed"):
        open_run(["wandb"], tmp_path, name="toy")


def test_a_folder_of_offline_runs_is_no_tracker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mlflow").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    spec = types.SimpleNamespace(origin=None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    assert tracker_problems(["mlflow"]) == ["training.report_to: mlflow is not installed; pip install mlflow"]


def test_one_run_is_kept_in_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "tracking"
    first = open_run(["tensorboard"], folder, name="toy")
    assert first.name == f"toy-{first.id[:6]}"
    assert open_run(["tensorboard"], folder, name="toy") == first
    assert open_run(["tensorboard"], tmp_path / "other", name="toy").id != first.id
    (folder / "run.json").write_text("{")
    with pytest.raises(CalmError, match=r"run\.json: cannot be read; remove"):
        open_run(["tensorboard"], folder, name="toy")
    assert log_stages(["tensorboard"], folder, name="toy", summary=SUMMARY)[0].startswith(str(folder / "run.json"))
    assert log_stages([], tmp_path / "none", name="toy", summary=SUMMARY) == []
    assert not (tmp_path / "none").exists()


def test_what_the_trackers_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """wandb, mlflow and trackio are told the run by the variables and arguments that they document."""
    for name in ("WANDB_PROJECT", "WANDB_RUN_ID", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME", "TRACKIO_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    run = TrackedRun(name="toy-abc", id="abcdef", mlflow_id="m1")
    assert run.environment(tmp_path) == {
        "WANDB_PROJECT": PROJECT, "WANDB_NAME": "toy-abc", "WANDB_RUN_ID": "abcdef", "WANDB_RESUME": "allow",
        "WANDB_DIR": str(tmp_path), "MLFLOW_EXPERIMENT_NAME": PROJECT, "MLFLOW_RUN_ID": "m1",
        "TENSORBOARD_LOGGING_DIR": str(tmp_path),
    }  # fmt: skip
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    assert run.environment(tmp_path)["WANDB_PROJECT"] == "mine", "what is set already is kept"
    seen: list[Any] = []

    class Run:
        def log(self, values: dict[str, float], step: int | None = None) -> None:
            seen.append(values)

        def finish(self) -> None:
            seen.append("finished")

    def init(**options: Any) -> Run:
        import os

        print("chatter of a client")
        seen.append((options, os.environ.get("WANDB_RUN_ID")))
        return Run()

    for name in ("wandb", "trackio"):
        fake = types.ModuleType(name)
        fake.__spec__ = types.SimpleNamespace(origin="here", name=name)  # type: ignore[assignment]
        fake.init = init  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, name, fake)
    (tmp_path / "run.json").write_text(run.model_dump_json())
    assert log_stages(["wandb", "trackio"], tmp_path, name="toy", summary=SUMMARY) == []
    values = stage_metrics(SUMMARY)
    assert seen[:3] == [({"project": "mine"}, "abcdef"), values, "finished"]
    assert seen[3][0] == {"project": PROJECT, "name": "toy-abc", "resume": "allow"}
    assert seen[4:] == [values, "finished"]
    monkeypatch.setattr(sys.modules["wandb"], "init", lambda **_: 1 / 0)
    (problem,) = log_stages(["wandb"], tmp_path, name="toy", summary=SUMMARY)
    assert problem == "wandb: the stages' results were not logged: division by zero"


def test_nothing_is_printed_on_stdout(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert log_stages(["tensorboard"], tmp_path / "tracking", name="toy", summary=SUMMARY) == []
    assert capsys.readouterr().out == ""
