"""The view's files: answers and texts against the samples, sizes, folders, names, and nothing of the user's machine."""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from calm_ext.cli.main import cli
from calm_ext.errors import CalmError
from calm_ext.metrics.measure import measure
from calm_ext.report.view.parts import Parts, cut
from calm_ext.results.answers import read_answers
from tests.test_report import make_answers, make_questions, write_evaluation
from tests.view_results import (
    EVIL_ID,
    HOSTILE,
    LANGUAGES,
    LONG,
    OTHER,
    TASK,
    N,
    answers_of,
    manifest,
    whole,
    write_results,
)  # fmt: skip

MOST = 500_000


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["view", *map(str, arguments)])


def table(folder: Path, number: int = 0) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    found = manifest(folder)["tables"][number]
    return found, whole(folder, f"{number}/rows", found["starts"]["rows"])


@pytest.fixture(scope="module")
def results(view_results: Path) -> Path:
    return view_results


@pytest.fixture(scope="module")
def view(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("view") / "view"
    done = invoke(results, "-o", folder, "--publish")
    assert done.exit_code == 0, done.output
    return folder


def test_answers_are_those_of_the_samples(view: Path, results: Path) -> None:
    t, rows = table(view)
    places = {
        "alpha": "alpha",
        "org/beta": "beta",
        "demo before": "runs/demo/eval/before",
        "demo after": "runs/demo/eval/after",
    }
    heads = whole(view, "0/heads", t["starts"]["heads"])
    across = whole(view, "0/across", t["starts"]["across"])
    assert t["key"] == TASK
    assert t["languages"] == list(LANGUAGES)
    assert len(rows) == 6
    for at, row in enumerate(rows):
        if row["label"] not in places:
            continue
        answers, gold = answers_of(results / places[row["label"]])
        found = whole(view, f"0/answers/{at}", row["answers"])
        wanted = {q: [-1 if own[x] is None else own[x] for x in LANGUAGES] for q, own in answers.items()}
        assert {h[0]: own for h, own in zip(heads, found, strict=True)} == wanted
        assert {h[0]: h[1] for h in heads} == gold
        assert [own[at] for own in across] == found
    bare = next(i for i, r in enumerate(rows) if r["label"] == "org/bare")
    assert rows[bare]["answers"] == rows[bare]["said"] == 0
    assert all(own[bare] == 0 for own in across)


def test_values_and_chance_are_those_of_metrics(view: Path, results: Path) -> None:
    t, rows = table(view)
    wanted = measure(read_answers([results / "beta"]))
    row = next(r for r in rows if r["label"] == "org/beta")
    for column, value in zip(t["columns"], row["values"], strict=True):
        expected = wanted.metrics[column["key"]]
        assert value is None if math.isnan(expected) else value == pytest.approx(expected, abs=1e-4), column
    ci = dict(zip([c["key"] for c in t["columns"]], row["ci"], strict=True))
    assert ci["consistency"] == pytest.approx(wanted.ci95["consistency"], abs=1e-4)
    assert t["chance"] == pytest.approx(wanted.chance["consistency"])
    assert t["pivot"] == "en"


def test_texts_are_whole_or_say_how_much_is_cut(view: Path) -> None:
    t, rows = table(view)
    texts = whole(view, "0/texts", t["starts"]["texts"])
    heads = whole(view, "0/heads", t["starts"]["heads"])
    for i in (0, 1, 2, 3, 5):
        evil = HOSTILE[i % len(HOSTILE)]
        assert texts[i]["q"][1] == f"{evil} zh question {i}"
        assert texts[i]["o"][2][1] == f"{evil} option 1 fr"
    assert texts[4]["q"][0].startswith("\u202eright to left\u2066\u200f \u2028 \u2029 en question")
    shown, left_out = texts[5]["q"][-1]
    assert LONG.startswith(shown)
    assert len(shown) + left_out == len(LONG.strip())
    assert heads[7][0] == EVIL_ID
    at = next(i for i, r in enumerate(rows) if r["label"] == "alpha")
    said = whole(view, f"0/said/{at}", rows[at]["said"])
    assert said[3][0].startswith(f"{HOSTILE[3]} wrote 3\n")
    assert "Answer: " in said[3][0]


def test_nothing_of_the_users_machine_is_published(view: Path, results: Path) -> None:
    home, here = Path.home(), Path.cwd()
    for path in [p for p in view.rglob("*") if p.is_file()]:
        text = path.read_text(encoding="utf-8")
        for place in (str(results), str(results.parent), str(here), f"{home}/", "/home/somebody"):
            assert place not in text, (path, place)
    assert {"alpha", "demo before", "demo after"} <= {r["label"] for r in table(view)[1]}


def test_the_leaderboards_files_name_no_place_of_the_machine(results: Path, tmp_path: Path) -> None:
    broken = tmp_path / "in/broken"
    broken.mkdir(parents=True)
    (broken / "results_x.json").write_text("{")
    write_results(tmp_path / "in/copy", model="/home/somebody/models/alpha", skill=0.5, questions=9, languages=2)
    shutil.copytree(tmp_path / "in/copy", tmp_path / "in/again")
    done = CliRunner().invoke(cli, ["leaderboard", str(tmp_path / "in"), "-o", str(tmp_path / "site")])
    assert done.exit_code == 0, done.output
    for path in (tmp_path / "site").iterdir():
        text = path.read_text(encoding="utf-8")
        assert str(tmp_path) not in text, path
        assert "/home/somebody" not in text, path
        assert path.suffix == ".csv" or "in/broken/results" in text.replace("\\", "")
        assert path.suffix == ".csv" or "is a copy of in/again/results" in text.replace("\\", "")


def test_a_space_can_be_made_of_it(view: Path, tmp_path: Path, results: Path) -> None:
    readme = (view / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(readme.split("---")[1])
    assert head["sdk"] == "static"
    assert head["app_file"] == "index.html"
    assert len(head["title"]) <= 96
    assert "<img" not in readme
    assert OTHER in readme.replace("\\", "")
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / ".git").mkdir()
    done = invoke(results / "beta", "-o", tmp_path, "--publish")
    assert done.exit_code == 0, "a clone of an empty Space"
    assert "README.md was there and was left alone" in done.stderr
    assert (tmp_path / "README.md").read_text() == "mine"
    assert (tmp_path / ".git").is_dir()


def test_only_a_view_is_replaced(results: Path, tmp_path: Path) -> None:
    for name, content in (("index.html", "mine"), ("notes.txt", "mine")):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).write_text(content)
        done = invoke(results / "beta", "-o", folder)
        assert isinstance(done.exception, CalmError)
        assert f"is not a view (it has {name})" in str(done.exception)
        assert [p.name for p in folder.iterdir()] == [name]
    for target in (tmp_path / "page.html", tmp_path / "notes/notes.txt"):
        assert "name a folder" in str(invoke(results / "beta", "-o", target).exception)
    folder = tmp_path / "view"
    invoke(results / "other", "-o", folder)
    more = sorted(p.relative_to(folder) for p in folder.rglob("*"))
    invoke(results / "bare", "-o", folder)
    assert manifest(folder)["tables"][0]["key"] == TASK
    assert len(list(folder.rglob("*"))) < len(more), "what the old one had is gone"
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]


