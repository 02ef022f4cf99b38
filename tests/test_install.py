"""The wheel, installed in a scratch environment: lm_eval finds the tasks with no flag, and uninstalling leaves no trace."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    subprocess.run(["git", "-C", str(ROOT), "rev-parse"], check=True, capture_output=True)
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard"], check=True, capture_output=True, text=True
    ).stdout.split("\n")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(source)],
        check=True,
        capture_output=True,
    )
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_has_tasks_recipes_and_types(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "lm_eval/tasks/calm/calm.yaml", "lm_eval/tasks/calm/README.md", "lm_eval/tasks/calm/xcsqa/calm_xcsqa_xl.yaml",
        "lm_eval/tasks/calm/babel/calm_babel_xl_mc.yaml", "lm_eval/tasks/calm/sample/languages/calm_sample_ar_mc.yaml",
        "calm_ext/data/sources/sample.jsonl", "calm_ext/data/sources/sample.md",
        "calm_ext/recipes/demo.yaml", "calm_ext/recipes/accelerate/multi-gpu.yaml", "calm_ext/py.typed",
        "calm_ext/recipes/studies/methods-babel.yaml", "calm_ext/study/study.html",
        "calm_ext/data/sources/xcsqa_paper_test.txt",
    ):  # fmt: skip
        assert name in names, name
    assert "lm_eval/__init__.py" not in names
    assert "lm_eval/tasks/__init__.py" not in names
    assert any(n.endswith("LICENSE") for n in names)


#: Of lm-eval's own tasks.
THEIRS = {"hellaswag", "piqa", "xcopa"}
BETWEEN = "--- the next command ---"
#: Two commands of lm_eval in one process: its frameworks load once.
BOTH = f"""
import contextlib, sys
from lm_eval.__main__ import cli_evaluate
with contextlib.suppress(SystemExit):
    cli_evaluate()
print({BETWEEN!r})
sys.argv = ["lm_eval", "ls", "tasks"]
cli_evaluate()
"""


def test_lm_eval_finds_the_task_with_no_flag(wheel: Path, babel_model: Path, paper_data: Path, tmp_path: Path) -> None:
    """`lm_eval --tasks calm_xcsqa_xl`, literally, from a folder that is not the project."""
    import venv

    import lm_eval

    scratch = tmp_path / "venv"
    venv.create(scratch, system_site_packages=False, with_pip=False, symlinks=True)
    site = next((scratch / "lib").glob("python*/site-packages"))
    # System site packages, where "system" is the environment of this test, less any calm-ext in it: lm_eval itself is
    # copied, so that what the wheel adds to it is seen, and taken away, in the copy. Of its own tasks a few: lm_eval
    # reads all of its 14,000 YAMLs at each start, ten seconds long.
    here = Path(lm_eval.__file__).parent

    def others(folder: str, names: list[str]) -> set[str]:
        folders = {x for x in names if (here / "tasks" / x).is_dir()} if Path(folder) == here / "tasks" else set()
        return folders - THEIRS

    shutil.copytree(here, site / "lm_eval", ignore=others)
    (site / "parent.pth").write_text(str(here.parent) + "\n")
    environment = {**os.environ, "CALM_DATA_DIR": str(paper_data), "HF_HUB_OFFLINE": "1"}
    environment.pop("PYTHONPATH", None)
    before = sorted(p.relative_to(site) for p in (site / "lm_eval").rglob("*") if "__pycache__" not in p.parts)
    python = scratch / "bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "-q"]
    subprocess.run(
        [*pip, "install", "--ignore-installed", "--no-deps", "--no-index", str(wheel)], check=True, env=environment
    )
    script = scratch / "bin/lm_eval"
    script.write_text(f"#!{python}\nimport sys\nfrom lm_eval.__main__ import cli_evaluate\nsys.exit(cli_evaluate())\n")
    script.chmod(0o755)
    done = subprocess.run(
        [str(script), "--model", "hf", "--model_args", f"pretrained={babel_model},dtype=float32", "--device", "cpu",
         "--tasks", "calm_xcsqa_xl", "--limit", "2", "--metadata", '{"languages": ["en", "ja"]}',
         "--gen_kwargs", "max_gen_toks=4", "--log_samples", "--output_path", str(tmp_path / "out")],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "calm_xcsqa_xl" in done.stdout
    assert "acc_ja" in done.stdout
    assert "consistency" in done.stdout
    assert list((tmp_path / "out").rglob("samples_calm_xcsqa_xl_*.jsonl"))
    names = ",".join(p.stem for p in (ROOT / "lm_eval_tasks").rglob("*.yaml"))
    looked = subprocess.run(
        [str(python), "-c", BOTH, "validate", "--tasks", names],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    valid, listed = looked.stdout.split(BETWEEN)
    assert "All tasks found and valid" in valid, valid[-2000:]
    expected = ("calm_medqa_xl", "calm_xcsqa_sw_mc", "calm_generation", *THEIRS)
    assert all(name in listed for name in expected), listed[-2000:]
    shown = subprocess.run(
        [str(scratch / "bin/calm-ext"), "recipes", "validate", "demo"], cwd=tmp_path, env=environment,
        capture_output=True, text=True,
    )  # fmt: skip
    assert shown.stdout == "demo: valid\n"
    subprocess.run([*pip, "uninstall", "-y", "calm-ext"], check=True, env=environment)
    after = sorted(p.relative_to(site) for p in (site / "lm_eval").rglob("*") if "__pycache__" not in p.parts)
    assert after == before
