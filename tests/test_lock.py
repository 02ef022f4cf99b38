"""One writer at a time: who is refused, in what words, and when a lock is taken over."""

from __future__ import annotations

import json
import os
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
from calm_ext.disk.lock import Holder, held, reading, run_of, writing
from calm_ext.errors import RunError
from calm_ext.pipeline.directory import RunDirectory

HOLDS = (
    "import sys, time; from pathlib import Path; from calm_ext.disk.lock import held\n"
    "with held(Path(sys.argv[1]), 'align'):\n    print('held', flush=True); time.sleep(600)"
)


@contextmanager
def other(target: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds a lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLDS, str(target)], stdout=subprocess.PIPE, text=True)
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
