"""MedExpQA: Spanish residency exams (MIR) in four languages, with retrieved passages (Alonso et al. 2024).

https://huggingface.co/datasets/HiTZ/MedExpQA (arXiv 2404.05590, CC-BY-4.0), one configuration a language, splits train
(434), validation (63) and test (125). Spanish is the original. One row, shortened::

    {"id": 77, "year": 2012, "full_question": "Paciente de 72 años …", "options": {"1": "…", …, "5": null},
     "correct_option": 4, "lang": "es", "rag": {"clinical_case_options": {"MedCorp": {"RRF-2": ["…", "…"]}}}}

``options`` has four or five texts; a missing one is null or NaN. A folder may have the dataset's layout, or the raw
files ``data/<language>/<split>.<language>.casimedicos.rag.jsonl`` (validation is called ``dev`` there).

``rag`` holds passages that were retrieved for the question, by retrieval setting. They are not part of the questions:
:func:`load_passages` gives them, and a :class:`~calm_ext.records.Passages` is how they are kept in a file. As a corpus
to search in, :mod:`calm_ext.data.corpora` reads them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.data.fetch import load_hub_table
from calm_ext.data.parallel.rows import Joined, Row
from calm_ext.data.source import FolderOptions, Source
from calm_ext.errors import CalmError, DataError
from calm_ext.jsonl import numbered_lines
from calm_ext.records import Passage, Passages

HF_NAME = "HiTZ/MedExpQA"
LANGUAGES = ("es", "en", "fr", "it")
_RAW = "data/{0}/{1}.{0}.casimedicos.rag.jsonl"
_RAW_SPLITS = {"validation": "dev"}


class Retrieved(NamedTuple):
    """A retrieved text, and the path of retrieval settings it stood under, joined by ``/``."""

    text: str
    setting: str


def load(split: str, *, languages: Sequence[str], data_dir: str | None) -> Joined:
    """The questions of a split, joined by id and proven parallel.

    Args:
        split: ``train``, ``validation`` or ``test``.
        data_dir: a local copy: the dataset's layout, or the raw files'.

    Raises:
        CalmError: a language that is not there.
        DataError: rows that are missing, malformed or not parallel.
    """
    from calm_ext.data.parallel.align import join_parallel

    rows: dict[str, list[Row]] = {}
    ids: dict[str, list[str]] = {}
    for language in _known(languages):
        rows[language], ids[language] = [], []
        for where, row in _read(language, split, data_dir):
            rows[language].append(parse_row(row, where))
            ids[language].append(_id(row, where))
    files = {x: f"{HF_NAME}/{x}/{split}" for x in languages}
    return join_parallel(rows, name="medexpqa", files=files, source_language="es", ids=ids)


def load_passages(
    split: str, *, languages: Sequence[str], data_dir: str | None = None
) -> dict[str, dict[str, list[Passage]]]:
    """Question id -> language -> the passages retrieved for it, in file order; arguments as in :func:`load`.

    A passage's id is ``<question id>-<language>-<number>``, numbers from 1, and its source is the retrieval setting.
    """
    found: dict[str, dict[str, list[Passage]]] = {}
    for language in _known(languages):
        for where, row in _read(language, split, data_dir):
            name = f"medexpqa-{_id(row, where)}"
            found.setdefault(name, {})[language] = [
                Passage(id=f"{name}-{language}-{number}", language=language, text=text, source=setting)
                for number, (text, setting) in enumerate(flatten(row.get("rag"), where), 1)
            ]
    return found


def passage_records(split: str, *, languages: Sequence[str], data_dir: str | None) -> Iterator[Passages]:
    """What :func:`load_passages` gives, as records; a question without passages gives none."""
    for name, by_language in load_passages(split, languages=languages, data_dir=data_dir).items():
        for language, own in by_language.items():
            if own:
                yield Passages(id=name, language=language, passages=list(own))


def parse_row(row: Any, where: str) -> Row:
    """Question, options and answer of one row.

    Raises:
        DataError: a field is missing, there are not four or five options, or no option is the right one.
    """
    try:
        question, options, correct = row["full_question"].strip(), dict(row["options"]), row["correct_option"]
    except (TypeError, KeyError, AttributeError, ValueError):
        raise DataError(f"{where}: full_question, options and correct_option were expected") from None
    texts = {str(k): v.strip() for k, v in options.items() if isinstance(v, str) and v.strip()}
    wanted = [str(k + 1) for k in range(len(texts))]
    if sorted(texts) != wanted or not 4 <= len(texts) <= 5:
        raise DataError(f"{where}: options 1 to 4 or 1 to 5 were expected, got {', '.join(sorted(texts)) or 'none'}")
    if isinstance(correct, str) and correct.strip().isdecimal():
        correct = int(correct)
    if not isinstance(correct, (int, float)) or isinstance(correct, bool) or str(_whole(correct)) not in texts:
        raise DataError(f"{where}: correct_option {correct!r} is not one of {', '.join(wanted)}")
    if not question:
        raise DataError(f"{where}: full_question is empty")
    return question, [texts[k] for k in wanted], int(correct) - 1


def flatten(value: Any, where: str, path: tuple[str, ...] = ()) -> Iterator[Retrieved]:
    """The texts in nested objects and lists, each with the path of keys to it; null and NaN are no text.

    A passage that is an object is known by its string ``text`` or ``content``; its other keys are left out.
    """
    if isinstance(value, str):
        if value.strip():
            yield Retrieved(value.strip(), "/".join(path))
    elif isinstance(value, Mapping):
        text = next((value[k] for k in ("text", "content") if isinstance(value.get(k), str)), None)
        if text is not None:
            yield from flatten(text, where, path)
            return
        for key, inner in value.items():
            yield from flatten(inner, where, (*path, str(key)))
    elif isinstance(value, Sequence):
        for inner in value:
            yield from flatten(inner, where, path)
    elif value is not None and not (isinstance(value, float) and math.isnan(value)):
        raise DataError(f"{where}: rag holds {type(value).__name__} {value!r} under {'/'.join(path) or 'its top'}, "
                        f"where texts were expected")  # fmt: skip


def _whole(value: float) -> int | None:
    return int(value) if math.isfinite(value) and int(value) == value else None


def _known(languages: Sequence[str]) -> Sequence[str]:
    missing = [x for x in languages if x not in LANGUAGES]
    if missing:
        raise CalmError(f"medexpqa has no {', '.join(missing)}; it has {', '.join(LANGUAGES)}")
    return languages


def _id(row: Mapping[str, Any], where: str) -> str:
    value = row.get("id")
    if value is None or isinstance(value, (dict, list)):
        raise DataError(f"{where}: has no id")
    if isinstance(value, float):
        value = _whole(value) if _whole(value) is not None else value
    return str(value)


def _read(language: str, split: str, base: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a split with their places, from raw files where ``base`` has them."""
    raw = Path(base, _RAW.format(language, _RAW_SPLITS.get(split, split))) if base else None
    if raw is not None and (raw.is_file() or raw.parent.is_dir()):
        for number, row in numbered_lines(raw):
            yield f"{raw}:{number}", row
        return
    hint = "without the hub, give a local copy as data_dir"
    for number, row in enumerate(load_hub_table(base or HF_NAME, language, split, hint=hint), 1):
        yield f"{base or HF_NAME}/{language}/{split}: row {number}", row


SOURCE = Source(
    name="medexpqa",
    load=load,
    splits=("test", "train", "validation"),
    languages=LANGUAGES,
    title="MedExpQA, Spanish residency exams, 4 or 5 options, with retrieved passages",
    available=LANGUAGES,
    licence="CC-BY-4.0",
    url=f"https://huggingface.co/datasets/{HF_NAME}",
    citation="Alonso et al. 2024, arXiv:2404.05590",
    options=FolderOptions,
    medical=True,
    passages=passage_records,
)
