"""Some of the most telling questions for a terminal: what was answered before, and what is answered now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from calm_ext.babel.gloss import gloss
from calm_ext.languages import language_name
from calm_ext.report.explain.parts import KINDS, Part, parts_of_task
from calm_ext.report.explain.telling import Telling, telling
from calm_ext.report.rundata import RunData
from calm_ext.report.words import clip, counted

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

#: kind of question -> the word for it in front
_WORDS = {"won": "all right", "gained": "more right", "lost": "fewer right", "wrong": "alike and wrong",
          "mixed": "changed", "together": "agree", "apart": "differ"}  # fmt: skip
#: kinds that are for the better, and kinds that are for the worse
_GOOD, _BAD = ("won", "gained", "together"), ("lost", "wrong")
_LONGEST = 300


def moved_questions(data: RunData, n: int = 3) -> list[RenderableType]:
    """A title and n questions of the part to read first; nothing where no answer changed.

    Each is shown in a language in which its answer changed: where more answers are right, one that became right; where
    fewer are, one that became wrong. Babel's questions stand in English, too.
    """
    from rich.table import Table
    from rich.text import Text

    part, chosen = _chosen(data, n)
    if part is None or not chosen:
        return []
    where = f", {KINDS[part.kind]}" if part.kind != "unknown" else ""
    title = Text(f"{counted(len(chosen), 'question')} with changed answers{where}", "bold")
    title.append("   [ ] answered before → answered now   ✓ right", "dim not bold")
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for one in chosen:
        language = _language(one, part)
        word = Text(_WORDS[one.kind], "green" if one.kind in _GOOD else "red" if one.kind in _BAD else "")
        shown = one.row.shown
        table.add_row(word, language_name(language), clip(shown.questions[language].text, _LONGEST))
        table.add_row("", "", _options(one, language, [t.text for t in shown.options[language]]))
        if english := gloss(one.row.id, {language: shown.questions[language].text}):
            table.add_row("", "in English", english.question)
            table.add_row("", "", _options(one, language, english.options))
    return [title, table]


def first_moved(data: RunData) -> str | None:
    """The id of the first of these questions."""
    _, chosen = _chosen(data, 1)
    return chosen[0].row.id if chosen else None


def _chosen(data: RunData, n: int) -> tuple[Part | None, list[Telling]]:
    """The part to read first, and its most telling questions."""
    order = ("held out", "unknown", "asked")
    parts = sorted((p for t in data.tasks for p in parts_of_task(data, t)), key=lambda p: order.index(p.kind))
    return (parts[0], telling(parts[0], n)) if parts else (None, [])


def _language(one: Telling, part: Part) -> str:
    """A language whose answer changed: from the right one where fewer or wrong ones are given now, else to it."""
    row = one.row
    changed = [x for x in part.languages if row.before[x] != row.after[x]]
    wanted = row.before if one.kind in _BAD else row.after
    return next((x for x in changed if row.gold is not None and wanted[x] == row.gold), changed[0])


def _options(one: Telling, language: str, texts: Sequence[str]) -> Text:
    from rich.text import Text

    row = one.row
    old, new = row.before[language], row.after[language]
    line = Text("   ").join(_option(clip(t, _LONGEST), i, (old, new), row.gold) for i, t in enumerate(texts))
    for answer, word in ((old, "before"), (new, "now")):
        if answer is None:
            line.append(f"   (no answer could be read {word})", "dim")
    return line


def _option(text: str, index: int, answers: Sequence[int | None], gold: int | None) -> Text:
    from rich.text import Text

    old, new = answers
    style = "" if gold is None else "green" if index == gold else "red"
    shown = Text()
    if index == new:
        shown.append("→ ", "bold").append(f"[{text}]", f"bold {style}")
    elif index == old:
        shown.append(f"[{text}]", style)
    else:
        shown.append(text)
    return shown.append(" ✓", "green") if index == gold else shown
