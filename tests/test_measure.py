"""Scoring without a model: `calm-ext metrics` on predictions and samples, against another group's numbers."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from calm_ext.cli.main import cli
from calm_ext.errors import DataError
from calm_ext.metrics.measure import measure
from calm_ext.metrics.question import rankc_weights
from calm_ext.results.answers import read_answers
from tests.conftest import ROOT, SHARED


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def run_json(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def olmo() -> dict[str, Any]:
    path = SHARED / "option-scores/olmo2-7b-gmmlu-lite.json"
    if not path.exists():
        pytest.skip("../shared/data/option-scores is not here")
    return json.loads(path.read_text(encoding="utf-8"))


def test_another_groups_numbers_to_1e_9(olmo: dict[str, Any], tmp_path: Path) -> None:
    """OLMo-2 on Global-MMLU-Lite, as jvonrad/Lost-in-Mistranslation computed it."""
    rows = []
    for q in olmo["questions"]:
        predictions = dict(q["predicted"])
        # In four questions their Chinese row had another gold than the question, which shows in their `correct` flags;
        # a prediction that is right or wrong as theirs was stands for it. It changes agreement, which is checked below.
        rows.append({"id": q["id"], "answer": q["gold"], "predictions": predictions, "scores": q["scores"]})
    found = run_json("metrics", str(write(tmp_path / "p.jsonl", rows)))
    reference = olmo["reference"]
    assert found["metrics"]["rankc"] == pytest.approx(reference["rankc_average"], abs=1e-9)
    assert found["metrics"]["consistency"] == pytest.approx(reference["agreement_average"], abs=1e-9)
    assert found["metrics"]["all_correct"] == pytest.approx(reference["all_languages_correct"], abs=1e-9)
    assert len(found["by_pair"]) == 55
    for pair, value in reference["rankc_pairwise"].items():
        assert found["by_pair"][pair]["rankc"] == pytest.approx(value, abs=1e-9), pair
    for pair, value in reference["agreement_pairwise"].items():
        assert found["by_pair"][pair]["consistency"] == pytest.approx(value, abs=1e-9), pair
    accuracy = {x: found["metrics"][f"acc_{x}"] for x in olmo["languages"]}
    wrong_gold = sum(
        q["correct"]["zh"] - (q["predicted"]["zh"] == q["gold"]) for q in olmo["questions"] if q["gold"] is not None
    )
    accuracy["zh"] += wrong_gold / 400
    assert accuracy == pytest.approx(reference["per_language_accuracy"], abs=1e-9)
    assert any("31 of 400 questions have no gold answer" in w for w in found["warnings"])
    skipped = run_json("metrics", str(tmp_path / "p.jsonl"), "--unlabelled", "skip", "--resamples", "100")
    assert skipped["n"]["acc"] == 369
    assert skipped["metrics"]["acc_en"] == pytest.approx(0.665 * 400 / 369)


def test_json_has_what_promised_numbers(tmp_path: Path) -> None:
    rows = [
        {"id": f"q{i}", "answer": i % 4, "predictions": {"en": i % 4, "de": 0 if i % 2 else None, "sw": i % 3}}
        for i in range(24)
    ]
    found = run_json("metrics", str(write(tmp_path / "p.jsonl", rows)), "--resamples", "500")
    assert {"signature", "n_questions", "languages", "metrics", "stderr", "ci95", "by_pair"} <= set(found)
    assert found["n_questions"] == 24
    assert found["languages"] == ["en", "de", "sw"]
    names = {"acc", "acc_en", "consistency", "consistency_valid", "all_agree", "all_correct", "answered", "kappa"}
    assert names <= set(found["metrics"])
    assert "rankc" not in found["metrics"], "there are no scores"
    assert set(found["metrics"]) == set(found["stderr"]) == set(found["ci95"])
    assert found["metrics"]["acc_en"] == 1.0
    assert found["metrics"]["answered"] == pytest.approx(1 - 1 / 6)
    assert found["n"]["acc_all_agree"] < 24
    low, high = found["ci95"]["consistency"]
    assert low < found["metrics"]["consistency"] < high
    assert set(found["by_pair"]) == {"en-de", "en-sw", "de-sw"}
    assert "langs:en.de.sw" in found["signature"]
    assert "boot:500" in found["signature"]


def test_terminal_shows_metric_interval_chance_and_signature(tmp_path: Path) -> None:
    rows = [
        {"id": f"q{i}", "answer": i % 4, "predictions": {"en": 1, "fr": i % 4},
         "scores": {"en": [0.0, 1.0, 0.5, 0.2], "fr": [float(k == i % 4) for k in range(4)]}}
        for i in range(40)
    ]  # fmt: skip
    done = CliRunner().invoke(cli, ["metrics", str(write(tmp_path / "p.jsonl", rows)), "--by-pair", "--all"])
    assert done.exit_code == 0
    for said in (
        "acc_fr",
        "1.000",
        "95 % interval",
        "0.377 (floor 0.090)",
        "task:predictions|langs:en.fr",
        "rankc below",
    ):
        assert said in done.stdout, said
    assert "en gives option B in 100% of its 40 answers (position bias?)" in done.stderr


SAMPLE_LANGUAGES = ["en", "fr"]


def sample_row(i: int, *, answers: list[int | None] | None = None, **changes: Any) -> dict[str, Any]:
    """One line of a generation task's samples as lm-eval writes it."""
    options = [["air", "water", "fire"], ["air", "eau", "feu"]]
    doc = {"id": f"q{i}", "answer": i % 3, "languages": SAMPLE_LANGUAGES, "options": options,
           "questions": [f"Q {i}?", f"Q {i} ?"], **changes}  # fmt: skip
    given = answers if answers is not None else [i % 3, 1]
    texts = ["I do not know." if a is None else f"Because.\nAnswer: {'ABC'[a]}" for a in given]
    return {"doc": doc, "doc_hash": f"h{i}{changes}", "filtered_resps": texts, "metrics": ["acc"], "acc": 0.0}


