"""Logs of other people's tasks: lm-eval's own accuracies, a consistency counted by hand, and what cannot be joined."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections import defaultdict
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from calm_ext.cli.main import cli
from calm_ext.data.families import bundled_families
from calm_ext.errors import CalmError, DataError
from calm_ext.metrics.answered import AnswerSet
from calm_ext.metrics.measure import measure
from calm_ext.results.answers import read_answers
from calm_ext.results.lines import Line
from calm_ext.results.log_options import LogOptions
from tests.foreign_tasks import FAMILIES, run_tasks

Row = dict[str, Any]
OLD, NEW = "_2026-01-02T10-00-00.000001", "_2026-01-03T09-00-00.5"


@pytest.fixture(scope="module")
def logs(make_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """What lm-eval logged of its own tasks of every family: a folder a family, as of an output path that is a file."""
    return make_once("foreign_logs", lambda folder: run_tasks(folder, list(FAMILIES)))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments])


def raw(folder: Path) -> dict[str, list[Row]]:
    """task -> its lines, read by nothing but json."""
    return {
        path.name.removeprefix("samples_").rpartition("_2")[0]: [json.loads(x) for x in path.read_text().splitlines()]
        for path in sorted(folder.glob("samples_*.jsonl"))
    }


# --- lm-eval's own tasks ----------------------------------------------------------------------------------------------

#: family -> the language (ours) and the key of a line, as a person would take them from the task's name and the data
BY_HAND: dict[str, Callable[[str, Row], tuple[str, str]]] = {
    "belebele": lambda t, d: (
        {"eng": "en", "fra": "fr", "zho": "zh"}[t.split("_")[1]], f"{d['link']} {d['question_number']}"
    ),
    "xcopa": lambda t, d: (t.split("_")[1], str(d["idx"])),
    "global_mmlu": lambda t, d: (t.split("_")[3], d["sample_id"]),
    "global_mmlu_lite": lambda t, d: (t.split("_")[2], d["sample_id"]),
    "mmmlu": lambda t, d: (t.split("_")[1], str(d["Unnamed: 0"])),
    "m_mmlu": lambda t, d: (t.split("_")[2], d["id"]),
    "arc": lambda t, d: (t.split("_")[1], d["id"]),
    "arc_challenge_mt": lambda t, d: (t.split("_")[3], d["id"]),
    "hellaswag": lambda t, d: (t.split("_")[1], str(d["ind"])),
    "truthfulqa": lambda t, d: (t.split("_")[1], ""),
    "truthfulqa_multi_mc1": lambda t, d: (t.split("_")[2], str(d["id"])),
    "truthfulqa_multi_gen": lambda t, d: (t.split("_")[2], str(d["id"])),
    "xnli": lambda t, d: (t.split("_")[1], ""),
    "xstorycloze": lambda t, d: (t.split("_")[1], d["story_id"]),
    "paws": lambda t, d: (t.split("_")[1], str(d["id"])),
    "mmlu_prox": lambda t, d: (t.split("_")[2], str(d["question_id"])),
    "mmlu_prox_lite": lambda t, d: (t.split("_")[3], str(d["question_id"])),
    "global_piqa_cloze": lambda t, d: (
        {"eng": "en", "fra": "fr", "swh": "sw"}[t.split("_")[4]], d["example_id"]
    ),
    "global_piqa_generation": lambda t, d: (
        {"eng": "en", "fra": "fr", "swh": "sw"}[t.split("_")[4]], d["example_id"]
    ),
}  # fmt: skip


def answer_by_hand(row: Row, score: str = "acc") -> int | None:
    found = row["filtered_resps"]
    if isinstance(found[0], list):
        options = [row["arguments"][f"gen_args_{i}"]["arg_1"].removeprefix(" ") for i in range(len(found))]
        length = {"acc": lambda o: 1, "acc_norm": len, "acc_bytes": lambda o: len(o.encode())}[score]
        values = [float(r[0]) / length(o) for r, o in zip(found, options, strict=True)]
        return values.index(max(values))
    if "bleu_acc" in row:
        return int(row["bleu_acc"])
    return "ABCDEFGHIJ".index(found[0]) if found[0] in tuple("ABCDEFGHIJ") else None


def consistency_by_hand(family: str, folder: Path, score: str = "acc") -> float:
    questions: dict[str, dict[str, int | None]] = defaultdict(dict)
    for task, rows in raw(folder).items():
        for row in rows:
            language, key = BY_HAND[family](task, row["doc"])
            questions[key or str(row["doc_id"])][language] = answer_by_hand(row, score)
    languages = max(len(q) for q in questions.values())
    whole = [list(q.values()) for q in questions.values() if len(q) == languages]
    pairs = [[a is not None and a == b for a, b in combinations(q, 2)] for q in whole]
    return sum(sum(p) / len(p) for p in pairs) / len(pairs)


@pytest.mark.parametrize("family", FAMILIES)
def test_accuracy_is_lm_evals_and_consistency_is_a_hand_count(family: str, logs: Path) -> None:
    folder = logs / family
    found = read_answers([folder])
    metrics = measure(found, resamples=100).metrics
    assert found.signature.startswith(f"task:{family}|langs:{'.'.join(found.languages)}|logs:lm-eval|")
    results = json.loads(next(folder.glob("mymodel_*.json")).read_text())
    assert metrics["consistency"] == pytest.approx(consistency_by_hand(family, folder), abs=1e-12)
    theirs: dict[str, dict[str, list[tuple[float, int]]]] = defaultdict(lambda: defaultdict(list))
    for task, values in results["results"].items():
        language, _ = BY_HAND[family](task, raw(folder)[task][0]["doc"])
        for name, value in values.items():
            metric = name.partition(",")[0]
            theirs[metric][language].append((value, results["n-samples"][task]["effective"]))
    own = next(m for m in ("acc", "exact_match", "bleu_acc") if m in theirs)
    compared = {own: "acc_"} | ({"acc_norm": "acc_norm_"} if "acc_norm" in theirs else {})
    if family == "paws":  # the task leaves out a row of one language, and so accuracy is of the others
        assert found.left_out == {"missing": 1}
        compared = {}
        assert metrics["acc_fr"] == pytest.approx(theirs["acc"]["fr"][0][0], abs=1e-9)
    for metric, prefix in compared.items():
        for language, parts in theirs[metric].items():
            value = sum(v * n for v, n in parts) / sum(n for _, n in parts)
            assert metrics[f"{prefix}{language}"] == pytest.approx(value, abs=1e-9), (metric, language)
    assert len(found.languages) == len({BY_HAND[family](t, rows[0]["doc"])[0] for t, rows in raw(folder).items()})


@pytest.mark.parametrize("score", ["acc_norm", "acc_bytes"])
def test_options_ranked_by_another_score(score: str, logs: Path) -> None:
    folder = logs / "global_piqa_cloze"
    metrics = measure(read_answers([folder], logs=LogOptions(answer_from=score)), resamples=100).metrics
    assert metrics["consistency"] == pytest.approx(consistency_by_hand("global_piqa_cloze", folder, score), abs=1e-12)
    assert metrics["consistency_unnorm"] == pytest.approx(consistency_by_hand("global_piqa_cloze", folder), abs=1e-12)
    results = json.loads(next(folder.glob("mymodel_*.json")).read_text())["results"]
    assert metrics["acc_en"] == pytest.approx(results["global_piqa_parallel_cloze_eng_latn"][f"{score},none"], abs=1e-9)


def test_every_family_is_tested() -> None:
    assert {f.name for f in bundled_families()} == set(FAMILIES) == set(BY_HAND)


def test_every_family_takes_only_its_own_tasks(logs: Path) -> None:
    for family in FAMILIES:
        for task in raw(logs / family):
            assert [f.name for f in bundled_families() if f.parts_of(task)] == [family]


def test_the_reader_reads_what_the_filter_did_not(logs: Path) -> None:
    found = read_answers([logs / "mmlu_prox"], logs=LogOptions(answer_from="read"))
    assert "|answer:read|" in found.signature
    first = raw(logs / "mmlu_prox")["mmlu_prox_en_biology"][0]
    said = first["resps"][0][0]
    key = str(first["doc"]["question_id"])
    letter = said.rstrip()[-1] if said != "I do not know." else ""
    assert found.questions[key].answers["en"] == ("ABCD".index(letter) if letter else None)


def test_verbs_print_the_same_for_logs_as_for_our_tasks(logs: Path, tmp_path: Path) -> None:
    done = run("metrics", logs / "arc", "--json", "--resamples", 100)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["languages"] == ["es", "fr", "zh"] and "task:arc|" in found["signature"]
    assert found["chance"]["acc_norm_fr"] == pytest.approx(found["chance"]["acc_fr"])
    again = run("compare", logs / "arc", logs / "arc", "--json", "--resamples", 100)
    assert json.loads(again.stdout)["acc_norm_es"]["difference"] == 0
    board = json.loads(run("leaderboard", logs / "arc", logs / "mmlu_prox", "--json").stdout)
    by_task = {t["task"]: t["models"][0] for t in board["tables"]}
    assert set(by_task) == {"arc", "mmlu_prox"}
    assert by_task["arc"]["metrics"]["acc"] == pytest.approx(found["metrics"]["acc"])
    one = run("leaderboard", logs / "arc", logs / "mmlu_prox", "--task", "arc", "--json")
    assert [t["task"] for t in json.loads(one.stdout)["tables"]] == ["arc"]


def test_a_results_file_and_files_are_taken_too(logs: Path) -> None:
    folder = logs / "arc"
    whole = read_answers([folder])
    assert read_answers([next(folder.glob("mymodel_*"))]).questions.keys() == whole.questions.keys()
    two = read_answers([next(folder.glob("samples_arc_es*")), next(folder.glob("samples_arc_fr*"))])
    assert two.languages == ["es", "fr"]
    only = read_answers([folder], logs=LogOptions(languages=["zh", "ES"]))
    assert only.languages == ["zh", "es"]


def test_several_families_are_chosen_from(logs: Path, tmp_path: Path) -> None:
    for name in ("arc", "xcopa"):
        shutil.copytree(logs / name, tmp_path / name)
    with pytest.raises(DataError, match=r"has logs of arc, xcopa; choose one with --family"):
        read_answers([tmp_path])
    assert read_answers([tmp_path], logs=LogOptions(family="xcopa")).languages == ["et", "sw", "zh"]
    with pytest.raises(CalmError, match="no such family; did you mean xcopa"):
        read_answers([tmp_path], logs=LogOptions(family="xcop"))


# --- logs by hand -----------------------------------------------------------------------------------------------------


def line(i: int, answer: int, gold: int = 0, *, n: int = 3, **changes: Any) -> Row:
    """A line of a multiple-choice task as lm-eval writes it."""
    said = [[str(-1.0 if k == answer else -2.0 - k), "False"] for k in range(n)]
    row = {
        "doc_id": i, "doc": {"id": f"q{i}", "label": gold}, "target": str(gold),
        "arguments": {f"gen_args_{k}": {"arg_0": f'"arg_1": "no" {i}', "arg_1": f" option {k}"} for k in range(n)},
        "resps": [[s] for s in said], "filtered_resps": said, "filter": "none", "metrics": ["acc"], "doc_hash": f"h{i}",
        "prompt_hash": "p", "target_hash": "t", "acc": float(answer == gold),
    }  # fmt: skip
    return {**row, **changes}


def write(folder: Path, task: str, rows: list[Row], *, stamp: str = NEW, **changes: Any) -> Path:
    """The samples of a task, and its results in the results file of the stamp."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
    samples = folder / f"samples_{task}{stamp}.jsonl"
    samples.write_text(text, encoding="utf-8")
    path = folder / f"results{stamp}.json"
    before = json.loads(path.read_text()) if path.exists() else {}
    settings: Row = {
        "model_name": "org/m", "config": {"model_args": {"pretrained": "org/m"}, "limit": None}, "date": 1.0,
        **before, **changes,
    }  # fmt: skip
    for key, value in {
        "results": {"alias": task, "acc,none": sum(r["acc"] for r in rows) / len(rows)} if "acc" in rows[0] else {},
        "configs": {"output_type": "multiple_choice"}, "versions": 1.0, "n-shot": 0,
        "n-samples": {"original": len(rows), "effective": len(rows)},
    }.items():  # fmt: skip
        if not (isinstance(changes.get(key), dict) and task in changes[key]):
            settings[key] = {**settings.get(key, {}), task: value}
    path.write_text(json.dumps(settings))
    return samples


