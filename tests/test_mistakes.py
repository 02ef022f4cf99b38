"""What a newcomer types that cannot work: one line, exit code 2, the place and the remedy, and nothing is written."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

import pytest

from calm_ext.cli.main import main
from tests.mistakes import CASES, make_folder


def run(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    """Exit code, stderr and stdout of the real entry point."""
    told, printed = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "argv", ["calm-ext", *arguments])
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(printed), pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0), told.getvalue(), printed.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("newcomer")
    make_folder(path)
    return path


def test_there_are_enough() -> None:
    assert len({line for line, _, _ in CASES}) >= 120


@pytest.mark.parametrize(("line", "place", "remedy"), CASES, ids=[line[:60] for line, _, _ in CASES])
def test_a_mistake(line: str, place: str, remedy: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}
    code, told, printed = run(line.split(), monkeypatch)
    assert (code, printed) == (2, ""), told
    assert told.startswith("error: ") and told.count("\n") == 1, told
    assert place in told and remedy in told, told
    after = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")}
    assert after == {p: t for p, t in before.items() if not p.name.startswith(".")}, "nothing is written"
