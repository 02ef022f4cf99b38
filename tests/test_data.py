from __future__ import annotations

import functools
import http.server
import json
import re
import threading
import types
from collections import Counter
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from calm_ext.cli.main import cli
from calm_ext.data import SOURCES, Source, load_questions, require_labelled
from calm_ext.data.parallel.rows import Joined
from calm_ext.data.sources.medexpqa import Retrieved, flatten, load_passages
from calm_ext.data.sources.paper import parse_row
from calm_ext.data.sources.xcsqa import HF_CODES, LANGUAGES, paper_test_hashes, text_hash
from calm_ext.errors import CalmError, DataError, RecipeError
from calm_ext.harness import dataset
from calm_ext.jsonl import read_jsonl, write_jsonl
from calm_ext.options import Section
from calm_ext.pipeline.recipe import parse_recipe
from calm_ext.pipeline.schema import Recipe
from calm_ext.records import CorpusPassage, ParallelQuestion, Version
from calm_ext.retrieval import grounding
from calm_ext.retrieval.options import bundled_indexes

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
    assert parse_row(row, "it", "row 1").row == ("Dove?", ["qui", "là"], 1)
    row = {"input": "问题:哪里？\nA. 这里\nB. 那里\n\n答案:", "output": "A"}
    assert parse_row(row, "zh", "row 1").row == ("哪里？", ["这里", "那里"], 0)


def test_the_papers_split(paper_data: Path) -> None:
    test = load_questions("xcsqa", languages=SIX, data_dir=str(paper_data))
    train = load_questions("xcsqa", languages=SIX, data_dir=str(paper_data), split="train")
    assert (len(test), len(train)) == (100, 899)
    assert {q.n_options for q in test + train} == {5}
    hashes = paper_test_hashes()
    assert {text_hash(q.versions["en"].question) for q in test} == hashes
    assert not {text_hash(q.versions["en"].question) for q in train} & hashes
    # 38 questions have two identical options in ja; in 14 the right one is among them, in 24 only wrong ones are
    doubled = [q.versions["ja"] for q in train if len(set(q.versions["ja"].options)) < 5]
    gold = [q.versions["ja"].options[q.answer] for q in train if q.answer is not None]
    assert len(doubled) == 38
    assert sum(q.versions["ja"].options.count(g) > 1 for q, g in zip(train, gold, strict=True)) == 14
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
        configs += ["  - split: test", f"    path: {name}/test.jsonl"]
        (folder / name).mkdir(parents=True)
        with (folder / name / "dev.jsonl").open("w", encoding="utf-8") as handle:
            for i in range(3):
                choices = {"label": list("ABCDE"), "text": [f"{code} {i} {k}" for k in range(5)]}
                row = {
                    "id": f"id{i}", "lang": code, "question": {"stem": f"{code} stem {i}", "choices": choices},
                    "answerKey": "ABCDE"[i],
                }  # fmt: skip
                handle.write(json.dumps(row) + "\n")
        unlabelled = {"id": "t0", "lang": code, "question": {"stem": f"{code}?", "choices": choices}, "answerKey": ""}
        (folder / name / "test.jsonl").write_text(json.dumps(unlabelled) + "\n")
    (folder / "README.md").write_text("---\n" + "\n".join(configs) + "\n---\n")
    return folder


