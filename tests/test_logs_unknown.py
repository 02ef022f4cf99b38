"""Logs of tasks that no family knows: what is said of them, and how they are joined."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from calm_ext.errors import CalmError, DataError
from calm_ext.languages.codes import language_called
from calm_ext.metrics.measure import measure
from calm_ext.results.answers import read_answers
from calm_ext.results.folders import language_pattern
from calm_ext.results.log_options import LogOptions
from tests.test_logs import NEW, OLD, Row, line, run, write

ROWS = "joined by the number of their row"


@pytest.mark.parametrize(
    ("tasks", "pattern"),
    [
        (["sums_direct_swa_prompt_1", "sums_direct_fra_prompt_1"], "task:sums_direct_(.+)_prompt_1"),
        (["quiz_de", "quiz_sw", "quiz_zho_Hans"], "task:quiz_(.+)"),
        (["exam_44_french_law", "exam_44_greek_law"], "task:exam_44_(.+)_law"),
        (["exam_44_french_law", "exam_44_french_art", "exam_44_greek_law"],
         "task:exam_44_(?P<language>[^_]+)_(?P<part>.+)"),
        (["arc_easy", "arc_challenge"], ""),
        (["quiz_de", "other_fr"], ""),
        (["quiz_de"], ""),
    ],
)  # fmt: skip
def test_a_pattern_is_found_in_names(tasks: list[str], pattern: str) -> None:
    assert language_pattern(tasks) == pattern


def test_names_of_languages_are_understood() -> None:
    assert [language_called(x) for x in ("swa", "hindi", "Greek", "zh_cn", "stem", "french_law")] == [
        "sw", "hi", "el", "zh", None, None,
    ]  # fmt: skip


def test_the_pattern_is_said_and_works(tmp_path: Path) -> None:
    for model in ("a", "b"):
        write(tmp_path / model, "exam_french_v1", [line(i, 0) for i in range(6)], model_name=model)
        write(tmp_path / model, "exam_hindi_v1", [line(i, i % 2) for i in range(6)], model_name=model)
    for verb, folder in (("metrics", tmp_path / "a"), ("leaderboard", tmp_path), ("view", tmp_path)):
        done = run(verb, folder, *(["-o", tmp_path / "page"] if verb == "view" else []))
        said = f"{done.output} {done.exception}"
        assert done.exit_code and "--language-from 'task:exam_(.+)_v1'" in said, (verb, said)
    done = run("metrics", tmp_path / "a", "--language-from", "task:exam_(.+)_v1", "--json")
    assert json.loads(done.stdout)["metrics"]["acc_hi"] == 0.5
    assert measure(
        read_answers([tmp_path / "a"], logs=LogOptions(language_from="task:exam_(.+)_v1", languages=["hindi", "fr"])),
        resamples=100,
    ).metrics["consistency"] == pytest.approx(0.5)  # fmt: skip


def test_rows_as_a_key_are_said_where_nobody_chose_them(tmp_path: Path) -> None:
    for x in ("en", "fr"):
        write(tmp_path, f"mine_{x}", [line(i, 0) for i in range(6)])
    described = LogOptions(language_from="task:mine_(.+)")
    assert any(ROWS in note for note in read_answers([tmp_path], logs=described).notes)
    for key in ("doc_id", "doc.id"):
        assert not any(ROWS in note for note in read_answers([tmp_path], logs=described.replace(key=[key])).notes)
    board = run("leaderboard", tmp_path, "--language-from", "task:mine_(.+)")
    assert board.exit_code == 0 and ROWS not in board.output


def test_a_text_that_was_scored_alone(tmp_path: Path) -> None:
    def word(i: int, right: bool) -> Row:
        said = [["-2.5", str(right)]]
        arguments = {"gen_args_0": {"arg_0": "The last word is", "arg_1": f" word{i}"}}
        return line(
            i, 0, target=f" word{i}", arguments=arguments, resps=[said], filtered_resps=said, acc=float(right),
            metrics=["perplexity", "acc"], perplexity=-2.5,
        )  # fmt: skip

    write(tmp_path, "last_en", [word(i, i < 4) for i in range(6)])
    write(tmp_path, "last_fr", [word(i, i < 2) for i in range(6)])
    given = LogOptions(language_from="task:last_(.+)")
    with pytest.raises(DataError, match=r"one text was scored and there are no options.*--answer-from acc"):
        read_answers([tmp_path], logs=given)
    found = measure(read_answers([tmp_path], logs=given.replace(answer_from="acc")), resamples=100)
    metrics = found.metrics
    assert metrics["acc_en"] == pytest.approx(4 / 6) and metrics["acc_fr"] == pytest.approx(2 / 6)
    assert metrics["consistency"] == pytest.approx(4 / 6)
    assert found.chance == {}, "right or wrong is no choice of two options"
    asked = ["--language-from", "task:last_(.+)", "--answer-from", "acc"]
    assert run("view", tmp_path, *asked, "-o", tmp_path / "page").exit_code == 0
    page = (tmp_path / "page/index.html").read_text(encoding="utf-8")
    assert '"chance":null' in page
    done = run("leaderboard", tmp_path, *asked)
    assert done.exit_code == 0 and "guess" not in done.output and "chance" not in done.output


def test_options_that_stand_before_one_text(tmp_path: Path) -> None:
    def blank(i: int, answer: int) -> Row:
        requests = {f"gen_args_{k}": {"arg_0": f"It is option {k}", "arg_1": " that is meant"} for k in range(2)}
        right = i % 2
        doc = {"id": f"q{i}", "answer": str(right + 1)}
        return line(i, answer, n=2, arguments=requests, target="that is meant", doc=doc, acc=float(answer == right))

    for x, answer in (("en", 0), ("fr", 1)):
        write(tmp_path, f"gap_{x}", [blank(i, answer) for i in range(6)])
    given = LogOptions(language_from="task:gap_(.+)", key=["doc.id"])
    with pytest.raises(DataError, match=r"stand before one text.*--target"):
        read_answers([tmp_path], logs=given)
    found = read_answers([tmp_path], logs=given.replace(target="doc.answer", form="one_based"))
    assert measure(found, resamples=100).metrics["acc"] == 0.5


def test_a_later_run_with_a_limit_is_named(tmp_path: Path) -> None:
    for x in ("en", "fr"):
        write(tmp_path, f"mine_{x}", [line(i, 0) for i in range(9)], stamp=OLD)
    config = {"model_args": {"pretrained": "org/m"}, "limit": 3.0}
    write(tmp_path, "mine_en", [line(i, 0) for i in range(3)], stamp=NEW, config=config)
    with pytest.raises(CalmError) as error:
        read_answers([tmp_path], logs=LogOptions(language_from="task:mine_(.+)", key=["doc.id"]))
    assert "only 3 of 9 questions" in str(error.value) and "different limits" in str(error.value)
    assert "1 older samples" in str(error.value) and "\n" not in str(error.value)
