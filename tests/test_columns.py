"""A benchmark by its columns: what a spec may say, the kinds of files and answers, how rows are joined."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from calm_ext.cli.main import cli
from calm_ext.data import SOURCES, load_joined, load_questions, require_labelled
from calm_ext.data.benchmark import Benchmark, parse_benchmark
from calm_ext.data.columns import load_benchmark
from calm_ext.data.named import different_things
from calm_ext.errors import CalmError, DataError, RecipeError
from calm_ext.jsonl import read_jsonl
from calm_ext.pipeline.recipe import parse_recipe
from calm_ext.records import ParallelQuestion

SPEC: dict[str, Any] = {
    "name": "rivers",
    "title": "Rivers",
    "splits": ["test"],
    "languages": {"en": "en", "fr": "fr"},
    "key": "id",
    "question": "q",
    "options": ["a", "b", "c"],
    "answer": {"column": "gold", "form": "zero_based"},
}
EN = [
    {"id": "r1", "q": "Where does the Rhine end?", "a": "North Sea", "b": "Black Sea", "c": "", "gold": 0},
    {"id": "r2", "q": "Where does the Danube end?", "a": "Red Sea", "b": "Black Sea", "c": "Baltic Sea", "gold": 1},
]
FR = [
    {"id": "r2", "q": "Où finit le Danube ?", "a": "mer Rouge", "b": "mer Noire", "c": "mer Baltique", "gold": 1},
    {"id": "r1", "q": "Où finit le Rhin ?", "a": "mer du Nord", "b": "mer Noire", "c": None, "gold": 0},
]
#: id, right option, options in both languages
EXPECTED = [
    ("rivers-r1", 0, [["North Sea", "Black Sea"], ["mer du Nord", "mer Noire"]]),
    ("rivers-r2", 1, [["Red Sea", "Black Sea", "Baltic Sea"], ["mer Rouge", "mer Noire", "mer Baltique"]]),
]


def spec(**changes: Any) -> Benchmark:
    return parse_benchmark({k: v for k, v in (SPEC | changes).items() if v is not None}, "my.yaml")


def rows_in(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    """Write rows as the kind of file that the name says."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows), encoding="utf-8")
    elif path.suffix in (".csv", ".tsv"):
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    else:
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def folder_of(folder: Path, en: list[dict[str, Any]] = EN, fr: list[dict[str, Any]] = FR) -> str:
    rows_in(folder, "en/test.jsonl", en)
    rows_in(folder, "fr/test.jsonl", fr)
    return str(folder)


def load(benchmark: Benchmark, folder: str | Path, *languages: str, split: str = "test") -> list[ParallelQuestion]:
    return load_benchmark(benchmark, split, languages=languages, data_dir=str(folder)).questions


def read_back(questions: list[ParallelQuestion]) -> list[tuple[str, int | None, list[list[str]]]]:
    return [(q.id, q.answer, [list(v.options) for v in q.versions.values()]) for q in questions]


# --- the spec ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"optons": ["a"]}, "optons: unknown key; did you mean options?"),
        ({"title": None}, "title: missing"),
        ({"name": "My Rivers"}, "name: string should match pattern"),
        ({"languages": {"en": "en"}}, "languages: needs at least 2 items, has 1"),
        ({"languages": {"EN": "en", "fr": "fr"}}, "languages: EN is written en here"),
        (
            {"languages": ["zho_Hans", "zh_CN", "en"]},
            "languages: zho_Hans is zh, as another one of the list; write code:",
        ),
        ({"answer": {"form": "letter"}}, "answer: forms first and last take no column, all others need one"),
        ({"answer": {"form": "first", "column": "x"}}, "answer: forms first and last take no column"),
        (
            {"answer": {"form": "roman", "column": "x"}},
            "answer.form: zero_based, one_based, letter, text, first or last was expected",
        ),
        ({"splits": []}, "splits: at least one is needed"),
        ({"unlabelled": ["dev"]}, "unlabelled: dev is not one of the splits"),
        ({"default": ["de"]}, "default: de is not one of the languages"),
        ({"words": {"de": {}}}, "words: de is not one of the languages"),
        ({"special": {"de": {"key": "row"}}}, "special: de is not one of the languages"),
        ({"special": {"fr": {"ky": "row"}}}, "ky"),
        ({"files": "{lang}/{split}"}, "files: {lang} is none of {code}, {language}, {split}, {file}, {config}, {part}"),
        ({"config": "{part}"}, "config: {part} is none of"),
        ({"files": "{code"}, "files: {code: "),
        ({"substitute": [["(", ""]]}, "substitute: '(' or '' is no regular expression"),
        ({"files": "/data/{code}"}, "files: /data/{code} begins at the root"),
        ({"languages": ["en", False]}, "languages: False is no text; put it in quotes"),
        ({"default": ["en", "fr"] * 6}, "default: takes at most 10 items, has 12"),
    ],
)
def test_a_wrong_spec_is_one_line(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError) as refused:
        spec(**changes)
    assert str(refused.value).startswith("my.yaml: ") and said in str(refused.value)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 250


