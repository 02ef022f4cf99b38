"""Rows as the paper's files have them (https://github.com/wangym2/CALM): ``{"instruction", "input", "output"}``.

``input`` holds the question and its lettered options, in one of four spellings: ``A. text`` or ``(A) text`` lines, or
``(A) text (B) text`` in one line, with ASCII or full-width parentheses. Machine translation broke a few letters
(``(C) Age`` became ``(Cage``); such an option is read by its place between the others, and that is reported.
"""

from __future__ import annotations

import itertools
import os
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple

from calm_ext.data.fetch import read_json
from calm_ext.data.parallel.rows import Joined, Repair, Row
from calm_ext.errors import DataError
from calm_ext.languages import get_language
from calm_ext.prompts import LETTERS

URL = "https://raw.githubusercontent.com/wangym2/CALM/main"
#: codes of file names
CODES = {"zh": "cn"}

_LINE = re.compile(r"^(?:[(（]\s*([A-J])\s*[)）]|([A-J])\s*[.．、:：)）])\s*(.*)$")
_INLINE = re.compile(r"[(（]\s*([A-J])\s*[)）]")
_GOLD = re.compile(r"^\s*[(（]?\s*([A-Ja-j])(?:\s*[)）.．、:：]\s*(.*))?\s*$", re.DOTALL)
_SPACE = " \t\r\n\u3000\u00a0\u200b\u200e\u200f\ufeff"
_STRAY = _SPACE + "\"'“”«»„"


class Parsed(NamedTuple):
    """A row, and what had to be read by its place, one line each."""

    row: Row
    notes: tuple[str, ...] = ()


def base_of(data_dir: str | None) -> str:
    """The directory or URL to read from: ``data_dir``, ``$CALM_DATA_DIR``, or the paper's repository."""
    return data_dir or os.environ.get("CALM_DATA_DIR") or URL


def load_files(
    files: Mapping[str, str], base: str, *, name: str, source_language: str, published: bool = True
) -> Joined:
    """Read one file a language below ``base`` and join their rows.

    Args:
        published: compare with what was published, where the files are copies of that.

    Raises:
        DataError: a file is missing or malformed, or the rows are not parallel.
    """
    from calm_ext.data.parallel.align import join_parallel

    rows: dict[str, list[Row]] = {}
    repairs = []
    for language, file in files.items():
        raw = read_json(base, file)
        if not isinstance(raw, list):
            raise DataError(f"{base}/{file}: a JSON list of rows was expected")
        parsed = [parse_row(r, language, f"{file}: row {i}") for i, r in enumerate(raw, 1)]
        rows[language] = [p.row for p in parsed]
        repairs += [Repair(file, (i,), note) for i, p in enumerate(parsed, 1) for note in p.notes]
    return join_parallel(
        rows, name=name, files=files, source_language=source_language, repairs=repairs, published=published
    )


def parse_row(row: Any, language: str, where: str) -> Parsed:
    """Question, options and answer of one row.

    The question may begin with the language's question cue and the options be followed by its answer cue; some Italian
    and German rows have a stray ``Answer:`` besides. ``output`` is the right option's letter, or letter and text. The
    text may be another translation of the option's (most are), but not another option's text.

    Raises:
        DataError: the row has not that form, or its letter and text name different options; starts with ``where``.
    """
    try:
        text, gold = row["input"].strip(), row["output"].strip()
    except (TypeError, KeyError, AttributeError):
        raise DataError(f"{where}: no object with the strings input and output") from None
    own = get_language(language)
    cues = {own.answer, "Answer"}
    lines = [line.strip() for line in text.split("\n")]
    lines = [line for line in lines if line and line.rstrip(":：\u00a0 ") not in cues]
    # The quotation mark that closes some questions stands behind the last option, in a line of its own.
    while len(lines) > 1 and not lines[-1].strip(_STRAY):
        lines.pop()
    match = _GOLD.match(gold)
    letter = match.group(1).upper() if match else ""
    question, options, notes = _split(lines, letter, (match.group(2) or "") if match else "", where)
    question = re.sub(rf"^{re.escape(own.question)}\s*[:：]\s*", "", question).strip()
    if not question or len(options) < 2 or not letter or LETTERS.index(letter) >= len(options):
        raise DataError(f"{where}: question, two options and an output among their letters expected, got {gold!r}")
    empty = [LETTERS[i] for i, o in enumerate(options) if not o]
    if empty:
        raise DataError(f"{where}: option {', '.join(empty)} has no text")
    answer = LETTERS.index(letter)
    said = key(match.group(2) or "") if match else ""
    keys = [key(o) for o in options]
    if said and said != keys[answer] and said in keys:
        raise DataError(
            f"{where}: output {gold!r} names option {letter}, but its text is option {LETTERS[keys.index(said)]}'s"
        )
    return Parsed((question, options, answer), tuple(notes))


