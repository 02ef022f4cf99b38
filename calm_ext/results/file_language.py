"""The language of a file in the paper's layout: its name says it, and its text does not deny it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from calm_ext.data.check import wrong_script
from calm_ext.errors import DataError
from calm_ext.languages import LANGUAGES, get_language, is_known, resolve_alias

_CODE = re.compile(r"(?:^|([_\-.]))([a-z]{2,3})(?=[_\-.])")
#: endings of model names that are no languages: instruction-tuned and pretrained, as in gemma-3-4b-it
_ENDINGS = frozenset({"it", "pt"})
_WORD = re.compile(r"[^\W\d_]+")
_ROWS = 50
#: function words that another language must have in the text, and how many times as many as the named one
_LEAST, _TIMES = 8, 3


def language_of(path: Path) -> str:
    """The language of a file from its name: ``x_csqa_cn_train_sampled.json`` is zh.

    ``-it`` and ``-pt`` are endings of model names and are not taken for Italian and Portuguese.

    Raises:
        DataError: the name says none, or several.
    """
    codes = [code for before, code in _CODE.findall(path.name) if not (before == "-" and code in _ENDINGS)]
    known = sorted({x for x in map(resolve_alias, codes) if is_known(x)})
    if len(known) != 1:
        named = f"says {', '.join(known)}" if known else "says none"
        raise DataError(
            f"{path}: the language must be in the name of the file, which {named}, or given by --language CODE"
        )
    return known[0]


def check_language(path: Path, code: str, rows: Sequence[Any]) -> None:
    """Refuse a language that the text of the rows denies: another script, or the little words of another language.

    Args:
        rows: of the paper's layout; the first ones are read.

    Raises:
        DataError: it does.
    """
    own = [r for r in rows[:_ROWS] if isinstance(r, dict)]
    texts = [r["input"] for r in own if isinstance(r.get("input"), str)]
    ask = f"give the right one by --language CODE, or --language {code} if it is"
    if texts and sum(wrong_script(text.partition("\n")[0], code) for text in texts) * 2 > len(texts):
        raise DataError(f"{path}: its name says {code}, but its text is in another script; {ask}")
    words = Counter(word.casefold() for text in texts for word in _WORD.findall(text))
    counts = {x: sum(words[w] for w in _little_words(x)) for x in LANGUAGES}
    other = max(counts, key=lambda x: counts[x])
    if _little_words(code) and counts[other] >= max(_LEAST, _TIMES * counts[code]):
        raise DataError(f"{path}: its name says {code}, but its text reads like {get_language(other).name}; {ask}")


def _little_words(code: str) -> set[str]:
    """The articles of a language and what joins its words; empty where it has none of the former."""
    words = get_language(code).answers
    return (
        {w.casefold() for w in (*words.article, *words.join) if w.isalpha() and len(w) > 1} if words.article else set()
    )