MINE = LogOptions(language_from="task:mine_(.+)", key=["doc.id"])


def mine(folder: Path, options: LogOptions = MINE) -> AnswerSet:
    return read_answers([folder], logs=options)


def test_a_family_by_hand(tmp_path: Path) -> None:
    write(tmp_path, "mine_fra_Latn", [line(i, i % 3) for i in range(6)])
    write(tmp_path, "mine_jp", [line(i, 0) for i in range(6)][::-1])
    write(tmp_path, "other_de", [line(i, 0) for i in range(6)])
    found = mine(tmp_path)
    assert found.languages == ["fr", "ja"]
    assert measure(found, resamples=100).metrics["consistency"] == pytest.approx(2 / 6)
    assert found.questions["q4"].answers == {"fr": 1, "ja": 0}
    done = run(
        "metrics", tmp_path, "--language-from", "task:mine_(.+)", "--key", "doc.id", "--target", "doc.label", "--json"
    )
    assert json.loads(done.stdout)["metrics"]["acc"] == pytest.approx((2 / 6 + 1) / 2)
    with pytest.raises(DataError, match="choose one with --task"):
        read_answers([tmp_path])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"language_from": "mine_(.+)"}, "write task:PATTERN"),
        ({"language_from": "task:mine_.+"}, "no group for the language"),
        ({"language_from": "task:mine_("}, "no regular expression"),
        ({"language_from": "task:nothing_(.+)"}, "no task is called nothing_(.+); there are mine_en, mine_fr"),
        ({"key": ["doc.idd"]}, "has no doc.idd; there are doc_id, target, doc.id, doc.label"),
        ({"key": ["doc"]}, "has no doc; there are"),
        ({"target": "doc.id", "form": "zero_based"}, "its target 'q0' is no number"),
        ({"target": "doc.id"}, "is not one of its 3 options (--target, --form)"),
        ({"target": "2"}, "its acc is 1, but by its target the answer is wrong"),
        ({"form": "one_based"}, "but by its target the answer is"),
        ({"filter": "strict"}, "has no responses of filter strict; it has none (--filter)"),
        ({"answer_from": "f1"}, "its f1 is None, neither 0 nor 1 (its metrics: acc)"),
        ({"languages": ["sw"]}, "has no sw of logs; there are en, fr"),
        ({"answer_from": "read"}, "its options were scored, so there is no response for --answer-from read"),
        ({"answer_from": "response"}, "its options were scored, so there is no response for --answer-from response"),
        ({"key": ["id"]}, "has no id; there are doc_id, target, doc.id"),
        ({"target": "label"}, "has no label; there are doc_id, target, doc.id, doc.label"),
        ({"language_from": "task:mine_(?:en|fr)(.*)"}, "no task is called"),
        ({"language_from": "task:mine_.*?(?P<language>sw)?(?P<part>)"}, "no task is called"),
    ],
)
def test_what_was_described_wrongly_is_said_in_one_line(given: Row, message: str, tmp_path: Path) -> None:
    for x in ("en", "fr"):
        write(tmp_path, f"mine_{x}", [line(i, i % 2) for i in range(4)])
    with pytest.raises(CalmError) as error:
        mine(tmp_path, MINE.replace(**given))
    assert message in str(error.value) and "\n" not in str(error.value)


