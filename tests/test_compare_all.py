"""`calm-ext compare --all`: every two of several results, against `compare` of the two alone, and Holm's correction."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from calm_ext.cli.main import cli
from calm_ext.metrics.compare import compare
from calm_ext.metrics.stats import holm
from calm_ext.results.answers import read_answers
from tests.view_results import TASK, make_results, write_results

NAMES = ["alpha", "org/beta", "demo before", "demo after"]
FOLDERS = {"alpha": "alpha", "org/beta": "beta", "demo before": "runs/demo/eval/before",
           "demo after": "runs/demo/eval/after"}  # fmt: skip


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["compare", *map(str, arguments)])


@pytest.fixture(scope="module")
def results(make_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    return make_once("view_results", make_results)


@pytest.fixture(scope="module")
def table(results: Path) -> dict[str, Any]:
    done = run("--all", results / "alpha", results / "beta", results / "runs/demo", "--resamples", 500, "--json")
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.stdout)["tables"]
    assert isinstance(found, dict)
    return found


def test_every_two_are_compared_in_the_order_given(table: dict[str, Any]) -> None:
    assert table["task"] == TASK
    assert table["results"] == NAMES
    assert [(p["first"], p["second"]) for p in table["pairs"]] == list(itertools.combinations(NAMES, 2))


def test_a_pair_is_what_compare_says_of_the_two_alone(table: dict[str, Any], results: Path) -> None:
    for pair in (table["pairs"][0], table["pairs"][-1]):
        sides = [read_answers([results / FOLDERS[pair[side]]]) for side in ("first", "second")]
        changes = compare(*sides, resamples=500).changes
        for metric in ("acc", "consistency", "all_correct", "consistency_wrong", "answered", "acc_fr"):
            found, wanted = pair["metrics"][metric], changes[metric]
            assert found["first"] == pytest.approx(wanted.before)
            assert found["second"] == pytest.approx(wanted.after)
            assert found["difference"] == pytest.approx(wanted.difference)
            assert found["ci95"] == pytest.approx(wanted.ci95)
            assert found["p"] == pytest.approx(wanted.p), metric


def test_p_is_corrected_over_the_pairs_and_of_languages_over_these_too(table: dict[str, Any]) -> None:
    def p(metric: str, key: str) -> list[float]:
        return [pair["metrics"][metric][key] for pair in table["pairs"]]

    for metric in ("acc", "consistency", "all_agree"):
        assert p(metric, "p_holm") == pytest.approx(holm(p(metric, "p")))
    languages = [f"acc_{x}" for x in table["languages"]]
    together = holm([x for m in languages for x in p(m, "p")])
    assert [x for m in languages for x in p(m, "p_holm")] == pytest.approx(together)
    assert p("acc", "p_holm") != pytest.approx(p("acc", "p"))


def test_one_table_on_a_terminal(results: Path) -> None:
    shown = run("--all", results / "alpha", results / "beta", results / "runs/demo", "--resamples", 500)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.count("p (Holm) ") == 2, "one head, and the sentence below"
    assert "demo before → demo after" in " ".join(shown.stdout.split())
    assert "corrected over the 6 pairs of a metric" in " ".join(shown.stdout.split())


def test_clusters_count_in_place_of_questions(results: Path) -> None:
    key = "id:^(...)"
    paths = [results / "alpha", results / "beta", results / "evil"]
    done = run("--all", *paths, "--cluster", key, "--resamples", 500, "--json")
    (found,) = json.loads(done.stdout)["tables"]
    sides = [read_answers([p], cluster=key) for p in paths[:2]]
    wanted = compare(*sides, resamples=500).changes["acc"]
    pair = found["pairs"][0]["metrics"]["acc"]
    assert found["n_clusters"] == 2
    assert (pair["p"], pair["ci95"]) == (pytest.approx(wanted.p), pytest.approx(wanted.ci95))


def test_what_has_no_partner_is_said(results: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    write_results(few, model="few", skill=0.5, questions=9, languages=2, seed=1)
    alone = run("--all", few, results / "alpha")
    assert alone.exit_code != 0
    said = str(alone.exception)
    assert said.startswith("no two results can be compared; there are ") and "few, " in said and "alpha, " in said
    some = run("--all", few, results / "alpha", results / "beta", results / "bare", "--resamples", 200)
    assert some.exit_code == 0
    assert "note: few: compared with nothing" in some.stderr and "note: org/bare: compared with nothing" in some.stderr


def test_other_versions_are_refused_unless_allowed(results: Path, tmp_path: Path) -> None:
    write_results(tmp_path, model="old", skill=0.5, questions=60, languages=10, characters=120, seed=0)
    for path in tmp_path.glob("*"):
        path.write_text(path.read_text(encoding="utf-8").replace("calm-ext:0.1.0", "calm-ext:0.0.9"), encoding="utf-8")
    new = tmp_path.parent / "new"
    write_results(new, model="new", skill=0.5, questions=60, languages=10, characters=120, seed=1)
    refused = run("--all", tmp_path, new)
    assert "scored by different versions of calm-ext (0.0.9, 0.1.0)" in str(refused.exception)
    assert run("--all", tmp_path, new, "--mixed-versions", "--resamples", 200).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a", "b", "c"], "c: compare takes two, BEFORE and AFTER; --all compares every two of more"),
        (["a"], "Missing argument 'AFTER'"),
        (["--all"], "Missing argument 'PATH…'"),
        (["--all", "a", "b", "--passages"], "--all has no --passages"),
        (["--all", "a", "b", "--unlabelled", "skip"], "--all has no --unlabelled skip"),
    ],
)
def test_a_wrong_command_is_one_line(arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert said in done.output


def test_names_are_those_of_the_leaderboard_and_the_view(results: Path, table: dict[str, Any], tmp_path: Path) -> None:
    given = [results / "alpha", results / "beta", results / "runs/demo"]
    board = CliRunner().invoke(cli, ["leaderboard", *map(str, given), "--json"])
    named = {m["model"] for t in json.loads(board.stdout)["tables"] for m in t["models"]}
    assert named == set(table["results"])
    made = CliRunner().invoke(cli, ["view", *map(str, given), "-o", str(tmp_path / "view")])
    assert made.exit_code == 0
    rows = (tmp_path / "view/data/0/rows-0.js").read_text(encoding="utf-8")
    assert {row["label"] for row in json.loads(rows.partition(",")[2][:-3])} == named
    two = run(results / "runs/demo/eval/before", results / "runs/demo/eval/after", "--resamples", 200)
    assert two.stdout.startswith("demo before → demo after: 60 questions in ")
