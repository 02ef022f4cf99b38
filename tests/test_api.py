"""The Python interface: the same numbers as the verbs, from every kind of table, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import pandas as pd
import pytest

import calm_ext
from calm_ext import build_pairs, compare, read_answer, score, vote
from calm_ext.errors import CalmError, DataError, RecipeError
from calm_ext.jsonl import write_jsonl
from calm_ext.records import Generation, Pair

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = {"en": ["air", "water", "sand"], "fr": ["air", "eau", "sable"], "de": ["Luft", "Wasser", "Sand"]}
CUES = {"en": "Answer:", "fr": "Réponse :", "de": "Antwort:"}


def samples(n: int = 12) -> list[dict[str, Any]]:
    """Questions whose right answer is B; German is wrong in every third one."""
    return [
        {
            "id": f"q{i}", "language": x, "source_language": "en", "question": f"Question {i}?", "options": options,
            "answer": 1, "responses": [f"{CUES[x]} {'A' if x == 'de' and i % 3 == 0 else 'B'}", f"{CUES[x]} B"],
        }
        for i in range(n)
        for x, options in OPTIONS.items()
    ]  # fmt: skip


def long_rows() -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "responses"} | {"response": r} for row in samples()
            for r in row["responses"]]  # fmt: skip


def test_every_kind_of_table_gives_the_same_votes() -> None:
    expected = vote(samples(), rule="majority")
    assert [b.winner for b in expected] == [1] * 12
    assert expected.summary["accuracy"] == 1.0
    records = [Generation(prompt="?", **row) for row in samples()]
    for given in (
        long_rows(), records, iter(samples()), pd.DataFrame(samples()), pd.DataFrame(long_rows()),
        datasets.Dataset.from_list(samples()), datasets.Dataset.from_list(long_rows()),
    ):  # fmt: skip
        found = vote(given, rule="majority")
        assert found.to_dicts() == expected.to_dicts(), type(given)


def test_votes_and_pairs_are_those_of_the_verbs(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from calm_ext.cli.main import cli
    from calm_ext.jsonl import read_jsonl
    from calm_ext.records import Ballot

    votes = vote(samples(), rule="majority", min_margin=0.1)
    write_jsonl(tmp_path / "g.jsonl", votes.samples)
    for arguments in (
        ["vote", "g.jsonl", "-o", "b.jsonl", "--rule", "majority", "--min-margin", "0.1"],
        ["pairs", "b.jsonl", "g.jsonl", "-o", "p.jsonl"],
    ):
        paths = [str(tmp_path / a) if a.endswith(".jsonl") else a for a in arguments]
        result = CliRunner().invoke(cli, paths)
        assert result.exit_code == 0, result.output
    assert list(read_jsonl(tmp_path / "b.jsonl", Ballot)) == votes.ballots
    assert list(read_jsonl(tmp_path / "p.jsonl", Pair)) == build_pairs(votes).pairs
    assert {p.language for p in build_pairs(votes, anchors="none")} == {"de"}
    assert {p.language for p in build_pairs(votes) if p.is_anchor} == {"en", "fr", "de"}


def test_pairs_are_what_trl_takes() -> None:
    from trl.data_utils import is_conversational

    rows = build_pairs(vote(samples(), rule="majority"), anchors="none").to_trl()
    assert rows.column_names == ["prompt", "chosen", "rejected"] and len(rows) == 4
    assert not is_conversational(rows[0])
    assert rows[0]["prompt"].endswith("Erklärung:") and rows[0]["rejected"].strip() == "Antwort: A"
    chats = [{**row, "prompt": [{"role": "user", "content": row["question"]}]} for row in samples()]
    assert is_conversational(build_pairs(vote(chats, rule="majority")).to_trl()[0])


def test_scores_from_predictions_long_rows_and_samples() -> None:
    whole = [{"id": f"q{i}", "answer": 1, "predictions": {"en": 1, "fr": None if i % 2 else 0}} for i in range(8)]
    long = [
        {"id": row["id"], "answer": 1, "language": x, "prediction": p}
        for row in whole
        for x, p in row["predictions"].items()  # type: ignore[attr-defined]
    ]
    expected = score(whole).measured
    assert expected.metrics["acc"] == 0.5 and expected.metrics["answered"] == 0.75
    for given in (long, pd.DataFrame(long), datasets.Dataset.from_list(long)):
        found = score(given).measured
        assert repr((found.metrics, found.ci95)) == repr((expected.metrics, expected.ci95)), type(given)
    read = score(samples())
    assert read["acc_en"] == 1.0 and read["acc_de"] == pytest.approx(2 / 3)
    scored = [{**row, "responses": None, "option_logprobs": [-9.0, -1.0, -9.0]} for row in samples()]
    assert score(scored)["acc"] == 1.0
    assert "rankc" in score(scored).metrics


def test_a_comparison_is_that_of_the_library() -> None:
    better = [{**row, "responses": [f"{CUES[row['language']]} B"]} for row in samples()]
    found = compare(samples(), better)
    change = found["acc_de"]
    assert (change.before, change.after, change.test) == (pytest.approx(2 / 3), 1.0, "mcnemar")
    assert change.gained == ["q0", "q3", "q6", "q9"]
    assert list(found.to_pandas().columns)[:4] == ["metric", "before", "after", "difference"]


def test_results_print_and_are_escaped() -> None:
    rows = [{**row, "id": f"<b>{row['id']}</b>"} for row in samples(30)]
    votes = vote(rows, rule="majority")
    assert "30 of 30 questions decided" in repr(votes) and "… and 10 more" in repr(votes)
    page = votes._repr_html_()
    assert "&lt;b&gt;q0" in page and "<b>" not in page
    for result in (build_pairs(votes), score(rows), compare(rows, rows)):
        assert "<table>" in result._repr_html_()
        assert len(result.to_pandas()) == len(result.to_dicts()) > 0


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda: vote([]), "samples: there are no rows"),
        (lambda: vote("g.jsonl"), "not a str"),
        (lambda: vote([{"id": "q", "language": "en"}]), "samples, row 0: options is missing; the row has id, language"),
        (lambda: vote([3]), "samples, row 0: a dict or a record was expected, not a int"),
        (lambda: vote([*samples(1), samples(1)[0]]), "q0 in en is there already"),
        (lambda: vote(samples(), ruel="majority"), "vote: ruel: unknown key; did you mean rule?"),
        (lambda: vote(samples(), rule="majorty"), "did you mean 'majority'"),
        (lambda: vote(samples(), min_margin=-1), "min_margin: at least 0 was expected"),
        (lambda: build_pairs(vote(samples(), rule="majority"), fallback="translate"), "needs a model"),
        (lambda: build_pairs(vote([{**r, "question": None} for r in samples()])), "neither prompt nor question"),
        (lambda: score([{"id": "q", "predictions": {"en": 1}}, {"id": "r", "predictions": {"fr": 1}}]), "no answer in"),
        (lambda: score([{"id": "q", "predictions": {"en": 1}}] * 2), "question q comes twice"),
        (lambda: score(samples(), unlabelled="no"), "wrong or skip was expected"),
        (lambda: vote(samples(), style="foo"), "style is 'foo'; explain, direct or open was expected"),
        (lambda: score(samples(), style="foo"), "explain, direct or open was expected"),
        (lambda: score(samples(), seed=-1), "seed is -1; a whole number of at least 0 was expected"),
        (lambda: compare(samples(), samples(), resamples=0), "resamples is 0; a whole number of at least 100"),
        (lambda: build_pairs(samples()), "build_pairs: what vote() returned was expected, not a list"),
        (lambda: vote([{}]), "samples, row 0: id, language, options is missing; the row is empty"),
        (lambda: compare(samples(), samples(3)), "questions"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(act: Any, said: str) -> None:
    with pytest.raises((DataError, RecipeError, CalmError)) as caught:
        act()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_package_is_light_and_names_what_it_has() -> None:
    assert set(calm_ext.__all__) <= set(dir(calm_ext))
    assert read_answer("Answer: B", OPTIONS["en"], "en") == 1
    with pytest.raises(AttributeError, match="no attribute 'votes'"):
        calm_ext.votes  # noqa: B018
    code = (
        "import sys, time; start = time.perf_counter(); import calm_ext; "
        "loaded = {'numpy', 'pydantic', 'torch', 'click'} & set(sys.modules); assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