def test_what_cannot_be_joined_is_counted_by_reason(tmp_path: Path) -> None:
    rows = {x: [line(i, 0) for i in range(20)] for x in ("en", "fr", "sw")}
    rows["fr"] = rows["fr"][2:]  # q0 and q1 are missing
    rows["sw"].append(line(3, 0))  # q3 comes twice
    rows["sw"][5] = line(5, 0, n=4)  # another number of options
    rows["en"][7] = line(7, 0, gold=1)  # another right option
    rows["en"][8] = line(8, 0, gold=2)
    for x, own in rows.items():
        write(tmp_path, f"mine_{x}", own)
    found = mine(tmp_path)
    assert len(found.questions) == 14
    assert found.left_out == {
        "missing": 2, "with a repeated key": 1, "with another number of options": 1, "with another right option": 2,
    }  # fmt: skip
    note = next(n for n in found.notes if "joined" in n)
    assert note.startswith("14 of 20 questions are joined; left out are 2 missing (in fr 2), ")
    assert "1 with a repeated key (in sw 1)" in note and "2 with another right option (in en 2)" in note
    done = run("metrics", tmp_path, "--language-from", "task:mine_(.+)", "--key", "doc.id", "--json")
    printed = json.loads(done.stdout)
    assert printed["left_out"]["missing"] == 2 and note in printed["warnings"]


