"""Thoughts in votes and pairs, and marks that a user names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from calm_ext import build_pairs, vote
from calm_ext.cli.main import cli
from calm_ext.errors import RecipeError
from calm_ext.models.options import SamplingOptions
from calm_ext.options import validated

OPTIONS = ["bank", "library", "hospital"]
GOOD, BAD = "Explanation: Books.\nAnswer: B. library", "Explanation: Money.\nAnswer: A. bank"
THOUGHT = "<think>\nA bank? No, I guess.\n</think>\n\n"


def row(*responses: str) -> dict[str, Any]:
    return {"id": "q", "language": "en", "options": OPTIONS, "question": "Where?", "responses": list(responses)}


def pair(*responses: str, marks: tuple[tuple[str, str], ...] = (), **options: Any) -> tuple[str, str]:
    (only,) = build_pairs(vote([row(*responses)], rule="majority", thoughts=marks), **options).to_dicts()
    return only["chosen"].strip(), only["rejected"].strip()


def test_both_sides_of_a_pair_think_or_neither() -> None:
    both = [THOUGHT + GOOD] * 2 + [THOUGHT + BAD]
    assert pair(*both) == (THOUGHT + GOOD, THOUGHT + BAD)
    assert pair(*both, thoughts="strip") == (GOOD, BAD)
    assert pair(THOUGHT + GOOD, THOUGHT + GOOD, BAD) == (GOOD, BAD), "one side only has a thought"
    assert pair(GOOD, GOOD, THOUGHT + BAD) == (GOOD, BAD)


def test_a_response_with_nothing_but_a_thought_is_no_side() -> None:
    samples = [row(GOOD, GOOD, "<think>Answer: A")]
    pairs = build_pairs(vote(samples, rule="majority"), reject_unparsed=True)
    assert not pairs.pairs and pairs.summary["left_out"] == {"with nothing but a thought": 1}


def test_marks_of_ones_own() -> None:
    marks = (("<plan>", "</plan>"),)
    planned = f"<plan>Answer: A. bank?</plan>{GOOD}"
    assert vote([row(planned, planned)], rule="majority").ballots[0].winner is None
    assert vote([row(planned, planned)], rule="majority", thoughts=marks).ballots[0].winner == 1
    assert pair(planned, planned, BAD, marks=marks) == (GOOD, BAD)
    with pytest.raises(RecipeError, match="a mark is empty"):
        validated(SamplingOptions, {"thoughts": [["<plan>", ""]]}, where="sampling")


def test_the_verbs_take_marks(tmp_path: Path) -> None:
    planned = f"<plan>Answer: A. bank?</plan>{GOOD}"
    samples = {**row(planned, planned, BAD), "prompt": "Where?", "source_language": "en", "answer": None}
    (tmp_path / "g.jsonl").write_text(json.dumps(samples) + "\n")
    generations, ballots, pairs = (str(tmp_path / x) for x in ("g.jsonl", "b.jsonl", "p.jsonl"))
    marks = ["--thought-marks", "<plan>", "</plan>"]
    voted = CliRunner().invoke(cli, ["vote", generations, "-o", ballots, "--rule", "majority", "--json", *marks])
    assert voted.exit_code == 0, voted.output
    assert "|thoughts:<plan>…</plan>" in voted.output
    assert json.loads(Path(ballots).read_text())["winner"] == 1
    paired = CliRunner().invoke(cli, ["pairs", ballots, generations, "-o", pairs, *marks])
    assert paired.exit_code == 0, paired.output
    assert json.loads(Path(pairs).read_text())["chosen"].strip() == GOOD
