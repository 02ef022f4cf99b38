"""One's own questions, as a JSONL and as columns: evaluated by the tasks of their own, aligned on, and refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from calm_ext.data import load_questions
from calm_ext.errors import CalmError, RecipeError
from calm_ext.harness.dataset import __getattr__ as loader
from calm_ext.harness.evaluate import evaluate
from calm_ext.harness.metadata import check_given, check_questions, known_keys
from calm_ext.models.lm import SharedPrefixLM, load_lm
from calm_ext.pipeline.recipe import parse_recipe
from calm_ext.pipeline.run import Pipeline
from calm_ext.records import ParallelQuestion

LANGUAGES = ["qaa", "qab", "qac"]


@pytest.fixture(scope="module")
def lm(babel_model: Path) -> SharedPrefixLM:
    return load_lm(str(babel_model), dtype="float32", device="cpu", batch_size=64)


@pytest.fixture
def spec(tmp_path: Path, questions: list[ParallelQuestion]) -> Path:
    """The same forty questions as files of one language each, with columns of their own, and a YAML beside them."""
    for code in LANGUAGES:
        rows = [
            {"n": i, "q": q.versions[code].question, "o": q.versions[code].options, "a": q.answer}
            for i, q in enumerate(questions)
        ]
        (tmp_path / code).mkdir()
        (tmp_path / code / "all.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    path = tmp_path / "mine.yaml"
    own = {
        "name": "mine", "title": "Mine", "splits": {"first": {"name": "all", "share": [0, 0.5]},
        "second": {"name": "all", "share": [0.5, 1]}}, "languages": LANGUAGES, "key": "n", "question": "q",
        "options": "o", "answer": {"column": "a", "form": "zero_based"},
    }  # fmt: skip
    path.write_text(yaml.safe_dump(own), encoding="utf-8")
    return path


def test_own_questions_are_evaluated(
    lm: SharedPrefixLM, questions_file: Path, questions: list[ParallelQuestion], spec: Path, tmp_path: Path
) -> None:
    """The numbers are those of the same questions asked by Babel's own task."""
    tasks = ["calm_local_xl_mc", "calm_local_xl_letters"]
    given: dict[str, Any] = {"path": str(questions_file)}
    found = evaluate(lm, tasks, tmp_path / "a", model_name="m", metadata=given)["results"]
    babel = {"languages": LANGUAGES, "split": "train"}
    theirs = evaluate(lm, ["calm_babel_xl_mc"], tmp_path / "b", model_name="m", metadata=babel, limit=40)["results"]
    for metric in ("acc", "consistency", "kappa", "acc_qab"):
        assert found["calm_local_xl_mc"][f"{metric},none"] == theirs["calm_babel_xl_mc"][f"{metric},none"]
    halves = [load_questions("columns", split=x, spec=str(spec)) for x in ("first", "second")]
    assert len(halves[0]) + len(halves[1]) == 40 and min(map(len, halves)) > 8
    own = {"spec": str(spec), "split": "second", "languages": "qaa,qac"}
    found = evaluate(lm, ["calm_local_xl_mc"], tmp_path / "c", model_name="m", metadata=own)
    assert found["n-samples"]["calm_local_xl_mc"]["original"] == len(halves[1])
    assert "acc_qac,none" in found["results"]["calm_local_xl_mc"]
    assert "acc_qab,none" not in found["results"]["calm_local_xl_mc"]


def test_a_run_on_columns(babel_model: Path, spec: Path, tmp_path: Path) -> None:
    """Aligned on one share, measured on the other; what is measured follows the files."""
    recipe = parse_recipe({
        "name": "mine",
        "model": {"path": str(babel_model), "dtype": "float32", "device": "cpu"},
        "data": {"source": "columns", "spec": str(spec), "split": "first"},
        "sampling": {"mode": "options", "batch_size": 64},
        "training": {"learning_rate": 1e-3, "epochs": 1, "dtype": "float32", "checks_per_epoch": 1},
        "evaluation": {"tasks": ["calm_local_xl_mc", "calm_asked_xl_mc"], "metadata": {"split": "second"}, "batch_size": 64},
    })  # fmt: skip
    folder = tmp_path / "run"
    Pipeline(recipe, folder).run()
    asked = {json.loads(line)["id"] for line in (folder / "questions.jsonl").read_text().splitlines()}

    def measured(task: str) -> set[str]:
        lines = (folder / f"eval/after/samples_{task}.jsonl").read_text().splitlines()
        return {json.loads(line)["doc"]["id"] for line in lines}

    others = measured("calm_local_xl_mc")
    assert asked and others and not asked & others and len(asked | others) == 40
    assert measured("calm_asked_xl_mc") == asked
    assert (folder / "report/index.html").is_file()
    spec.write_text(spec.read_text(encoding="utf-8").replace("0.5", "0.25"), encoding="utf-8")
    Pipeline(recipe, folder).run(stop_after="questions")
    fewer = {json.loads(line)["id"] for line in (folder / "questions.jsonl").read_text().splitlines()}
    assert fewer < asked, "another spec asks other questions"