def test_keys_that_do_not_match_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "mine_en", [line(i, 0) for i in range(6)])
    write(tmp_path, "mine_fr", [line(i, 0, doc={"id": f"f{i}"}) for i in range(6)])
    with pytest.raises(DataError, match=r"only 0 of 12 questions of logs can be joined over en, fr: 12 missing"):
        mine(tmp_path)
    assert len(mine(tmp_path, MINE.replace(key=["doc_id"])).questions) == 6


def test_a_partial_language_is_left_out_by_name(tmp_path: Path) -> None:
    for x, n in (("en", 10), ("fr", 10), ("sw", 3)):
        write(tmp_path, f"mine_{x}", [line(i, 0) for i in range(n)])
    with pytest.raises(DataError, match=r"only 3 of 10 .* 7 missing \(in sw 7\).*--languages"):
        mine(tmp_path)
    assert mine(tmp_path, MINE.replace(languages=["en", "fr"])).languages == ["en", "fr"]
    assert len(mine(tmp_path, MINE.replace(at_least=0.3)).questions) == 3


def test_mixed_limits_are_said(tmp_path: Path) -> None:
    write(tmp_path, "mine_en", [line(i, 0) for i in range(10)], stamp=OLD)
    limited = {"model_args": {"pretrained": "org/m"}, "limit": 6.0}
    write(tmp_path, "mine_fr", [line(i, 0) for i in range(6)], stamp=NEW, config=limited)
    assert any("different limits (none: mine_en; 6: mine_fr)" in note for note in mine(tmp_path).notes)


def test_settings_that_differ_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "mine_en", [line(i, 0) for i in range(4)])
    write(tmp_path, "mine_fr", [line(i, 0) for i in range(4)], **{"n-shot": {"mine_en": 0, "mine_fr": 5}})
    with pytest.raises(DataError, match=r"not of one evaluation: they differ in shots \(5 against 0\)"):
        mine(tmp_path)


def test_logs_of_two_models_are_refused_and_ranked(tmp_path: Path) -> None:
    for model, stamp in (("org/a", OLD), ("org/b", NEW)):
        for x in ("en", "fr"):
            rows = [line(i, 0 if model == "org/b" or i % 2 else 1) for i in range(30)]
            write(tmp_path, f"mine_{x}", rows, stamp=stamp, model_name=model, config={"model_args": {}}, date=1.0)
    with pytest.raises(DataError, match=r"of several models \(org/a, org/b\); name the folder or the results file"):
        mine(tmp_path)
    one = read_answers([tmp_path / f"results{OLD}.json"], logs=MINE)
    assert measure(one, resamples=100).metrics["acc"] == 0.5
    done = run("leaderboard", tmp_path, "--language-from", "task:mine_(.+)", "--key", "doc.id", "--json")
    (table,) = json.loads(done.stdout)["tables"]
    assert [(m["model"], m["ranks"]["acc"]["rank"]) for m in table["models"]] == [("org/b", 1), ("org/a", 2)]