def write_task(folder: Path, rows: list[dict[str, Any]], *, task: str = "calm_x_xl", signature: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    signed = signature or f"task:{task}|langs:en.fr|style:explain|calm-ext:0.1.0|lm_eval:0.4.13"
    results = {"results": {task: {}}, "configs": {task: {"metadata": {"style": "explain", "signature": signed}}}}
    (folder / "results_2026-11-23T10-00-00.000001.json").write_text(json.dumps(results))
    return write(folder / f"samples_{task}_2026-11-23T10-00-00.000001.jsonl", rows)


def test_samples_of_a_generation_task(tmp_path: Path) -> None:
    path = write_task(tmp_path, [sample_row(0), sample_row(1), sample_row(2, answers=[None, 2])])
    found = read_answers([path])
    assert found.questions["q2"].answers == {"en": None, "fr": 2}
    assert found.signature.startswith("task:calm_x_xl|langs:en.fr|style:explain")
    values = measure(found, resamples=200).metrics
    assert values["acc_en"] == pytest.approx(2 / 3)
    assert values["answered"] == pytest.approx(5 / 6)
    assert read_answers([tmp_path]).questions == found.questions, "the folder is as good as the file"
    recorded = sample_row(1)
    recorded["kappa"] = {"en": 2, "fr": None}
    path = write_task(tmp_path / "b", [recorded])
    assert read_answers([path]).questions["q1"].answers == {"en": 2, "fr": None}, "what was scored, not read again"


def test_samples_of_a_scored_task_rank_per_byte(tmp_path: Path) -> None:
    row = sample_row(0)
    row["doc"]["options"] = [["aaaa", "bb"], ["aa", "bb"]]
    row["filtered_resps"] = [["-4.0", "False"], ["-3.0", "False"], ["-1.0", "True"], ["-5.0", "False"]]
    found = read_answers([write_task(tmp_path, [row], task="calm_x_xl_mc")]).questions["q0"]
    assert found.scores == {"en": [-1.0, -1.5], "fr": [-0.5, -2.5]}
    assert found.answers == {"en": 0, "fr": 0}
    values = found.metrics()
    assert (values["acc_en"], values["acc_unnorm_en"], values["acc_unnorm"]) == (1.0, 0.0, 0.5)
    assert (values["consistency"], values["consistency_unnorm"]) == (1.0, 0.0)
    assert (values["rankc"], values["rankc_unnorm"]) == (1.0, pytest.approx(rankc_weights(2)[1]))


def test_files_of_one_evaluation_are_joined(tmp_path: Path) -> None:
    rows = [{"id": f"q{i}", "answer": 0, "predictions": {"en": i % 2, "sw": 1}} for i in range(6)]
    whole = read_answers([write(tmp_path / "all.jsonl", rows)])
    shards = [write(tmp_path / "1.jsonl", rows[:2]), write(tmp_path / "2.jsonl", rows[2:])]
    assert {i: q.answers for i, q in read_answers(shards).questions.items()} == {
        i: q.answers for i, q in whole.questions.items()
    }
    by_language = [
        write(tmp_path / f"{x}.jsonl", [{**r, "predictions": {x: r["predictions"][x]}} for r in rows])
        for x in ("en", "sw")
    ]
    assert read_answers(by_language).languages == ["en", "sw"]
    assert read_answers(by_language).questions["q1"].answers == {"en": 1, "sw": 1}


P = {"id": "q1", "answer": 1, "predictions": {"en": 1, "sw": 0}}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([P, {"id": "q2", "answer": 1, "predictions": {"en": 1}}], "p.jsonl:2: question q2 has no answer in sw"),
        ([{**P, "answer": [0, 1]}], "p.jsonl:1: answer: the number of an option (0, 1, …), its letter or null was expected"),
        (['{"id": "q1", "answer": 0, "answer": 1, "predictions": {"en": 1}}'], "the key 'answer' comes twice"),
        (['{"id": "q1", "answer": 0, "predictions": {"en": 1, "en": 0}}'], "the key 'en' comes twice"),
        ([{**P, "answer": 4, "scores": {"en": [0.0, 1.0], "sw": [1.0, 0.0]}}], "answer 4 is not one of the 2 options"),
        ([{**P, "predictions": {"en": -1, "sw": 0}}], "predictions.en -1 is not one of the options"),
        (['{"id": "q1", "predictions": {"en": 1}, "scores": {"en": [0.1, NaN]}}'], "scores.en.1: a finite number was expected"),
        (['{"id": "q1", "predictions": {"en": 1}, "scores": {"en": [0.1, Infinity]}}'], "finite number"),
        ([{**P, "scores": {"en": [0.0, 1.0]}}], "scores and predictions have not the same languages: sw"),
        ([{**P, "scores": {"en": [0.0, 1.0], "sw": [1.0, 0.0, 2.0]}}], "one score per option was expected"),
        ([P, {**P, "id": "q2", "scores": {"en": [0.0, 1.0], "sw": [1.0, 0.0]}}], "question q1 has no scores, but q2"),
        ([P, P], "p.jsonl:2: question q1 comes twice (before at"),
        ([{**P, "predictions": {"English": 1}}], "'English' is no BCP-47 language code"),
        ([{**P, "extra": 1}], "extra: unknown key"),
        ([{"id": "q1", "answer": 1}], "is neither a prediction nor a sample"),
        ([], "p.jsonl: is empty"),
        (['{"id": "q1", "predictions": {"en"'], "not a JSON object"),
    ],
)  # fmt: skip
def test_bad_predictions_are_one_line(rows: list[Any], said: str, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_answers([path])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def scored_row(values: list[str]) -> dict[str, Any]:
    row = sample_row(0)
    row["filtered_resps"] = [[v, "False"] for v in values]
    return row


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (sample_row(0, answer=3), "has the answer 3, which is not one of its 3 options"),
        (sample_row(0, answer=[0, 1]), "has the answer [0, 1]"),
        (sample_row(0, languages=["en", "en"]), "has language en twice"),
        (sample_row(0, options=[["air", "water", "fire"], ["air", "eau"]]), "not the same number of options"),
        (sample_row(0, options=[["air", " ", "fire"], ["air", "eau", "feu"]]), "has an empty option"),
        (scored_row(["-1", "nan", "-3", "-1", "-2", "-3"]), "the score of option 1 in en is nan"),
        (scored_row(["-1", "-1", "-3", "-1", "-2", "-inf"]), "the score of option 2 in fr is -inf"),
        (scored_row(["-1", "-1", "-3"]), "3 scores for 2 languages of 3 options"),
        (scored_row(["-1", "-1", "-3", "-1", "-2", "no"]), "a score is no number"),
        ({"doc": {"question": "2+2?", "answer": "4"}, "filtered_resps": ["4"]}, "is not a sample of a cross-lingual task"),
    ],
)  # fmt: skip
def test_bad_samples_are_one_line(row: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = write_task(tmp_path, [row])
    with pytest.raises(DataError) as caught:
        read_answers([path])
    assert said in str(caught.value)
    assert f"{path}:1: " in str(caught.value)


def test_what_does_not_belong_together_is_refused(tmp_path: Path) -> None:
    a = write_task(tmp_path / "a", [sample_row(0)])
    other_task = write_task(tmp_path / "b", [sample_row(1)], task="calm_y_xl")
    with pytest.raises(DataError, match="one task at a time"):
        read_answers([a, other_task])
    newer = write_task(tmp_path / "c", [sample_row(1)], signature="task:calm_x_xl|langs:en.fr|style:explain|calm-ext:9")
    with pytest.raises(DataError, match=r"differ in calm-ext \(0.1.0 against 9\)"):
        read_answers([a, newer])
    again = write_task(tmp_path / "d", [sample_row(0)])
    with pytest.raises(DataError, match="question q0 has en, fr already at"):
        read_answers([a, again])
    en = write(tmp_path / "en.jsonl", [{"id": "q0", "answer": 0, "predictions": {"en": 1}}])
    sw = write(tmp_path / "sw.jsonl", [{"id": "q0", "answer": 1, "predictions": {"sw": 1}}])
    with pytest.raises(DataError, match="has the answer 1, but 0 at"):
        read_answers([en, sw])
    write_task(tmp_path / "a", [sample_row(0)], task="calm_y_xl")
    with pytest.raises(DataError, match="choose one with --task"):
        read_answers([tmp_path / "a"])
    assert read_answers([tmp_path / "a"], task="calm_y_xl").languages == SAMPLE_LANGUAGES
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="no samples_"):
        read_answers([empty])
    lonely = write(tmp_path / "samples_calm_z_xl.jsonl", [sample_row(0)])
    with pytest.raises(DataError, match=r"there is no results\*.json beside the file"):
        read_answers([lonely])