def test_hugging_face_layout(hub_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = load_questions("xcsqa", split="validation", languages=["ja", "sw"], data_dir=str(hub_folder), origin="hf")
    assert [q.id for q in found] == ["xcsqa-id0", "xcsqa-id1", "xcsqa-id2"]
    assert found[2].answer == 2
    assert found[0].versions["ja"].options == [f"ja 0 {k}" for k in range(5)]
    with pytest.raises(DataError, match="only 0 of the paper's 100"):
        load_questions("xcsqa", split="test", languages=["ja"], data_dir=str(hub_folder), origin="hf")
    monkeypatch.setattr("calm_ext.data.sources.xcsqa.paper_test_hashes", lambda: frozenset({text_hash("EN  stem 1")}))
    options = {"languages": ["ja", "sw"], "data_dir": str(hub_folder), "origin": "hf"}
    assert [q.id for q in load_questions("xcsqa", split="test", **options)] == ["xcsqa-id1"]
    assert [q.id for q in load_questions("xcsqa", split="train", **options)] == ["xcsqa-id0", "xcsqa-id2"]
    unlabelled = load_questions("xcsqa", split="hf-test", **options)
    assert [(q.id, q.answer) for q in unlabelled] == [("xcsqa-t0", None)]
    with pytest.raises(CalmError, match=r"^xcsqa hf-test has no gold answers; use test or train or validation$"):
        require_labelled(unlabelled, "xcsqa hf-test", source="xcsqa")
    require_labelled(found, "xcsqa validation", source="xcsqa")


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (("id2", "id0", "id1"), None),
        (("id0", "id1", "id9"), "X-CSQA-sw: has no row with id id2, which INK-USC/xcsr/X-CSQA-en has"),
        (("id0", "id1", "id1"), "X-CSQA-sw: the id id1 comes twice"),
    ],
)
def test_hugging_face_rows_are_joined_by_id(hub_folder: Path, order: tuple[str, ...], said: str | None) -> None:
    file = hub_folder / "X-CSQA-sw/dev.jsonl"
    lines = {f"id{i}": line for i, line in enumerate(file.read_text().splitlines(keepends=True))}
    lines["id9"] = lines["id2"].replace("id2", "id9")
    file.write_text("".join(lines[i] for i in order))
    options = {"split": "validation", "languages": ["en", "sw"], "data_dir": str(hub_folder), "origin": "hf"}
    if said:
        with pytest.raises(DataError, match=said):
            load_questions("xcsqa", **options)
    else:
        found = load_questions("xcsqa", **options)
        assert [q.versions["sw"].question for q in found] == [f"sw stem {i}" for i in range(3)]


@pytest.mark.parametrize(
    ("text", "output", "expected"),
    [
        ("Why?\n(A) one\n(B) two\n(C) three", "(B) two", ("Why?", ["one", "two", "three"], 1)),
        ("\"Why?\n(A) one\n(B) two\n\"\n", "(A) one", ('"Why?', ["one", "two"], 0)),
        ("Why? (A) one (B) two ", "(B) deux", ("Why?", ["one", "two"], 1)),
        ("Why? （A） one （B）two", "（B） two", ("Why?", ["one", "two"], 1)),
        ("Why? (A) one \u200b\u200b(B) two \u200b(C) three", "(C) three", ("Why?", ["one", "two", "three"], 2)),
        ("(A) is odd. Why? (A) one (B) V(D)J (C) three", "(C) three", ("(A) is odd. Why?", ["one", "V(D)J", "three"], 2)),
        ("As in (I) so in (II)?\n(A) I\n(B) Rh(D) positive", "(B) Rh(D) positive", ("As in (I) so in (II)?", ["I", "Rh(D) positive"], 1)),
        ("Question: Why?\nA. one\nB) two\nAnswer:", "b", ("Why?", ["one", "two"], 1)),
        ("Why?\n(A) one\n(B) two\nmore", "(B) two more", ("Why?", ["one", "two more"], 1)),
        ('Say?\n(A) "Yes."\n(B) "No."', '(A) "Yes."', ("Say?", ['"Yes."', '"No."'], 0)),
    ],
)  # fmt: skip
def test_spellings_of_medqa_rows(text: str, output: str, expected: tuple) -> None:
    assert parse_row({"input": text, "output": output}, "en", "row 1").row == expected


def test_a_broken_letter_is_read_by_its_place_and_told() -> None:
    row = {"input": "Quoi ?\n(A) Grade\n(B) Stade\n(Cage\n(D) Lieu", "output": "(B) Stade"}
    parsed = parse_row(row, "fr", "row 1")
    assert parsed.row == ("Quoi ?", ["Grade", "Stade", "age", "Lieu"], 1)
    assert parsed.notes == ("the letter of option C is broken ('(Cage'); read by its place",)


@pytest.mark.parametrize(
    ("text", "output", "said"),
    [
        ("Why? (A) one (B) two", "(B) one", "names option B, but its text is option A's"),
        ("Why? (A) one (B) two", "(C) three", "an output among their letters"),
        ("Why? (A) one (C) two", "(A) one", "the options are not lettered"),
        ("Why?\n(A) one\n(D) two\n(C) three", "(A) one", "the options are not lettered"),
        ("Why? (A) one (B)  (C) three", "(A) one", "option B has no text"),
    ],
)
def test_medqa_rows_that_prove_nothing(text: str, output: str, said: str) -> None:
    with pytest.raises(DataError, match=f"row 7: .*{said}"):
        parse_row({"input": text, "output": output}, "en", "row 7")