def test_the_newest_of_two_runs_counts(tmp_path: Path) -> None:
    for stamp, answer in ((NEW, 1), (OLD, 0)):
        for x in ("en", "fr"):
            write(tmp_path, f"mine_{x}", [line(i, answer) for i in range(4)], stamp=stamp)
    found = mine(tmp_path)
    assert measure(found, resamples=100).metrics["acc"] == 0
    assert found.notes[0].startswith("2 older samples of logs are there and not read; the newest are of 2026-01-03")


def test_one_task_in_two_folders_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / name, "mine_en", [line(0, 0)])
    with pytest.raises(DataError, match="samples of mine_en in several folders"):
        mine(tmp_path)


def test_samples_that_contradict_their_results_are_said(tmp_path: Path) -> None:
    for x in ("en", "fr"):
        path = write(tmp_path, f"mine_{x}", [line(i, i % 2) for i in range(10)])
    rows = path.read_text().splitlines(keepends=True)
    path.write_text("".join(rows[:9]))
    assert any("mine_fr" in n and "has 9 of 10 documents" in n for n in mine(tmp_path).notes)
    path.write_text("".join([*rows[:9], rows[8].replace('"q8"', '"q9"')]))
    assert any("is of other results: its acc is 0.6000, and there 0.5000" in n for n in mine(tmp_path).notes)
    path.write_text("".join(rows)[:-40])
    with pytest.raises(DataError, match=r"jsonl:10: not a JSON object \(the last line has no end"):
        mine(tmp_path)


def test_two_filters_and_a_choice(tmp_path: Path) -> None:
    def generated(i: int, text: str, name: str) -> Row:
        right = float(text == "A")
        return line(i, 0, target="A", resps=[["So it is A"]], filtered_resps=[text], filter=name,
                    metrics=["exact_match"], exact_match=right) | {"acc": 0.0}  # fmt: skip

    for x in ("en", "fr"):
        strict = [generated(i, "A" if x == "en" else "[invalid]", "strict") for i in range(4)]
        write(tmp_path, f"mine_{x}", strict + [generated(i, "A", "flexible") for i in range(4)], **{"n-samples": {}})
    found = mine(tmp_path)
    assert found.questions["q0"].answers == {"en": 0, "fr": None} and found.questions["q0"].n_options is None
    assert "the answers are those of filter strict (also there: flexible; see --filter)" in found.notes
    assert mine(tmp_path, MINE.replace(filter="flexible")).questions["q0"].answers == {"en": 0, "fr": 0}


def test_texts_without_options(tmp_path: Path) -> None:
    said = {"en": ["Paris.", "Rome", "42"], "fr": ["paris", "Oslo", " 42 "]}
    for x, texts in said.items():
        rows = [line(i, 0, target="Paris", filtered_resps=[t], metrics=["exact_match"], exact_match=0.0)
                for i, t in enumerate(texts)]  # fmt: skip
        write(tmp_path, f"mine_{x}", rows)
    metrics = measure(mine(tmp_path, MINE.replace(answer_from="response")), resamples=100)
    assert metrics.metrics["consistency"] == pytest.approx(2 / 3) and "kappa" not in metrics.metrics
    assert metrics.metrics["acc"] == pytest.approx(1 / 3) and not metrics.chance
    assert metrics.metrics["consistency_right"] == pytest.approx(1 / 3)


def test_old_layouts(tmp_path: Path) -> None:
    """Of lm-eval 0.4.0 to 0.4.3: arguments as lists, scores as numbers, neither filter nor metrics."""

    def old(i: int, answer: int) -> Row:
        row = line(i, answer, gold=1)
        scores = [[float(s), False] for s, _ in row["filtered_resps"]]
        options = [" option 0", " option 1", " option number 2"]
        kept = {"doc_id": i, "doc": row["doc"], "target": 1, "arguments": [["prompt", o] for o in options],
                "resps": [[s] for s in scores], "filtered_resps": scores, "acc": row["acc"], "acc_norm": 0.0}  # fmt: skip
        normed = [s[0] / (len(o) - 1) for s, o in zip(scores, options, strict=True)]
        return kept | {"acc_norm": float(normed.index(max(normed)) == 1)}

    for x in ("en", "fr"):
        write(tmp_path, f"mine_{x}", [old(i, (i + len(x)) % 3 if x == "en" else i % 3) for i in range(6)])
    found = mine(tmp_path)
    metrics = measure(found, resamples=100).metrics
    assert metrics["acc_en"] == metrics["acc_fr"] == pytest.approx(1 / 3)
    lines = [json.loads(x) for x in next(tmp_path.glob("samples_mine_fr*")).read_text().splitlines()]
    assert metrics["acc_norm_fr"] == pytest.approx(sum(r["acc_norm"] for r in lines) / 6)


