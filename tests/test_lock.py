"""One writer at a time: who is refused, in what words, and when a lock is taken over."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from calm_ext.cli.main import cli
from calm_ext.disk.lock import held, reading, replacing, run_of, writing
from calm_ext.errors import RunError
from calm_ext.files.holder import Holder
from calm_ext.files.writing import prefix_of
from calm_ext.jsonl import write_jsonl
from calm_ext.pairing.export import write_pairs
from calm_ext.pipeline.directory import RunDirectory
from calm_ext.voting.elect import elect
from calm_ext.voting.options import VotingOptions
from tests.test_voting import said, table

HOLDS = (
    "import sys, time; from pathlib import Path; from calm_ext.disk.lock import held\n"
    "with held(Path(sys.argv[1]), 'align', beside=bool(sys.argv[2])):\n"
    "    print('held', flush=True); time.sleep(float(sys.argv[3])); exec(sys.argv[4])"
)


@contextmanager
def other(
    target: Path, *, beside: bool = False, seconds: float = 600, then: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds a lock, for some seconds, and then runs a line of Python before it lets it go."""
    command = [sys.executable, "-c", HOLDS, str(target), "beside" if beside else "", str(seconds), then]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def a_run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    RunDirectory(folder, name="tiny").open(order=[])
    return folder


def note(folder: Path, **changes: object) -> Path:
    path = folder / ".writer.json"
    path.write_text(json.dumps(Holder.here("align")._asdict() | changes))
    return path


def test_the_second_writer_is_refused_by_every_verb(a_run: Path, tmp_path: Path) -> None:
    """In one line that names the holder; when it is killed the lock is free."""
    for name in ("q", "p"):
        (tmp_path / name).write_text("{}\n")
    (a_run / "adapter").mkdir()
    verbs = [
        ["report", str(a_run)],
        ["merge", str(a_run), "-o", str(tmp_path / "m")],
        ["merge", str(a_run / "adapter"), "-o", str(tmp_path / "m")],
        ["push", str(a_run), "--repo", "me/x", "--dry-run"],
    ]
    with other(a_run) as process:
        for arguments in verbs:
            result = CliRunner().invoke(cli, arguments)
            assert isinstance(result.exception, RunError), (arguments, result.output)
            said = str(result.exception)
            assert "\n" not in said and f"process {process.pid} of " in said and "since 20" in said, said
            assert said.endswith("; wait for it, or end it")
        for path in (a_run / "generations.jsonl", a_run / "elsewhere/train"):
            with pytest.raises(RunError, match="is being written by calm-ext align"), writing(path, "sample"):
                pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (a_run / ".writer.json").exists()
        with held(a_run, "report"):
            assert json.loads((a_run / ".writer.json").read_text())["verb"] == "report"
    assert not (a_run / ".writer.json").exists()


def test_an_output_file_has_one_writer(tmp_path: Path) -> None:
    with other(tmp_path / "g.jsonl"):
        with pytest.raises(RunError, match=r"g\.jsonl: is being written by"), writing(tmp_path / "g.jsonl", "sample"):
            pass
        with writing(tmp_path / "h.jsonl", "sample"):
            pass
    with writing(Path("/dev/null"), "sample"):
        pass
    with writing(tmp_path / "new/folder", "train", folder=True):
        assert (tmp_path / "new/folder/.writer.json").is_file()


