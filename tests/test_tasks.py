"""The YAML tasks: names, groups and tags, what is generated, and each source's tasks through real lm-eval."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from calm_ext.data import SOURCES
from calm_ext.errors import CalmError
from calm_ext.harness.evaluate import evaluate, task_manager
from calm_ext.harness.metadata import check_metadata
from calm_ext.jsonl import write_jsonl
from calm_ext.metrics.measure import measure
from calm_ext.metrics.names import DESCRIPTIONS
from calm_ext.models.lm import SharedPrefixLM
from calm_ext.records import ParallelQuestion, Version
from calm_ext.results.answers import read_answers
from tests.conftest import ROOT

FOLDER = ROOT / "lm_eval_tasks"
NAMES = [p.stem for p in sorted(FOLDER.rglob("*.yaml"))]


@pytest.fixture(scope="module")
def lm(babel_model: Path) -> SharedPrefixLM:
    """A model that knows none of these languages: what it answers does not matter, that it is asked and read does."""
    return SharedPrefixLM(pretrained=str(babel_model), dtype="float32", device="cpu", batch_size=64, max_length=2048)


@pytest.fixture(scope="module")
def manager() -> Any:
    return task_manager(["calm"])


def test_what_is_generated_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/generate_tasks.py"), "--check"],
        capture_output=True, text=True, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_what_stands_under_a_source_is_for_its_tasks_alone(lm: Any, tmp_path: Path) -> None:
    """Two benchmarks in one evaluation have other splits, folders and languages."""
    tasks = ["calm_sample_xl_mc", "calm_babel_xl_mc"]
    metadata = {"languages": ["en", "fr", "de"], "babel": {"languages": ["qaa", "qac"], "split": "train"}}
    found = evaluate(lm, tasks, tmp_path, model_name="t", limit=2, metadata=metadata)
    of_sample, of_babel = (found["configs"][t]["metadata"] for t in tasks)
    assert of_sample["languages"] == ["en", "fr", "de"] and "babel" not in of_sample
    assert of_babel["languages"] == ["qaa", "qac"] and "split:train" in of_babel["signature"]
    with pytest.raises(CalmError, match=r"--metadata: no task of calm-ext reads 'babel\.splt'; did you mean 'split'"):
        check_metadata({"babel": {"splt": "train"}}, where="--metadata")


def test_every_file_is_a_task_of_its_name(manager: Any) -> None:
    found = set(manager.all_tasks)
    assert set(NAMES) <= found, sorted(set(NAMES) - found)
    for source in ("xcsqa", "medqa", "medqa_zh", "medexpqa", "sample"):
        assert {f"calm_{source}_xl", f"calm_{source}_xl_mc", f"calm_{source}_xl_letters"} <= found
        for language in SOURCES[source].available:
            name = f"calm_{source}_{language}"
            assert {name, f"{name}_mc", f"{name}_letters"} <= found
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name in (*(n for n in NAMES if "_xl" in n), *DESCRIPTIONS):
        assert f"`{name}`" in readme, name


def test_groups_and_tags(manager: Any) -> None:
    assert {"calm", "calm_generation", "calm_mc", "calm_letters"} <= set(manager.all_groups)
    tags = set(manager.all_tags)
    assert {"calm_xcsqa_languages", "calm_sample_languages_mc", "calm_sw", "calm_ar_mc", "calm_ar_letters"} <= tags
    assert set(manager.match_tasks(["calm_xcsqa_sw*"])) == {
        "calm_xcsqa_sw", "calm_xcsqa_sw_letters", "calm_xcsqa_sw_mc",
    }  # fmt: skip


@pytest.mark.parametrize("source", ["xcsqa", "medqa", "medqa_zh"])
def test_the_papers_questions(
    source: str, lm: SharedPrefixLM, paper_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALM_DATA_DIR", str(paper_data))
    tasks = [f"calm_{source}_xl", f"calm_{source}_xl_mc", f"calm_{source}_fr_mc"]
    found = evaluate(lm, [tasks[1], tasks[2]], tmp_path, model_name="t", limit=3)
    languages = list(SOURCES[source].languages)
    assert found["configs"][tasks[1]]["metadata"]["languages"] == languages
    assert found["configs"][tasks[2]]["metadata"]["languages"] == ["fr"]
    many, one = found["results"][tasks[1]], found["results"][tasks[2]]
    assert many["acc_fr,none"] == pytest.approx(one["acc,none"]), "the same questions, asked the same"
    in_french = measure(read_answers([tmp_path], task=tasks[1])).metrics["acc_unnorm_fr"]
    assert in_french == pytest.approx(one["acc_unnorm,none"]) and "acc_unnorm_fr,none" not in many
    assert "kappa,none" in many
    assert "consistency,none" not in one
    generated = task_manager([tasks[0]]).load([tasks[0]])["tasks"][tasks[0]]
    doc = generated.eval_docs[0]
    contexts = generated.fewshot_context(doc, 0)
    assert len(contexts) == len(languages)
    for text, options in zip(contexts, doc["options"], strict=True):
        assert f"A. {options[0]}" in text


@pytest.fixture
def medexpqa_folder(tmp_path: Path) -> Path:
    """MedExpQA's raw layout, written by this test: three questions, one of them with four options."""
    folder = tmp_path / "medexpqa"
    for language in ("es", "en", "fr", "it"):
        path = folder / "data" / language / f"test.{language}.casimedicos.rag.jsonl"
        path.parent.mkdir(parents=True)
        with path.open("w", encoding="utf-8") as handle:
            for i in range(3):
                options = {str(k + 1): f"{language} option {i}{k}" for k in range(5)}
                if i == 1:
                    options["5"] = None  # type: ignore[assignment]
                row = {"id": 70 + i, "year": 2012, "question_id_specific": i, "full_question": f"{language}: case {i}?",
                       "options": options, "correct_option": i + 1, "lang": language, "rag": {}}  # fmt: skip
                handle.write(json.dumps(row) + "\n")
    return folder