def test_a_thousand_questions_in_sixteen_languages(tmp_path: Path) -> None:
    """10,000 resamples in less than 500 MiB, imports included; how long they take is measured by benchmarks/limits.py."""
    rng = random.Random(0)
    languages = ["ar", "de", "en", "es", "fr", "hi", "it", "ja", "nl", "pl", "pt", "ru", "sw", "ur", "vi", "zh"]
    rows = []
    for i in range(1000):
        scores = {x: [round(rng.random(), 6) for _ in range(5)] for x in languages}
        predictions = {x: max(range(5), key=s.__getitem__) for x, s in scores.items()}
        rows.append({"id": f"q{i}", "answer": rng.randrange(5), "predictions": predictions, "scores": scores})
    path = write(tmp_path / "p.jsonl", rows)
    # VmHWM and not ru_maxrss: the latter starts at what this process of the tests had when it forked.
    code = (
        "import re, sys; sys.argv = ['calm-ext', 'metrics', sys.argv[1], '--json']\n"
        "from calm_ext.cli.main import cli\n"
        "cli.main(standalone_mode=False)\n"
        "peak = int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read()).group(1))\n"
        "print(peak / 1024, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert float(done.stderr) < 500
    found = json.loads(done.stdout)
    assert found["metrics"]["acc"] == pytest.approx(found["chance"]["acc"], abs=0.02)
    assert found["metrics"]["rankc"] == pytest.approx(found["chance"]["rankc"], abs=0.02)
    assert len(found["by_pair"]) == 120
