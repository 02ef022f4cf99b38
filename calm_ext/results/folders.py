"""The files that lm-eval writes into a folder, and which of them belong together.

lm-eval names them ``results_<time>.json`` and ``samples_<task>_<time>.jsonl``. Where its ``--output_path`` is a file,
``mymodel.json`` say, it writes ``mymodel_<time>.json``, and the samples beside it. Evaluations of calm-ext are named
``results.json`` and ``samples_<task>.jsonl``. The time in a name, or what follows ``results``, is the *stamp*; files of
one evaluation have the same one, and of two evaluations in a folder the newer has the later stamp.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from calm_ext.errors import DataError
from calm_ext.files.expected import beside
from calm_ext.languages.codes import language_called

_RESULTS = re.compile(r".+(_20\d\d-\d\d-\d\dT[\d\-:.]+)\.json|results(.*)\.json")
_TIME = re.compile(r"_20\d\d-")
_SAMPLES = re.compile(r"samples_(?P<task>.+?)(?P<stamp>_20\d\d-\d\d-\d\d(?:T[\d\-:.]+)?)?\.jsonl")


class SamplesFile(NamedTuple):
    """A samples file: its path, and the task and the stamp in its name."""

    path: Path
    task: str
    stamp: str


def samples_file(path: Path) -> SamplesFile:
    """What the name of a samples file says; a file of any other name is taken for a task named like it."""
    match = _SAMPLES.fullmatch(path.name)
    return SamplesFile(path, match["task"], match["stamp"] or "") if match else SamplesFile(path, path.stem, "")


def newest_samples(folder: Path, task: str | None = None) -> SamplesFile:
    """The newest samples of a task in a folder or below it.

    Args:
        task: may be left out where there are samples of one task only.

    Raises:
        DataError: there are no samples of it, or the choice of the task or of a subfolder is open.
    """
    found = _of_task(folder, folder.rglob("samples_*.jsonl"), task)
    if len({f.path.parent for f in found}) > 1:
        raise DataError(f"{folder}: has samples of {found[0].task} in several folders; name one of them")
    return max(found, key=lambda f: f.stamp)


def find_samples(path: Path, task: str | None = None) -> SamplesFile:
    """The samples that a path means: the newest in a folder, those written with a results file, else the file itself.

    Args:
        task: which, where there are samples of several tasks.

    Raises:
        DataError: see :func:`newest_samples`; the file has samples of another task.
    """
    if path.is_dir():
        return newest_samples(path, task)
    stamp = _stamp(path.name) if path.is_file() else None
    if stamp is not None:
        with_it = [p for p in path.parent.glob("samples_*.jsonl") if samples_file(p).stamp == stamp]
        if with_it or _TIME.search(stamp):
            return _of_task(path, with_it, task)[0]
    file = samples_file(path)
    if task is not None and file.task != task:
        raise DataError(f"{path}: is of {file.task} by its name, and --task asks for {task}")
    return file


def samples_of(path: Path) -> list[SamplesFile]:
    """All samples that a path means: in a folder or below it, those written with a results file, else the file itself.

    Raises:
        DataError: there is no such path.
    """
    if path.is_dir():
        return [samples_file(p) for p in sorted(path.rglob("samples_*.jsonl")) if _SAMPLES.fullmatch(p.name)]
    if not path.exists():
        written = [p.name for p in sorted(path.parent.glob("*.json")) if p.name.startswith(f"{path.stem}_20")]
        meant = f"; did you mean {written[-1]}, which lm-eval made of it?" if written else beside(path)
        raise DataError(f"{path}: no such file or directory{meant}")
    stamp = _stamp(path.name)
    if stamp is not None:
        found = [samples_file(p) for p in sorted(path.parent.glob("samples_*.jsonl"))]
        return [f for f in found if f.stamp == stamp]
    return [samples_file(path)]


def _of_task(where: Path, paths: Iterable[Path], task: str | None) -> list[SamplesFile]:
    """The samples files of one task."""
    found: dict[str, list[SamplesFile]] = {}
    for path in sorted(paths):
        if _SAMPLES.fullmatch(path.name):
            file = samples_file(path)
            found.setdefault(file.task, []).append(file)
    if not found:
        raise DataError(f"{where}: has no samples_*.jsonl; run lm_eval with --log_samples --output_path")
    if task is None and len(found) > 1:
        pattern = language_pattern(list(found))
        raise DataError(
            f"{where}: has samples of {', '.join(sorted(found))}; choose one with --task, or join tasks of one "
            f"language each with --language-from{f' {pattern!r}' if pattern else ''}"
        )
    name = task or next(iter(found))
    if name not in found:
        raise DataError(f"{where}: has no samples of {name}; it has {', '.join(sorted(found))}")
    return found[name]


def language_pattern(tasks: Sequence[str]) -> str:
    """What ``--language-from`` takes for tasks whose names differ in a language only, or in it and a part behind it.

    Empty where they differ in something else.

    >>> language_pattern(["quiz_fr_v2", "quiz_sw_v2"])
    'task:quiz_(.+)_v2'
    >>> language_pattern(["exam_french_law", "exam_french_art", "exam_hindi_art"])
    'task:exam_(?P<language>[^_]+)_(?P<part>.+)'
    >>> language_pattern(["arc_easy", "arc_challenge"])
    ''
    """
    if len(set(tasks)) < 2:
        return ""
    prefix = _common_words(tasks)
    rest = [task[len(prefix) :] for task in tasks]
    suffix = _common_words([text[::-1] for text in rest])[::-1]
    codes = [text[: len(text) - len(suffix)] for text in rest]
    before, behind = (re.escape(x).replace("\\-", "-") for x in (prefix, suffix))
    if all(map(language_called, codes)):
        return f"task:{before}(.+){behind}"
    heads = [text.partition("_") for text in rest]
    if all(part and language_called(code) for code, _, part in heads) and len({code for code, _, _ in heads}) > 1:
        return f"task:{before}(?P<language>[^_]+)_(?P<part>.+)"
    return ""


def _common_words(names: Sequence[str]) -> str:
    """What names begin with in common, up to a ``_``."""
    first, last = min(names), max(names)  # what these have in common all between them have
    n = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[: first.rfind("_", 0, n) + 1]


def samples_beside(results: Path, task: str) -> Path | None:
    """The samples of a task that were written with a results file; None where there are none."""
    stamp = _stamp(results.name)
    name = f"samples_{task}{stamp}.jsonl"
    if stamp is None or "/" in name or "\0" in name:
        return None
    path = results.with_name(name)
    try:
        return path if path.is_file() else None
    except OSError:  # a name that is too long
        return None


def results_beside(samples: SamplesFile) -> Path | None:
    """The results that were written with a samples file; where its name has no stamp, the newest of its folder."""
    if not samples.stamp:
        return newest_results(samples.path.parent)
    path = samples.path.with_name(f"results{samples.stamp}.json")
    if path.is_file():
        return path
    found = sorted(p for p in samples.path.parent.glob("*.json") if _stamp(p.name) == samples.stamp)
    return found[0] if found else None


def newest_results(folder: Path) -> Path | None:
    """The newest results file in a folder, not below it; None where there is none."""
    found = [(stamp, path) for path in folder.glob("*.json") if (stamp := _stamp(path.name)) is not None]
    return max(found)[1] if found else None


def results_below(folder: Path, *, seen: set[str], refused: Callable[[OSError], None]) -> Iterator[Path]:
    """Every results file in a folder and below it, by its real path; links to folders are followed.

    Args:
        seen: the real paths of the folders that were walked; they are not walked again.
        refused: called with the error where a folder cannot be listed.
    """
    for parent, folders, names in os.walk(folder, onerror=refused, followlinks=True):
        real = os.path.realpath(parent)
        folders[:] = [] if real in seen else sorted(folders)
        if real not in seen:
            seen.add(real)
            yield from (Path(real, name) for name in sorted(names) if _stamp(name) is not None)


def _stamp(name: str) -> str | None:
    """The stamp in the name of a results file, which may be empty; None where it is the name of no results file.

    >>> _stamp("results.json"), _stamp("mymodel_2026-01-02T10-00-00.5.json"), _stamp("mymodel.json")
    ('', '_2026-01-02T10-00-00.5', None)
    """
    match = _RESULTS.fullmatch(name)
    return match and (match[1] or match[2] or "")