def test_medqa_train_files(tmp_path: Path) -> None:
    folder = tmp_path / "data/medqa/samples/vanilla_llama_cot_data"
    folder.mkdir(parents=True)
    for name, word in (("native_en", "water"), ("en2cn", "水"), ("en2fr", "eau")):
        rows = [
            {
                "instruction": "…",
                "input": f"{word} {i}?\n(A) {word}a{i}\n(B) {word}b{i}",
                "output": "(A)",
                "pred": ["A"],
            }
            for i in range(3)
        ]
        (folder / f"{name}_direct_inference_sampled.json").write_text(json.dumps(rows), encoding="utf-8")
    found = load_questions("medqa", split="train", data_dir=str(tmp_path))
    assert [q.id for q in found] == ["medqa-train-00000", "medqa-train-00001", "medqa-train-00002"]
    assert found[1].versions["zh"].options == ["水a1", "水b1"]
    with pytest.raises(DataError, match=r"native_cn_direct_inference_sampled\.json: no such file"):
        load_questions("medqa_zh", split="train", data_dir=str(tmp_path))


# --- MedExpQA ---------------------------------------------------------------------------------------------------------


def medexpqa_row(language: str, i: int, **changes: object) -> dict:
    five = f"{language} {i} e" if i % 2 else None
    row = {
        "id": i, "year": 2012, "full_question": f"{language} case {i}?", "lang": language, "type": "x",
        "options": {"1": f"{language} {i} a", "2": f"{language} {i} b", "3": "c", "4": f"{language} {i} d", "5": five},
        "correct_option": 1 + i % 4,
        "rag": {"clinical_case_options": {"MedCorp": {"RRF-2": [f"{language} passage {i}", None]}}, "grounding": []},
    }  # fmt: skip
    return {**row, **changes}


@pytest.fixture
def raw_medexpqa(tmp_path: Path) -> Path:
    """The raw files of MedExpQA in two languages, four rows each; NaN where the fifth option is missing."""
    for language in ("es", "en"):
        folder = tmp_path / "raw/data" / language
        folder.mkdir(parents=True)
        for split in ("test", "dev"):
            rows = [medexpqa_row(language, i) for i in range(4)]
            rows[0]["options"]["5"] = float("nan")
            text = "".join(json.dumps(r) + "\n" for r in (rows if language == "es" else rows[::-1]))
            (folder / f"{split}.{language}.casimedicos.rag.jsonl").write_text(text)
    return tmp_path / "raw"


def test_medexpqa_from_raw_files(raw_medexpqa: Path) -> None:
    options = {"languages": ["en", "es"], "data_dir": str(raw_medexpqa)}
    found = load_questions("medexpqa", **options)
    assert [q.id for q in found] == [f"medexpqa-{i}" for i in range(4)]
    assert [q.n_options for q in found] == [4, 5, 4, 5]
    assert [q.answer for q in found] == [0, 1, 2, 3]
    assert found[1].versions["en"].options[4] == "en 1 e"
    assert {q.source_language for q in found} == {"es"}
    assert len(load_questions("medexpqa", split="validation", **options)) == 4
    passages = load_passages("test", **options)
    [own] = passages["medexpqa-2"]["es"]
    assert (own.id, own.language, own.text) == ("medexpqa-2-es-1", "es", "es passage 2")
    assert own.source == "clinical_case_options/MedCorp/RRF-2"


def test_medexpqa_from_the_datasets_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "hf-cache"))
    folder = tmp_path / "MedExpQA"
    folder.mkdir()
    configs = ["configs:"]
    for language in ("es", "en"):
        configs += [f"- config_name: {language}", "  data_files:", "  - split: test", f"    path: {language}.jsonl"]
        rows = "".join(json.dumps(medexpqa_row(language, i)) + "\n" for i in range(3))
        (folder / f"{language}.jsonl").write_text(rows)
    (folder / "README.md").write_text("---\n" + "\n".join(configs) + "\n---\n")
    found = load_questions("medexpqa", languages=["es", "en"], data_dir=str(folder))
    assert [q.n_options for q in found] == [4, 5, 4]
    passages = load_passages("test", languages=["en"], data_dir=str(folder))
    assert [p.text for p in passages["medexpqa-1"]["en"]] == ["en passage 1"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": 9}, "has no row with id 1, which"),
        ({"correct_option": 3}, "en/test: row 3 is not a translation of that row"),
        ({"correct_option": 6}, ":3: correct_option 6 is not one of 1, 2, 3, 4, 5"),
        ({"options": {"1": "a", "3": "b", "4": "c", "5": "d"}}, ":3: options 1 to 4 or 1 to 5 were expected"),
        ({"full_question": None}, ":3: full_question, options and correct_option"),
        ({"id": None}, ":3: has no id"),
    ],
)
def test_medexpqa_damaged(raw_medexpqa: Path, change: dict, said: str) -> None:
    file = raw_medexpqa / "data/en/test.en.casimedicos.rag.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows[2].update(change)  # the row of id 1: the file counts backwards
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    with pytest.raises(DataError, match=said):
        load_questions("medexpqa", languages=["es", "en"], data_dir=str(raw_medexpqa))


