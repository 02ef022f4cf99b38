"""A page with its words explained: a link at the first use of each in a section, and a list of them at the end.

The link shows what the word means while it is pointed at or has the focus, and leads to the list. No script is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from calm_ext.report.glossary.words import Word, words

TITLE = "Words of this page"
#: How links and list look, for pages that are not made by :func:`with_glossary`, too.
STYLE = Path(__file__).parent / "glossary.css"

#: Elements in which a word is neither linked nor counted: what is code, what somebody else wrote, and what is no text.
_OTHER = frozenset(
    ["head", "script", "style", "a", "b", "bdi", "code", "pre", "nav", "select", "option", "label", "figure", "article"]
)
#: Elements in which a word counts, but cannot be a link.
_UNLINKED = frozenset(["h1", "h2", "h3", "h4", "summary", "button"])
_CLASSES = frozenset(["kicker", "own", "model", "text", "changes", "level", "tag"])
_VOID = frozenset(["meta", "img", "br", "hr", "input", "link", "wbr"])
_MARKUP = re.compile(r"(<script\b.*?</script>|<!--.*?-->|<[^>]*>)", re.DOTALL)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_CLASS = re.compile(r'\bclass="([^"]*)"')


def with_glossary(page: str) -> str:
    """A page of ours, as HTML, with its words explained.

    Texts with a ``lang`` of their own and the elements above are left alone: they are not ours, or are no prose.
    """
    from markupsafe import escape

    linked, used = _linked(page)
    if not used:
        return page
    place = linked.rindex("</main>")
    entries = f'<h2 id="glossary">{escape(TITLE)}</h2>\n{glossary_list(used)}\n'
    style = STYLE.read_text(encoding="utf-8")
    return (linked[:place] + entries + linked[place:]).replace("</style>", f"{style}</style>", 1)


def glossary_list(keys: Iterable[str], *, links: bool = True) -> str:
    """The list of some words and of those that explain them, in alphabetical order, as HTML.

    Args:
        links: words in explanations lead to their own.
    """
    from markupsafe import escape

    found: dict[str, str] = {}
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key not in found:
            about = str(escape(words()[key].about))
            found[key], more = _link_text(about, {key}) if links else (about, _named(about))
            waiting += more
    shown = sorted((words()[key] for key in found), key=lambda w: w.name.casefold())
    return f'<dl class="glossary">\n{"".join(_entry(w, found[w.key], escape(w.name), links) for w in shown)}</dl>'


def _entry(word: Word, about: str, name: str, links: bool) -> str:
    ids = (f' id="word-{word.key}"', f' id="about-{word.key}"') if links else ("", "")
    return f"<div{ids[0]}><dt>{name}</dt><dd{ids[1]}>{about}</dd></div>\n"


def _linked(page: str) -> tuple[str, set[str]]:
    """The page with its links, and the keys of the words that it uses."""
    used: set[str] = set()
    seen: set[str] = set()
    within: list[tuple[str, str]] = []  # the open elements, and what becomes of words in them: link, count or skip
    parts = []
    for i, part in enumerate(_MARKUP.split(page)):
        how = within[-1][1] if within else "skip"
        if i % 2 == 0:
            if how == "link":
                part, more = _link_text(part, seen)
                used |= more
            elif how == "count":
                used |= _named(part)
        elif (tag := _TAG.match(part)) and not part.endswith("</script>"):
            name = tag[2].lower()
            if tag[1]:
                while within and within.pop()[0] != name:
                    pass
            elif name not in _VOID:
                seen = set() if name == "h2" else seen
                within.append((name, _how(name, part, how)))
        parts.append(part)
    return "".join(parts), used


def _how(name: str, tag: str, around: str) -> str:
    if name == "body":
        return "link"
    classes = _CLASS.search(tag)
    if around == "skip" or name in _OTHER or " lang=" in tag or _CLASSES & set(classes[1].split() if classes else ()):
        return "skip"
    return "count" if around == "count" or name in _UNLINKED else "link"


def _link_text(text: str, seen: set[str]) -> tuple[str, set[str]]:
    """Escaped text with the first use of each word that is not in ``seen`` as a link, and the words that it uses.

    ``seen`` grows by them.
    """
    from markupsafe import escape

    used: set[str] = set()

    def link(found: re.Match[str]) -> str:
        key = _key(found)
        used.add(key)
        if key in seen:
            return found[0]
        seen.add(key)
        about = escape(words()[key].about)
        return f'<a class="word" href="#word-{key}" aria-describedby="about-{key}" data-about="{about}">{found[0]}</a>'

    return _forms().sub(link, text), used


def _named(text: str) -> set[str]:
    """The words in an escaped text."""
    return {_key(found) for found in _forms().finditer(text)}


def _key(found: re.Match[str]) -> str:
    return str(found.lastgroup).rpartition("_")[0]


@cache
def _forms() -> re.Pattern[str]:
    """All forms of all words, longest first, each in a group called after the key of its word."""
    forms = sorted(((form, w.key) for w in words().values() for form in w.forms), key=lambda x: -len(x[0]))
    by_form = "|".join(f"(?P<{key}_{i}>{form})" for i, (form, key) in enumerate(forms)).replace("’", "(?:’|'|&#39;)")
    return re.compile(rf"(?<![\w-])(?:{by_form})(?![\w-])", re.IGNORECASE)
