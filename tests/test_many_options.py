"""Questions with more options than there are letters: checked, asked without letters, refused with letters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from calm_ext.answers.read import read_answer
from calm_ext.cli.main import cli
from calm_ext.data.check import check_questions
from calm_ext.data.parallel.rows import Joined
from calm_ext.errors import CalmError
from calm_ext.harness.sampler import sample
from calm_ext.harness.task import CrossLingualTask
from calm_ext.jsonl import read_jsonl, write_jsonl
from calm_ext.models.backends.hf import HFBackend
from calm_ext.models.lm import load_lm
from calm_ext.prompts import answer_text, ask
from calm_ext.records import Ballot, Generation, ParallelQuestion, Version


def question(n: int, number: int = 0) -> ParallelQuestion:
    options = {x: [f"{x} thing {k}" for k in range(n)] for x in ("en", "fr")}
    versions = {x: Version(question=f"Pick number {number} in {x}, please?", options=o) for x, o in options.items()}
    return ParallelQuestion(id=f"q{number}", answer=n - 1, versions=versions)


@pytest.mark.parametrize("n", [2, 10, 11, 12, 27, 400])
def test_the_check_has_a_note(n: int, tmp_path: Path) -> None:
    questions = [question(n, i) for i in range(3)]
    found = check_questions("t", Joined(questions), prove=True)
    note = [x for x in found.notes() if "letters for 10 options only" in x]
    assert len(note) == (n > 10)
    assert found.gold == {("ABCDEFGHIJ"[n - 1] if n <= 10 else str(n)): 3}
    write_jsonl(tmp_path / "q.jsonl", questions)
    done = CliRunner().invoke(cli, ["data", "check", str(tmp_path / "q.jsonl")], catch_exceptions=False)
    assert done.exit_code == 0
    told = " ".join(done.output.split())
    assert ("so style explain cannot ask: q0, q1, q2" in told) == (n > 10)


def test_one_option_is_no_question(tmp_path: Path) -> None:
    row = {"id": "q", "versions": {"en": {"question": "?", "options": ["a"]}}}
    (tmp_path / "q.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(CalmError, match=r"q.jsonl:1: versions.en.options: needs at least 2 items, has 1"):
        CliRunner().invoke(cli, ["data", "check", str(tmp_path / "q.jsonl")], catch_exceptions=False, standalone_mode=False)  # fmt: skip


def test_with_letters_it_is_refused_and_without_it_is_asked() -> None:
    options = question(12).versions["en"].options
    said = "has 12 options, and there are letters for 10 only; ask in a style without letters: direct, open, or cloze"
    for call in (lambda: ask("en", "?", options, "explain"), lambda: answer_text("en", options, 11, "explain")):
        with pytest.raises(CalmError, match=said):
            call()
    assert "- en thing 11" in ask("en", "?", options, "direct")
    assert read_answer(" en thing 11", options, "en", style="direct") == 11
    assert ask("en", "?", options, "cloze").endswith("Answer:")
    with pytest.raises(CalmError, match=f"t: question q1 {said}"):
        CrossLingualTask.from_questions([question(4), question(12, 1)], name="t", style="explain")
    for style in ("direct", "cloze"):
        CrossLingualTask.from_questions([question(4), question(12, 1)], name="t", style=style)


def test_a_run_by_option_scores(babel_model: Path, tmp_path: Path) -> None:
    backend = HFBackend(load_lm(str(babel_model), dtype="float32", device="cpu", batch_size=8))
    questions = [question(12, i) for i in range(2)]
    with pytest.raises(CalmError, match="question q0 has 12 options"):
        sample(backend, questions, tmp_path / "g.jsonl", mode="generate")
    assert not (tmp_path / "g.jsonl").exists()
    sample(backend, questions, tmp_path / "g.jsonl", mode="options")
    assert all(len(g.option_logprobs or ()) == 12 for g in read_jsonl(tmp_path / "g.jsonl", Generation))
    arguments = ["vote", str(tmp_path / "g.jsonl"), "-o", str(tmp_path / "b.jsonl")]
    assert CliRunner().invoke(cli, arguments, catch_exceptions=False).exit_code == 0
    assert [b.id for b in read_jsonl(tmp_path / "b.jsonl", Ballot)] == ["q0", "q1"]