def test_a_chat_api_that_wrote_letters(tmp_path: Path) -> None:
    for x in ("en", "fr"):
        rows = []
        for i in range(4):
            chat = [json.dumps([{"role": "user", "content": "Which?", "type": "text"}])]
            rows.append(line(i, 0, gold=1, target="B", arguments={"gen_args_0": {"arg_0": chat, "arg_1": {"until": []}}},
                             resps=[["B" if i else "none"]], filtered_resps=["B" if i else "[invalid]"],
                             metrics=["exact_match"], exact_match=float(i > 0)))  # fmt: skip
            del rows[-1]["acc"]
        write(tmp_path, f"mine_{x}", rows)
    metrics = measure(mine(tmp_path), resamples=100).metrics
    assert metrics["acc"] == metrics["consistency"] == metrics["answered"] == 0.75


def test_several_right_answers_are_refused(tmp_path: Path) -> None:
    for x in ("en", "fr"):
        write(tmp_path, f"mine_{x}", [line(i, 0, target="[0, 2]") for i in range(3)])
    with pytest.raises(DataError, match=r"jsonl:1: has several right answers \(\[0, 2\]\)"):
        mine(tmp_path)


def test_options_in_another_order_are_found_by_content(tmp_path: Path) -> None:
    """Three options change places and the right one stays: neither their number nor the right one shows it."""
    drawn = random.Random(1)
    english = [f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in "kt"][:40]
    french = {w: "".join(drawn.sample("abcdefghijklmnop", 6)) for w in english}
    rows: dict[str, list[Row]] = {"en": [], "fr": []}
    shuffled = {7, 23, 41}
    for i in range(150):
        own = [drawn.sample(english, 4) for _ in range(4)]
        other = [[french[w] for w in option] for option in own]
        if i in shuffled:
            other[1:] = [*other[2:], other[1]]
        for x, options in (("en", own), ("fr", other)):
            row = line(i, 0, n=4)
            row["arguments"] = {
                f"gen_args_{k}": {"arg_0": "p", "arg_1": f" {' '.join(o)}"} for k, o in enumerate(options)
            }
            rows[x].append(row)
    for x, found in rows.items():
        write(tmp_path, f"mine_{x}", found)
    answers = mine(tmp_path)
    assert answers.left_out == {"with options in another order, by their texts": 3}
    assert not {f"q{i}" for i in shuffled} & set(answers.questions)


def test_one_language_has_no_consistency(tmp_path: Path) -> None:
    write(tmp_path, "mine_en", [line(i, 0) for i in range(4)])
    found = mine(tmp_path)
    assert "consistency" not in measure(found, resamples=100).metrics
    assert "en is the only language, so there is no consistency" in found.notes


def test_a_row_number_is_no_key_where_languages_have_other_rows(tmp_path: Path) -> None:
    write(tmp_path, "mine_en", [line(i, 0) for i in range(20)])
    write(tmp_path, "mine_fr", [line(i, 0) for i in range(19)])
    with pytest.raises(DataError, match=r"mine_fr has 19 documents and mine_en 20: doc_id is the number of a row"):
        mine(tmp_path, MINE.replace(key=["doc_id"]))
    assert len(mine(tmp_path).questions) == 19


def test_the_first_key_that_is_there(tmp_path: Path) -> None:
    write(tmp_path, "mine_en", [line(i, 0) for i in range(4)])
    write(tmp_path, "mine_fr", [line(i, 0, doc={"ind": f"q{i}", "id": "no"}) for i in range(4)])
    assert set(mine(tmp_path, MINE.replace(key=["doc.ind|doc.id"])).questions) == {"q0", "q1", "q2", "q3"}


def test_the_page_has_every_family_with_its_key() -> None:
    page = (Path(__file__).parents[1] / "docs/logs.md").read_text(encoding="utf-8")
    rows = {
        cells[1].strip(" `"): cells
        for row in page.splitlines()
        if (cells := row.split("|"))[:1] == [""] and row.count("|") == 6
    }
    assert set(rows) - {"family", "---"} == set(FAMILIES)
    for family in bundled_families():
        cells = rows[family.name]
        assert family.parts_of(cells[2].split("`")[1]) is not None, cells[2]
        shown = [x for x in cells[3].split("`") if x.startswith("doc.")]
        columns = [x for key in family.key_fields for x in key.split("|") if x.startswith("doc.")]
        assert shown == columns, family.name
        assert ("row" in cells[3]) == ("doc_id" in family.key_fields)


