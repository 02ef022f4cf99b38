"""Write calm_ext/data/parallel/paper_rows.txt from a copy of https://github.com/wangym2/CALM
(calm_ext/data/parallel/published.py).

    CALM_DATA_DIR=… python scripts/fingerprint_paper.py

The rows are first joined by content, with what that leaves out, and without what was known of them before.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from calm_ext.data.parallel.published import fingerprint
from calm_ext.data.sources import medqa, paper, xcsqa
from calm_ext.records import ParallelQuestion

TARGET = Path(__file__).resolve().parents[1] / "calm_ext/data/parallel/paper_rows.txt"


def main() -> None:
    """Write the file."""
    base = os.environ.get("CALM_DATA_DIR")
    if not base:
        sys.exit("set CALM_DATA_DIR to a copy of wangym2/CALM")
    sets = [
        ("en", medqa.files_of("en", "test", medqa.LANGUAGES)),
        ("zh", medqa.files_of("zh", "test", ("zh", "en", "fr"))),
        ("en", xcsqa.paper_files("test", xcsqa.PAPER_LANGUAGES)),
        ("en", xcsqa.paper_files("train", xcsqa.PAPER_LANGUAGES)),
    ]
    lines = []
    for origin, files in sets:
        questions = paper.load_files(files, base, name="x", source_language=origin, published=False).questions
        lines += [f"{file} {''.join(_code(q, x) for q in questions)}\n" for x, file in files.items()]
    TARGET.write_text("".join(lines), encoding="ascii")
    print(f"{TARGET}: {len(lines)} files")


def _code(question: ParallelQuestion, language: str) -> str:
    version = question.versions[language]
    return fingerprint((version.question, list(version.options), question.answer))


if __name__ == "__main__":
    main()