def test_short_forms() -> None:
    short = spec(languages=["eng_Latn", "fra_Latn", "zho_Hant"], splits={"test": "eval", "dev": {"file": "x"}})
    assert short.languages == {"en": "eng_Latn", "fr": "fra_Latn", "zh-Hant": "zho_Hant"}
    assert short.asked == ("en", "fr", "zh-Hant")
    assert (short.splits["test"].name, short.splits["dev"].file) == ("eval", "x")
    many = spec(languages=["en", "fr", "de", "it", "es", "pt", "nl", "pl", "ru", "ar", "hi", "ja"])
    assert len(many.asked) == 10 and spec(default=["fr", "en"]).asked == ("fr", "en")


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".tsv", ".csv", ".parquet"])
def test_every_kind_of_file(tmp_path: Path, suffix: str) -> None:
    quoted = [{**EN[0], "q": 'The "Rhine", where?'}, EN[1]]
    rows_in(tmp_path, f"en/test{suffix}", quoted)
    rows_in(tmp_path, f"fr/test{suffix}", FR)
    found = load(spec(), tmp_path)
    assert read_back(found) == EXPECTED
    assert found[0].versions["en"].question == 'The "Rhine", where?'


def test_a_cell_of_several_lines(tmp_path: Path) -> None:
    rows_in(tmp_path, "en/test.csv", [{**EN[0], "q": "One\ntwo"}, EN[1]])
    rows_in(tmp_path, "fr/test.csv", FR)
    assert load(spec(), tmp_path)[0].versions["en"].question == "One\ntwo"


def test_marks_in_a_table_of_tabs_are_characters(tmp_path: Path) -> None:
    head = "id\tq\ta\tb\tc\tgold\n"
    (tmp_path / "en.tsv").write_text(head + 'r1\t"Heroes" and "Low"\t"x\ty\t"He said ""no"""\t0\n', encoding="utf-8")
    (tmp_path / "fr.tsv").write_text(head + "r1\tq\tx\ty\tz\t0\r\n", encoding="utf-8")
    (only,) = load(spec(files="{code}"), tmp_path)
    assert only.versions["en"].question == '"Heroes" and "Low"'
    assert only.versions["en"].options == ['"x', "y", 'He said "no"']
    assert only.versions["fr"].options == ["x", "y", "z"]


def test_a_first_line_that_names_the_columns_wrongly(tmp_path: Path) -> None:
    rows_in(tmp_path, "en/test.tsv", EN)
    rows_in(tmp_path, "fr/test.tsv", FR)
    path = tmp_path / "fr/test.tsv"
    path.write_text(path.read_text(encoding="utf-8").replace("id\tq\t", "id\tid\tq\t", 1), encoding="utf-8")
    with pytest.raises(DataError, match="must name the columns, each once"):
        load(spec(), tmp_path)
    assert read_back(load(spec(special={"fr": {"columns": ["id", "q", "a", "b", "c", "gold"]}}), tmp_path)) == EXPECTED


def test_rows_in_an_object_and_what_stands_beside_them(tmp_path: Path) -> None:
    for x, rows in (("en", EN), ("fr", FR)):
        value = {"intro": f"[{x}]", "items": rows}
        (tmp_path / f"{x}.json").write_text(json.dumps(value), encoding="utf-8")
    own = spec(files="{code}", rows="items", question="{{ file.intro }} {{ q }}")
    assert load(own, tmp_path)[0].versions["fr"].question == "[fr] Où finit le Rhin ?"
    with pytest.raises(DataError, match=r"en\.json: an object whose things is a list of rows was expected"):
        load(spec(files="{code}", rows="things"), tmp_path)
    with pytest.raises(DataError, match=r"en\.json: a list of rows was expected"):
        load(spec(files="{code}"), tmp_path)


