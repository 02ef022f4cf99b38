"""The report of a run, ``report/index.html`` with its plots, ``summary.json``, its model card; leaderboard and view."""

from __future__ import annotations

import json
import os
from pathlib import Path

from calm_ext.files.places import make_folder
from calm_ext.files.writing import atomic_write, atomic_write_bytes

__all__ = ["write_report"]


def write_report(run_dir: str | os.PathLike[str]) -> Path:
    """Write the report of a run, even half-way.

    It is ``report/index.html`` with its plots, ``report/explain.html`` where answers can be compared, ``summary.json``
    and the model card, README.md.

    Returns:
        The path of index.html, which is one self-contained file.

    Raises:
        CalmError: there is no run, or a file of it cannot be read.
    """
    from calm_ext.report.card.front import write_card
    from calm_ext.report.collect import read_run, summarize
    from calm_ext.report.explain.explain import explain
    from calm_ext.report.explain.page import PAGE, section, write_explanation
    from calm_ext.report.links import question_links
    from calm_ext.report.page.html import render_page
    from calm_ext.report.plots.draw import draw_all

    data = read_run(run_dir)
    summary = summarize(data)
    plots = draw_all(data, summary)
    folder = data.path / "report"
    make_folder(folder)
    for old in (*folder.glob("*.png"), *folder.glob("*.svg")):
        if old.name not in plots.files:
            old.unlink()
    for name, content in plots.files.items():
        atomic_write_bytes(folder / name, content)
    explained = explain(data)
    moved = section(explained) if explained else None
    atomic_write(folder / "index.html", render_page(data, summary, plots, moved))
    if explained:  # it links to the questions of the page
        write_explanation(data.name, explained, folder, question_links(data.path, folder))
    else:
        (folder / PAGE).unlink(missing_ok=True)
    atomic_write(data.path / "summary.json", json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    write_card(data, summary)
    return folder / "index.html"
