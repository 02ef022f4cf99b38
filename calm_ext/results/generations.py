"""Generations that others made: the paper's sampled files, and samples that lm-eval logged of our tasks.

A row of the paper's (https://github.com/wangym2/CALM, ``data/*/samples``), one file a language, rows parallel::

    {"instruction": "Answer the multiple choice question. …", "input": "Where …?\\nA. town\\nB. …", "output": "C",
     "pred": ["Explanation: …\\n\\nAnswer: D. schools", "…", "…"]}

lm-eval's samples are described in :mod:`calm_ext.results.samples`; several files of the same questions give several
samples of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from calm_ext.data.fetch import read_json
from calm_ext.data.parallel.align import join_parallel
from calm_ext.data.sources import paper
from calm_ext.errors import DataError
from calm_ext.jsonl import explain
from calm_ext.languages import is_known, resolve_alias
from calm_ext.records import Generation, ParallelQuestion
from calm_ext.results.file_language import check_language, language_of
from calm_ext.results.samples import Sample, read_samples
from calm_ext.results.shapes import is_score, texts_of

__all__ = ["import_lm_eval", "import_paper", "language_of"]


def import_paper(
    files: Mapping[str, str | Path], *, source_language: str | None = None, sure: bool = True
) -> Iterator[Generation]:
    """The generations of the paper's files, question by question; a row without samples is left out in its language.

    Args:
        files: language -> JSON file.
        source_language: the language the questions were written in.
        sure: whether the languages are known; else those that the text denies are refused.

    Raises:
        DataError: a file that cannot be read, a row that is malformed, or rows that are not translations of each other.
    """
    raw: dict[str, list[Any]] = {}
    parsed: dict[str, list[Any]] = {}
    for language, file in files.items():
        path = Path(file)
        rows = read_json(str(path.parent), path.name)
        if not isinstance(rows, list):
            raise DataError(f"{path}: a JSON list of rows was expected")
        if not sure:
            check_language(path, language, rows)
        raw[language] = rows
        parsed[language] = [paper.parse_row(r, language, f"{path}: row {i}").row for i, r in enumerate(rows, 1)]
        for number, row in enumerate(rows, 1):
            if not isinstance(row.get("instruction"), str):
                raise DataError(f"{path}: row {number}: instruction is missing, the prompt begins with it")
            samples = row.get("pred")
            if samples is not None and not (isinstance(samples, list) and all(isinstance(s, str) for s in samples)):
                raise DataError(f"{path}: row {number}: pred is to be a list of texts")
    names = {x: str(f) for x, f in files.items()}
    name = _set_name(Path(next(iter(files.values()))))
    kept: Sequence[ParallelQuestion | None]
    if len(files) > 1:
        joined = join_parallel(parsed, name=name, files=names, source_language=source_language, published=True)
        kept, orders = joined.questions, _places(joined.questions, parsed)
    else:
        only = next(iter(files))
        kept = [None] * len(parsed[only])
        orders = {only: list(range(len(parsed[only])))}
    for k, question in enumerate(kept):
        for language in files:
            at = orders[language][k]
            samples = raw[language][at].get("pred")
            if not samples:
                continue
            text, options, answer = parsed[language][at]
            yield Generation(
                id=question.id if question else f"{name}-{k:05d}",
                language=language,
                source_language=source_language,
                question=text,
                options=list(options),
                answer=answer,
                prompt=f"{raw[language][at]['instruction']}\n\n{raw[language][at]['input']}",
                responses=samples,
            )


def _set_name(path: Path) -> str:
    """The name of the set a file belongs to: ``x_csqa_cn_train_sampled.json`` is of x_csqa_train."""
    words = re.split(r"[_\-.]", path.stem)
    kept = [w for w in words if w not in ("sampled", "samples") and not is_known(resolve_alias(w))]
    return "_".join(kept) or path.stem


def _places(questions: Sequence[Any], parsed: Mapping[str, Sequence[Any]]) -> dict[str, list[int]]:
    """language -> the row of each question, found by its text and options in the order of the file."""
    places: dict[str, list[int]] = {}
    for language, rows in parsed.items():
        at, found = 0, []
        for question in questions:
            version = question.versions[language]
            while (rows[at][0], list(rows[at][1])) != (version.question, version.options):
                at += 1
            found.append(at)
            at += 1
        places[language] = found
    return places


def import_lm_eval(files: Sequence[str | Path]) -> Iterator[Generation]:
    """The generations in samples files of our tasks.

    Raises:
        DataError: a line that is no sample of a cross-lingual task, or files that disagree about a question.
    """
    merged: dict[tuple[str, str], Generation] = {}
    for file in files:
        seen: set[str] = set()
        for sample in read_samples(file):
            if sample.id in seen:
                raise DataError(f"{sample.where}: question {sample.id} comes twice in this file")
            seen.add(sample.id)
            for generation in _generations(sample):
                key = (generation.id, generation.language)
                known = merged.get(key)
                merged[key] = generation if known is None else _more_samples(known, generation, sample.where)
    yield from merged.values()


def _more_samples(known: Generation, new: Generation, where: str) -> Generation:
    same = {"question", "options", "answer", "prompt", "source_language", "names"}
    if known.model_dump(include=same) != new.model_dump(include=same):
        raise DataError(
            f"{where}: question {new.id} in {new.language} differs from an earlier file (question, options, answer, "
            f"prompt or source)"
        )
    if known.option_logprobs is not None or new.option_logprobs is not None:
        raise DataError(f"{where}: question {new.id} has option scores in {new.language} already, in an earlier file")
    return known.model_copy(update={"responses": [*known.responses, *new.responses]})


def _generations(sample: Sample) -> Iterator[Generation]:
    for language, (prompt, answers) in sample.requests.items():
        try:
            scored = is_score(answers[0][0])
            if scored != (len(answers) > 1):
                raise sample.error(" (its answers do not fit its languages)")
            yield Generation(
                id=sample.id,
                language=language,
                source_language=sample.source_language,
                question=sample.questions[language],
                options=sample.options[language],
                answer=sample.gold,
                prompt=prompt,
                responses=[] if scored else texts_of(answers[0], sample.options[language]),
                option_logprobs=[float(a[0][0]) for a in answers] if scored else None,
                names=sample.names.get(language),
            )
        except ValidationError as error:
            raise sample.error(f" ({explain(error)})") from None
        except (TypeError, IndexError, ValueError):
            raise sample.error() from None
