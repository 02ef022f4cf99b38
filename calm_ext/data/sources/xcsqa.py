"""X-CSQA: CommonsenseQA in 16 languages (Lin et al. 2021, arXiv 2106.06937), and the paper's split of it.

Two origins hold the same questions:

- ``hf``: the Hugging Face dataset ``INK-USC/xcsr``, one configuration a language; ``validation`` has 1,000 labelled
  rows. One row: ``{"id": "…", "lang": "en", "question": {"stem": "…", "choices": {"label": ["A", …], "text": […]}},
  "answerKey": "E"}``. Its test split has no labels; here it is called ``hf-test``, and it can be prepared, not scored.
- ``paper``: the files of Wang et al. 2025 (https://github.com/wangym2/CALM, ``data/xcsqa``) in six languages: 899
  questions as train (with Llama's samples), 100 as test. One row (:mod:`calm_ext.data.sources.paper`):
  ``{"instruction": "…", "input": "Where can you find bald eagles and cheese in the midwest?\\nA. colorado\\nB. …",
  "output": "E"}``.

From ``hf``, ``test`` and ``train`` are the paper's too: its 100 test questions are known here by a hash of their
English text, ``train`` is the other rows. ``validation`` is all of them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from importlib import resources

from calm_ext.data.parallel.rows import Joined, Row
from calm_ext.data.source import FolderOptions, Source
from calm_ext.data.sources import paper
from calm_ext.errors import CalmError, DataError

HF_NAME = "INK-USC/xcsr"
HF_CODES = {"ja": "jap"}
LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "it", "ja", "nl", "pl", "pt", "ru", "sw", "ur", "vi", "zh")
PAPER_LANGUAGES = ("en", "zh", "fr", "de", "it", "ja")


class Options(FolderOptions):
    """Where the questions are read from."""

    origin: str = "auto"
    """``paper``, ``hf``, or ``auto``: the paper's files where there is a data directory, else the hub."""


def load(split: str, *, languages: Sequence[str], data_dir: str | None, origin: str) -> Joined:
    """The questions of a split.

    Args:
        split: ``test`` (the paper's 100), ``train`` (the rest), ``validation`` (all) or ``hf-test`` (unlabelled); the
            last two only from ``hf``.
        languages: codes; English is needed from ``hf`` for ``test`` and ``train`` and is loaded besides.
        data_dir: directory or base URL with the paper's layout, or a local copy of the HF dataset; default
            ``$CALM_DATA_DIR`` for the paper's, the hub for the other.
        origin: ``paper``, ``hf``, or ``auto``: the paper's where a data_dir is given, or ``$CALM_DATA_DIR`` is set and
            has the split and the languages; else ``hf``.

    Raises:
        CalmError: an origin, language or split that is not there.
        DataError: files that are missing, malformed or not parallel.
    """
    base = data_dir or os.environ.get("CALM_DATA_DIR") or None
    if origin == "auto":
        has_all = split in _PAPER_FILES and set(languages) <= set(PAPER_LANGUAGES)
        origin = "paper" if data_dir or (base and has_all) else "hf"
    if origin not in ("paper", "hf"):
        raise CalmError(f"origin {origin!r} of xcsqa is not one of auto, paper, hf")
    have = PAPER_LANGUAGES if origin == "paper" else LANGUAGES
    missing = [x for x in languages if x not in have]
    if missing:
        raise CalmError(f"xcsqa from {origin} has no {', '.join(missing)}; it has {', '.join(have)}")
    if origin == "paper":
        return _load_paper(split, languages, base or paper.URL)
    return _load_hf(split, languages, data_dir)


# --- the paper's files ------------------------------------------------------------------------------------------------


_PAPER_FILES = {
    "test": "data/xcsqa/test/x_csqa_{}_test.json",
    "train": "data/xcsqa/samples/x_csqa_{}_train_sampled.json",
}


def paper_files(split: str, languages: Sequence[str]) -> dict[str, str]:
    """language -> its file in the paper's repository."""
    return {x: _PAPER_FILES[split].format(paper.CODES.get(x, x)) for x in languages}


def _load_paper(split: str, languages: Sequence[str], base: str) -> Joined:
    if split not in _PAPER_FILES:
        raise CalmError(f"the paper's files have no split {split!r}; they have test and train")
    files = paper_files(split, languages)
    return paper.load_files(files, base, name=f"xcsqa-{split}", source_language="en")


# --- the Hugging Face dataset -----------------------------------------------------------------------------------------


def _load_hf(split: str, languages: Sequence[str], base: str | None) -> Joined:
    from calm_ext.data.parallel.align import join_parallel

    whole = split in ("validation", "hf-test")
    needed = list(languages) if whole or "en" in languages else ["en", *languages]
    tables = {x: _hf_rows(x, base, "test" if split == "hf-test" else "validation") for x in needed}
    joined = join_parallel(
        {x: [row for _, row in tables[x]] for x in needed},
        name="xcsqa",
        files={x: f"{HF_NAME}/X-CSQA-{HF_CODES.get(x, x)}" for x in needed},
        source_language="en",
        ids={x: [i for i, _ in tables[x]] for x in needed},
    )
    if whole:
        return joined
    wanted = paper_test_hashes()
    hits = [text_hash(q.versions["en"].question) in wanted for q in joined.questions]
    if sum(hits) < len(wanted):
        raise DataError(
            f"{HF_NAME}: only {sum(hits)} of the paper's {len(wanted)} test questions were found by English text; "
            f"use split validation, or the paper's files (CALM_DATA_DIR)"
        )
    kept = [q for q, hit in zip(joined.questions, hits, strict=True) if hit == (split == "test")]
    return joined._replace(questions=kept)


def _hf_rows(language: str, base: str | None, split: str) -> list[tuple[str, Row]]:
    from calm_ext.data.fetch import load_hub_table

    config = f"X-CSQA-{HF_CODES.get(language, language)}"
    hint = "without the hub, set CALM_DATA_DIR to a folder with the paper's data/xcsqa"
    rows: list[tuple[str, Row]] = []
    for number, row in enumerate(load_hub_table(base or HF_NAME, config, split, hint=hint), 1):
        where = f"{HF_NAME}/{config}: row {number}"
        choices = row["question"]["choices"]
        gold = row.get("answerKey")
        if split == "test":
            answer = None
        elif gold in choices["label"]:
            answer = choices["label"].index(gold)
        else:
            raise DataError(f"{where}: answerKey {gold!r} is not one of {choices['label']}")
        rows.append((str(row["id"]), (row["question"]["stem"], list(choices["text"]), answer)))
    return rows


def text_hash(text: str) -> str:
    """First 16 hex digits of the SHA-256 of the text, case-folded, its white space collapsed."""
    return hashlib.sha256(" ".join(text.casefold().split()).encode()).hexdigest()[:16]


def paper_test_hashes() -> frozenset[str]:
    """:func:`text_hash` of the English text of the paper's 100 test questions."""
    return frozenset(resources.files("calm_ext.data.sources").joinpath("xcsqa_paper_test.txt").read_text().split())


SOURCE = Source(
    name="xcsqa",
    load=load,
    splits=("test", "train", "validation", "hf-test"),
    languages=PAPER_LANGUAGES,
    title="X-CSQA, common sense, 5 options; test and train are the paper's 100 and 899",
    available=LANGUAGES,
    licence="MIT",
    url=f"https://huggingface.co/datasets/{HF_NAME}",
    citation="Lin et al. 2021, arXiv:2106.06937; split: Wang et al. 2025, arXiv:2501.18457",
    options=Options,
    unlabelled=("hf-test",),
    reads=("data/xcsqa",),
)