def test_medexpqa_passages_in_any_nesting() -> None:
    rag = {"a": [{"text": "one", "score": 1.0}, ["two"]], "b": {"c": " three ", "d": float("nan")}}
    assert list(flatten(rag, "row 1")) == [Retrieved("one", "a"), Retrieved("two", "a"), Retrieved("three", "b/c")]
    with pytest.raises(DataError, match="row 1: rag holds int 3 under b"):
        list(flatten({"b": 3}, "row 1"))


def test_the_bundled_sample() -> None:
    questions = load_questions("sample")
    assert list(questions[0].versions) == list(SOURCES["sample"].available)
    assert len(questions) == 120
    assert Counter(q.answer for q in questions) == {0: 30, 1: 30, 2: 30, 3: 30}
    assert {q.n_options for q in questions} == {4}
    for q in questions:
        texts = {v.question for v in q.versions.values()}
        assert len(texts) == 10, (q.id, "a question stands in two languages")
        numbers = {tuple(sorted(re.findall(r"\d+", v.question))) for v in q.versions.values()}
        assert len(numbers) == 1, (q.id, numbers)
        assert all(len(set(v.options)) == 4 for v in q.versions.values())
    assert resources.files("calm_ext.data.sources").joinpath("sample.md").is_file()


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
        ({"source": "babel", "data_dir": "x"}, "babel has no option data_dir; its options: seed"),
        ({"source": "medqa", "languages": ["en", "de"]}, "medqa has no de; it has en, zh, fr"),
        ({"source": "xcsqa", "languages": ["xx"], "origin": "hf"}, "has no xx"),
        ({"source": "xcsqa", "languages": ["sw"], "origin": "paper"}, "has no sw"),
        ({"source": "xcsqa", "origin": "nowhere"}, "not one of auto"),
    ):
        with pytest.raises(CalmError, match=said):
            load_questions(**request)  # type: ignore[arg-type]


# --- the registry -----------------------------------------------------------------------------------------------------


def test_every_file_with_a_source_is_known() -> None:
    benchmarks = {path.stem for path in (Path(dataset.__file__).parents[1] / "data/benchmarks").glob("*.yaml")}
    own = {"babel", "columns", "local", "medexpqa", "medqa", "medqa_zh", "sample", "xcsqa"}
    assert len(benchmarks) == 18 and set(SOURCES) == own | benchmarks
    assert all(source.name == name for name, source in SOURCES.items())
    assert SOURCES["xcsqa"].option_names == ("data_dir", "origin")
    assert [x for x, s in SOURCES.items() if s.medical] == ["medexpqa", "medqa", "medqa_zh"]
    assert bundled_indexes() == ["babel", "medexpqa", "sample"]


def test_options_of_a_source() -> None:
    babel = SOURCES["babel"]
    assert babel.read_options({"seed": "3"}) == {"seed": 3}
    assert babel.read_options({"seed": None}) == {"seed": 0}
    with pytest.raises(CalmError, match=r"^data source babel: option seed: .*whole number"):
        babel.read_options({"seed": "three"})
    assert babel.from_metadata({"seed": 1, "babel_seed": 2}) == {"seed": 2}
    assert babel.to_metadata({"seed": 2}) == {"babel_seed": 2}


class ToyOptions(Section):
    """Of the toy source."""

    word: str = "fish"
    """What is asked about."""
    numbers: list[int] = [1, 2]
    """Which of them."""


