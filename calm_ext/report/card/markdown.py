"""Text of others in Markdown: what a model, a data set or a recipe says must stay text.

A template environment whose values are escaped unless they are :class:`Markdown` already, as autoescape does for HTML.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

LONGEST = 2000
_SPACED = {"Cc", "Zl", "Zp", "Zs", "Cs", "Co"}
_MARKS = re.compile(r"[\\`*|~^]|(?<!\w)_|_(?!\w)|\](?=[(\[:])|^[#+=-](?=[\s#=-]|$)")
_ORDINAL = re.compile(r"^(\d+)([.)])(?=\s|$)")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}


class Markdown(str):
    """Text that is Markdown and goes into a template as it is."""

    __slots__ = ()


def plain(text: object, *, longest: int = LONGEST) -> str:
    """One line without control and direction characters, cut to a readable length.

    >>> plain("a\\n---\\nb\\u202e c")
    'a --- b c'
    """
    kinds = [(c, unicodedata.category(c)) for c in str(text)]
    line = " ".join("".join(" " if k in _SPACED else c for c, k in kinds if k != "Cf" or c in "\u200c\u200d").split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def escape(text: object) -> Markdown:
    r"""One line that a Markdown renderer shows as it is, in a paragraph or in a cell of a table.

    >>> print(escape("a|b `x` <b> [t](http://e.org) calm_xcsqa_xl *"))
    a\|b \`x\` &lt;b&gt; [t\](http://e.org) calm_xcsqa_xl \*
    >>> print(escape("# a"), escape("+0.1 b"), escape("1. c"), escape("--- d"))
    \# a +0.1 b 1\. c \--- d
    """
    if isinstance(text, Markdown):
        return text
    marked = _ORDINAL.sub(r"\1\\\2", _MARKS.sub(lambda m: "\\" + m.group(), plain(text)))
    return Markdown("".join(_ENTITIES.get(c, c) for c in marked))


def code(text: object) -> Markdown:
    """One line as a code span; for paragraphs and lists, not for cells.

    >>> print(code("a`b"), code("<x>"))
    `` a`b `` `<x>`
    """
    line = plain(text) or " "
    ticks = _ticks(line, 1)
    around = " " if "`" in line else ""
    return Markdown(f"{ticks}{around}{line}{around}{ticks}")


def fenced(text: str, language: str = "") -> Markdown:
    """Lines as a code block that nothing in them can end."""
    fence = _ticks(text, 3)
    kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cf", "Zl", "Zp", "Cs"})
    return Markdown(f"{fence}{language}\n{kept.strip()}\n{fence}")


def _ticks(text: str, least: int) -> str:
    """More backticks than stand together in a text."""
    runs = [len(run) for run in re.findall("`+", text)]
    return "`" * max([least, *(n + 1 for n in runs)])


def render(template: str, values: dict[str, Any]) -> str:
    """A template of this folder, its values escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=False,
        finalize=escape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(code=code, fenced=fenced)
    text: str = environment.get_template(template).render(values)
    return text
