"""X-CSQA: CommonsenseQA in 16 languages (Lin et al. 2021, arXiv 2106.06937), and the paper's split of it.

Two origins hold the same questions:

- ``hf``: the Hugging Face dataset ``INK-USC/xcsr``, one configuration a language; ``validation`` has 1,000 labelled
  rows. One row: ``{"id": "…", "lang": "en", "question": {"stem": "…", "choices": {"label": ["A", …], "text": […]}},
  "answerKey": "E"}``. Its test split has no labels and is not offered.
- ``paper``: the files of Wang et al. 2025 (https://github.com/wangym2/CALM, ``data/xcsqa``) in six languages: 899
  questions as train (with Llama's samples, see ``import``), 100 as test. One row: ``{"instruction": "…", "input":
  "Where can you find bald eagles and cheese in the midwest?\\nA. colorado\\nB. …", "output": "E"}``.

From ``hf``, ``test`` and ``train`` are the paper's too: its 100 test questions are known here by a hash of their
English text, ``train`` is the other rows. ``validation`` is all of them.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from importlib import resources
from typing import Any

from calm_ext.data.align import Row, join_parallel
from calm_ext.data.fetch import read_json
from calm_ext.errors import CalmError, DataError
from calm_ext.languages import get_language
from calm_ext.prompts import LETTERS
from calm_ext.records import ParallelQuestion

HF_NAME = "INK-USC/xcsr"
HF_CODES = {"ja": "jap"}
PAPER_CODES = {"zh": "cn"}
PAPER_URL = "https://raw.githubusercontent.com/wangym2/CALM/main"
LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "it", "ja", "nl", "pl", "pt", "ru", "sw", "ur", "vi", "zh")
PAPER_LANGUAGES = ("en", "zh", "fr", "de", "it", "ja")


def load(
    split: str, *, languages: Sequence[str], data_dir: str | None = None, origin: str = "auto"
) -> list[ParallelQuestion]:
    """The questions of a split.

    Args:
        split: ``test`` (the paper's 100), ``train`` (the rest), or ``validation`` (all, only from ``hf``).
        languages: codes; English is needed from ``hf`` for ``test`` and ``train`` and is loaded besides.
        data_dir: directory or base URL with the paper's layout, or a local copy of the HF dataset; default
            ``$CALM_DATA_DIR``.
        origin: ``paper``, ``hf``, or ``auto``: the paper's where a data_dir is set, else ``hf``.

    Raises:
        CalmError: an origin, language or split that is not there.
        DataError: files that are missing, malformed or not parallel.
    """
    base = data_dir or os.environ.get("CALM_DATA_DIR") or None
    if origin == "auto":
        origin = "paper" if base else "hf"
    if origin not in ("paper", "hf"):
        raise CalmError(f"origin {origin!r} of xcsqa is not one of auto, paper, hf")
    have = PAPER_LANGUAGES if origin == "paper" else LANGUAGES
    missing = [x for x in languages if x not in have]
    if missing:
        raise CalmError(f"xcsqa from {origin} has no {', '.join(missing)}; it has {', '.join(have)}")
    if origin == "paper":
        return _load_paper(split, languages, base or PAPER_URL)
    return _load_hf(split, languages, base)


# --- the paper's files ------------------------------------------------------------------------------------------------

_OPTION = re.compile(r"^([A-J])[.、:)]\s*(.+)$")


def _load_paper(split: str, languages: Sequence[str], base: str) -> list[ParallelQuestion]:
    names = {"test": "data/xcsqa/test/x_csqa_{}_test.json", "train": "data/xcsqa/samples/x_csqa_{}_train_sampled.json"}
    if split not in names:
        raise CalmError(f"the paper's files have no split {split!r}; they have test and train")
    files = {x: names[split].format(PAPER_CODES.get(x, x)) for x in languages}
    rows = {}
    for language, name in files.items():
        raw = read_json(base, name)
        if not isinstance(raw, list):
            raise DataError(f"{base}/{name}: a JSON list of rows was expected")
        rows[language] = [parse_paper_row(r, language, f"{name}: row {i}") for i, r in enumerate(raw, 1)]
    return join_parallel(rows, name=f"xcsqa-{split}", files=files, source_language="en")


def parse_paper_row(row: Any, language: str, where: str) -> Row:
    """Question, options and answer of one row of the paper's files.

    The ``input`` may begin with the language's question cue and end with its answer cue; some Italian and German rows
    have a stray ``Answer:`` besides.

    Raises:
        DataError: the row has not that form.
    """
    try:
        text, gold = row["input"], row["output"].strip()
    except (TypeError, KeyError, AttributeError):
        raise DataError(f"{where}: no object with the strings input and output") from None
    own = get_language(language)
    cues = {own.answer, "Answer"}
    lines = [line.strip() for line in text.split("\n")]
    lines = [line for line in lines if line and line.rstrip(":：") not in cues]
    first = next((i for i, line in enumerate(lines) if _OPTION.match(line)), len(lines))
    question = re.sub(rf"^{re.escape(own.question)}\s*[:：]\s*", "", " ".join(lines[:first]))
    found = [_OPTION.match(line) for line in lines[first:]]
    options = [m.group(2).strip() for m in found if m]
    given = [m.group(1) for m in found if m]
    if len(options) != len(found) or given != list(LETTERS[: len(given)]):
        raise DataError(f"{where}: the options are not lettered A, B, C, … one a line: {lines[first:]}")
    if not question or len(options) < 2 or gold not in given:
        raise DataError(f"{where}: question, two options and an output among their letters expected, got {gold!r}")
    return question, options, given.index(gold)


# --- the Hugging Face dataset -----------------------------------------------------------------------------------------


def _load_hf(split: str, languages: Sequence[str], base: str | None) -> list[ParallelQuestion]:
    needed = list(languages) if split == "validation" or "en" in languages else [*languages, "en"]
    tables = {x: _hf_rows(x, base) for x in needed}
    ids = {x: [i for i, _ in rows] for x, rows in tables.items()}
    first = needed[0]
    for language in needed:
        if ids[language] != ids[first]:
            differing = sorted(set(ids[language]) ^ set(ids[first]))[:5]
            raise DataError(f"{HF_NAME}: X-CSQA-{language} and X-CSQA-{first} have different ids, as {differing}")
    files = {x: f"{HF_NAME}/X-CSQA-{HF_CODES.get(x, x)}" for x in needed}
    rows = {x: [row for _, row in tables[x]] for x in needed}
    questions = join_parallel(rows, name="xcsqa", files=files, source_language="en")
    questions = [q.model_copy(update={"id": f"xcsqa-{i}"}) for q, i in zip(questions, ids[first], strict=True)]
    if split == "validation":
        return questions
    wanted = paper_test_hashes()
    hits = [text_hash(q.versions["en"].question) in wanted for q in questions]
    if sum(hits) < len(wanted):
        raise DataError(
            f"{HF_NAME}: only {sum(hits)} of the paper's {len(wanted)} test questions were found by English text; "
            f"use split validation, or the paper's files (CALM_DATA_DIR)"
        )
    return [q for q, hit in zip(questions, hits, strict=True) if hit == (split == "test")]


def _hf_rows(language: str, base: str | None) -> list[tuple[str, Row]]:
    import datasets

    config = f"X-CSQA-{HF_CODES.get(language, language)}"
    try:
        table = datasets.load_dataset(base or HF_NAME, config, split="validation")
    except Exception as error:  # hub, cache and file-format errors have no common base
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(
            f"{base or HF_NAME}: {config} cannot be loaded ({reason}); without the hub, set CALM_DATA_DIR to a folder "
            f"with the paper's data/xcsqa"
        ) from None
    rows = []
    for number, row in enumerate(table, 1):
        where = f"{HF_NAME}/{config}: row {number}"
        choices = row["question"]["choices"]
        if row["answerKey"] not in choices["label"]:
            raise DataError(f"{where}: answerKey {row['answerKey']!r} is not one of {choices['label']}")
        answer = choices["label"].index(row["answerKey"])
        rows.append((str(row["id"]), (row["question"]["stem"], list(choices["text"]), answer)))
    return rows


def text_hash(text: str) -> str:
    """First 16 hex digits of the SHA-256 of the text, case-folded, its white space collapsed."""
    return hashlib.sha256(" ".join(text.casefold().split()).encode()).hexdigest()[:16]


def paper_test_hashes() -> frozenset[str]:
    """:func:`text_hash` of the English text of the paper's 100 test questions."""
    return frozenset(resources.files("calm_ext.data").joinpath("xcsqa_paper_test.txt").read_text().split())
