"""The patterns of a language, made before they are needed, so that processes that are forked next have them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property

from calm_ext.answers.cues import grammar
from calm_ext.answers.options import Options
from calm_ext.answers.patterns import Patterns
from calm_ext.errors import CalmError


def compile_cues(language: str) -> None:
    """Make the patterns that cues are found by; a language without words for answers has none."""
    with suppress(CalmError):
        grammar(language)


def compile_all(options: Sequence[str], language: str) -> None:
    """Make all patterns that responses to questions with so many options are read by."""
    with suppress(CalmError):
        grammar(language)
        words = Options(options, language).words
        for name, member in vars(Patterns).items():
            if isinstance(member, cached_property):
                getattr(words, name)