def test_a_process_that_has_the_lock_goes_on(a_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with held(a_run, "pairs"), writing(a_run / "pairs.jsonl", "pairs"):
        with replacing(a_run / "pairs.jsonl", "vote"):
            pass
        assert json.loads((a_run / ".writer.json").read_text())["verb"] == "pairs", "it is still held"
        monkeypatch.setattr("os.getpid", lambda: 1)  # as a process that is forked from this one
        with pytest.raises(RunError, match="is being written by"), held(a_run, "align"):
            pass


def test_a_folder_that_is_replaced_has_its_lock_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "results/mine"
    for _ in range(2):
        with writing(out, "eval", beside=True):
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
            assert sorted(p.name for p in out.parent.iterdir()) == [".mine.writer.json", ".mine.writer.lock", "mine"]
    assert [p.name for p in out.parent.iterdir()] == ["mine"], "nothing of it stays"
    with other(out, beside=True):
        with pytest.raises(RunError, match="mine: is being written by"), writing(out, "eval", beside=True):
            pass
        monkeypatch.setenv("RANK", "1")
        with writing(out, "eval", beside=True):  # of `accelerate launch` the first process has the lock
            pass


MODEL = {"config.json": '{"model_type": "llama"}', "tokenizer_config.json": "{}"}


@pytest.fixture
def things(tmp_path: Path) -> Path:
    """What the verbs read, as far as they read it before they write."""
    from tests.test_leaderboard import write_results

    (tmp_path / "model").mkdir()
    for name, text in MODEL.items():
        (tmp_path / "model" / name).write_text(text)
    write_results(tmp_path / "results", model="m", skill=0.5, questions=9, languages=2)
    group = [said(x, 0, 1, name=name) for name in ("q1", "q2") for x in ("en", "fr")]
    write_jsonl(tmp_path / "g.jsonl", group)
    write_jsonl(tmp_path / "b.jsonl", elect(table(*group), VotingOptions()).ballots)
    return tmp_path


VERBS = {
    "eval": "eval --model model --tasks calm_sample_xl_mc -o OUT",
    "check": "check model -o OUT",
    "view": "view results -o OUT",
    "merge": "merge adapter -o OUT",
    "index": "index build corpus.jsonl -o OUT",
}


@pytest.mark.parametrize("verb", VERBS)
def test_two_of_a_verb_with_one_output_folder(verb: str, things: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is refused in one line that names the first, before any work, and what is there stays."""
    monkeypatch.chdir(things)
    with other(Path("out"), beside=True) as process:
        found = CliRunner().invoke(cli, VERBS[verb].replace("OUT", "out").split())
        said = str(found.exception)
        assert isinstance(found.exception, RunError), (said, found.output)
        assert said.startswith(f"out: is being written by calm-ext align (process {process.pid} of ")
        assert "\n" not in said and said.endswith("; wait for it, or end it")
    assert not Path("out").exists()


def test_votes_and_pairs_into_a_run_that_is_written(things: Path, a_run: Path) -> None:
    """Elsewhere these files are replaced as a whole, whoever writes them."""
    g, b = str(things / "g.jsonl"), str(things / "b.jsonl")
    with other(a_run), other(things / "mine.jsonl"):
        for arguments in (["vote", g], ["pairs", b, g]):
            found = CliRunner().invoke(cli, [*arguments, "--style", "direct", "-o", str(a_run / "x.jsonl")])
            assert isinstance(found.exception, RunError), (found.exception, found.output)
            assert "is being written by calm-ext align (process" in str(found.exception)
            found = CliRunner().invoke(cli, [*arguments, "--style", "direct", "-o", str(things / "mine.jsonl")])
            assert found.exit_code == 0, (found.exception, found.output)
    gone = subprocess.Popen(["true"])
    gone.wait()
    target = things / "mine.jsonl"
    left = target.with_name(prefix_of(target).replace(f"-{os.getpid()}.", f"-{gone.pid}.") + "x.tmp")
    left.write_text("half")
    assert CliRunner().invoke(cli, ["vote", g, "-o", str(target)]).exit_code == 0
    assert not left.exists()


def test_translations_have_one_writer(things: Path) -> None:
    """They take hours, and are kept beside the output, under a name that two outputs may share."""
    arguments = ["pairs", str(things / "b.jsonl"), str(things / "g.jsonl"), "--fallback", "translate",
                 "--translator", str(things / "model"), "-o", str(things / "p.json")]  # fmt: skip
    with other(things / "p.translations.jsonl"):
        found = CliRunner().invoke(cli, arguments)
    assert isinstance(found.exception, RunError), (found.exception, found.output)
    assert "p.translations.jsonl: is being written by calm-ext align" in str(found.exception)


def test_two_lists_of_data_sets_become_one(tmp_path: Path) -> None:
    """Another process adds its entry while ours is made: both are there."""
    listing = tmp_path / "dataset_info.json"
    then = f"Path({str(listing)!r}).write_text('{{\"theirs\": {{}}}}')"
    with other(listing, seconds=1.0, then=then):
        write_pairs(tmp_path / "ours.json", [], format="llamafactory")
    assert set(json.loads(listing.read_text())) == {"ours", "theirs"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"host": "elsewhere"}, "on elsewhere, since .*; if that process has ended, remove .*writer.json"),
        ({"host": "elsewhere", "pid": 1 << 22}, "remove"),
        ({}, "wait for it, or end it"),  # alive, though the file system let us have the lock
        ({"started": 1.0}, None),  # the number was given to another process since
        ({"pid": (1 << 22) + 1}, None),
        ({"pid": "x"}, None),
        ({"more": 1}, None),
    ],
)
def test_a_lock_is_taken_over_only_where_the_holder_is_gone(
    a_run: Path, changes: dict[str, object], words: str | None
) -> None:
    path = note(a_run, **changes)
    if words is None:
        with held(a_run, "align"):
            pass
        return
    with pytest.raises(RunError, match=words), held(a_run, "align"):
        pass
    path.unlink()
    with held(a_run, "align"):
        pass


def test_an_unreadable_note_names_nobody(a_run: Path) -> None:
    with other(a_run):
        (a_run / ".writer.json").write_text("{")
        before = time.monotonic()
        with pytest.raises(RunError, match="by another process; wait for it"), held(a_run, "align"):
            pass
        assert time.monotonic() - before < 10
    with held(a_run, "align"):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_who_reads_needs_no_lock_where_nobody_can_write(a_run: Path) -> None:
    a_run.chmod(0o500)
    try:
        with reading(a_run, "push"):
            pass
    finally:
        a_run.chmod(0o700)


def test_a_manifest_of_another_program_makes_no_run(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "my web page", "icons": []}')
    assert run_of(tmp_path / "a/b") is None


@pytest.mark.parametrize("name", [".writer.lock", ".writer.json", ".manifest.json.abc.tmp"])
def test_what_a_kill_left_before_the_manifest_is_no_run_and_no_obstacle(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / name).write_text("{}")
    RunDirectory(folder, name="tiny").open(order=[])
    (tmp_path / "other").mkdir()
    (tmp_path / "other/.profile").write_text("")
    with pytest.raises(RunError, match="holds no run"):
        RunDirectory(tmp_path / "other", name="tiny")


@pytest.mark.parametrize(
    "entry", [None, [], {}, {"inputs": "x"}, {"inputs": 1, "outputs": {}}, {"inputs": "x", "outputs": {"a": 1}}]
)
def test_a_damaged_entry_of_the_manifest_is_a_stage_to_do(a_run: Path, entry: object) -> None:
    manifest = json.loads((a_run / "manifest.json").read_text())
    (a_run / "manifest.json").write_text(json.dumps(manifest | {"stages": {"sample": entry}}))
    assert not RunDirectory(a_run, name="tiny").is_done("sample", "x")
