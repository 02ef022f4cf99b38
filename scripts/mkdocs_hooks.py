"""What mkdocs.yml needs beside docs/: pages that lie elsewhere in the repository, and links that lead to them.

A link in docs/ is written as GitHub reads it (``../CONTRIBUTING.md``); the site has these pages beside the others. A
link to a file that is no page of the site is left as it is, and a strict build refuses it. A link whose text is the
name of a file, as on GitHub, has the title of its page here.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
#: file in the repository -> page of the site
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "examples/README.md": "examples.md",
    "examples/cluster/README.md": "cluster.md",
    "lm_eval_tasks/README.md": "tasks.md",
    "calm_ext/data/sources/sample.md": "sample.md",
}
SOURCES = {page: source for source, page in PAGES.items()}
#: page -> its weight in a search, where it is not 1: what explains comes first, what happened once comes last
BOOST = {
    "concepts.md": 4,
    "troubleshooting.md": 4,
    "own-questions.md": 4,
    "studies.md": 0.5,
    "RESULTS.md": 0.2,
    "changelog.md": 0.05,
}
_NAMED = re.compile(r"\[`?[\w./-]+\.md`?\](\(([^)#\s]+))")
_LINK = re.compile(r"(\]\()([^)#\s]+)")
_CELL, _CODE = re.compile(r"<td>.*?</td>", re.DOTALL), re.compile(r"<code>[^<]*</code>")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie elsewhere, and the files of the examples, which open as text."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    for path in sorted(x for pattern in ("*.py", "*/*.*") for x in (ROOT / "examples").glob(pattern)):
        if path.suffix == ".md":
            continue
        files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead the links to where the site has their files, under the titles of their pages; weigh the page in searches."""
    here = page.file.src_uri
    if here in BOOST:
        page.meta.setdefault("search", {})["boost"] = BOOST[here]
    source = SOURCES.get(here, f"docs/{here}")

    def named(match: re.Match[str]) -> str:
        return f"[{_title(match[2], source) or match[0][1:].partition(']')[0]}]{match[1]}"

    def led(match: re.Match[str]) -> str:
        return match[1] + _in_site(match[2], source, here)

    parts = re.split(r"(^ *```.*?^ *```$)", markdown, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if i % 2 else _LINK.sub(led, _NAMED.sub(named, part)) for i, part in enumerate(parts))


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Show a bar in the code of a table, which GitHub wants escaped, without its backslash."""
    return _CELL.sub(lambda cell: _CODE.sub(lambda code: code[0].replace("\\|", "|"), cell[0]), html)


def _title(target: str, source: str) -> str:
    """The first heading of the file that a link leads to, up to a comma or colon; empty where there is none."""
    path = ROOT / posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = re.search(r"^# ([^,:\n]+)", text, re.MULTILINE)
    return found[1].strip() if found else ""


def _in_site(target: str, source: str, here: str) -> str:
    """A link of a file of the repository as its page needs it."""
    if re.match(r"[a-z]+:", target):
        return target
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    if (ROOT / path).is_dir():
        path = posixpath.join(path, "README.md")
    if path in PAGES:
        found = PAGES[path]
    elif path.startswith("docs/"):
        found = path.removeprefix("docs/")
    elif path.startswith("examples/"):
        found = path
    else:
        return target
    return posixpath.relpath(found, posixpath.dirname(here) or ".")
