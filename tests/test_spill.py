"""Values in memory or in a temporary file: the same either way, read by other processes, and gone afterwards."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

import pytest

from calm_ext.disk.spill import Numbers, Spill
from calm_ext.errors import CalmError


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.parametrize("few", [0, 3, 100])
def test_values_are_found_wherever_they_are(few: int, tmp_path: Path) -> None:
    spill = Spill(few=few)
    assert [spill.add(f"k{i}", b"%d" % i) for i in range(10)] == list(range(10))
    with pytest.raises(KeyError):
        spill.add("k2", b"")
    assert len(spill) == 10
    assert spill.find("k7") == (7, b"7")
    assert spill.find("k10") is None
    spill.put(7, b"seven")
    assert list(spill.items(6, 8)) == [("k6", b"6"), ("k7", b"seven")]
    assert [key for key, _ in spill.items()] == [f"k{i}" for i in range(10)]
    assert len(list(tmp_path.iterdir())) == (few < 10)
    del spill
    assert not list(tmp_path.iterdir())


def _tell(spill: Spill, end: Any) -> None:
    end.send(spill.find("k5"))


def test_other_processes_read_it_and_leave_it_there(tmp_path: Path) -> None:
    spill = Spill(few=2)
    for i in range(10):
        spill.add(f"k{i}", b"%d" % i)
    spill.settle()
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_tell, args=(spill, theirs))
    process.start()
    process.join()
    assert ours.recv() == (5, b"5")
    copy = pickle.loads(pickle.dumps(spill))
    assert copy.find("k9") == (9, b"9")
    del copy
    assert spill.find("k1") == (1, b"1")


@pytest.mark.parametrize("few", [0, 3, 100])
def test_a_number_is_new_once(few: int) -> None:
    numbers = Numbers(few=few)
    assert [numbers.add(n) for n in (5, -(2**63), 5, 2**63 - 1, 7, -(2**63), 5, 8, 7)] == [
        True, True, False, True, True, False, False, True, False,
    ]  # fmt: skip


def test_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    read, write = os.pipe()
    if not (child := os.fork()):
        spill = Spill(few=0)
        spill.add("k", b"v")
        os.write(write, b"x")
        os._exit(9)
    os.read(read, 1)
    os.waitpid(child, 0)
    assert len(list(tmp_path.iterdir())) == 1
    spill = Spill(few=0)
    spill.add("k", b"v")
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(CalmError, match=r"none: cannot be written .*set TMPDIR"):
        Spill(few=0).add("k", b"v")