def key(text: str) -> str:
    """The text without case, white space and punctuation, for comparison; symbols such as ↑ or < stay."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] not in "PZC") or folded.strip()


def _split(lines: list[str], letter: str, said: str, where: str) -> tuple[str, list[str], list[str]]:
    marks = [_LINE.match(line) for line in lines]
    at = [i for i, m in enumerate(marks) if m]
    letters = [m.group(1) or m.group(2) for m in marks if m]
    starts = [k for k, x in enumerate(letters) if x == "A"]
    if starts and letters[starts[-1] :] == list(LETTERS[: len(letters) - starts[-1]]) and len(letters) - starts[-1] > 1:
        at = at[starts[-1] :]
        options = []
        for i, end in itertools.pairwise([*at, len(lines)]):
            found = marks[i]
            options.append(" ".join([found.group(3) if found else "", *lines[i + 1 : end]]).strip(_SPACE))
        return "\n".join(lines[: at[0]]), options, []
    placed = _by_place(lines)
    if placed:
        return placed
    return _inline("\n".join(lines), letter, said, where)


def _by_place(lines: list[str]) -> tuple[str, list[str], list[str]] | None:
    """Options in lines that all begin with a parenthesis, some of whose letters are broken."""
    first = len(lines)
    while first and lines[first - 1][0] in "(（":
        first -= 1
    block = lines[first:]
    options, notes = [], []
    for i, line in enumerate(block):
        found = _LINE.match(line)
        if found and (found.group(1) or found.group(2)) == LETTERS[min(i, 9)]:
            options.append(found.group(3).strip(_SPACE))
            continue
        if found or i > 9:
            return None
        rest = re.sub(r"^[(（][^)）]*[)）]\s*", "", line)
        if rest == line:
            rest = line[1:].removeprefix(LETTERS[i])
        options.append(rest.strip(_SPACE))
        notes.append(f"the letter of option {LETTERS[i]} is broken ({line!r}); read by its place")
    if len(options) < 3 or 2 * len(notes) > len(options) or not first:
        return None
    return "\n".join(lines[:first]), options, notes


def _inline(text: str, letter: str, said: str, where: str) -> tuple[str, list[str], list[str]]:
    """Options in one line; letters in parentheses inside a text are left out so that A, B, C, … are in order."""
    every = list(_INLINE.finditer(text))
    spaced = [m for m in every if m.start() == 0 or text[m.start() - 1] in _SPACE]
    for marks in (every, spaced):
        letters = [m.group(1) for m in marks]
        # The next letter somewhere behind would be an option that only lost its space: not to be dropped.
        behind = {m.group(1) for m in every if marks and m.start() > marks[-1].start()}
        if len(marks) > 1 and letters == list(LETTERS[: len(marks)]) and LETTERS[len(marks) % 10] not in behind:
            return _cut(text, marks)
    fits = [c for c in _chains(every) if said and letter and _says(text, c, letter, said)]
    if len(fits) != 1:
        found = " ".join(m.group(0) for m in every) or text[-60:]
        raise DataError(f"{where}: the options are not lettered A, B, C, … one after the other: {found}")
    return _cut(text, fits[0])


def _chains(marks: list[re.Match[str]]) -> list[list[re.Match[str]]]:
    """The longest ways to pick A, B, C, … in order; at most 64 of a length are looked at."""
    by_letter = list(itertools.takewhile(bool, ([m for m in marks if m.group(1) == x] for x in LETTERS)))
    for length in range(len(by_letter), 1, -1):
        picks = (list(p) for p in itertools.islice(itertools.product(*by_letter[:length]), 64))
        found = [p for p in picks if all(a.end() <= b.start() for a, b in itertools.pairwise(p))]
        if found:
            return found
    return []


def _cut(text: str, marks: list[re.Match[str]]) -> tuple[str, list[str], list[str]]:
    ends = [m.start() for m in marks[1:]] + [len(text)]
    return text[: marks[0].start()], [text[m.end() : e].strip(_SPACE) for m, e in zip(marks, ends, strict=True)], []


def _says(text: str, marks: list[re.Match[str]], letter: str, said: str) -> bool:
    question, options, _ = _cut(text, marks)
    return (
        bool(question.strip(_SPACE))
        and letter in LETTERS[: len(options)]
        and key(options[LETTERS.index(letter)]) == key(said)
    )
