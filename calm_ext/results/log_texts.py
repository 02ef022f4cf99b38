"""The texts of logs of one language each: prompts, options and responses, by the key that joins their questions."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from calm_ext.errors import DataError
from calm_ext.results.joining import key_of
from calm_ext.results.lines import Line, option_texts, read_lines
from calm_ext.results.log_options import LogOptions
from calm_ext.results.logs import Logs
from calm_ext.results.shapes import texts_of


class LogTexts(NamedTuple):
    """A document in one language: prompt, options where they were scored, response where one was written."""

    prompt: str
    options: list[str]
    response: str | None


def read_texts(logs: Logs, options: LogOptions, keys: Collection[str]) -> dict[str, dict[str, LogTexts]]:
    """key -> language -> its texts, of the questions asked for.

    Raises:
        DataError: a file cannot be read.
    """
    found: dict[str, dict[str, LogTexts]] = {key: {} for key in keys}
    for language, own in logs.languages.items():
        for log in own:
            filter_name = options.filter
            for line in read_lines(log.file.path):
                filter_name = filter_name or line.filter
                if line.filter == filter_name and (key := key_of(line, logs.family.key_fields, log.part)) in found:
                    found[key].setdefault(language, _texts(line))
    return found


def _texts(line: Line) -> LogTexts:
    scored = line.scores is not None
    try:
        options = option_texts(line.continuations) if scored else []
    except DataError:  # a file without its requests
        options = []
    return LogTexts(line.prompt, options, None if scored else next(iter(texts_of(line.responses[0])), None) or "")
