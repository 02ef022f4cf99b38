"""The words that pages explain, from ``words.yaml``."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from calm_ext.metrics.names import PLAIN, family_of, without_twin


class Word(NamedTuple):
    """A word and what it means.

    Attributes:
        key: of a metric its code.
        name: as the list at the end of a page calls it.
        about: two plain sentences at most.
        forms: regular expressions of the texts that are this word.
    """

    key: str
    name: str
    about: str
    forms: tuple[str, ...]


@cache
def words() -> dict[str, Word]:
    """All words by their keys."""
    import yaml

    found = yaml.safe_load((Path(__file__).parent / "words.yaml").read_text(encoding="utf-8"))
    result = {}
    for key, value in found.items():
        name = value.get("name") or PLAIN.get(key) or key
        result[key] = Word(key, name, value["about"], tuple(value.get("forms") or [re.escape(name)]))
    return result


def metric_word(metric: str) -> Word | None:
    """The word that explains a metric; of the accuracy of a language the one of accuracy.

    >>> metric_word("acc_en").name, metric_word("consistency_unnorm").name, metric_word("mcc")
    ('accuracy', 'consistency', None)
    """
    plain = without_twin(metric)
    return words().get(family_of(plain)[0] or plain)
