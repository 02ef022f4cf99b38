"""Generations in shards: the same lines as in one file, wherever sampling was interrupted, and read as one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from calm_ext.cli.main import cli
from calm_ext.disk.lines import restore, sums_of
from calm_ext.disk.shards import Shards, shards_of, written_shards
from calm_ext.errors import DataError
from calm_ext.harness.again import Answer
from calm_ext.harness.written import ShardedAppender, Written
from calm_ext.jsonl import write_jsonl
from calm_ext.models.endings import Endings
from calm_ext.pipeline.run import Pipeline
from calm_ext.publish.push import _included
from calm_ext.records import Generation, ParallelQuestion
from calm_ext.report.rundata import read_run
from tests.small import small_recipe

QUESTIONS = [
    ParallelQuestion.model_validate(
        {
            "id": f"q{i:02d}",
            "answer": 0,
            "versions": {x: {"question": f"{i} {x}?", "options": ["one", "two"]} for x in ("en", "fr")},
        }
    )
    for i in range(20)
]
MOST = 700  # bytes: a few questions a shard


def answer(part: Sequence[ParallelQuestion]) -> list[Generation]:
    return [
        Generation(
            id=q.id, language=x, question=v.question, options=v.options, answer=0, prompt="?",
            responses=["one" if int(q.id[1:]) % 3 else "two " * (int(q.id[1:]) % 7)],
        )
        for q in part
        for x, v in q.versions.items()
    ]  # fmt: skip


def write(output: Path, *, start: int, chunk: int, stop: int = len(QUESTIONS), most: int | None = MOST) -> None:
    with ShardedAppender(output, most) as appender:
        for at in range(start, stop, chunk):
            appender.append(answer(QUESTIONS[at : min(at + chunk, stop)]))


def contents(output: Path) -> dict[str, bytes]:
    files = written_shards(output)
    return {x.name: x.read_bytes() for x in (*files, *map(sums_of, files))}


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    output = tmp_path / "whole/g.jsonl"
    write(output, start=0, chunk=4)
    return output


def test_shards_together_are_the_one_file(whole: Path, tmp_path: Path) -> None:
    write(tmp_path / "one/g.jsonl", start=0, chunk=4, most=None)
    assert [x.name for x in written_shards(tmp_path / "one/g.jsonl")] == ["g.jsonl"]
    files = written_shards(whole)
    assert [x.name for x in files] == [f"g-{i:05d}.jsonl" for i in range(len(files))] and len(files) > 4
    assert b"".join(x.read_bytes() for x in files) == (tmp_path / "one/g.jsonl").read_bytes()
    for path in files[:-1]:
        size, last = path.stat().st_size, path.read_bytes().splitlines(keepends=True)[-2:]
        assert size >= MOST > size - sum(map(len, last)), "a shard ends with the question that fills it"


@pytest.mark.parametrize("chunk", [1, 3, 4, 20])
def test_where_a_shard_ends_does_not_depend_on_the_chunk(whole: Path, tmp_path: Path, chunk: int) -> None:
    write(tmp_path / "g.jsonl", start=0, chunk=chunk)
    assert contents(tmp_path / "g.jsonl") == contents(whole)


@pytest.mark.parametrize("stop", range(0, 20, 3))
@pytest.mark.parametrize("tail", [b"", b'{"id": "q'])
def test_an_interrupted_one_goes_on_to_the_same_bytes(whole: Path, tmp_path: Path, stop: int, tail: bytes) -> None:
    output = tmp_path / "g.jsonl"
    write(output, start=0, chunk=4, stop=stop)  # the last chunk is not whole
    with written_shards(output)[-1].open("ab") as handle:
        handle.write(tail)
    written, endings = Written(output, QUESTIONS), Endings()
    assert written.restore() == []
    done, lacking = written.resume(4, endings)
    assert (done, lacking) == (stop // 4 * 4, {})
    assert sum(1 for x in written_shards(output) for _ in x.open()) == 2 * done
    write(output, start=done, chunk=4)
    assert contents(output) == contents(whole)


def test_what_was_changed_in_any_shard_is_asked_again(whole: Path) -> None:
    before, files = contents(whole), written_shards(whole)
    first, second, *_, last = (x.read_bytes().splitlines(keepends=True) for x in files)
    files[0].write_bytes(b"".join([first[0], b"{}\n", *first[2:]]))
    files[1].write_bytes(b"".join(second[:-1]))  # its end is gone, though others come after it
    asked: list[str] = []

    def noted(part: Sequence[ParallelQuestion]) -> list[Generation]:
        asked.extend(q.id for q in part)
        return answer(part)

    kind: Answer = noted
    written = Written(whole, QUESTIONS)
    lost = written.restore()
    assert lost == [1, len(first) + len(second) - 1]
    assert written.ask_again(lost, kind, chunk=4, lost=True) == 2
    assert asked == ["q00", QUESTIONS[lost[1] // 2].id] and last
    assert contents(whole) == before and written.resume(4, Endings())[0] == 20


def test_a_missing_shard_is_named(whole: Path) -> None:
    written_shards(whole)[2].unlink()
    for use in (lambda: Written(whole, QUESTIONS), lambda: list(Shards(whole, Generation))):
        with pytest.raises(DataError, match=r"g-00002.jsonl: is missing, and there are shards after it; put it back"):
            use()


def test_other_sizes_and_one_file_go_on_where_they_are(tmp_path: Path) -> None:
    output = tmp_path / "g.jsonl"
    write(output, start=0, chunk=4, stop=8, most=None)
    write(output, start=8, chunk=4)
    assert [x.name for x in written_shards(output)][:2] == ["g.jsonl", "g-00000.jsonl"]
    n = len(written_shards(output))
    assert Written(output, QUESTIONS).resume(4, Endings())[0] == 20
    assert [g.id for _, g in Shards(output, Generation)][::2] == [q.id for q in QUESTIONS]
    assert Written(output, QUESTIONS[:10]).restore() == [] and n > 2
    with pytest.raises(DataError, match="is q10 in en, not what stands there"):
        Written(output, QUESTIONS[:10]).resume(4, Endings())


def test_verbs_take_the_name_of_the_one_file(whole: Path, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "one.jsonl", [g for _, g in Shards(whole, Generation)])
    found = []
    for path in (tmp_path / "one.jsonl", whole, whole.with_name("g-*.jsonl")):
        ballots, pairs = tmp_path / "b.jsonl", tmp_path / "p.jsonl"
        for arguments in (["vote", path, "-o", ballots], ["pairs", ballots, path, "-o", pairs]):
            result = CliRunner().invoke(cli, [*map(str, arguments), "--style", "direct"])
            assert result.exit_code == 0, result.output
        found.append((ballots.read_bytes(), pairs.read_bytes()))
    assert found[0] == found[1] == found[2] and found[0][0].count(b"\n") == 20
    assert _included(whole.parent, "g.jsonl") == [x.name for x in written_shards(whole)]
    assert _included(whole.parent, "summary.json") == ["summary.json"] and shards_of(whole)[0].name == "g-00000.jsonl"


def test_a_run_in_shards_has_the_ballots_and_pairs_of_one_in_a_file(
    babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from calm_ext.models.options import SamplingOptions

    monkeypatch.setattr(SamplingOptions, "shard_bytes", property(lambda self: self.shard_mib and 3000 * self.shard_mib))
    made: dict[str, Any] = {}
    for name, change in (("one", {}), ("shards", {"shard_mib": 1})):
        pipeline = Pipeline(small_recipe(babel_model, sampling=change), tmp_path / name)
        pipeline.run(stop_after="pairs")
        made[name] = [
            (tmp_path / name / x).read_bytes() for x in ("ballots.jsonl", "pairs.jsonl", "heldout/votes.json")
        ]
        entry = pipeline.dir.manifest["stages"]["sample"]
        assert sorted(entry["outputs"]) == [x.name for x in written_shards(tmp_path / name / "generations.jsonl")]
    assert made["one"] == made["shards"]
    files = written_shards(tmp_path / "shards/generations.jsonl")
    assert len(files) > 2 and not (tmp_path / "shards/generations.jsonl").exists()
    assert b"".join(x.read_bytes() for x in files) == (tmp_path / "one/generations.jsonl").read_bytes()
    one, shards = (read_run(tmp_path / name) for name in ("one", "shards"))
    assert one.sampled_characters == shards.sampled_characters > 0 and one.endings == shards.endings
    before = contents(tmp_path / "shards/generations.jsonl")
    again = Pipeline(small_recipe(babel_model, sampling={"shard_mib": 2}), tmp_path / "shards")
    again.run(stop_after="vote")
    assert again.ran == [], "another size of shards begins nothing anew"
    Pipeline(small_recipe(babel_model, sampling={"seed": 1}), tmp_path / "shards").run(stop_after="sample")
    assert [x.name for x in written_shards(tmp_path / "shards/generations.jsonl")] == ["generations.jsonl"]
    Pipeline(small_recipe(babel_model, sampling={"shard_mib": 1}), tmp_path / "shards").run(stop_after="sample")
    assert contents(tmp_path / "shards/generations.jsonl") == before, "the old ones are taken back"
    assert all(restore(x) == [] for x in files)
