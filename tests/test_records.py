from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from calm_ext.errors import DataError
from calm_ext.jsonl import Appender, read_jsonl, write_jsonl
from calm_ext.records import Generation, Pair, ParallelQuestion, Prediction, Version

QUESTION = ParallelQuestion(
    id="q0",
    answer=1,
    source_language="en",
    versions={
        "en": Version(question="Where do fish live?", options=["air", "water"]),
        "ur": Version(question="مچھلیاں کہاں رہتی ہیں؟", options=["ہوا", "پانی"]),
    },
)


def test_roundtrip_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    assert write_jsonl(path, [QUESTION, QUESTION.model_copy(update={"id": "q1", "answer": None})]) == 2
    first, second = read_jsonl(path, ParallelQuestion)
    assert first == QUESTION
    assert second.answer is None
    assert [p.name for p in tmp_path.iterdir()] == ["q.jsonl"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "q", "versions": {"en": {"question": "a", "options": ["x", "y"]}}, "gold": 1}', "gold: unknown key"),
        (
            '{"id": "q", "answer": 2, "versions": {"en": {"question": "a", "options": ["x", "y"]}}}',
            "answer 2 is not one",
        ),
        ('{"id": "q", "versions": {"en": {"question": "a", "options": ["x", " "]}}}', "option 1 is empty"),
        ('{"id": "q", "versions": {"xx": {"question": "a", "options": ["x", "y"]}}}', "unknown language 'xx'"),
        ('{"id": [3], "versions": {"en": {"question": "a", "options": ["x", "y"]}}}', "id:"),
        ('{"versions": {"en": {"question": "a", "options": ["x", "y"]}}}', "id: missing"),
        (
            '{"id": "q", "versions": {"en": {"question": "a", "options": ["x", "y"]}, '
            '"fr": {"question": "a", "options": ["x", "y", "z"]}}}',
            "different numbers of options",
        ),
        ('["a list"]', "not a JSON object"),
        ('{"id": "q", "vers', "not a JSON object"),
    ],
)
def test_bad_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(QUESTION.model_dump_json() + "\n\n" + line, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        list(read_jsonl(path, ParallelQuestion))
    assert str(caught.value).startswith(f"{path}:3: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_truncated_line_says_so(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(QUESTION.model_dump_json()[:40], encoding="utf-8")
    with pytest.raises(DataError, match="cut off"):
        list(read_jsonl(path, ParallelQuestion))


def test_missing_empty_directory_and_encoding(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        list(read_jsonl(tmp_path / "nope.jsonl", Pair))
    with pytest.raises(DataError, match="is a directory"):
        list(read_jsonl(tmp_path, Pair))
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    with pytest.raises(DataError, match="is empty; pairs were expected"):
        list(read_jsonl(empty, Pair))
    assert list(read_jsonl(empty, Pair, allow_empty=True)) == []
    latin = tmp_path / "latin.jsonl"
    latin.write_bytes('{"id": "é"}\n'.encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        list(read_jsonl(latin, Pair))


def test_infinite_scores_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"id": "q", "predictions": {"en": 0}, "scores": {"en": [NaN, 1.0]}}\n')
    with pytest.raises(DataError, match=r"p\.jsonl:1: scores"):
        list(read_jsonl(path, Prediction))


def test_generation_needs_something_said() -> None:
    with pytest.raises(ValueError, match="neither responses"):
        Generation(id="q", language="en", question="?", options=["a", "b"], prompt="?")
    with pytest.raises(ValueError, match="3 option_logprobs for 2"):
        Generation(id="q", language="en", question="?", options=["a", "b"], prompt="?", option_logprobs=[0.0, 1.0, 2.0])


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    write_jsonl(path, [QUESTION])

    def broken() -> object:
        yield QUESTION
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_jsonl(path, broken())  # type: ignore[arg-type]
    assert list(read_jsonl(path, ParallelQuestion)) == [QUESTION]
    assert len(list(tmp_path.iterdir())) == 1


def test_appender_cuts_what_an_interrupted_write_left(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    with Appender(path) as appender:
        appender.append([QUESTION])
    with path.open("a") as handle:
        handle.write('{"id": "half')
    with Appender(path) as appender:
        appender.append([QUESTION.model_copy(update={"id": "q1"})])
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ["q0", "q1"]


@pytest.mark.parametrize("tail", [b"", b'{"id": "half', b"x" * 200_000])
def test_appender_reads_no_more_than_the_incomplete_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tail: bytes
) -> None:
    path = tmp_path / "q.jsonl"
    whole = b'{"id": "q"}\n' * 500_000
    path.write_bytes(whole + tail)
    counts = []
    opened = Path.open

    class Counted:
        def __init__(self, handle) -> None:  # type: ignore[no-untyped-def]
            self.handle = handle

        def read(self, size: int = -1) -> bytes:
            data: bytes = self.handle.read(size)
            counts.append(len(data))
            return data

        def __enter__(self) -> Counted:
            return self

        def __exit__(self, *_: object) -> None:
            self.handle.close()

        def __getattr__(self, name: str) -> object:
            return getattr(self.handle, name)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", lambda self, *a, **k: Counted(opened(self, *a, **k)))
        Appender(path).close()
    assert 0 < sum(counts) <= len(tail) + 2 * 65536
    assert max(counts) <= 65536
    assert os.path.getsize(path) == len(whole)


@pytest.mark.parametrize(("before", "after"), [(b"", b""), (b"half", b""), (b"\n", b"\n"), (b"a\nb", b"a\n")])
def test_appender_with_short_files(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(before)
    Appender(path).close()
    assert path.read_bytes() == after