def load_toy(split: str, *, languages: list[str], word: str, numbers: list[int]) -> Joined:
    def version(n: int, language: str) -> Version:
        return Version(question=f"{language} {split} {word} {n}?", options=[f"{word} a {n}", f"{word} b {n}"])

    return Joined(
        [ParallelQuestion(id=f"toy-{n}", answer=0, versions={x: version(n, x) for x in languages}) for n in numbers]
    )


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A source of another package's, whose module an entry point names."""
    module = types.ModuleType("toy_plugin")
    module.SOURCE = Source(  # type: ignore[attr-defined]
        name="toy",
        load=load_toy,
        splits=("test", "train"),
        languages=("en", "fr"),
        title="Toys",
        available=("en", "fr"),
        options=ToyOptions,
        corpus=lambda word, numbers: [CorpusPassage(id="p", language="en", text=f"All about {word}.")],
    )
    monkeypatch.setattr("calm_ext.plugins.registry.load_plugins", lambda: (module,))
    monkeypatch.setattr(SOURCES, "_entries", {})
    monkeypatch.setattr(SOURCES, "_loaded", False)
    yield
    dataset._loader.cache_clear()
    grounding._bundled.cache_clear()


@pytest.mark.usefixtures("toy")
def test_a_source_of_a_plugin_is_known_everywhere(tmp_path: Path) -> None:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["data", *arguments])

    listed = json.loads(run("ls", "--json").stdout)
    assert listed["toy"]["options"] == ["word", "numbers"]
    assert "Toys" in run("ls").stdout
    path = tmp_path / "q.jsonl"
    done = run("prepare", "toy", "-o", str(path), "--set", "word=bird", "--set", "numbers=[4, 5, 6]", "--limit", "2")
    assert done.exit_code == 0, done.output
    found = list(read_jsonl(path, ParallelQuestion))
    assert [q.id for q in found] == ["toy-4", "toy-5"]
    assert found[0].versions["fr"].question == "fr test bird 4?"
    for pair, said in (
        ("colour=red", "data source toy has no option colour; its options: word, numbers"),
        ("split=train", "data source toy has no option split; its options: word, numbers"),
        ("numbers=[x]", "data source toy: option numbers.0: a whole number was expected"),
    ):
        assert said in str(run("prepare", "toy", "-o", str(tmp_path / "x"), "--set", pair).exception)
    assert "not YAML" in str(run("prepare", "toy", "-o", str(tmp_path / "x"), "--set", "numbers=[").exception)
    assert run("check", "toy", "--set", "word=bird").exit_code == 0

    splits = dataset.toy(word="cat", languages="en fr")
    assert [q.versions["en"].question for q in splits.questions] == ["en test cat 1?", "en test cat 2?"]
    with pytest.raises(AttributeError, match="no such data source"):
        _ = dataset.nope
    assert [p.id for p in grounding.open_index("toy").search("about fish", "en", k=1)] == ["p"]


@pytest.mark.usefixtures("toy")
def test_a_source_of_a_plugin_in_a_recipe() -> None:
    def recipe(**data: object) -> Recipe:
        return parse_recipe(
            {"name": "r", "model": {"path": "babel"}, "data": data, "evaluation": {"tasks": ["calm_babel_xl"]}}
        )

    data = recipe(source="toy", args={"word": "cow", "numbers": [7]}).data
    assert data.load_options(babel_seed=5) == {"word": "cow", "numbers": [7]}
    assert [q.id for q in load_questions("toy", split="train", **data.load_options())] == ["toy-7"]
    assert recipe(source="babel").data.load_options(babel_seed=5) == {"seed": 5}
    assert recipe(source="xcsqa", args={"origin": "hf"}).data.load_options() == {"data_dir": None, "origin": "hf"}
    for given, said in (
        ({"source": "toys"}, r"data.source: one of arc, babel, .*did you mean 'toy'"),
        ({"source": "toy", "args": {"wrd": "cow"}}, "data.args: data source toy has no option wrd; its options: word"),
        ({"source": "toy", "args": {"numbers": "many"}}, "data.args: data source toy: option numbers: "),
        ({"source": "medqa", "args": {"data_dir": "x"}}, "data.args.data_dir: give data.data_dir instead"),
        ({"source": "babel", "args": {"seed": 1}}, "data.args.seed: give babel.seed instead"),
    ):
        with pytest.raises(RecipeError, match=said):
            recipe(**given)


def test_splits_are_taken_one_after_the_other() -> None:
    """`train+test` names two; what is in both counts once."""
    train, test = (load_questions("babel", split=x) for x in ("train", "test"))
    assert load_questions("babel", split="train+test") == [*train, *test]
    assert load_questions("babel", split="test+test") == test
    with pytest.raises(CalmError, match="babel has no split 'dev'"):
        load_questions("babel", split="train+dev")
