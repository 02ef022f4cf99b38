"""Generations whose lines are checked: a line that was changed is asked again, and never signed as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from calm_ext.disk.lines import CheckedAppender, restore, sign, sums_of
from calm_ext.errors import CalmError
from calm_ext.harness.again import ask_again
from calm_ext.jsonl import to_line
from calm_ext.records import Generation, ParallelQuestion, Version

QUESTIONS = [
    ParallelQuestion(
        id=f"q{i}", answer=0, versions={x: Version(question=f"{x} {i}?", options=["a", "b"]) for x in ("en", "fr")}
    )
    for i in range(4)
]


def generation(question: ParallelQuestion, language: str) -> Generation:
    version = question.versions[language]
    return Generation(
        id=question.id, language=language, question=version.question, options=version.options, answer=0,
        prompt=version.question, responses=[f"{question.id} {language}"],
    )  # fmt: skip


def answer(part: Sequence[ParallelQuestion]) -> list[Generation]:
    return [generation(q, x) for q in part for x in q.versions]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "g.jsonl"
    for question in QUESTIONS:
        with CheckedAppender(path) as appender:
            appender.append(answer([question]))
    assert len(sums_of(path).read_text().splitlines()) == 8
    return path


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


CHANGES = {
    "nothing": (lambda x: x, []),
    "a letter": (lambda x: [*x[:3], x[3].replace(b"q1 fr", b"q1 xx"), *x[4:]], [3]),
    "a line end": (lambda x: [*x[:3], x[3][:-1] + b" ", *x[4:]], [3, 4]),
    "a broken line": (lambda x: [*x[:3], b"\xff{\n", *x[4:]], [3]),
    "a line is gone": (lambda x: [*x[:3], *x[4:]], [3]),
    "two lines have changed places": (lambda x: [x[1], x[0], *x[2:]], []),
    "a line stands twice": (lambda x: [x[0], *x], []),
    "the end is cut off": (lambda x: [*x[:5], x[5][:7]], []),
    "a line that nobody wrote": (lambda x: [*x, x[-1].replace(b"q3", b"q9")], []),
    "nothing is left": (lambda x: [], []),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_is_found_and_asked_again(written: Path, name: str) -> None:
    change, lost = CHANGES[name]
    before = lines(written)
    written.write_bytes(b"".join(change(before)))
    assert restore(written) == lost
    asked = ask_again(written, lost, QUESTIONS, answer, chunk=2, lost=True) if lost else 0
    assert asked == len({i // 2 for i in lost})
    there = lines(written)
    assert there == before[: len(there)] and restore(written) == []
    assert len(there) == {"the end is cut off": 5, "nothing is left": 0}.get(name, 8)
    with CheckedAppender(written) as appender:
        appender.append(answer(QUESTIONS)[len(there) :])
    assert lines(written) == before and restore(written) == []


def test_a_line_that_is_not_answered_again_stays_lost(written: Path) -> None:
    text = lines(written)
    written.write_bytes(b"".join([text[0].replace(b"q0 en", b"q0 xx"), *text[1:]]))

    def silent(part: Sequence[ParallelQuestion]) -> list[Generation]:
        raise CalmError("the server is gone")

    for _ in range(2):
        assert restore(written) == [0]
        with pytest.raises(CalmError, match="gone"):
            ask_again(written, [0], QUESTIONS, silent, chunk=2, lost=True)


def test_a_kill_between_a_digest_and_its_line_costs_nothing(written: Path) -> None:
    with sums_of(written).open("a") as handle:
        handle.write("0" * 64 + "\n" + "1" * 20)
    assert restore(written) == [] and len(sums_of(written).read_text().splitlines()) == 8


def test_a_file_without_digests_is_trusted_once(written: Path) -> None:
    """One that an earlier version wrote, or another program; from then on it is checked."""
    sums_of(written).unlink()
    written.write_bytes(b"".join(lines(written)[:4]))
    assert restore(written) == []
    with CheckedAppender(written) as appender:
        appender.append(answer(QUESTIONS)[4:])
    sign(written, [0])
    text = lines(written)
    written.write_bytes(b"".join([*text[:2], to_line(generation(QUESTIONS[3], "fr")).encode(), *text[3:]]))
    assert restore(written) == [2]


def test_of_a_shard_that_was_whole_lines_at_the_end_are_lost_too(written: Path) -> None:
    before = lines(written)
    written.write_bytes(b"".join(before[:6]))
    assert restore(written, whole=True) == [6, 7]
    ask_again(written, [6, 7], QUESTIONS, answer, chunk=2, lost=True)
    assert lines(written) == before and restore(written, whole=True) == []
