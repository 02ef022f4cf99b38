"""The rows of the paper's files as they were published, by hash, so that a changed copy of them is found.

What content proves has limits: options shuffled among themselves, or two short rows exchanged, are often no less
likely than what a translator might write. For the files that the paper published (https://github.com/wangym2/CALM, at
the commit in :data:`COMMIT`) ``paper_rows.txt`` holds, per file, four base64 digits (24 bits) of the SHA-256 of each
row, in the order of the questions, rows without a question left out. A file most of whose rows are known is a copy of
the published one: then a row that is not, or that belongs to another question than its neighbours in the other
languages, was changed. Files of other rows are not judged here. ``scripts/fingerprint_paper.py`` writes the hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import resources

from calm_ext.data.parallel.rows import Row

COMMIT = "9d2bac4329bd934a9d396e81f74c06a9d47be1dc"
_DIGITS = 4


def fingerprint(row: Row) -> str:
    """Four base64 digits of a row: question, options and answer, white space and Unicode form aside."""
    question, options, answer = row
    texts = [" ".join(unicodedata.normalize("NFKC", t).split()) for t in (question, *options)]
    digest = hashlib.sha256(json.dumps([texts, answer], ensure_ascii=False).encode()).digest()
    return base64.b64encode(digest[:3]).decode()


@lru_cache(maxsize=1)
def _published() -> dict[str, dict[str, frozenset[int]]]:
    """file -> fingerprint -> numbers of the questions whose row has it."""
    found: dict[str, dict[str, frozenset[int]]] = {}
    for line in resources.files("calm_ext.data.parallel").joinpath("paper_rows.txt").read_text().splitlines():
        file, digits = line.split()
        rows: dict[str, frozenset[int]] = {}
        for number in range(len(digits) // _DIGITS):
            code = digits[number * _DIGITS : (number + 1) * _DIGITS]
            rows[code] = rows.get(code, frozenset()) | {number}
        found[file] = rows
    return found


class Changed(Exception):
    """Rows of a copy are not as published: ``rows``, 0-based, of ``language``; ``text`` says what of them."""

    def __init__(self, language: str, rows: Sequence[int], text: str) -> None:
        super().__init__(text)
        self.language, self.rows, self.text = language, tuple(rows), text


def verify(table: Mapping[str, Sequence[Row]], files: Mapping[str, str]) -> bool:
    """Whether every row is the published one, and of the published question.

    Args:
        table: language -> rows, joined: row k of each language is one question.
        files: language -> the file's path in the paper's repository.

    Returns:
        False where the files are not copies of the published ones, so that nothing is known.

    Raises:
        Changed: they are copies, and rows were changed or belong to other questions.
    """
    known = {language: list(_numbers(own, files[language])) for language, own in table.items()}
    if not all(2 * sum(map(bool, numbers)) >= len(numbers) for numbers in known.values()):
        return False
    for language, numbers in known.items():
        unknown = [k for k, found in enumerate(numbers) if not found]
        if unknown:
            raise Changed(language, unknown, "not as published")
    other: dict[str, list[int]] = {}
    for k in range(len(next(iter(known.values())))):
        votes = Counter(number for numbers in known.values() for number in numbers[k])
        question = votes.most_common(1)[0][0]
        for language, numbers in known.items():
            if question not in numbers[k]:
                other.setdefault(language, []).append(k)
    if other:
        language, rows = next(iter(other.items()))
        raise Changed(language, rows, "published for another question than the other languages' rows")
    return True


def _numbers(rows: Sequence[Row], file: str) -> Iterator[frozenset[int]]:
    published = _published().get(file, {})
    return (published.get(fingerprint(row), frozenset()) for row in rows)
