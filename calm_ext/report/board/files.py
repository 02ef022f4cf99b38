"""The files of a board: ``index.html``, ``leaderboard.md``, ``leaderboard.csv``."""

from __future__ import annotations

from pathlib import Path

from calm_ext.errors import CalmError
from calm_ext.files.writing import atomic_write
from calm_ext.report.board.html import MARK, to_html
from calm_ext.report.board.table import Board
from calm_ext.report.board.write import to_csv, to_markdown


def check_folder(folder: Path) -> None:
    """A folder that a board can be written into, without a page in it that is not a board's.

    Raises:
        CalmError: it is something else.
    """
    page = folder / "index.html"
    if folder.suffix.lower() in (".html", ".htm") or (folder.exists() and not folder.is_dir()):
        raise CalmError(f"{folder}: name a folder; index.html, leaderboard.md and leaderboard.csv go into it")
    try:
        ours = not page.exists() or MARK in page.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise CalmError(f"{page}: cannot be read ({error.strerror})") from None
    if not ours:
        raise CalmError(f"{page}: is not a leaderboard, so it was left alone; name another folder")


def write_board(board: Board, folder: Path) -> list[Path]:
    """Write the three files, each as a whole; returns their paths.

    Raises:
        CalmError: the folder cannot be written, or has a page that is not a board's.
    """
    check_folder(folder)
    contents = {"index.html": to_html(board), "leaderboard.md": to_markdown(board), "leaderboard.csv": to_csv(board)}
    try:
        for name, content in contents.items():
            atomic_write(folder / name, content)
    except OSError as error:
        raise CalmError(f"{folder}: cannot be written ({error.strerror})") from None
    return [folder / name for name in contents]
