"""The card of a check, to share: one self-contained HTML page and a picture of 1200 × 630 pixels; and the numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from calm_ext.checkup.examples import Example, marks
from calm_ext.checkup.found import NUMBERS, Checkup
from calm_ext.checkup.picture import draw
from calm_ext.checkup.words import bounds, clean, name_of, share
from calm_ext.files.places import make_folder
from calm_ext.files.shown import fixed
from calm_ext.files.writing import atomic_write, atomic_write_bytes
from calm_ext.jsonl import finite
from calm_ext.languages import get_language, is_language
from calm_ext.report.templates import environment

_FOLDER = Path(__file__).parent


def stem_of(found: Checkup, *, first: bool) -> str:
    """The name of a card's files: ``check``, and of a further task its name with it."""
    return "check" if first else f"check-{found.asked.task}"


def write_card(found: Checkup, folder: Path, *, stem: str = "check") -> None:
    """Write ``<stem>.html``, ``<stem>.png`` and ``<stem>.json`` into a folder.

    Raises:
        CalmError: the folder cannot be made.
    """
    make_folder(folder)
    atomic_write(folder / f"{stem}.html", to_html(found))
    atomic_write_bytes(folder / f"{stem}.png", draw(found))
    values = json.dumps(finite(found.as_dict()), ensure_ascii=False, indent=2) + "\n"
    atomic_write(folder / f"{stem}.json", values.encode("utf-8", "replace").decode("utf-8"))


def to_html(found: Checkup) -> str:
    """The page; whatever a model or a data set says is escaped, and nothing is loaded from elsewhere."""
    from calm_ext.report.page import html

    m = found.measured
    page = environment(_FOLDER, Path(html.__file__).parent).get_template("check.html").render(
        title=f"{found.label} – calm-ext check",
        found=found,
        numbers=[_number(found, metric, words) for metric, words in NUMBERS.items()],
        languages=[_language(found, x) for x in found.by_accuracy],
        heads=[{"code": clean(x, 40), "name": name_of(x)} for x in m.languages],
        matrix=[_row(found, x) for x in m.languages],
        pair_chance=share(m.chance["consistency"]) if "consistency" in m.chance else "",
        acc_chance=share(m.chance["acc"]) if "acc" in m.chance else "",
        chance_left=f"{100 * m.chance['acc']:.1f}" if "acc" in m.chance else "",
        share=share,
        examples=[_example(e) for e in found.examples],
    )  # fmt: skip
    # A text with half a character (an unpaired surrogate) can stand in no file.
    return page.encode("utf-8", "replace").decode("utf-8")


def _number(found: Checkup, metric: str, words: str) -> dict[str, str]:
    m = found.measured
    chance = share(m.chance[metric]) if metric in m.chance else ""
    interval = bounds(m.ci95[metric])
    return {"value": share(m.metrics[metric]), "name": words, "interval": interval, "chance": chance}


def _language(found: Checkup, language: str) -> dict[str, Any]:
    m, metric = found.measured, f"acc_{language}"
    return {
        "name": name_of(language),
        "width": f"{100 * m.metrics[metric]:.1f}",
        "value": share(m.metrics[metric]),
        "interval": bounds(m.ci95[metric]),
        "near": found.near_chance(metric),
        "lost": found.lost.get(language),
        "pivot": language == found.pivot,
    }


def _row(found: Checkup, language: str) -> dict[str, Any]:
    """A row of the matrix of pairs: the agreement with each language, and how strongly its cell is coloured."""
    agree = {frozenset(p.languages): p.consistency for p in found.pairs}
    cells = []
    for other in found.measured.languages:
        value = agree.get(frozenset((language, other)))
        shown = "" if value is None else fixed(100 * value, 0)
        weak = value is not None and {language, other} == set(found.weakest.languages)
        cells.append({"shown": shown, "shade": 0 if value is None else round(70 * value), "weak": weak})
    return {"name": name_of(language), "cells": cells}


def _example(example: Example) -> dict[str, Any]:
    return {
        "id": example.id,
        "sides": [
            {
                "code": side.language,
                "name": name_of(side.language),
                "rtl": is_language(side.language) and get_language(side.language).right_to_left,
                "question": clean(side.question),
                "options": marks(example, side),
                "right": side.answer is not None and side.answer == example.gold,
                "read": side.answer is not None,
            }
            for side in example.sides
        ],
    }
