"""Short forms of benchmarks/kills.py, damage.py and races.py: a run that is killed, damaged, and begun twice at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.small import small_recipe

#: In a process of its own, which has loaded no framework before it forks.
CODE = """
import json, random, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import damage, kills, races
from ordeal import load_frameworks
load_frameworks()
out = Path(sys.argv[2])
recipe, finished, draw = out / "recipe.yaml", out / "reference", random.Random(0)
found = {}
for at in (2, 9, 30):
    found[f"kill {at}"] = kills.survive(recipe, out, kill=("align", at), seconds=None, stop_after="pairs")
found["race"] = races.race(recipe, out, after=0.0, stop_after="pairs")
found["later race"] = races.race(recipe, out, after=0.8, stop_after="pairs")
for file, way in (("generations.jsonl", "bit"), ("manifest.json", "cut"), ("pairs.jsonl", "swapped"),
                  ("training/worker.log", "zeros"), ("eval/before/results.json", "removed"), ("run.log", "zeros"),
                  ("run.log", "removed"), ("run.log", "swapped")):
    case = damage.Damage("finished", file, way)
    became, attempt = damage.suffer(recipe, out, finished, case, draw)
    found[f"{way} {file}"] = (became, attempt.text)
print(json.dumps(found))
"""

EXPECTED = {
    "kill 2": ("survived",),
    "kill 9": ("survived",),
    "kill 30": ("survived",),
    "race": ("second refused", "first refused"),
    "later race": ("second refused", "first refused", "both ended well"),
    "bit generations.jsonl": ("repaired",),
    "cut manifest.json": ("refused",),
    "swapped pairs.jsonl": ("repaired",),
    "zeros training/worker.log": ("harmless",),
    "removed eval/before/results.json": ("repaired",),
    "zeros run.log": ("harmless",),
    "removed run.log": ("harmless",),
    "swapped run.log": ("harmless",),
}


@pytest.fixture(scope="module")
def found(small_run: Path, babel_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    out = tmp_path_factory.mktemp("ordeals")
    shutil.copytree(small_run, out / "reference")
    (out / "reference/run.log").write_text("# a log\n")
    (out / "recipe.yaml").write_text(small_recipe(babel_model).to_yaml())
    command = [sys.executable, "-c", CODE, str(ROOT / "benchmarks"), str(out)]
    # None of these runs comes to training: a server for its process would be loaded for nothing.
    environment = {**os.environ, "CALM_FORK_SERVER": "0"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    result: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.parametrize("name", EXPECTED)
def test_nothing_is_lost_changed_or_blocked(found: dict[str, list[str]], name: str) -> None:
    became, words = found[name]
    assert became in EXPECTED[name], words
    assert "Traceback" not in words
