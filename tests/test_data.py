from __future__ import annotations

import functools
import http.server
import json
import threading
from pathlib import Path

import pytest

from calm_ext.data import load_questions
from calm_ext.data.xcsqa import HF_CODES, LANGUAGES, paper_test_hashes, parse_paper_row, text_hash
from calm_ext.errors import CalmError, DataError
from calm_ext.records import write_jsonl

SIX = ["en", "zh", "fr", "de", "it", "ja"]


def paper_row(question: str, options: list[str], gold: str) -> dict:
    lines = [question, *(f"{'ABCDE'[i]}. {o}" for i, o in enumerate(options))]
    return {"instruction": "…", "input": "\n".join(lines), "output": gold}


@pytest.fixture
def paper_folder(tmp_path: Path) -> Path:
    """A folder in the paper's layout, written by this test."""
    folder = tmp_path / "CALM/data/xcsqa/test"
    folder.mkdir(parents=True)
    for name, word in (("en", "water"), ("cn", "水"), ("fr", "eau")):
        rows = [paper_row(f"{word} {i}?", [f"{word}{i}{k}" for k in range(5)], "ABCDE"[i]) for i in range(3)]
        (folder / f"x_csqa_{name}_test.json").write_text(json.dumps(rows), encoding="utf-8")
    return tmp_path / "CALM"


def test_paper_layout_from_a_directory_and_the_environment(paper_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = load_questions("xcsqa", languages=["en", "zh"], data_dir=str(paper_folder))
    assert [q.answer for q in found] == [0, 1, 2]
    assert list(found[0].versions) == ["en", "zh"]
    assert found[1].versions["zh"].options[1] == "水11"
    monkeypatch.setenv("CALM_DATA_DIR", str(paper_folder))
    assert load_questions("xcsqa", languages=["fr", "en"], limit=2) == [
        q.restricted_to(["fr", "en"])
        for q in load_questions("xcsqa", languages=["en", "fr"], data_dir=str(paper_folder))[:2]
    ]


def test_paper_layout_from_a_base_url(paper_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALM_CACHE_DIR", str(tmp_path / "cache"))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(paper_folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_address[1]}"
        fetched = load_questions("xcsqa", languages=["en", "fr"], data_dir=base)
        with pytest.raises(DataError, match=r"x_csqa_de_test\.json"):
            load_questions("xcsqa", languages=["de"], data_dir=base)
        server.shutdown()
    assert fetched == load_questions("xcsqa", languages=["en", "fr"], data_dir=str(paper_folder))
    again = load_questions("xcsqa", languages=["en", "fr"], data_dir=base)  # the server is gone, the cache is not
    assert again == fetched


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda rows: rows.pop(), "rows are not parallel"),
        (lambda rows: rows[1].update(output="E"), "row 2 is not a translation"),
        (lambda rows: rows[1].update(output="F"), "row 2"),
        (lambda rows: rows[2].pop("input"), "row 3: no object with the strings"),
        (lambda rows: rows[0].update(input="Question?\nB. x\nA. y"), "row 1: the options are not lettered"),
    ],
)
def test_damaged_files_are_refused_by_row(paper_folder: Path, damage, said: str) -> None:  # type: ignore[no-untyped-def]
    file = paper_folder / "data/xcsqa/test/x_csqa_fr_test.json"
    rows = json.loads(file.read_text(encoding="utf-8"))
    damage(rows)
    file.write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(DataError, match=said):
        load_questions("xcsqa", languages=["en", "fr"], data_dir=str(paper_folder))


def test_rows_with_cues_of_their_own() -> None:
    row = {"input": "Domanda: Dove?\nA. qui\nB. là\nAnswer:\nRisposta:", "output": "B"}
    assert parse_paper_row(row, "it", "row 1") == ("Dove?", ["qui", "là"], 1)
    row = {"input": "问题:哪里？\nA. 这里\nB. 那里\n\n答案:", "output": "A"}
    assert parse_paper_row(row, "zh", "row 1") == ("哪里？", ["这里", "那里"], 0)


