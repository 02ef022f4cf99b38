"""The page of a study, ``index.html``: verdicts, a plot a claim, tables, and the cells with their own reports."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import calm_ext.report.page as report_page
from calm_ext.files.writing import atomic_write, atomic_write_bytes
from calm_ext.report.glossary.link import with_glossary
from calm_ext.report.page.html import image
from calm_ext.report.templates import environment
from calm_ext.study.combinations import combinations, explained_pages
from calm_ext.study.options import label
from calm_ext.study.plots import draw_claims
from calm_ext.study.tables import TONES, claim_words, found_words, headline, metric_tables, notes


def write_page(results: Mapping[str, Any], folder: Path, text: str) -> Path:
    """Write the page, and the plots beside it in ``plots/``; returns its path.

    Args:
        text: of the study file, without secrets.
    """
    files = draw_claims(results)
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    for old in (folder / "plots").glob("claim-*"):
        if old.name not in files:
            old.unlink()
    for name, content in files.items():
        atomic_write_bytes(folder / "plots" / name, content)
    pages = list(explained_pages(results, folder))
    atomic_write(folder / "index.html", render_page(results, folder, files, text, pages))
    return folder / "index.html"


def render_page(
    results: Mapping[str, Any], folder: Path, files: Mapping[str, bytes], text: str, pages: Sequence[tuple[str, str]]
) -> str:
    """The page as text.

    Args:
        files: those of :func:`calm_ext.study.plots.draw_claims`.
        pages: those of :func:`calm_ext.study.combinations.explained_pages`.
    """
    tone, sentence = headline(results)
    env = environment(Path(__file__).parent, Path(report_page.__file__).parent)
    page = env.get_template("study.html").render(
        name=results["study"],
        tone=tone,
        sentence=sentence,
        notes=notes(results),
        claims=[
            {
                "number": i, "words": _capital(claim_words(c["claim"])), "verdict": c["verdict"],
                "tone": TONES[c["verdict"]], "found": found_words(c), "test": c["test"] if c["levels"] else "",
                "notes": c["notes"],
                "plot": image(files[f"claim-{i}.png"]) if f"claim-{i}.png" in files else None,
            }
            for i, c in enumerate(results["claims"], 1)
        ],
        tables=metric_tables(results),
        cells=[
            {
                "name": c["run"].rpartition("/")[2], "status": c["status"], "error": c.get("error", ""),
                "about": ", ".join(f"{k} {label(v)}" for k, v in {**c["vary"], **c["seed"]}.items()),
                "fold": c["fold"],
                "report": f"{c['run']}/report/index.html" if c["status"] == "finished" else "",
            }
            for c in results["cells"]
        ],
        explained=[{"name": name, "page": quote(page)} for name, page in pages],
        n_combinations=len(combinations(results)),
        explain=f"calm-ext explain {shlex.quote(str(folder))}",
        versions=results["versions"],
        text=text,
    )  # fmt: skip
    return with_glossary(page)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