def test_asked_questions_are_named_where_no_recipe_finds_them(
    questions_file: Path, lm: SharedPrefixLM, tmp_path: Path
) -> None:
    with pytest.raises(CalmError, match=r"tasks calm_asked_xl\* ask the questions of an alignment"):
        check_questions({}, ["calm_asked_xl_mc"])
    with pytest.raises(CalmError, match=r"nowhere.jsonl: no such file"):
        check_questions({"asked": "nowhere.jsonl"}, ["calm_asked_xl_mc"])
    found = evaluate(
        lm, ["calm_asked_xl_mc"], tmp_path, model_name="m", metadata={"asked": str(questions_file)}, limit=8
    )
    assert found["n-samples"]["calm_asked_xl_mc"] == {"original": 40, "effective": 8}


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({}, "data source local needs a path"),
        ({"path": "nowhere.jsonl"}, "nowhere.jsonl: no such file"),
        ({"spec": "nowhere.yaml"}, "nowhere.yaml: no such file"),
        ({"path": "q.jsonl", "langs": ["en"]}, "no task of calm-ext reads 'langs'; did you mean 'languages'"),
        ({"path": "q.jsonl", "spec": "my.yaml"}, "metadata has both path and spec"),
        ({"path": ["q.jsonl"]}, "data source local: option path"),
        ({"path": "q.jsonl", "split": ["all"]}, r"metadata split must be the name of one split, got \['all'\]"),
        ({"path": "q.jsonl", "languages": "[en"}, r"metadata languages must be a list of codes, got '\[en'"),
        ({"path": "q.jsonl", "styel": "cloze"}, "no task of calm-ext reads 'styel'; did you mean 'style'"),
    ],
)
def test_wrong_metadata_is_one_line(metadata: dict[str, Any], said: str) -> None:
    with pytest.raises(CalmError, match=said) as raised:
        loader("local")(version=1.0, style="cloze", **metadata)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({}, r"tasks calm_local_xl\* ask your own questions"),
        ({"path": "nowhere.jsonl"}, "nowhere.jsonl: no such file"),
        ({"spec": "nowhere.yaml"}, "nowhere.yaml: no such file"),
        ({"spec": "nowhere.yaml", "path": "q.jsonl"}, "metadata has both path and spec"),
    ],
)
def test_own_questions_are_looked_for_before_the_model(metadata: dict[str, Any], said: str) -> None:
    with pytest.raises(CalmError, match=said):
        check_questions(metadata, ["calm_babel_xl", "calm_local_xl_mc"])
    check_questions(metadata, ["calm_babel_xl"])


def test_arguments_of_the_model_are_no_mistakes() -> None:
    """lm-eval hands them over with the metadata."""
    check_given({
        "pretrained": "m", "dtype": "float32", "revision": "main", "peft": "a", "device_map_option": "auto",
        "max_model_len": 2048, "tensor_parallel_size": 2, "data_parallel_size": 1, "gpu_memory_utilization": 0.9,
        "max_length": 512, "trust_remote_code": True, "base_url": "http://x", "num_concurrent": 4, "tokenizer": "t",
        "enable_thinking": False, "attn_implementation": "eager", "swap_space": 4, "softmax_dtype": "float32",
    })  # fmt: skip
    assert {"languages", "split", "path", "spec", "data_dir", "index", "origin"} <= set(known_keys())


@pytest.mark.parametrize(
    "form",
    [
        ["--metadata", '{"budgets": 3}'],
        ['--metadata={"budgets": 3}'],
        ["--metadata", "budgets=3"],
        ["--metadata", "split=all", "budgets=3"],
    ],
)
def test_on_lm_evals_command_line_every_unknown_key_is_refused(
    form: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["lm_eval", "--tasks", "calm_sample_xl", *form])
    with pytest.raises(CalmError, match="--metadata: no task of calm-ext reads 'budgets'; did you mean 'budget'"):
        check_given({"budgets": 3, "pretrained": "m"})


def test_keys_of_another_task_of_the_same_command_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["lm_eval", "--tasks", "calm_sample_xl,niah_single_1", "--metadata", '{"max_seq_lengths": [4096]}']
    for argv in (command, ["lm_eval", "-t", "calm_sample_xl", "niah_single_1", *command[3:]]):
        monkeypatch.setattr(sys, "argv", argv)
        check_given({"max_seq_lengths": [4096]})


def test_a_recipe_says_it_before_anything_runs() -> None:
    values: dict[str, Any] = {"name": "r", "model": {"path": "babel"}, "data": {"source": "babel"}}
    values["evaluation"] = {"tasks": ["calm_babel_xl"], "metadata": {"langs": ["qaa"]}}
    with pytest.raises(RecipeError, match=r"evaluation\.metadata\.langs: no task of calm-ext reads it; did you mean"):
        parse_recipe(values)
    values["evaluation"] = {"tasks": ["calm_babel_xl", "arc_easy"], "metadata": {"their_key": 1}}
    parse_recipe(values)