def test_the_papers_split(paper_data: Path) -> None:
    test = load_questions("xcsqa", languages=SIX, data_dir=str(paper_data))
    train = load_questions("xcsqa", languages=SIX, data_dir=str(paper_data), split="train")
    assert (len(test), len(train)) == (100, 899)
    assert {q.n_options for q in test + train} == {5}
    hashes = paper_test_hashes()
    assert {text_hash(q.versions["en"].question) for q in test} == hashes
    assert not {text_hash(q.versions["en"].question) for q in train} & hashes
    assert sum(len(set(q.versions["ja"].options)) < 5 for q in train) == 38
    assert {q.source_language for q in train} == {"en"}


@pytest.fixture
def hub_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A local dataset with the features and configurations of INK-USC/xcsr, three rows each."""
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "hf-cache"))
    folder = tmp_path / "xcsr"
    configs = ["configs:"]
    for code in LANGUAGES:
        name = f"X-CSQA-{HF_CODES.get(code, code)}"
        configs += [f"- config_name: {name}", "  data_files:", "  - split: validation", f"    path: {name}/dev.jsonl"]
        (folder / name).mkdir(parents=True)
        with (folder / name / "dev.jsonl").open("w", encoding="utf-8") as handle:
            for i in range(3):
                choices = {"label": list("ABCDE"), "text": [f"{code} {i} {k}" for k in range(5)]}
                row = {
                    "id": f"id{i}", "lang": code, "question": {"stem": f"{code} stem {i}", "choices": choices},
                    "answerKey": "ABCDE"[i],
                }  # fmt: skip
                handle.write(json.dumps(row) + "\n")
    (folder / "README.md").write_text("---\n" + "\n".join(configs) + "\n---\n")
    return folder


def test_hugging_face_layout(hub_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = load_questions("xcsqa", split="validation", languages=["ja", "sw"], data_dir=str(hub_folder), origin="hf")
    assert [q.id for q in found] == ["xcsqa-id0", "xcsqa-id1", "xcsqa-id2"]
    assert found[2].answer == 2
    assert found[0].versions["ja"].options == [f"ja 0 {k}" for k in range(5)]
    with pytest.raises(DataError, match="only 0 of the paper's 100"):
        load_questions("xcsqa", split="test", languages=["ja"], data_dir=str(hub_folder), origin="hf")
    monkeypatch.setattr("calm_ext.data.xcsqa.paper_test_hashes", lambda: frozenset({text_hash("EN  stem 1")}))
    options = {"languages": ["ja", "sw"], "data_dir": str(hub_folder), "origin": "hf"}
    assert [q.id for q in load_questions("xcsqa", split="test", **options)] == ["xcsqa-id1"]
    assert [q.id for q in load_questions("xcsqa", split="train", **options)] == ["xcsqa-id0", "xcsqa-id2"]


def test_hugging_face_offline_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CALM_DATA_DIR", raising=False)
    with pytest.raises(DataError, match="CALM_DATA_DIR") as caught:
        load_questions("xcsqa", languages=["en"])
    assert "\n" not in str(caught.value)


def test_local_questions(tmp_path: Path) -> None:
    babel = load_questions("babel", languages=["qaa", "qab"], limit=3)
    path = tmp_path / "q.jsonl"
    write_jsonl(path, babel)
    assert load_questions("local", path=str(path)) == babel
    write_jsonl(path, [babel[0], babel[0]])
    with pytest.raises(DataError, match="comes twice"):
        load_questions("local", path=str(path))
    write_jsonl(path, [babel[0], babel[1].restricted_to(["qaa"])])
    with pytest.raises(DataError, match="has languages qaa"):
        load_questions("local", path=str(path))
    with pytest.raises(CalmError, match="needs a path"):
        load_questions("local")


def test_wrong_requests() -> None:
    for request, said in (
        ({"source": "nope"}, "no data source"),
        ({"source": "babel", "split": "dev"}, "no split"),
        ({"source": "babel", "languages": ["qaa", "qaa"]}, "listed twice"),
        ({"source": "babel", "limit": 0}, "at least 1"),
        ({"source": "babel", "languages": ["qaa", "en"]}, "no version in en"),
        ({"source": "xcsqa", "languages": ["xx"], "origin": "hf"}, "has no xx"),
        ({"source": "xcsqa", "languages": ["sw"], "origin": "paper"}, "has no sw"),
        ({"source": "xcsqa", "origin": "nowhere"}, "not one of auto"),
    ):
        with pytest.raises(CalmError, match=said):
            load_questions(**request)  # type: ignore[arg-type]
