"""The four examples, on a small model of Babel: the whole one takes over a minute to make."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

Run = Callable[..., str]


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], one_thread: None) -> Run:
    """Runs an example in this process, so that torch is loaded once for all, and gives what it prints."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def run(name: str, *arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, arguments)])
        capsys.readouterr()
        runpy.run_path(str(ROOT / f"examples/{name}.py"), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_every_example_is_described_and_run_here() -> None:
    names = {path.stem for path in (ROOT / "examples").glob("*.py")}
    page = (ROOT / "examples/README.md").read_text(encoding="utf-8")
    assert names == set(re.findall(r"\((\w+)\.py\)", page))
    assert names == set(re.findall(r'example\("(\w+)"', Path(__file__).read_text(encoding="utf-8")))


def test_two_models_are_measured_and_compared(example: Run, babel_model: Path, tmp_path: Path) -> None:
    from calm_ext.babel import BabelConfig, build

    config = BabelConfig(n_sentences=640, hidden_size=48, n_layers=2, intermediate_size=96)
    worse = build(config, cache_dir=tmp_path, progress=lambda *_: None)
    shown = example("measure_two_models", worse, babel_model, "--limit", 24)
    assert "24 questions in qaa, qab, qac, qad, qae" in shown
    assert re.search(r"^acc +0\.\d{3} → 0\.\d{3} \(by chance 0\.250\), [+-]0\.\d{3} \[.*\], p = ", shown, re.MULTILINE)
    assert re.search(r"and not before: \d+ questions", shown)


def test_a_rule_of_ones_own_votes_and_makes_pairs(
    example: Run, babel_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from calm_ext.voting.rules import RULES

    assert "unanimous" not in RULES
    monkeypatch.setattr(RULES, "_entries", dict(RULES._entries))  # the example's rule is gone after the test
    shown = example("pairs_by_own_rule", "--model", babel_model, "--limit", 16)
    for rule in ("majority", "unanimous"):
        assert re.search(rf"^{rule} +decided \d+ of 16, right on \d+% of all$", shown, re.MULTILINE)
    assert re.search(r"^[1-9]\d* pairs for TRL's DPOTrainer; the first:\nprompt   '", shown, re.MULTILINE)


def test_own_questions_are_aligned_and_the_run_is_read(example: Run, babel_model: Path, tmp_path: Path) -> None:
    run, plot = tmp_path / "own", tmp_path / "moved.png"
    shown = example("align_own_questions", "--model", babel_model, "--run", run)
    assert re.search(r"^  together +[█·]{20} +\d+% → [█·]{20} +\d+%$", shown, re.MULTILINE)
    assert (run / "report/index.html").is_file()
    shown = example("read_a_run", run, "--task", "calm_asked_xl_mc", "--plot", plot)
    assert re.search(r"^\d+ answers changed, of \d+ questions$", shown, re.MULTILINE)
    assert "difference" in shown and plot.read_bytes()[:4] == b"\x89PNG"
