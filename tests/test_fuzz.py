"""A few damaged inputs for every reader; benchmarks/fuzz.py has as many as one wants."""

from __future__ import annotations

import ast
import contextlib
import json
import shutil
import time
from pathlib import Path

import pytest

from benchmarks.fuzz import READERS, fuzz
from tests.conftest import ROOT

FOUND = ROOT.parent / "shared" / "fuzz"


@pytest.mark.parametrize("name", READERS)
def test_damaged_inputs_are_read_or_refused(name: str) -> None:
    result = fuzz(READERS[name], inputs=40, seed=7, deadline=time.monotonic() + 30, keep=None)
    assert not result.faults
    assert result.inputs and result.read + result.refused == result.inputs


def test_the_fuzzer_sees_a_fault(tmp_path: Path) -> None:
    """So that a table of zeros says something."""

    def read(folder: Path) -> None:
        json.loads((folder / "p.jsonl").read_text().splitlines()[0])["id"].lower()

    result = fuzz(
        READERS["predictions"]._replace(read=read), inputs=60, seed=0, deadline=time.monotonic() + 30, keep=tmp_path
    )
    assert result.faults and any(x.startswith("JSONDecodeError at ") for x in result.faults)
    assert len(list(tmp_path.iterdir())) == result.faults.total()


@pytest.mark.skipif(not FOUND.is_dir(), reason="the inputs that were found are not here")
@pytest.mark.parametrize("kind", ["generations", "predictions", "samples", "recipe"])
def test_inputs_that_once_ended_in_a_traceback(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from calm_ext.cli.main import main

    for case in sorted(FOUND.glob(f"{kind}-*")):
        folder = tmp_path / case.name
        for place in [folder / "d", folder / "e"] if kind == "samples" else [folder]:
            shutil.copytree(case, place)
        arguments = ast.literal_eval((case / "args.txt").read_text().splitlines()[0])
        monkeypatch.chdir(folder)
        monkeypatch.setattr("sys.argv", ["calm-ext", *arguments])
        with pytest.raises(SystemExit) as ended, contextlib.suppress(FileNotFoundError):
            main()
        said = capsys.readouterr().err.splitlines()
        assert ended.value.code == 2, case.name
        assert all(line.startswith("error: ") and len(line) < 2100 for line in said) and len(said) < 40, case.name
