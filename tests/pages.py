"""The pages that browser tests look at, written once."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from calm_ext.checkup.card import to_html
from calm_ext.cli.main import cli
from calm_ext.report import write_report
from tests.test_check import TEN, found_in, write_samples
from tests.test_report import make_run


def make_pages(folder: Path, results: Path) -> None:
    """Write report, explain, leaderboard, view and check."""
    run = make_run(folder / "toy", languages=["en", "ar", "ja"], n=40, n_test=60)
    write_report(run)
    for verb in ("leaderboard", "view"):
        done = CliRunner().invoke(cli, [verb, str(results), "-o", str(folder / verb)])
        assert done.exit_code == 0, done.output
    (folder / "check.html").write_text(to_html(found_in(write_samples(folder / "r", TEN))), encoding="utf-8")


def pages_in(folder: Path) -> dict[str, Path]:
    """Name -> its file."""
    run = folder / "toy"
    return {
        "report": run / "report/index.html",
        "explain": run / "report/explain.html",
        "leaderboard": next((folder / "leaderboard").glob("*.html")),
        "view": folder / "view/index.html",
        "check": folder / "check.html",
    }