@pytest.mark.parametrize(
    ("doc", "key", "value"),
    [
        ({"id": 'a "b", "link": "no"', "link": "x\\y é"}, "doc.link", "x\\y é"),
        ({"link": -3, "text": "{"}, "doc.link", -3),
        ({"a": {"link": "inner"}, "link": "outer"}, "doc.link", "outer"),
        ({"a": {"link": "inner"}}, "doc.a.link", "inner"),
        ({"target": "own"}, "doc.target", "own"),
        ({"target": "own"}, "target", "2"),
        ({"link": 1.5}, "doc.link", 1.5),
        ({"link": None, "x": True}, "doc.x", True),
    ],
)
def test_a_field_is_found_without_decoding_and_with(doc: Row, key: str, value: Any) -> None:
    row = line(0, 0, doc=doc, target="2")
    for text in (json.dumps(row, ensure_ascii=False), json.dumps(row)):
        assert Line("f:1", text.encode() + b"\n").field(key) == value


def test_a_column_of_an_inner_table_is_not_one_of_the_document() -> None:
    text = json.dumps(line(0, 0, doc={"a": {"link": "inner"}})).encode()
    with pytest.raises(DataError, match=r"f:1: has no doc\.link; there are doc_id, target, doc\.a"):
        Line("f:1", text).field("doc.link")
    with pytest.raises(DataError, match=r"has no doc\.target"):
        Line("f:1", text).field("doc.target")


# --- what else was met ------------------------------------------------------------------------------------------------


def written(i: int, text: str | None, target: str = "B", **changes: Any) -> Row:
    """A line of a task whose answers the model wrote."""
    row = line(i, 0, target=target, resps=[[text]], filtered_resps=[text], metrics=["exact_match"],
               exact_match=float(text == target), **changes)  # fmt: skip
    del row["acc"]
    return row


BROKEN: dict[str, tuple[Row, str]] = {
    "a score of hundreds of digits": ({"filtered_resps": [[-(10**400), "False"]] * 3}, "a score is -inf"),
    "a key that is no number": ({"doc": {"id": float("nan")}}, "its doc.id is nan, which is no key (--key)"),
    "a key that is null": ({"doc": {"id": None}}, "its doc.id is null, which is no key (--key)"),
    "a key that is a list": ({"doc": {"id": [1]}}, "its doc.id is a list, which is no key (--key)"),
    "a response among scores": ({"filtered_resps": [None, None, None]}, "its options were not scored, unlike those"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_line_is_named(name: str, tmp_path: Path) -> None:
    changes, message = BROKEN[name]
    write(tmp_path, "mine_en", [line(i, 0) for i in range(4)])
    write(tmp_path, "mine_fr", [line(i, 0, **(changes if i == 2 else {})) for i in range(4)])
    with pytest.raises(DataError) as error:
        mine(tmp_path)
    assert "mine_fr" in str(error.value) and f"jsonl:3: {message}" in str(error.value)


@pytest.mark.parametrize("changes", [{"acc": 10**400}, {"metrics": [["acc"]]}, {"filter": None}])
def test_a_line_is_used_whose_side_matters_are_odd(changes: Row, tmp_path: Path) -> None:
    path = [write(tmp_path, f"mine_{x}", [line(i, 0) for i in range(4)]) for x in ("en", "fr")][1]
    rows = [json.loads(x) for x in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(r | changes) + "\n" for r in rows))
    assert measure(mine(tmp_path), resamples=100).metrics["acc"] == 1


def test_text_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    path = [write(tmp_path, f"mine_{x}", [line(i, 0) for i in range(4)]) for x in ("en", "fr")][1]
    whole = path.read_bytes()
    for old, new in ((b'"q1"', b'"\xe9"'), (b'"arg_1": " option 1"', b'"arg_1": " \xe9"')):
        path.write_bytes(whole.replace(old, new))
        with pytest.raises(DataError, match=r"mine_fr.*jsonl:\d: is not UTF-8"):
            mine(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {"limit": "5"}}, {"config": {"limit": [5]}}, {"config": {"limit": 10**400}},
        {"n-samples": {"mine_fr": {"effective": 10**400, "original": 10**400}}},
        {"results": {"mine_fr": {"acc,none": 10**400}, "mine_en": {}}},
    ],
)  # fmt: skip
def test_odd_values_in_a_results_file(changes: Row, tmp_path: Path) -> None:
    for x in ("en", "fr"):
        write(tmp_path, f"mine_{x}", [line(i, 0) for i in range(4)])
    path = tmp_path / f"results{NEW}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    assert len(mine(tmp_path).questions) == 4
    assert run("leaderboard", tmp_path, "--language-from", "task:mine_(.+)", "--key", "doc.id").exit_code == 0


def test_a_language_that_differs_in_its_settings_can_be_left_out(tmp_path: Path) -> None:
    for x, n in (("en", 6), ("fr", 6), ("sw", 5)):
        write(tmp_path, f"mine_{x}", [line(i, 0) for i in range(n)])
    path = tmp_path / f"results{NEW}.json"
    whole = json.loads(path.read_text())
    by_row = MINE.replace(key=["doc_id"])
    with pytest.raises(DataError, match=r"number of a row.*\(--languages\)"):
        mine(tmp_path, by_row)
    assert len(mine(tmp_path, by_row.replace(languages=["fr", "en"])).questions) == 6
    path.write_text(json.dumps(whole | {"versions": {"mine_en": 0.0, "mine_fr": 0.0, "mine_sw": 1.0}}))
    with pytest.raises(DataError, match=r"they differ in version \(1.0 against 0.0\).*\(--languages\)"):
        mine(tmp_path)
    assert mine(tmp_path, MINE.replace(languages=["fr", "en"])).languages == ["fr", "en"]
    done = run("leaderboard", tmp_path, "--language-from", "task:mine_(.+)", "--key", "doc.id", "--languages", "en,fr")
    assert done.exit_code == 0, done.output