def test_parts(tmp_path: Path) -> None:
    for x, rows in (("en", EN), ("fr", FR)):
        for part, row in zip(("danube", "rhine"), sorted(rows, key=lambda r: str(r["id"]), reverse=True), strict=True):
            rows_in(tmp_path, f"{x}/{part}.jsonl", [row])
    own = {"files": "{code}/{part}", "key": ["part", "id"], "question": "{{ part }}: {{ q }}"}
    found = load(spec(**own), tmp_path)
    assert [q.id for q in found] == ["rivers-danube-r2", "rivers-rhine-r1"]
    assert found[1].versions["en"].question == "rhine: Where does the Rhine end?"
    named = load(spec(**own, parts=["rhine"]), tmp_path)
    assert [q.id for q in named] == ["rivers-rhine-r1"]
    with pytest.raises(DataError, match=r"en/volga: no such file, and .*en/rhine\.jsonl is there"):
        load(spec(**own, parts=["rhine", "volga"]), tmp_path)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: no such folder"):
        load(spec(), tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"has no en/test\.jsonl, which rivers in en is read from"):
        load(spec(), tmp_path)
    with pytest.raises(DataError, match=r"is not published on the hub; give a folder"):
        load_benchmark(spec(), "test", languages=(), data_dir=None)
    rows_in(tmp_path, "en/test.jsonl", EN)
    rows_in(tmp_path, "fr/test.csv", FR)
    (tmp_path / "fr/test.csv").write_text("id,q,a,b,c,gold\nr1,x\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"fr/test\.csv:2: has 2 cells, the first line 6"):
        load(spec(), tmp_path)
    (tmp_path / "fr/test.csv").write_text("id,id\n", encoding="utf-8")
    with pytest.raises(DataError, match="must name the columns, each once"):
        load(spec(), tmp_path)
    (tmp_path / "fr/test.csv").unlink()
    (tmp_path / "fr/test.parquet").write_bytes(b"not one")
    with pytest.raises(DataError, match=r"fr/test\.parquet: cannot be read"):
        load(spec(), tmp_path)


# --- cells ------------------------------------------------------------------------------------------------------------


def with_answers(folder: Path, values: list[Any], form: str, **changes: Any) -> list[int | None]:
    """The answers of two questions of three options, whose cells say ``values``."""
    en = [{"id": str(i), "q": f"q{i}", "a": "x", "b": "y", "c": "z", "gold": v} for i, v in enumerate(values)]
    where = folder_of(folder, en, en)
    return [q.answer for q in load(spec(answer={"column": "gold", "form": form}, **changes), where)]


@pytest.mark.parametrize(
    ("form", "values", "expected"),
    [
        ("zero_based", [0, 2], [0, 2]),
        ("zero_based", ["0", " 2 "], [0, 2]),
        ("zero_based", [1.0, "2.0"], [1, 2]),
        ("zero_based", [True, False], [1, 0]),
        ("one_based", [1, "3"], [0, 2]),
        ("letter", ["A", "c"], [0, 2]),
        ("letter", ["(B)", "C."], [1, 2]),
        ("text", ["y", "z "], [1, 2]),
    ],
)
def test_every_form_of_answer(tmp_path: Path, form: str, values: list[Any], expected: list[int]) -> None:
    assert with_answers(tmp_path, values, form) == expected


@pytest.mark.parametrize(
    ("form", "value", "said"),
    [
        ("zero_based", 3, "gold is '3', a number from 0 to 2 was expected"),
        ("zero_based", -1, "gold is '-1', a number from 0 to 2 was expected"),
        ("zero_based", "B", "gold is 'B', a number from 0 to 2 was expected"),
        ("zero_based", 0.5, "gold is '0.5', a number"),
        ("one_based", 0, "gold is '0', a number from 1 to 3 was expected"),
        ("letter", "D", "gold is 'D', a letter from A to C was expected"),
        ("letter", "1", "gold is '1', a letter from A to C was expected"),
        ("text", "w", "gold is 'w', the text of one of its options was expected"),
    ],
)
def test_answers_of_another_form_are_refused(tmp_path: Path, form: str, value: Any, said: str) -> None:
    with pytest.raises(DataError) as refused:
        with_answers(tmp_path, [value], form)
    assert "en/test.jsonl:1: " in str(refused.value) and said in str(refused.value)


def test_first_last_and_templates(tmp_path: Path) -> None:
    where = folder_of(tmp_path)
    assert [q.answer for q in load(spec(answer={"form": "first"}), where)] == [0, 0]
    assert [q.answer for q in load(spec(answer={"form": "last"}), where)] == [1, 2]
    answer = {"column": "{{ 'ABC'[gold] }}", "form": "letter"}
    assert read_back(load(spec(answer=answer), where)) == EXPECTED


def test_an_answer_counts_the_options_that_are_there(tmp_path: Path) -> None:
    """An empty place before the right option is not counted; a right option that is empty is no question."""
    en = [
        {"id": "1", "q": "q", "a": "", "b": "y", "c": "z", "gold": 2},
        {"id": "2", "q": "q", "a": "x", "b": "y", "c": "z", "gold": 0},
        {"id": "3", "q": "q", "a": "", "b": "y", "c": "z", "gold": 0},
    ]
    joined = load_benchmark(spec(), "test", languages=(), data_dir=folder_of(tmp_path, en, en))
    assert read_back(joined.questions) == [
        ("rivers-1", 1, [["y", "z"]] * 2),
        ("rivers-2", 0, [["x", "y", "z"]] * 2),
    ]
    assert str(joined.repairs[0]) == "rivers en: row 3: no text for the right option; left out"


def test_options_as_lists(tmp_path: Path) -> None:
    en = [{"id": "1", "q": "q", "choices": {"text": ["x", None, "y"], "label": ["A", "B", "C"]}, "gold": "C"}]
    where = folder_of(tmp_path, en, en)
    answer = {"column": "gold", "form": "letter"}
    (found,) = load(spec(options="choices.text", answer=answer), where)
    assert (found.versions["en"].options, found.answer) == (["x", "y"], 1)
    for options, said in (
        ("choices.texts", "column 'choices' has no 'texts'; it has text, label"),
        ("q.text", "column 'q' has no 'text', it holds no keys"),
        ("q", "q is 'q', a list of options was expected"),
        ("choice.text", "has no column 'choice.text'; did you mean 'choices'?"),
    ):
        with pytest.raises(DataError) as refused:
            load(spec(options=options, answer=answer), where)
        assert said in str(refused.value)
    text = [{"id": "1", "q": "q", "o": '["x", "y"]', "p": "x / y", "gold": 1}]
    where = folder_of(tmp_path, text, text)
    assert load(spec(options="o"), where)[0].versions["fr"].options == ["x", "y"]
    assert load(spec(options={"column": "p", "split": "/"}), where)[0].versions["fr"].options == ["x", "y"]


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    where = folder_of(tmp_path)
    for changes, said in (
        ({"question": "quest"}, "en/test.jsonl:1: has no column 'quest'; its columns: id, q, a, b, c, gold"),
        ({"key": "idx"}, "has no column 'idx'; did you mean 'id'?"),
        ({"question": "{{ gol }}"}, "{{ gol }}: 'gol' is undefined; did you mean 'gold'?"),
        ({"question": "{{ q"}, "{{ q: unexpected end of template"),
        ({"question": "{{ q + 1 }}"}, "{{ q + 1 }}: can only concatenate str"),
        ({"question": "{{ q | resub('(', '') }}"}, "missing ), unterminated subpattern"),
        ({"question": "{{ ().__class__.__mro__ }}"}, "access to attribute '__class__'"),
    ):
        with pytest.raises(DataError) as refused:
            load(spec(**changes), where)
        assert said in str(refused.value) and "\n" not in str(refused.value)


def test_texts_are_put_together(tmp_path: Path) -> None:
    en = [{"id": "1", "q": "Cut [x] the [title] hair", "a": None, "b": "y  [z]", "c": 3.0, "d e": "w", "gold": "1"}]
    where = folder_of(tmp_path, en, en)
    own = spec(
        question="{{ words.ask }} {{ q }}{{ a }} {{ row['d e'] }}{{ code }}{{ language }}",
        words={"en": {"ask": "Say:"}, "fr": {"ask": "Dis :"}},
        languages={"en": "en", "fr": "fr"},
        options=["a", "b", "{{ c }}"],
        substitute=[[" \\[title\\]", "."], ["\\[.*?\\]", ""], ["  ", " "]],
    )
    (found,) = load(own, where)
    assert found.versions["en"].question == "Say: Cut the. hair wenen"
    assert found.versions["fr"].question == "Dis : Cut the. hair wfrfr"
    assert found.versions["en"].options == ["y", "3"]
    as_text = spec(substitute=[["\\[.*?\\]", ""]], answer={"column": "b", "form": "text"})
    assert load(as_text, where)[0].answer == 0


# --- keys and joining -------------------------------------------------------------------------------------------------


def test_keys(tmp_path: Path) -> None:
    where = folder_of(tmp_path)
    assert read_back(load(spec(), where)) == EXPECTED
    assert [q.id for q in load(spec(key=["gold", "id"]), where)] == ["rivers-0-r1", "rivers-1-r2"]
    assert [q.id for q in load(spec(key="{{ id | upper }}"), where)] == ["rivers-R1", "rivers-R2"]
    assert [q.id for q in load(spec(key="row"), folder_of(tmp_path, EN, FR[::-1]))] == ["rivers-00000", "rivers-00001"]
    with pytest.raises(DataError, match=r"en/test\.jsonl:1: the key \(c\) is empty"):
        load(spec(key="c"), where)


def test_a_key_that_comes_twice(tmp_path: Path) -> None:
    again = {**EN[1], "id": "r1"}
    with pytest.raises(DataError) as refused:
        load(spec(), folder_of(tmp_path, [EN[0], again], FR))
    assert "en/test.jsonl:2: the key 'r1' comes twice (before at " in str(refused.value)
    assert "name more columns as key" in str(refused.value)
    joined = load_benchmark(spec(), "test", languages=(), data_dir=folder_of(tmp_path, [*EN, EN[0]], FR))
    assert read_back(joined.questions) == EXPECTED
    assert [str(r) for r in joined.repairs] == ["rivers en: row 3: the same as an earlier row; left out"]


def test_what_does_not_join_is_counted(tmp_path: Path) -> None:
    def row(i: int, gold: Any = 0, c: str = "z", q: str = "q") -> dict[str, Any]:
        return {"id": str(i), "q": f"{q}{i}" if q else "", "a": "x", "b": "y", "c": c, "gold": gold}

    en = [row(i) for i in range(12)]
    fr = [row(i) for i in range(12)]
    fr[1], fr[2], fr[3], fr[4] = row(1, gold=1), row(2, c=""), row(3, q=""), row(4, gold=None)
    del fr[0]
    joined = load_benchmark(spec(), "test", languages=(), data_dir=folder_of(tmp_path, en, fr))
    assert [q.id for q in joined.questions] == [f"rivers-{i}" for i in range(5, 12)]
    assert [str(r) for r in joined.repairs] == [
        "rivers fr: row 3: no question; left out",
        "rivers fr: row 4: no answer; left out",
        "rivers en: rows 1, 4, 5: fr lacks them; left out",
        "rivers en: row 3: 1 question of 9 left out: other numbers of options",
        "rivers en: row 2: 1 question of 8 left out: other right answers",
    ]


def test_less_than_half_is_refused(tmp_path: Path) -> None:
    other = [{**r, "id": f"s{i}"} for i, r in enumerate(EN)]
    with pytest.raises(DataError) as refused:
        load(spec(), folder_of(tmp_path, EN, other))
    assert str(refused.value).startswith(
        "rivers: only 0 of 2 rows join over en, fr; look at the key (id), or name other"
    )
    empty = [{**EN[0], "id": str(i), "q": ""} for i in range(3)] + [EN[0]]
    with pytest.raises(DataError, match=r"only 1 of 4 rows join.*no question"):
        load(spec(), folder_of(tmp_path, empty, FR))
    with pytest.raises(DataError, match="test has no row in en that can be used: fewer than two options in 2 of 2"):
        load(spec(options=["a"]), folder_of(tmp_path))
    (tmp_path / "en/test.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match=r"rivers: test has no row in en$"):
        load(spec(), tmp_path)


def test_special_languages(tmp_path: Path) -> None:
    rows_in(tmp_path, "en/test.jsonl", EN)
    theirs = [
        {"Frage": r["q"], "texts": [r["a"], r["b"], r["c"]], "right": "ABC"[r["gold"]], "id": r["id"]} for r in FR
    ]
    rows_in(tmp_path, "french/extra.jsonl", theirs)
    own = {"question": "Frage", "options": "texts", "answer": {"column": "right", "form": "letter"}}
    found = load(spec(special={"fr": {**own, "files": "french/extra"}}), tmp_path)
    assert read_back(found) == EXPECTED
    assert load(spec(special={"fr": {"key": "id"}}, languages={"en": "en", "fr": "en"}), tmp_path)[0].answer == 0


def test_splits_without_answers(tmp_path: Path) -> None:
    hidden = [{**r, "gold": -1} for r in EN]
    where = folder_of(tmp_path, hidden, [{k: v for k, v in r.items() if k != "gold"} for r in FR])
    found = load(spec(unlabelled=["test"]), where)
    assert read_back(found) == [(i, None, options) for i, _, options in EXPECTED]
    with pytest.raises(CalmError, match="has no gold answers"):
        require_labelled(found, "rivers test")
    with pytest.raises(DataError, match="gold is '-1'"):
        load(spec(), where)


def test_the_seeded_order_is_one_in_all_languages(tmp_path: Path) -> None:
    en = [{"id": str(i), "q": f"q{i}", "o": [f"en {k}" for k in range(5)]} for i in range(60)]
    fr = [{"id": str(i), "q": f"q{i}", "o": [f"fr {k}" for k in range(5)]} for i in range(60)]
    own = spec(options="o", answer={"form": "first"}, order="seeded")
    found = load(own, folder_of(tmp_path, en, fr))
    for q in found:
        digest = {k: hashlib.sha256(f"0|{q.id}|{k}".encode()).digest() for k in range(5)}
        order = sorted(digest, key=lambda k: digest[k])
        assert [v.options for v in q.versions.values()] == [[f"{x} {k}" for k in order] for x in ("en", "fr")]
        assert q.answer is not None and q.versions["fr"].options[q.answer] == "fr 0"
    counts = [sum(q.answer == k for q in found) for k in range(5)]
    assert min(counts) >= 4 and sum(counts) == 60
    assert load(own, tmp_path, "fr", "en")[7].answer == found[7].answer


def test_names_of_other_things(tmp_path: Path) -> None:
    """Milan is the answer of another question than Rome: its place in French holds another thing."""
    en = [["Rome", "Oslo"], ["Milan", "Rome"], ["Oslo", "Milan"], ["Rome", "Turin"]]
    fr = [["Rome", "Oslo"], ["Milan", "Rome"], ["Rome", "Milan"], ["Rome", "Nice"]]
    right = [0, 1, 1, 0]
    rows = {"en": list(zip(en, right, strict=True)), "fr": list(zip(fr, right, strict=True))}
    # Oslo, Turin and Nice are nowhere the right answer, and prove nothing.
    assert different_things(rows, pivot="en") == {}
    both = {x: [*own, (["Oslo", "Milan"], 0)] for x, own in rows.items()}
    assert different_things(both, pivot="en") == {2: ["fr"]}
    assert different_things(both, pivot="fr") == {2: ["en"]}
    for x, own in both.items():
        cells = [{"id": str(i), "q": "q", "o": list(o), "gold": k} for i, (o, k) in enumerate(own)]
        rows_in(tmp_path, f"{x}/test.jsonl", cells)
    joined = load_benchmark(spec(options="o", answers="names"), "test", languages=(), data_dir=str(tmp_path))
    assert [q.id for q in joined.questions] == [f"rivers-{i}" for i in (0, 1, 3, 4)]
    assert str(joined.repairs[0]) == (
        "rivers en: row 3: 1 question of 5 left out: options that name other things than in en (fr in 1)"
    )


# --- a user's own -----------------------------------------------------------------------------------------------------


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A spec beside the folders of its languages."""
    import yaml

    folder_of(tmp_path)
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump(SPEC, allow_unicode=True), encoding="utf-8")
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["data", *map(str, arguments)])


def test_a_users_own_spec(mine: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert read_back(load_questions("columns", spec=str(mine))) == EXPECTED
    assert list(load_questions("columns", spec=str(mine), languages=["fr", "en"])[0].versions) == ["fr", "en"]
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert len(load_questions("columns", spec=str(mine), data_dir=folder_of(elsewhere), limit=1)) == 1
    own = SOURCES["columns"].resolved({"spec": str(mine)})
    assert (own.languages, own.splits, own.available) == (("en", "fr"), ("test",), ("en", "fr"))
    for options, said in (
        ({}, "data source columns needs a spec: --spec, data.spec in a recipe"),
        ({"spec": "no.yaml"}, "no.yaml: no such file"),
        ({"spec": str(mine), "languages": ["en", "de"]}, "has no de; it has en, fr"),
        ({"spec": str(mine), "split": "dev"}, "has no split 'dev'; it has test"),
        ({"spec": str(mine), "path": "x"}, "has no option path; its options: data_dir, spec"),
    ):
        with pytest.raises(CalmError) as refused:
            load_joined("columns", **options)  # type: ignore[arg-type]
        assert said in str(refused.value)
    mine.write_text("name: [", encoding="utf-8")
    with pytest.raises(CalmError, match=r"my\.yaml"):
        load_joined("columns", spec=str(mine))


def test_a_users_own_spec_on_the_command_line(mine: Path, tmp_path: Path) -> None:
    shown = run("check", mine)
    assert shown.exit_code == 0 and f"{mine}:test: 2 questions" in shown.stdout
    assert "not compared with a train split: no train split of its own" in shown.stdout
    for arguments in (("columns", "--spec", mine), (mine,)):
        output = tmp_path / f"{len(arguments)}.jsonl"
        written = run("prepare", *arguments, "-o", output)
        assert written.exit_code == 0 and "2 questions in en, fr" in written.stderr
        assert read_back(list(read_jsonl(output, ParallelQuestion))) == EXPECTED
    compared = run("check", mine, "--against", mine, "--json")
    assert len(json.loads(compared.stdout)["overlap"]["exact"]["en"]) == 2
    for arguments, said in (
        (("check", tmp_path / "no.yaml"), "no.yaml: no such file"),
        (("check", mine, "--split", "dev"), "has no split 'dev'; it has test"),
        (("check", mine, "--spec", "x.yaml"), f"--spec x.yaml: {mine} is a spec already"),
        (("check", mine, "--data-dir", tmp_path / "no"), f"{tmp_path / 'no'}: no such folder"),
        (("check", mine, "--languages", "en,de"), "has no de"),
        (("check", "xcop"), "xcop: neither a data source (did you mean 'xcopa'?) nor a file"),
        (("prepare", "columns", "-o", tmp_path / "x.jsonl"), "data source columns needs a spec"),
        (("prepare", mine, "--split", "dev", "-o", tmp_path / "x.jsonl"), "has no split 'dev'"),
    ):
        refused = run(*arguments)
        assert isinstance(refused.exception, CalmError) and said in str(refused.exception)


def test_shuffled_options_in_one_language_are_reported(tmp_path: Path) -> None:
    questions = load_questions("babel", languages=["qaa", "qab", "qac"], limit=100)
    for x in ("qaa", "qab", "qac"):
        rows = []
        for i, q in enumerate(questions):
            options = list(q.versions[x].options)
            if (i, x) == (40, "qac"):
                a, b, *_ = [k for k in range(4) if k != q.answer]
                options[a], options[b] = options[b], options[a]
            rows.append({"id": q.id, "q": q.versions[x].question, "o": options, "gold": q.answer})
        rows_in(tmp_path, f"{x}/test.jsonl", rows)
    import yaml

    own = SPEC | {"languages": ["qaa", "qab", "qac"], "options": "o"}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own), encoding="utf-8")
    shown = run("check", tmp_path / "own.yaml")
    assert shown.exit_code == 0
    (line,) = [x for x in shown.stdout.split("\n") if "another order" in x]
    assert line.startswith(f"qac: rivers-{questions[40].id} seems to have its options in another order")


def test_a_recipe_with_columns(mine: Path) -> None:
    def recipe(**data: Any) -> Any:
        source = {"source": "columns", **data}
        evaluation = {"tasks": ["calm_babel_xl"]}
        return parse_recipe({"name": "x", "model": {"path": "babel"}, "data": source, "evaluation": evaluation})

    found = recipe(spec=str(mine), languages=["en", "fr"])
    assert found.data.load_options() == {"spec": str(mine), "data_dir": None}
    for data, said in (
        ({}, "data.spec: missing, data.source is columns"),
        ({"spec": "no.yaml"}, "data.spec: no.yaml: no such file"),
        ({"spec": str(mine), "split": "dev"}, f"data.split: {mine} has no split 'dev'; it has test"),
        ({"spec": str(mine), "args": {"spec": "x"}}, "data.args.spec: give data.spec instead"),
    ):
        with pytest.raises(RecipeError) as refused:
            recipe(**data)
        assert said in str(refused.value)


def test_ls_names_many_languages_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    shown = run("ls")
    (line,) = [x for x in shown.stdout.split("\n") if x.startswith("belebele")]
    assert "122, by default en zh hi es ar fr bn ru ja sw" in line
    assert len(shown.stdout.split("\n")) < 60
    table = json.loads(run("ls", "--json").stdout)
    assert len(table["belebele"]["available"]) == 122 and table["belebele"]["languages"][0] == "en"


def test_a_share_of_a_split_is_the_same_whatever_the_languages(tmp_path: Path) -> None:
    """Halves have no question in common and together are all; what belongs together is in one."""
    for code, row in (("en", EN[1]), ("fr", FR[0])):
        many = [{**row, "id": f"r{i}", "q": f"{code} {i}?", "subject": f"s{i // 2}"} for i in range(60)]
        rows_in(tmp_path, f"{code}/test.jsonl", many)
    splits = {"test": {}, "one": {"name": "test", "share": [0, 0.5]}, "two": {"name": "test", "share": [0.5, 1]}}
    halves = spec(splits=splits, together="subject")

    def ids(split: str, *languages: str) -> set[str]:
        return {q.id for q in load_benchmark(halves, split, languages=languages, data_dir=str(tmp_path)).questions}

    one, two = ids("one", "en", "fr"), ids("two", "en", "fr")
    assert one | two == ids("test", "en", "fr") and not one & two and min(len(one), len(two)) > 15
    assert ids("one", "fr") == one
    for half in (one, two):
        numbers = {int(x.removeprefix("rivers-r")) for x in half}
        assert all((n ^ 1) in numbers for n in numbers)
    with pytest.raises(DataError, match=r"from 0\.5 to 0\.5 is nothing"):
        spec(splits={"test": {"share": [0.5, 0.5]}})

    # Subjects are named in each language's own words: those of one language decide, also where it is not asked.
    rows_in(tmp_path, "fr/test.jsonl", [
        {**FR[0], "id": f"r{i}", "q": f"fr {i}?", "subject": f"sujet {i}"} for i in range(60)
    ])  # fmt: skip
    halves = spec(splits=splits, together="subject", together_in="en")
    assert ids("one", "fr") == ids("one", "fr", "en") == one and ids("two", "fr") == two
    with pytest.raises(DataError, match="together_in: de is not one of the languages"):
        spec(together="subject", together_in="de")


def test_a_split_of_some_keys(tmp_path: Path) -> None:
    folder_of(tmp_path)
    some = spec(
        splits={"test": {}, "rhine": {"name": "test", "keys": "r1$"}, "rest": {"name": "test", "keys": "(?!r1)"}}
    )
    assert [q.id for q in load(some, tmp_path, split="rhine")] == ["rivers-r1"]
    assert [q.id for q in load(some, tmp_path, split="rest")] == ["rivers-r2"]
    with pytest.raises(DataError, match=r"splits\.test\.keys: '\(' is no regular expression"):
        spec(splits={"test": {"keys": "("}})


def test_every_mistake_of_a_spec_is_named_at_once() -> None:
    """A misspelt key is missing under its right name and unknown under the other."""
    wrong = {("opions" if k == "options" else k): v for k, v in SPEC.items()}
    with pytest.raises(DataError, match=r"^my\.yaml: options: missing; opions: unknown key; did you mean options\?$"):
        parse_benchmark(wrong, "my.yaml")


def test_questions_that_were_prepared_beside_their_table_are_not_read_for_it(tmp_path: Path) -> None:
    """`data prepare q.yaml -o q.jsonl` once made the next `data check q.yaml` fail."""
    (tmp_path / "q.csv").write_text(
        "id,en,fr,a_en,b_en,a_fr,b_fr,right\nq1,Fish?,Poisson ?,sea,air,mer,ciel,A\nq2,Bird?,Oiseau ?,sea,air,mer,ciel,B\n"
    )
    (tmp_path / "q.yaml").write_text(
        "name: q\ntitle: Q, 2 options\nsplits: [test]\nlanguages: [en, fr]\nfiles: q\nsource_language: en\nkey: id\n"
        'question: "{{ row[code] }}"\noptions: ["{{ row[\'a_\' ~ code] }}", "{{ row[\'b_\' ~ code] }}"]\n'
        "answer: {column: right, form: letter}\n"
    )
    for _ in range(2):
        found = CliRunner().invoke(
            cli, ["data", "prepare", str(tmp_path / "q.yaml"), "-o", str(tmp_path / "q.jsonl"), "--force"],
            catch_exceptions=False,
        )  # fmt: skip
        assert found.exit_code == 0, found.output
    assert len((tmp_path / "q.jsonl").read_text().splitlines()) == 2
