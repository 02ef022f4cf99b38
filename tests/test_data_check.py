"""``calm-ext data``: ls, prepare, check."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from calm_ext.cli.main import cli
from calm_ext.data import SOURCES, load_questions
from calm_ext.data.check import check_questions, overlap, uneven
from calm_ext.data.parallel.rows import Joined
from calm_ext.errors import CalmError
from calm_ext.jsonl import read_jsonl, write_jsonl
from calm_ext.records import ParallelQuestion, Passages, Version
from tests.test_data import medexpqa_row


def run(*arguments: str):  # type: ignore[no-untyped-def]
    return CliRunner().invoke(cli, ["data", *arguments], catch_exceptions=True)


def question(name: str, answer: int | None = 0, **texts: str | tuple[str, list[str]]) -> ParallelQuestion:
    versions = {}
    for language, given in texts.items():
        text, options = given if isinstance(given, tuple) else (given, ["yes", "no"])
        versions[language] = Version(question=text, options=options)
    return ParallelQuestion(id=name, answer=answer, source_language="en", versions=versions)


def made() -> list[ParallelQuestion]:
    return [
        question("q0", en="Where does the river Rhine end?", fr="Où finit le Rhin ?", ru="Где кончается Рейн?"),
        question("q1", en="where  does the river RHINE end?", fr="Où se termine le Rhin ?", ru="Where does it end?"),
        question("q2", 1, en=("Who wrote it?", ["He", "he "]), fr="Who wrote it?", ru="Кто это написал?"),
        question("q3", en="What is the capital of that big country?", fr="What is the capital of that big country?"),
    ]


def test_check_finds_what_is_there() -> None:
    found = check_questions("made", Joined(made()), prove=True)
    assert found.n_questions == 4
    assert found.gold == {"A": 3, "B": 1}
    assert found.missing == {"ru": ("q3",)}
    assert found.untranslated == {("en", "fr"): ("q3",)}
    assert found.languages["en"].duplicates == (("q0", "q1"),)
    assert found.languages["en"].near_duplicates == ()
    assert found.languages["en"].same_options == ("q2",) == found.languages["en"].gold_doubled
    assert found.languages["fr"].duplicates == ()
    assert found.languages["ru"].wrong_script == ("q1",)
    assert found.languages["ru"].questions == 3
    json.dumps(found.as_json())


def test_near_duplicates_are_above_the_cosine_only() -> None:
    filler = [question(f"f{i}", en=f"unrelated number {i} about topic {i * 7919}") for i in range(40)]
    long = "a patient of middle age with fever cough pain in the chest and swollen legs after a journey by plane what is it"
    near = [question("a", en=long), question("b", en=long + " now"), question("c", en=" ".join(long.split()[::3]))]
    found = check_questions("made", Joined(filler + near), prove=False)
    assert found.languages["en"].near_duplicates == (("a", "b"),)


def test_overlap() -> None:
    one, two = made(), [question("t0", en="Where does the river rhine END?"), question("t1", en="Other")]
    found = overlap(one, two, against="train")
    assert found.exact == {"en": (("q0", "t0"), ("q1", "t0"))}
    assert found.near == {"en": ()}


def test_uneven_gold_letters() -> None:
    assert not uneven({"A": 26, "B": 24, "C": 25, "D": 25})
    assert uneven({"A": 70, "B": 10, "C": 10, "D": 10})
    assert not uneven({"none": 5})


def test_ls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    shown = run("ls").stdout
    for name in SOURCES:
        assert name in shown
    assert "CC-BY-4.0" in shown and "hf-test (unlabelled)" in shown
    table = json.loads(run("ls", "--json").stdout)
    assert set(table) == set(SOURCES)
    assert table["medqa"]["languages"] == ["en", "zh", "fr"]
    assert all({"licence", "url", "citation", "splits", "title"} <= set(entry) for entry in table.values())


def test_prepare_does_not_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    base = ("prepare", "babel", "-o", str(path), "--languages", "qaa,qab")
    first = run(*base, "--limit", "5")
    assert first.exit_code == 0 and first.stdout == ""
    assert "5 questions in qaa, qab" in first.stderr and "0 repairs" in first.stderr
    before = path.read_text()
    second = run(*base, "--limit", "6")
    assert isinstance(second.exception, CalmError) and "exists; --force replaces it" in str(second.exception)
    assert path.read_text() == before
    assert run(*base, "--limit", "6", "--force").exit_code == 0
    assert len(path.read_text().splitlines()) == 6
    assert list(tmp_path.iterdir()) == [path]
    wrong = run("prepare", "babel", "-o", str(tmp_path / "x"), "--data-dir", "y")
    assert "has no option data_dir" in str(wrong.exception)


def test_prepare_passages(tmp_path: Path) -> None:
    for language in ("es", "en"):
        folder = tmp_path / "data" / language
        folder.mkdir(parents=True)
        rows = [medexpqa_row(language, i, **({"rag": None} if i == 2 else {})) for i in range(3)]
        (folder / f"test.{language}.casimedicos.rag.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    questions, passages = tmp_path / "q.jsonl", tmp_path / "p.jsonl"
    options = ("--data-dir", str(tmp_path), "--languages", "es,en", "-o", str(questions), "--passages", str(passages))
    assert run("prepare", "medexpqa", *options).exit_code == 0
    found = list(read_jsonl(passages, Passages))
    assert [(p.id, p.language) for p in found] == [(f"medexpqa-{i}", x) for i in (0, 1) for x in ("es", "en")]
    assert found[0].passages[0].source == "clinical_case_options/MedCorp/RRF-2"
    assert found[0].passages[0].id == "medexpqa-0-es-1"
    refused = run("prepare", "babel", "-o", str(tmp_path / "b.jsonl"), "--passages", str(tmp_path / "c.jsonl"))
    assert "has no passages" in str(refused.exception)


def test_check_of_a_file_reports_doubts_and_exits_with_0(tmp_path: Path) -> None:
    questions = load_questions("babel", languages=["qaa", "qab", "qac"], limit=100)
    version = questions[40].versions["qac"]
    free = [k for k in range(4) if k != questions[40].answer]
    options = list(version.options)
    for place, k in zip(free, free[1:] + free[:1], strict=True):
        options[place] = version.options[k]
    damaged = questions[40].versions | {"qac": Version(question=version.question, options=options)}
    questions[40] = questions[40].model_copy(update={"versions": damaged})
    path = tmp_path / "q.jsonl"
    write_jsonl(path, questions)
    shown = run("check", str(path))
    assert shown.exit_code == 0
    assert f"qac: {questions[40].id} seems to have its options in another order" in shown.stdout
    found = json.loads(run("check", str(path), "--against", "babel:test", "--languages", "qaa,qac", "--json").stdout)
    assert [(d["id"], d["language"]) for d in found["doubts"]] == [(questions[40].id, "qac")]
    assert len(found["overlap"]["exact"]["qaa"]) >= 100
    assert list(found["languages"]) == ["qaa", "qac"]


def test_check_of_what_is_not_there(tmp_path: Path) -> None:
    for arguments, said in (
        (("check", "nothing.jsonl"), "neither a data source"),
        (("check", "babel", "--against", "nothing.jsonl"), "neither a data source"),
        (("check", "babel", "--split", "dev"), "has no split 'dev'"),
    ):
        assert said in str(run(*arguments).exception)


def test_check_of_real_questions(paper_data: Path) -> None:
    found = run("check", "medqa", "--data-dir", str(paper_data), "--languages", "en,zh", "--json")
    report = json.loads(found.stdout)
    assert [r["rows"] for r in report["repairs"]] == [[711], [299]]
    assert "row 299: a second translation of row 298; left out" in found.stderr
    assert report["n_questions"] == 1000 and report["gold"] == {"A": 274, "B": 246, "C": 273, "D": 207}
    assert "native_en_direct_inference_sampled.json: no such file" in report["not_compared"]
