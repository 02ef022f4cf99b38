"""What a caller gives to be read, checked: errors that say which argument is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from calm_ext.answers.options import Options


def options_of(options: Sequence[str], language: str) -> Options:
    """The options of a question in a language, prepared for comparison.

    Raises:
        CalmError: there are none, or no such language. TypeError: the options are no list of texts.
    """
    if isinstance(options, str):
        raise TypeError("options must be a list of texts, not one text")
    if not isinstance(language, str):
        raise TypeError(f"a language must be a code, as 'en', not {type(language).__name__}")
    try:
        return Options.of(tuple(options), language)
    except TypeError:
        wrong = next((x for x in options if not isinstance(x, str)), None) if isinstance(options, Iterable) else None
        if wrong is None:
            raise TypeError(f"options must be a list of texts, not {type(options).__name__}") from None
        raise TypeError(f"an option must be text, not {type(wrong).__name__}: {wrong!r}") from None
