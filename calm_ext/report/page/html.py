"""The report as one self-contained HTML page.

Everything that a model, a data set or a recipe says is escaped by the template (autoescape); plots are data URIs. The
one script is allowed by its hash in a Content-Security-Policy that forbids every other script and all of the network.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from calm_ext.report.glossary.link import with_glossary
from calm_ext.report.outdated import outdated_words
from calm_ext.report.page.browser import BUDGET, browser_context, text_of
from calm_ext.report.page.pairs import pairs_context
from calm_ext.report.page.passages import retrieval_context
from calm_ext.report.page.tasks import tasks_context
from calm_ext.report.page.training import cost_context, training_context
from calm_ext.report.page.vote import vote_context
from calm_ext.report.plots.draw import Plots
from calm_ext.report.plots.style import DPI
from calm_ext.report.rundata import RunData
from calm_ext.report.styles import styles_rows, styles_title
from calm_ext.report.templates import environment
from calm_ext.report.verdict import headline
from calm_ext.report.words import finding, sampling_words, tasks_of

#: bytes of plots and questions together, so that the page stays below 10 MiB
LARGEST = 19 * 2**19
_FOLDER = Path(__file__).parent
#: the script of pages whose choices stand in their address
ADDRESS = _FOLDER / "address.js"


def render_page(data: RunData, summary: Mapping[str, Any], plots: Plots, moved: Mapping[str, Any] | None = None) -> str:
    """The page.

    Args:
        plots: those of :func:`calm_ext.report.plots.draw.draw_all`.
        moved: what :func:`calm_ext.report.explain.page.section` says; None where nothing can be compared.
    """
    from markupsafe import Markup

    tone, sentence = headline(summary)
    tasks = tasks_of(summary)
    shown = tasks_context(data, summary)
    images = {k: image(v) for k, v in plots.files.items() if k.endswith(".png")}
    room = LARGEST - sum(len(i["uri"]) for i in images.values())
    questions = browser_context(data, summary, budget=max(BUDGET // 8, min(BUDGET, room)))
    script = ADDRESS.read_text(encoding="utf-8") + (_FOLDER / "script.js").read_text(encoding="utf-8")
    context = {
        "name": data.name,
        "tone": tone,
        "sentence": sentence,
        "missing": list(data.missing),
        "outdated": outdated_words(data.outdated),
        "models": {w: e.model for w, e in data.evaluations.items()},
        "tasks": shown,
        "styles": [
            {"title": styles_title(g), "rows": styles_rows(g), "warnings": g["warnings"]}
            for g in summary.get("styles", ())
        ],
        "findings": [finding(t["name"], tasks[t["name"]]) for t in shown],
        "plots": images,
        "failed": plots.failed,
        "moved": moved,
        "retrieval": retrieval_context(summary),
        "sampling": sampling_words(summary["sampling"]) if summary.get("sampling") else None,
        "vote": vote_context(data, summary),
        "pairs": pairs_context(data, summary),
        "training": training_context(data),
        "cost": cost_context(data, summary),
        "questions": questions,
        "questions_data": Markup(questions["data"]) if questions else "",  # escaped by browser.embedded
        "script": Markup(script),
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "recipe": data.recipe_text,
        "versions": summary["versions"],
        "signatures": {t: v["signature"] for t, v in tasks.items() if v["signature"]},
    }
    templates = environment(_FOLDER)
    templates.globals["text_of"] = text_of
    page = with_glossary(templates.get_template("page.html").render(context))
    # A name with half a character (an unpaired surrogate) can stand in no file.
    return page.encode("utf-8", "replace").decode("utf-8")


def image(png: bytes) -> dict[str, Any]:
    """A PNG as a data URI, with its size in CSS pixels, which it has in its first 24 bytes."""
    width, height = (round(int.from_bytes(png[at : at + 4], "big") * 96 / DPI) for at in (16, 20))
    return {"uri": "data:image/png;base64," + base64.b64encode(png).decode(), "width": width, "height": height}
