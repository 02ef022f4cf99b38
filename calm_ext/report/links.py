"""Where a question of a run can be read, with all that was answered: in a view beside the run, else in its report.

Both are asked for the question before a link is made, so that none leads nowhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from calm_ext.report.view.parts import read_list

#: The folder of a view, and where it may lie: beside the page, in the run, or beside the run.
_VIEW, _ABOVE = "view", 3
#: What stands around the data of a page.
_MANIFEST, _QUESTIONS, _END = 'id="manifest">', 'id="questions-data">', "</script>"


class Target(NamedTuple):
    """A page that has questions.

    Attributes:
        words: what the link says.
        addresses: task -> the address of a question there, up to its id, and what follows the id.
        ids: task -> the questions that it has.
    """

    words: str
    addresses: Mapping[str, tuple[str, str]]
    ids: Mapping[str, Collection[str]]


class QuestionLinks:
    """Links to the questions of a run from a page of it."""

    def __init__(self, targets: list[Target]) -> None:
        """``targets``: the first that has a question is linked."""
        self._targets = targets

    def of(self, task: str, identity: str) -> tuple[str, str] | None:
        """The address of a question, and words for it; None where no page has it."""
        for target in self._targets:
            if identity in target.ids.get(task, ()):
                before, behind = target.addresses[task]
                return f"{before}{quote(_whole(identity), safe='')}{behind}", target.words
        return None


def question_links(run: Path, folder: Path) -> QuestionLinks:
    """The links from a page in a folder to the questions of a run.

    Args:
        run: the run directory.
        folder: of the page; its ``index.html`` is asked where this is the report of the run.
    """
    report = folder / "index.html"
    targets = [view_target(run, folder)]
    if folder.resolve() == (run / "report").resolve() and report.is_file():
        targets.append(report_target(_data(report, _QUESTIONS), "index.html"))
    return QuestionLinks([t for t in targets if t])


def report_target(data: Mapping[str, Any], page: str = "") -> Target:
    """The list of questions of a report.

    Args:
        data: what its page holds, as :func:`calm_ext.report.page.browser.browser_context` made it.
        page: the file; empty for a link within it.
    """
    ids = {t["name"]: {row[0] for row in t["rows"]} for t in data.get("tasks", ())}
    return Target(
        "in the report",
        {task: (f"{page}#/?{urlencode({'task': _whole(task), 'show': 'any'})}&open=", "") for task in ids},
        ids,
    )


def view_target(run: Path, folder: Path) -> Target | None:
    """A view that has both evaluations of a run, in the nearest folder beside a page; None where there is none."""
    name = run.resolve().name
    for view in (above / _VIEW for above in (folder, *folder.resolve().parents[: _ABOVE - 1])):
        addresses: dict[str, tuple[str, str]] = {}
        ids: dict[str, set[str]] = {}
        for table in _tables(view):
            labels = [row["label"] for row in read_list(view / "data", f"{table['number']}/rows", table["starts"])]
            sides = [f"{name} {when}" for when in ("before", "after")]
            if all(label in labels for label in sides):
                task, key = str(table["key"]).partition("~")[0], quote(table["key"], safe="")
                where = quote(os.path.relpath(view.resolve(), folder.resolve()).replace(os.sep, "/"))
                behind = f"?{urlencode({'from': _whole(sides[0]), 'e': _whole(sides[1]), 'show': 'all'})}"
                addresses.setdefault(task, (f"{where}/index.html#/q/{key}/", behind))
                heads = read_list(view / "data", f"{table['number']}/heads", table["starts"])
                ids.setdefault(task, {head[0] for head in heads})
        if addresses:
            return Target("in the view", addresses, ids)
    return None


def _tables(view: Path) -> Iterator[dict[str, Any]]:
    found = _data(view / "index.html", _MANIFEST).get("tables", ())
    for number, table in enumerate(found):
        yield {**table, "number": number}


def _data(page: Path, mark: str) -> dict[str, Any]:
    """The JSON that a page of ours holds; empty where it holds none."""
    try:
        text = page.read_text(encoding="utf-8")
        found = json.loads(text.partition(mark)[2].partition(_END)[0])
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _whole(text: str) -> str:
    """Without halves of characters, which no page has either."""
    return text.encode("utf-8", "replace").decode("utf-8")
