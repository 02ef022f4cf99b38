"""In which style the generations of a file were asked, by their prompts: whoever reads them must not guess another."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Literal

from calm_ext.errors import CalmError
from calm_ext.prompts import ask
from calm_ext.records import Generation

Asked = Literal["explain", "direct", "open"]
_STYLES: tuple[Asked, ...] = ("explain", "direct", "open")
#: Generations that are looked at.
_LOOKED_AT = 8


def style_of(generation: Generation) -> Asked | None:
    """The style whose prompt this project would write; None for a prompt of somebody else's, and for scored options."""
    g = generation
    if g.option_logprobs is not None:
        return None
    prompt = g.prompt if isinstance(g.prompt, str) else "\n".join(str(turn.get("content", "")) for turn in g.prompt)
    found: dict[Asked, str] = {}
    for style in _STYLES:
        try:
            text = ask(g.language, g.question, g.options, style)
            found[style] = text[text.rfind(g.question) :]  # passages stand before the question
        except CalmError:  # a language without words, or more options than letters
            continue
    longest: Asked | None = None
    for style, text in found.items():
        if text in prompt and (longest is None or len(text) > len(found[longest])):
            longest = style
    return longest


def style_asked(generations: Iterable[Generation], given: Asked | None, *, where: str) -> Asked:
    """The style to read generations in: the given one, or that of their prompts, or ``explain``.

    Args:
        given: by the user; None where nothing was said.
        where: the file, for the message.

    Raises:
        CalmError: they were asked in another style than the given one.
    """
    seen: Asked | None = next(filter(None, map(style_of, islice(generations, _LOOKED_AT))), None)
    if given is not None and seen is not None and given != seen:
        raise CalmError(f"--style {given}: the questions of {where} were asked in style {seen}; leave --style out")
    return given if given is not None else seen if seen is not None else "explain"
