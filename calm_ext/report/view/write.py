"""A view in its folder: ``index.html``, ``view.css``, ``view.js``, and the parts in ``data/``.

The page may load nothing but what stands in its folder, and run nothing but its one script and the parts; whatever a
model, a data set or a file name says becomes text. With ``publish`` there is a ``README.md`` with the head that a
static Space of the Hugging Face hub needs.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.errors import CalmError
from calm_ext.files.writing import atomic_write
from calm_ext.report.board.table import Board
from calm_ext.report.board.write import LEGEND, headline
from calm_ext.report.card.markdown import escape, plain
from calm_ext.report.glossary.link import STYLE, glossary_list
from calm_ext.report.glossary.words import metric_word
from calm_ext.report.page.browser import embedded
from calm_ext.report.page.html import ADDRESS
from calm_ext.report.templates import environment
from calm_ext.report.view.tables import LONGEST_RESPONSE, Written, languages_of, write_tables
from calm_ext.results.log_options import LogOptions

#: The mark of our pages, which may be replaced.
MARK = '<meta name="generator" content="calm-ext view">'
#: The mark of a README.md that came from here.
README_MARK = "<!-- written by calm-ext view -->"
TITLE = "Accuracy and agreement across languages"
_PAGE = Path(__file__).parent


class View(NamedTuple):
    """What was written: the folder, files and bytes, the manifest of each table, and notes in words."""

    folder: Path
    files: int
    size: int
    tables: list[dict[str, Any]]
    notes: list[str]


def check_folder(folder: Path) -> None:
    """A folder that a view can be written into: there is none yet, or a view, or nothing but hidden files and a README.

    Raises:
        CalmError: it is something else.
    """
    if folder.suffix.lower() in (".html", ".htm") or (folder.exists() and not folder.is_dir()):
        raise CalmError(f"{folder}: name a folder; index.html and what it loads go into it")
    try:
        there = sorted(p.name for p in folder.iterdir()) if folder.exists() else []
        page = folder / "index.html"
        ours = page.is_file() and MARK in page.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise CalmError(f"{folder}: cannot be read ({error.strerror})") from None
    others = [name for name in there if not name.startswith(".") and name != "README.md"]
    if others and not ours:
        raise CalmError(
            f"{folder}: is not a view (it has {others[0]}), so it was left alone; name another folder with -o"
        )


def write_view(
    board: Board,
    folder: Path,
    *,
    logs: LogOptions | None = None,
    responses: int = LONGEST_RESPONSE,
    publish: bool = False,
    title: str = "",
) -> View:
    """Write a view; one that is there is replaced when the new one is complete.

    Args:
        logs: how logs of other people's tasks are read.
        responses: most characters that are kept of what a model wrote; 0 leaves it out.
        publish: write the README.md of a static Space, too.
        title: of the page and of the Space.

    Raises:
        CalmError: the folder cannot be written, or is not a view.
    """
    check_folder(folder)
    data = folder / ".data.new"
    try:
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        written = write_tables(board, data, logs=logs or LogOptions(), responses=responses)
        page = _page(board, written, title)
        _replace(data, folder / "data")
        styles = (_PAGE.parent / "page/style.css", STYLE, _PAGE / "view.css")
        atomic_write(folder / "view.css", "".join(path.read_text(encoding="utf-8") for path in styles))
        scripts = (ADDRESS, _PAGE / "view.js")
        atomic_write(folder / "view.js", "".join(path.read_text(encoding="utf-8") for path in scripts))
        atomic_write(folder / "index.html", page)
        notes = [note for w in written for note in w.notes]
        if publish:
            notes += _publish(folder, title or TITLE, written)
    except OSError as error:
        raise CalmError(f"{folder}: cannot be written ({error.strerror})") from None
    finally:
        shutil.rmtree(data, ignore_errors=True)
    files = [folder / name for name in ("index.html", "view.css", "view.js")] + sorted((folder / "data").rglob("*.js"))
    return View(folder, len(files), sum(p.stat().st_size for p in files), [w.manifest for w in written], notes)


def _page(board: Board, written: Sequence[Written], title: str) -> str:
    manifest = {
        "title": title or TITLE,
        "headline": headline(board),
        "legend": LEGEND,
        "notes": [*board.left_out, *(note for w in written for note in w.notes)],
        "languages": languages_of(written),
        "tables": [w.manifest for w in written],
    }
    from markupsafe import Markup

    page = (
        environment(_PAGE)
        .get_template("page.html")
        .render(
            mark=Markup(MARK),
            title=manifest["title"],
            headline=manifest["headline"],
            findings=[(w.manifest["key"], w.manifest["finding"]) for w in written],
            words=Markup(glossary_list(_words(written), links=False)),
            manifest=Markup(embedded(manifest)),  # embedded() leaves nothing that could end the element
        )
    )
    return page.encode("utf-8", "replace").decode("utf-8")


def _words(written: Sequence[Written]) -> list[str]:
    """The words that the page uses: its metrics, and what ``view.js`` says of all of them."""
    found = (metric_word(c["key"]) for w in written for c in w.manifest["columns"])
    keys = dict.fromkeys(word.key for word in found if word)
    return [
        "question",
        "answer",
        *keys,
        "rank",
        "interval",
        "bootstrap",
        "paired",
        "p_value",
        "mcnemar",
        "holm",
        "significant",
        "chance",
    ]


def _replace(new: Path, old: Path) -> None:
    """Put a finished folder in the place of another one."""
    gone = old.with_name(".data.old")
    shutil.rmtree(gone, ignore_errors=True)
    if old.exists():
        old.rename(gone)
    new.rename(old)
    shutil.rmtree(gone, ignore_errors=True)


def _publish(folder: Path, title: str, written: Sequence[Written]) -> list[str]:
    """The README.md that makes a folder a static Space; one that somebody else wrote is left alone, with a note."""
    import yaml

    readme = folder / "README.md"
    if readme.exists() and README_MARK not in readme.read_text(encoding="utf-8", errors="replace"):
        return ["README.md was there and was left alone; a static Space needs 'sdk: static' in its head"]
    head = {
        "title": plain(title, longest=96), "emoji": "🌐", "colorFrom": "blue", "colorTo": "green", "sdk": "static",
        "app_file": "index.html", "pinned": False, "tags": ["leaderboard", "calm-ext", "cross-lingual-consistency"],
    }  # fmt: skip
    lines = [f"- {escape(w.manifest['key'])}: {escape(w.manifest['finding'])}" for w in written]
    yaml_head = yaml.safe_dump(head, allow_unicode=True, sort_keys=False)
    body = f"{escape(TITLE)}, from the leaderboard down to every answer. Open `index.html`, here or from disk."
    atomic_write(readme, "\n".join([f"---\n{yaml_head}---\n", README_MARK, f"\n{body}\n", *lines, ""]))
    return []
