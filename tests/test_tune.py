"""Settings chosen without gold labels: what may be tried, how a value is chosen, and a real tuning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from calm_ext.cli.main import cli
from calm_ext.errors import CalmError
from calm_ext.jsonl import read_jsonl, write_jsonl
from calm_ext.pipeline.recipe import load_recipe, parse_recipe
from calm_ext.records import ParallelQuestion
from calm_ext.study.tune import Trial, _round, check_tries, usual_tries
from tests.conftest import ROOT

DEMO = ROOT / "recipes/demo.yaml"


def trial(value: Any, scores: list[float], **more: Any) -> Trial:
    named = {f"q{i}": s for i, s in enumerate(scores)}
    return Trial(value, f"cell-{value}", named, dict.fromkeys(named, 0.5), 4, 0, **more)


HALF = [0.4, 0.6] * 10
BETTER = [s + 0.3 for s in HALF]
WORSE = [s - 0.3 for s in HALF]
NOISE = [s + (0.3 if i % 3 else -0.5) for i, s in enumerate(HALF)]


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        ({2: BETTER}, 2),
        ({2: WORSE}, 1),
        ({2: NOISE}, 1),
        ({2: BETTER, 3: [s + 0.4 for s in HALF]}, 3),
        ({2: [0.41, *HALF[1:]]}, 1),
    ],
    ids=["better", "worse", "chance", "the best of two", "one question"],
)
def test_a_value_is_taken_where_it_is_clearly_better(others: dict[int, list[float]], chosen: int) -> None:
    done = _round("training.epochs", 1, iter([trial(1, HALF), *(trial(v, s) for v, s in others.items())]))
    assert done.chosen == chosen
    rows = {r["value"]: r for r in done.rows()}
    assert rows[1]["score"] == pytest.approx(0.5) and "difference" not in rows[1]
    for value, scores in others.items():
        assert rows[value]["difference"] == pytest.approx(sum(scores) / 20 - 0.5)
        assert rows[value]["low"] - 1e-9 <= rows[value]["difference"] <= rows[value]["high"] + 1e-9


def test_trials_are_compared_on_the_questions_that_all_have() -> None:
    """A trial that keeps fewer votes watches fewer questions; those that only others have must not speak for them."""
    fewer = Trial(2, "c", {f"q{i}": HALF[i] for i in range(10)}, {}, 4, 0)
    more = trial(1, [*HALF[:10], *[0.0] * 10])
    done = _round("vote.keep_share", 1, iter([more, fewer._replace(before=dict.fromkeys(fewer.scores, 0.5))]))
    assert done.chosen == 1, "on the ten that both have they are alike"
    assert {r["n_questions"] for r in done.rows()} == {10}


def test_a_trial_that_failed_is_left_out_but_not_the_recipes_own() -> None:
    failed = Trial(2, "c", {}, {}, None, 0, "no memory")
    done = _round("training.epochs", 1, iter([trial(1, HALF), failed]))
    assert done.chosen == 1 and done.rows()[1]["error"] == "no memory"
    with pytest.raises(CalmError, match=r"training.epochs: the training with the recipe's own value, 2, failed: no m"):
        _round("training.epochs", 2, iter([trial(1, HALF), failed]))


def test_what_may_be_tried() -> None:
    recipe = load_recipe(DEMO)
    assert check_tries(recipe, {"training.beta": [0.1, 0.3]}) == {"training.beta": [0.1, 0.3]}
    assert check_tries(recipe, {"training.beta": [0.3]}) == {"training.beta": [0.1, 0.3]}, "with the recipe's own"
    for key in ("vote.rule", "sampling.normalize", "data.limit", "training.heldout_share"):
        with pytest.raises(CalmError, match=f"--try {key}: cannot be chosen by held-out questions"):
            check_tries(recipe, {key: [1]})
    with pytest.raises(CalmError, match=r"--try: training\.epochs: a number was expected"):
        check_tries(recipe, {"training.beta": [0.3], "training.epochs": [2, "many"]})
    with pytest.raises(CalmError, match=r"--try training\.betta: the recipe has no such key"):
        check_tries(recipe, {"training.betta": [1]})


@pytest.mark.parametrize("method", ["dpo", "sft", "listwise"])
def test_the_usual_tries_fit_the_method(method: str) -> None:
    values = yaml.safe_load(DEMO.read_text())
    values["training"] = {"method": method, "learning_rate": 1e-4}
    recipe = parse_recipe(values)
    tries = check_tries(recipe, usual_tries(recipe))
    assert tries["training.learning_rate"] == [5e-5, 1e-4, 2e-4]
    assert ("training.nll_weight" in tries) is (method != "sft")


@pytest.mark.parametrize("item", ["training.epochs", "=1", "training.epochs=", "training.epochs=[1"])
def test_an_item_that_is_no_list_of_values_is_refused(item: str) -> None:
    said = CliRunner().invoke(cli, ["tune", "demo", "--try", item, "--dry-run"])
    assert said.exit_code == 2 and f"--try {item}: KEY=V1,V2 was expected" in said.output


def test_a_tuning_takes_what_teaches_and_sees_no_gold(
    babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipe's own rate destroys the model, and its questions have no gold label at all."""
    from calm_ext.data import load_questions

    asked = [
        q.model_copy(update={"answer": None})
        for q in load_questions("babel", languages=["qaa", "qab", "qac"], limit=64)
    ]
    write_jsonl(tmp_path / "asked.jsonl", asked)
    recipe = {
        "name": "tiny",
        "model": {"path": str(babel_model), "dtype": "float32", "device": "cpu"},
        "data": {"source": "local", "path": str(tmp_path / "asked.jsonl"), "languages": ["qaa", "qab", "qac"]},
        "sampling": {"mode": "options", "batch_size": 128},
        "training": {
            "method": "sft",
            "learning_rate": 1.0,
            "batch_size": 16,
            "dtype": "float32",
            "select": "last",
            "patience": 0,
        },
        "evaluation": {"tasks": ["calm_babel_xl_mc"], "limit": 8, "batch_size": 64},
    }
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(recipe))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    call = ["tune", "tiny.yaml", "--try", "training.learning_rate=1e-3", "--heldout-share", "0.4", "--json"]
    said = CliRunner().invoke(cli, call)
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    assert found["changes"] == {"training.learning_rate": 1e-3}
    (tuning,) = found["rounds"]
    own, slower = tuning["trials"]
    assert own["score"] < own["untrained"] - 0.1 and own["warnings"]
    assert slower["clearly_better"] and slower["score"] > own["untrained"] - 0.1
    tuned = load_recipe("runs/tiny-tune/recipe.yaml")
    assert tuned.name == "tiny-tuned" and tuned.training.learning_rate == 1e-3
    assert tuned.training.heldout_share == 0.1, "what the tuning holds out is its own matter"
    cells = sorted(Path("runs/tiny-tune/cells").iterdir())
    assert len(cells) == 2 and not any((c / "eval").exists() for c in cells)
    held = {q.id for q in read_jsonl(cells[0] / "heldout/questions.jsonl", ParallelQuestion)}
    assert len(held) >= tuning["trials"][0]["n_questions"] >= 10
    before = {p: p.stat().st_mtime_ns for p in Path("runs/tiny-tune/cells").rglob("*")}
    again = CliRunner().invoke(cli, call)
    assert json.loads(again.stdout) == found
    assert {p: p.stat().st_mtime_ns for p in Path("runs/tiny-tune/cells").rglob("*")} == before, "nothing ran again"
