"""The command line as a shell starts it."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from calm_ext.cli.main import main
from tests.conftest import ROOT


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def calm(*arguments: str | os.PathLike[str], cwd: Path | None = None) -> Done:
    """The real entry point in this process, where the frameworks are loaded already."""
    out, told = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(told):
        patch.setattr(sys, "argv", ["calm-ext", *map(os.fspath, arguments)])
        if cwd is not None:
            patch.chdir(cwd)
        with pytest.raises(SystemExit) as ended:
            main()
    return Done(int(ended.value.code or 0), out.getvalue(), told.getvalue())


def calm_process(*arguments: str | os.PathLike[str]) -> Done:
    """The same in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "calm_ext", *arguments], capture_output=True, text=True, env=environment
    )
    return Done(done.returncode, done.stdout, done.stderr)