def test_medexpqa_with_four_and_five_options(lm: SharedPrefixLM, medexpqa_folder: Path, tmp_path: Path) -> None:
    found = evaluate(
        lm, ["calm_medexpqa_xl_mc"], tmp_path / "out", model_name="t", metadata={"data_dir": str(medexpqa_folder)}
    )
    values = found["results"]["calm_medexpqa_xl_mc"]
    assert values["sample_len"] == 3
    assert {"acc_es,none", "acc_it,none", "rankc,none"} <= set(values)
    assert "options:4-5" in found["configs"]["calm_medexpqa_xl_mc"]["metadata"]["signature"]


def test_the_bundled_sample_in_ten_languages(lm: SharedPrefixLM, tmp_path: Path) -> None:
    found = evaluate(lm, ["calm_sample_xl", "calm_sample_xl_mc"], tmp_path, model_name="t", limit=4)
    for task in ("calm_sample_xl", "calm_sample_xl_mc"):
        assert len(found["configs"][task]["metadata"]["languages"]) == 10
        assert found["results"][task]["sample_len"] == 4
    row = json.loads((tmp_path / "samples_calm_sample_xl.jsonl").read_text().splitlines()[0])
    assert set(row["kappa"]) == set(row["doc"]["languages"]), "the sample records the answers"


def test_unlabelled_questions_cannot_be_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from calm_ext.errors import CalmError
    from calm_ext.harness import dataset

    version = Version(question="?", options=["a", "b"])
    questions = [ParallelQuestion(id=f"q{i}", answer=None if i else 0, versions={"en": version}) for i in range(3)]
    write_jsonl(tmp_path / "q.jsonl", questions)
    with pytest.raises(CalmError, match="local all has no gold answers for 2 of 3 questions"):
        dataset.load("local", split="all", path=str(tmp_path / "q.jsonl"))


def test_many_questions_become_requests() -> None:
    """A thousand questions in all languages, one request an option."""
    from calm_ext.harness.task import CrossLingualTask
    from calm_ext.languages import LANGUAGES

    codes = [x for x in LANGUAGES if not LANGUAGES[x].invented]
    questions = [
        ParallelQuestion(
            id=f"q{i}", answer=i % 5,
            versions={x: Version(question=f"{x} question number {i}, " * 4, options=[f"{x} option {i} {k}" for k in range(5)])
                      for x in codes},
        )
        for i in range(1000)
    ]  # fmt: skip
    task = CrossLingualTask.from_questions(questions, name="t", style="cloze")
    task.build_all_requests(rank=0, world_size=1)
    assert len(task.instances) == 1000 * len(codes) * 5
