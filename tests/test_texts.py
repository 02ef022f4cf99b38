"""What people write: a key that comes twice in YAML or JSON, and places that cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from calm_ext.errors import CalmError, DataError, RecipeError
from calm_ext.files.places import make_folder, writable_folder
from calm_ext.files.texts import read_object, read_yaml
from calm_ext.files.writing import atomic_write
from calm_ext.jsonl import Appender
from calm_ext.pipeline.recipe import load_recipe
from calm_ext.results.files import read_recipe
from tests.shell import calm
from tests.test_cli import GENERATION, RECIPE

TWICE = RECIPE + "training:\n  beta: 0.3\ntraining:\n  epochs: 1\n"


def test_a_section_twice_in_a_recipe(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(TWICE)
    first = RECIPE.count("\n") + 1
    said = rf"r\.yaml:{first + 2}: the key 'training' comes twice \(before in line {first}\)"
    with pytest.raises(RecipeError, match=said):
        load_recipe(path)
    with pytest.raises(DataError, match=said):
        read_recipe(path)
    path.write_text(RECIPE)
    with pytest.raises(RecipeError, match="the key 'a' comes twice"):
        load_recipe(path, overrides=["evaluation.metadata={a: 1, a: 2}"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "f:4: the key 'c' comes twice (before in line 3)"),
        ("- {x: 1, x: 1}", "f:1: the key 'x' comes twice (before in line 1)"),
        ("1: a\n0x1: b\n", "f:2: the key 1 comes twice (before in line 1)"),
        ("a: 1\n\tb: 2\n", "f:2: not YAML ("),
        ("a: [1\n", "f:2: not YAML ("),
        ("? [1]\n: 2\n", "f:1: not YAML ("),
        ("a: \x00", "f: not YAML ("),
    ],
)
def test_yaml_that_cannot_be_used_is_one_line(text: str, said: str) -> None:
    with pytest.raises(DataError) as error:
        read_yaml(text, "f")
    assert str(error.value).startswith(said) and "\n" not in str(error.value)


def test_yaml_that_can() -> None:
    assert read_yaml("a: &x {b: 1}\nc: {<<: *x, b: 2}\n", "f") == {"a": {"b": 1}, "c": {"b": 2}}
    assert read_yaml("", "f") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "m: a JSON object was expected"),
        ("null", "m: a JSON object was expected"),
        ("{", "m is not JSON"),
        ('{"a": 1, "a": 2}', "m: the key 'a' comes twice"),
        ("[" * 100_000, "m: "),
    ],
)
def test_an_object_that_cannot_be_used(text: str, said: str) -> None:
    with pytest.raises(DataError) as error:
        read_object(text, "m")
    assert str(error.value).startswith(said) and "\n" not in str(error.value)


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    for call in (make_folder, lambda p: atomic_write(p / "x", ""), lambda p: Appender(p / "x")):
        for place in (tmp_path / "f/deep", Path("/proc/nowhere")):
            with pytest.raises(CalmError, match=r"the folder cannot be made \(.*\); name another place") as error:
                call(place)
            assert "\n" not in str(error.value)
    with pytest.raises(CalmError, match="f: is a file, a folder was expected"):
        writable_folder(tmp_path / "f")
    with pytest.raises(CalmError, match="is a directory, a file was"):
        Appender(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        ["vote", "g.jsonl", "-o", "f/b.jsonl"],
        ["data", "prepare", "sample", "-o", "f/q.jsonl"],
        ["data", "import-generations", "x_en.json", "-o", "f/g.jsonl"],
        ["recipes", "cp", "demo", "f/r.yaml"],
        ["eval", "--model", "babel", "--tasks", "calm_babel_xl", "-o", "f/e"],
        ["eval", "--model", "babel", "--tasks", "calm_babel_xl", "-o", "f"],
        ["eval", "--model", "nowhere", "--tasks", "calm_nope2", "-o", "e"],
        ["eval", "--model", "nowhere", "--tasks", "calm_nope", "-o", "e"],
        ["eval", "--model", "nowhere", "--tasks", "calm_babel_xl", "-o", "e", "--metadata", "[1]"],
        ["train", "p.jsonl", "-o", "f", "--model", "m"],
        ["train", "p.jsonl", "-o", "f/t", "--model", "m"],
        ["train", "p.jsonl", "-o", "t", "--model", "m", "--heldout", "q.jsonl"],
        ["train", "p.jsonl", "-o", "t", "--model", "m", "--heldout-generations", "g.jsonl"],
        ["vote", "g.jsonl", "--weight", "en=1", "--weight", "en=2"],
        ["recipes", "validate", "r.yaml"],
        ["data", "check", "q.jsonl", "--set", "a=1"],
        ["data", "check", "q.jsonl", "--data-dir", "."],
    ],
)
def test_a_mistake_is_one_line_and_exit_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    row = '[{"instruction": "x", "input": "?\\nA. a\\nB. b", "output": "A", "pred": ["A"]}]'
    for name, text in {"f": "mine", "g.jsonl": GENERATION, "x_en.json": row, "r.yaml": TWICE}.items():
        Path(name).write_text(text)
    Path("q.jsonl").write_text('{"id": "q", "versions": {"en": {"question": "?", "options": ["a", "b"]}}}\n')
    code, _, told = calm(*arguments)
    assert code == 2, told
    assert "Traceback" not in told
    lines = [x for x in told.splitlines() if x and not x.startswith(("Usage", "Try"))]
    assert len(lines) == 1, told
    assert Path("f").read_text() == "mine"