def test_models_get_the_names_that_are_given(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(results)
    names = ["--name", "alpha=The = first", "--name", "runs/demo=Mine", "--name", "runs/demo/eval/after=Best"]
    done = invoke(".", "--task", TASK, "-o", tmp_path / "view", *names, "--json")
    assert done.exit_code == 0, done.output
    labels = {r["label"] for r in table(tmp_path / "view")[1]}
    assert {"The = first", "Mine before", "Best", "org/beta"} <= labels
    printed = json.loads(done.stdout)
    assert printed["tables"][0]["n"] == N
    assert printed["tables"][0]["entries"] == 6
    board = CliRunner().invoke(cli, ["leaderboard", ".", "--task", TASK, "--json", *names])
    assert {m["model"] for m in json.loads(board.stdout)["tables"][0]["models"]} >= {
        "The = first",
        "Mine before",
        "Best",
    }
    for given, said in (
        (["--name", "nowhere=X"], "nowhere=X: there are no results of the board there"),
        (["--name", "X"], "PATH=NAME was expected"),
        (["--name", "alpha=A", "--name", "alpha=B"], "alpha is given twice, A and B"),
    ):
        refused = invoke(".", "-o", tmp_path / "view", *given)
        assert refused.exit_code != 0
        assert said in refused.output + str(refused.exception)


def test_answers_that_were_not_kept_are_read_again(results: Path, tmp_path: Path) -> None:
    """Samples of old versions have no answers beside their metrics."""
    shutil.copytree(results / "other/beta", tmp_path / "in")
    (samples,) = (tmp_path / "in").glob("samples_*")
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    wanted = [[-1 if a is None else a for a in row["kappa"].values()] for row in rows]
    for row in rows:
        row["metrics"].remove("kappa")
        del row["kappa"]
    samples.write_text("".join(json.dumps(r) + "\n" for r in rows))
    assert invoke(tmp_path / "in", "-o", tmp_path / "view").exit_code == 0
    _, (row,) = table(tmp_path / "view")
    assert whole(tmp_path / "view", "0/answers/0", row["answers"]) == wanted


def test_one_task_in_two_settings_is_two_tables(tmp_path: Path) -> None:
    questions = make_questions(8, ["en", "fr"], "t")
    for name, n_shot in (("a", 0), ("b", 0), ("c", 3)):
        answers = make_answers(questions, {"en": 0.9, "fr": 0.4}, ord(name))
        write_evaluation(tmp_path / "in" / name, {"toy_xl": (questions, answers)}, model=name, n_shot=n_shot)
    assert invoke(tmp_path / "in", "-o", tmp_path / "view").exit_code == 0
    assert [(t["key"], t["entries"]) for t in manifest(tmp_path / "view")["tables"]] == [("toy_xl", 2), ("toy_xl~2", 1)]


def test_logs_of_other_tasks_are_shown_with_their_prompts(tmp_path: Path) -> None:
    from tests.test_logs import line, write

    for x in ("en", "fr"):
        write(tmp_path / "in", f"mine_{x}", [line(i, (i + (x == "fr")) % 3) for i in range(6)])
    done = invoke(tmp_path / "in", "--language-from", "task:mine_(.+)", "--key", "doc.id", "-o", tmp_path / "view")
    assert done.exit_code == 0, done.output
    t, (row,) = table(tmp_path / "view")
    assert whole(tmp_path / "view", "0/answers/0", row["answers"])[4] == [1, 2]
    text = whole(tmp_path / "view", "0/texts", t["starts"]["texts"])[4]
    assert text["q"] == ['"arg_1": "no" 4'] * 2
    assert text["o"] == [["option 0", "option 1", "option 2"]] * 2
    assert t["chance"] == pytest.approx(1 / 3, abs=1e-4)
    assert row["said"] == 0


def test_a_list_is_cut_into_parts_that_fit(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "data", "0/texts", most=3)
    for i in range(8):
        parts.add_fitting(lambda n, i=i: [cut(f"{i}" * (900_000 if i == 4 else 150_000), n)] * 2, 150_000)
    starts = parts.close()
    items = whole(tmp_path, "0/texts", starts)
    assert [item[0][0] if isinstance(item[0], str) else item[0][0][0] for item in items] == list("01234567")
    assert all(p.stat().st_size < MOST for p in tmp_path.rglob("*.js"))
    assert starts == [0, 1, 2, 3, 4, 5, 6, 7]
    assert items[4][0] == ["4" * 150_000, 750_000]
    huge = Parts(tmp_path / "data", "0/heads")
    huge.add_fitting(lambda n: [cut("水" * 900_000, n)] * 9, 4_000_000)
    assert huge.close() == [0]
    ((text, left_out), *_) = whole(tmp_path, "0/heads", [0])[0]
    assert len(text) + left_out == 900_000
    assert max(p.stat().st_size for p in tmp_path.rglob("*.js")) < MOST


def test_broken_samples_cost_the_answers_of_one_model_only(results: Path, tmp_path: Path) -> None:
    """Metrics are read from the end of a line, so a broken middle is found only here."""
    for name in ("alpha", "beta"):
        shutil.copytree(results / name, tmp_path / "in" / name)
    (samples,) = (tmp_path / "in/beta").glob("samples_*")
    samples.write_text(samples.read_text().replace('"filtered_resps": [', '"filtered_resps": [0, '))
    done = invoke(tmp_path / "in", "-o", tmp_path / "view")
    assert done.exit_code == 0, done.output
    where = f"in/beta/{samples.name}:1"
    assert f"note: org/beta: its answers cannot be shown: {where}: 11 responses for 10 languages" in done.stderr
    assert f"{where}: 11 responses" in (tmp_path / "view/index.html").read_text()
    assert [r["label"] for r in table(tmp_path / "view")[1] if r["answers"]] == ["alpha"]
    assert invoke(tmp_path / "in", "-o", tmp_path / "view", "--responses", "0").exit_code == 0
    assert all(r["answers"] and not r["said"] for r in table(tmp_path / "view")[1]), "no response is read"


def test_many_models_stay_in_small_parts(tmp_path: Path) -> None:
    """40 models of 60 questions in ten languages; benchmarks/view_size.py writes 200 of 1,000."""
    first = write_results(tmp_path / "in/m000", model="org/m000", skill=0.5, questions=60, languages=10, characters=900)
    (samples,) = first.parent.glob("samples_*")
    for i in range(1, 40):
        folder = tmp_path / f"in/m{i:03d}"
        folder.mkdir()
        os.link(samples, folder / samples.name)
        (folder / first.name).write_text(first.read_text().replace("org/m000", f"org/m{i:03d}"))
    done = invoke(tmp_path / "in", "-o", tmp_path / "view", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["tables"][0]["entries"] == 40
    sizes = {p.relative_to(tmp_path / "view"): p.stat().st_size for p in (tmp_path / "view").rglob("*.js")}
    assert max(sizes.values()) < MOST, max(sizes, key=sizes.__getitem__)
    assert (tmp_path / "view/index.html").stat().st_size < 20_000, "it does not grow with models or questions"
    assert len([p for p in sizes if "said" in p.parts]) == 40, "a file for what each model wrote"
    t, _ = table(tmp_path / "view")
    assert len(whole(tmp_path / "view", "0/across", t["starts"]["across"])) == 60