def test_two_codes_of_one_language_are_said_and_can_be_chosen(tmp_path: Path) -> None:
    for x, answer in (("fr", 0), ("fra_Latn", 1), ("en", 0)):
        write(tmp_path, f"mine_{x}", [line(i, answer) for i in range(4)])
    found = mine(tmp_path)
    assert found.languages == ["en", "fr", "fra_Latn"]
    assert "fr, fra_Latn are codes of one language, and count as several (see --languages)" in found.notes
    for x, accuracy in (("fr", 1), ("fra_Latn", 0)):
        one = mine(tmp_path, MINE.replace(languages=["en", x]))
        assert one.languages == ["en", x] and measure(one, resamples=100).metrics[f"acc_{x}"] == accuracy
    assert mine(tmp_path, MINE.replace(languages=["eng_Latn"])).languages == ["en"]


def test_a_task_without_a_language_is_none_of_the_family(tmp_path: Path) -> None:
    for task in ("mine", "mine_en", "mine_fr"):
        write(tmp_path, task, [line(i, 0) for i in range(4)])
    assert mine(tmp_path, MINE.replace(language_from="task:mine(?:_(.+))?")).languages == ["en", "fr"]


def test_options_scored_in_one_language_and_written_in_another(tmp_path: Path) -> None:
    write(tmp_path, "mine_en", [line(i, 0, gold=1) for i in range(4)])
    write(tmp_path, "mine_fr", [written(i, "B") for i in range(4)])
    with pytest.raises(DataError, match=r"mine_fr.*:1: its options were not scored, unlike those before it"):
        mine(tmp_path)


def test_numbers_that_were_written(tmp_path: Path) -> None:
    """Both answer 117 to a question of arithmetic, and both are wrong: they agree; so do numbers of options."""
    for x in ("en", "fr"):
        write(tmp_path / "free", f"mine_{x}", [written(i, "117", "100") for i in range(4)])
        write(tmp_path / "options", f"mine_{x}", [written(i, "1" if i else "3", "2") for i in range(4)])
        write(tmp_path / "letters", f"mine_{x}", [written(i, "1" if i else "A", "B") for i in range(4)])
    with pytest.raises(DataError, match=r"its target '100' is no letter: compare texts \(--answer-from response\)"):
        mine(tmp_path / "free")
    found = mine(tmp_path / "free", MINE.replace(answer_from="response"))
    assert measure(found, resamples=100).metrics["consistency"] == 1
    counted = mine(tmp_path / "options", MINE.replace(form="one_based"))
    assert [counted.questions[f"q{i}"].answers["fr"] for i in range(4)] == [2, 0, 0, 0]
    assert counted.questions["q0"].gold == 1
    letters = mine(tmp_path / "letters")
    assert [letters.questions[f"q{i}"].answers["fr"] for i in range(4)] == [0, None, None, None]
    with pytest.raises(DataError, match="the texts of its options are not known"):
        mine(tmp_path / "letters", MINE.replace(answer_from="read"))


def test_a_system_instruction_does_not_break_the_signature(tmp_path: Path) -> None:
    for x in ("en", "fr"):
        write(tmp_path, f"mine_{x}", [line(i, 0) for i in range(4)], system_instruction="<|im|>shots:\n9")
    signed = mine(tmp_path).signature
    assert "\n" not in signed and "im" not in signed and re.search(r"\|system:[0-9a-f]{8}\|", signed)


def test_the_name_of_an_output_file(tmp_path: Path) -> None:
    write(tmp_path, "mine_en", [line(i, 0) for i in range(4)])
    (tmp_path / f"results{NEW}.json").rename(tmp_path / f"mymodel{NEW}.json")
    with pytest.raises(DataError, match=r"no such file or directory; did you mean mymodel_2026-01-03T09-00-00.5.json"):
        read_answers([tmp_path / "mymodel.json"], logs=MINE)


def test_one_task_of_a_family_by_name(tmp_path: Path) -> None:
    for x in ("sw", "et"):
        write(tmp_path, f"xcopa_{x}", [line(i, 0, n=2, doc={"idx": i}) for i in range(4)])
    found = read_answers([tmp_path], task="xcopa_sw")
    assert found.languages == ["sw"] and "sw is the only language, so there is no consistency" in found.notes
    with pytest.raises(DataError, match=r"has no samples of xcopa_zz; it has xcopa_et, xcopa_sw"):
        read_answers([tmp_path], task="xcopa_zz")
