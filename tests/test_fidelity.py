"""Our numbers against the host's own: a plain lm-eval task of one language, and data-parallel processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from calm_ext.data import load_questions
from calm_ext.harness.evaluate import task_manager
from calm_ext.prompts import ask, delimiter
from tests.conftest import ROOT
from tests.shell import calm

PLAIN = """
task: plain_one_language
dataset_path: json
dataset_kwargs:
  data_files: {{test: {data}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{prompt}}}}"
doc_to_choice: "{{{{options}}}}"
doc_to_target: answer
target_delimiter: "{between}"
metric_list:
  - metric: acc
  - metric: acc_bytes
"""


def test_one_language_is_a_plain_lm_eval_task(
    babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same model, questions and prompt through lm-eval's own multiple_choice give the same numbers to 1e-6."""
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    language, n = "qab", 40
    with (tmp_path / "data.jsonl").open("w") as handle:
        for q in load_questions("babel", languages=[language], limit=n):
            version = q.versions[language]
            prompt = ask(language, version.question, version.options, "cloze")
            handle.write(json.dumps({"prompt": prompt, "options": version.options, "answer": q.answer}) + "\n")
    (tmp_path / "tasks").mkdir()
    text = PLAIN.format(data=tmp_path / "data.jsonl", between=delimiter(language))
    (tmp_path / "tasks/plain.yaml").write_text(text)
    lm = HFLM(pretrained=str(babel_model), dtype="float32", device="cpu", batch_size=8)
    plain = lm_eval.simple_evaluate(
        model=lm,
        tasks=["plain_one_language"],
        log_samples=True,
        task_manager=TaskManager(include_path=str(tmp_path / "tasks"), include_defaults=False),
    )
    ours = lm_eval.simple_evaluate(
        model=lm, tasks=["calm_babel_xl_mc"], log_samples=True, limit=n,
        task_manager=task_manager(["calm_babel_xl_mc"], metadata={"languages": [language]}),
    )  # fmt: skip
    assert plain is not None
    assert ours is not None
    host, own = plain["results"]["plain_one_language"], ours["results"]["calm_babel_xl_mc"]
    for theirs, here in (("acc_bytes", "acc"), ("acc_bytes", f"acc_{language}"), ("acc", "acc_unnorm")):
        assert own[f"{here},none"] == pytest.approx(host[f"{theirs},none"], abs=1e-6)
        assert own[f"{here}_stderr,none"] == pytest.approx(host[f"{theirs}_stderr,none"], abs=1e-6)
    assert 0 < host["acc,none"] < 1
    for a, b in zip(plain["samples"]["plain_one_language"], ours["samples"]["calm_babel_xl_mc"], strict=True):
        assert [x[:2] for x in a["arguments"]] == [x[:2] for x in b["arguments"]], "the very same requests"
        theirs = [float(r[0]) for r in a["filtered_resps"]]
        assert [float(r[0]) for r in b["filtered_resps"]] == pytest.approx(theirs, abs=1e-6)


def test_two_processes_give_the_numbers_of_one(babel_model: Path, tmp_path: Path, one_thread: None) -> None:
    """An odd number of questions, so that the two have different shares. accelerate starts several CPU processes only
    with the launcher of GPUs; lm-eval's own hf model does not share questions among them, calm-ext's does."""
    asked = ["eval", "--model", str(babel_model), "--tasks", "calm_babel_xl,calm_babel_xl_mc"]
    asked += ["--limit", "21", "--dtype", "float32", "--device", "cpu", "-o"]
    alone = calm(*asked, str(tmp_path / "one"))
    assert alone.returncode == 0, alone.stderr[-3000:]
    accelerate = [str(Path(sys.executable).with_name("accelerate")), "launch", "--multi_gpu", "--num_processes", "2"]
    shared = subprocess.run(
        [*accelerate, "--main_process_port", "0", "-m", "calm_ext", *asked, str(tmp_path / "two")],
        capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert shared.returncode == 0, shared.stderr[-3000:]
    assert "11/11" in shared.stderr, "one process built 11 questions, so the other had 10"
    assert "21/21" not in shared.stderr

    def read(name: str) -> tuple[dict[str, Any], list[int]]:
        results = json.loads((tmp_path / name / "results.json").read_text())["results"]
        rows = (tmp_path / name / "samples_calm_babel_xl_mc.jsonl").read_text().splitlines()
        return results, [json.loads(r)["doc_id"] for r in rows]

    (one, order_one), (two, order_two) = read("one"), read("two")
    assert order_two == [*range(0, 21, 2), *range(1, 21, 2)], "each process had its share"
    assert sorted(order_two) == order_one
    for task, values in one.items():
        assert values["sample_len"] == two[task]["sample_len"] == 21
        for metric, value in values.items():
            if isinstance(value, float):
                assert two[task][metric] == pytest.approx(value, abs=1e-9, nan_ok=True), (task, metric)
        assert 0 < values["acc,none"] < 1
