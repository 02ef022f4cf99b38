"""The logs of other people's lm-eval tasks, one language each, that together are one evaluation of a benchmark."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.data.families import Family, bundled_families
from calm_ext.errors import DataError
from calm_ext.languages.codes import language_called, normalise_code
from calm_ext.results.aggregates import Aggregates, read_aggregates
from calm_ext.results.folders import SamplesFile, results_beside, samples_of
from calm_ext.results.log_options import LogOptions, adjusted, chosen_families


class Log(NamedTuple):
    """The samples of one task: its language as the task names it, the part of the benchmark, its results file."""

    file: SamplesFile
    code: str
    part: str
    results: Aggregates | None


class Logs(NamedTuple):
    """One evaluation.

    Attributes:
        languages: our code -> its logs, one a part.
        facts: what all tasks have in common, for the signature.
        model: its name; empty where there is no results file.
        notes: what was not taken, in words.
    """

    source: str
    family: Family
    languages: dict[str, list[Log]]
    facts: dict[str, str]
    model: str
    notes: list[str]


def find_logs(paths: Sequence[str | Path], options: LogOptions, *, task: str | None = None) -> Logs | None:
    """The logs that paths mean: folders, results files, samples files; None where they are of none of the families.

    Raises:
        DataError: logs of several families or models, settings that differ between languages, a family that is not
            there.
    """
    found = [file for path in paths for file in samples_of(Path(path))]
    ours = [f for f in found if f.task.startswith("calm_") or not f.path.name.startswith("samples_")]
    if len(ours) == len(found) and not options.by_hand:
        return None
    source = " ".join(str(p) for p in paths)
    name = options.family or (task if any(f.name == task for f in bundled_families()) else None)
    families = chosen_families(options.replace(family=name))
    if families:
        return group(families, found, source=source, languages=options.languages)[0]
    if task:  # one task, so one language
        found, ours = [f for f in found if f.task == task and f not in ours], []
    there = [x for x in bundled_families() if any(x.parts_of(file.task) for file in found)]
    if not there:
        return None
    if len(there) > 1 or ours:
        names = ", ".join(family.name for family in there)
        also = " and of tasks of calm-ext (--task)" if ours else ""
        raise DataError(f"{source}: has logs of {names}{also}; choose one with --family")
    return group([adjusted(there[0], options)], found, source=source, languages=options.languages)[0]


def group(
    families: Iterable[Family], files: Iterable[SamplesFile], *, source: str, languages: Sequence[str] = (),
    strict: bool = True,
) -> list[Logs]:  # fmt: skip
    """The files by family, of each task the newest.

    Args:
        languages: only these, in this order, by our code or the tasks' own; the others may differ in anything.
        strict: whether a family without files is an error.

    Raises:
        DataError: see :func:`find_logs`.
    """
    found, given = [], list(files)
    for family in families:
        mine = [(file, parts) for file in given if (parts := family.parts_of(file.task)) is not None]
        if mine:
            found.append(_one_evaluation(family, mine, source, languages))
        elif strict:
            names = sorted({f.task for f in given})
            shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            raise DataError(f"{source}: no task is called {family.task}; there are {shown or 'no samples'}")
    return found


def _one_evaluation(
    family: Family, files: Sequence[tuple[SamplesFile, tuple[str, str]]], source: str, chosen: Sequence[str]
) -> Logs:
    names = _names(family, files)
    wanted = list(dict.fromkeys(_wanted(x, names) for x in chosen or names.values()))
    unknown = [x for x in wanted if x not in names.values()]
    if unknown:
        there = ", ".join(names.values())
        raise DataError(f"{source}: has no {', '.join(unknown)} of {family.name}; there are {there}")
    cache: dict[Path, Aggregates | None] = {}
    logs = [Log(file, code, part, _results(file, cache)) for file, (code, part) in files if names[code] in wanted]
    _check_models(family, logs, source)
    notes, newest = [], {}
    for log in sorted(logs, key=lambda log: (log.file.stamp, str(log.file.path))):
        newest[log.file.task] = log
    older = len(logs) - len(newest)
    if older:
        last = max(log.file.stamp for log in logs).lstrip("_")
        notes.append(
            f"{older} older samples of {family.name} are there and not read; the newest are of {last or 'now'}"
        )
    languages: dict[str, list[Log]] = {x: [] for x in wanted}
    for log in sorted(newest.values(), key=lambda log: log.file.task):
        languages[names[log.code]].append(log)
    ours = {x: _language(family, x) for x in wanted if x in names}
    same = [x for x in ours if list(ours.values()).count(ours[x]) > 1]
    if same:
        notes.append(f"{', '.join(same)} are codes of one language, and count as several (see --languages)")
    facts, model, more = _facts(family, list(newest.values()))
    return Logs(source, family, languages, facts, model, notes + more)


def _results(file: SamplesFile, cache: dict[Path, Aggregates | None]) -> Aggregates | None:
    """The results written with a samples file; None where there are none, or they are not of this task."""
    path = results_beside(file)
    if path is None:
        return None
    if path not in cache:
        try:
            cache[path] = read_aggregates(path)
        except DataError:
            cache[path] = None
    found = cache[path]
    return found if found is not None and file.task in found.tasks else None


def _check_models(family: Family, logs: Sequence[Log], source: str) -> None:
    """One model a family: by the results files, and where there are none one folder a task."""
    models = dict.fromkeys(log.results.model_name("") for log in logs if log.results)
    if len(models) > 1:
        raise DataError(
            f"{source}: has logs of {family.name} of several models ({', '.join(sorted(models))}); name the folder or "
            f"the results file of one"
        )
    folders: dict[str, set[Path]] = {}
    for log in logs:
        folders.setdefault(log.file.task, set()).add(log.file.path.parent)
    for task, own in folders.items():
        if len(own) > 1:
            names = ", ".join(str(p) for p in sorted(own)[:3])
            raise DataError(f"{source}: has samples of {task} in several folders ({names}); name one of them")


def _facts(family: Family, logs: Sequence[Log]) -> tuple[dict[str, str], str, list[str]]:
    """What the tasks have in common, the model, and notes.

    Raises:
        DataError: they differ in what must be the same.
    """
    facts: dict[str, str] = {}
    first: dict[str, str] = {}
    limits: dict[str, list[str]] = {}
    originals: dict[tuple[str, int | None], str] = {}
    for log in logs:
        results, task = log.results, log.file.task
        if results is None:
            continue
        found: dict[str, Any] = {
            "version": results.version(task), "shots": results.n_shot(task), "chat": results.chat_template,
            "system": _short(results.system_instruction), "lm_eval": results.raw.get("lm_eval_version"),
        }  # fmt: skip
        for name, value in found.items():
            if value is None:
                continue
            text = ("yes" if value else "no") if isinstance(value, bool) else f"{value}"
            if facts.setdefault(name, text) != text:
                raise DataError(
                    f"{log.file.path} and the samples of {first[name]} are not of one evaluation: they differ in "
                    f"{name} ({text} against {facts[name]}); name the files of one, or those to join (--languages)"
                )
            first.setdefault(name, task)
        originals.setdefault((log.part, results.n_original(task)), task)
        limits.setdefault("none" if results.limit is None else f"{results.limit}".removesuffix(".0"), []).append(task)
    if "doc_id" in family.key_fields:
        _check_rows(originals)
    notes = []
    if len(limits) > 1:
        said = "; ".join(f"{limit}: {', '.join(sorted(tasks)[:3])}" for limit, tasks in limits.items())
        notes.append(f"the languages were run with different limits ({said}), and only what all have is compared")
    without = sum(log.results is None for log in logs)
    if without:
        notes.append(
            f"{without} of {len(logs)} samples have no results file beside them that can be read, so their settings "
            f"are not known"
        )
    model = next((log.results.model_name("") for log in logs if log.results), "")
    return facts, model, notes


def _short(text: Any) -> str | None:
    """A text of any length as a part of a signature."""
    return hashlib.sha256(str(text).encode("utf-8", "surrogatepass")).hexdigest()[:8] if text else None


def _check_rows(originals: Mapping[tuple[str, int | None], str]) -> None:
    """A row number is a key only where all languages have as many rows.

    Args:
        originals: part and number of documents -> a task that has it.
    """
    counts: dict[str, tuple[int, str]] = {}
    for (part, n), task in originals.items():
        if n is None:
            continue
        first, other = counts.setdefault(part, (n, task))
        if first != n:
            raise DataError(
                f"{task} has {n} documents and {other} {first}: doc_id is the number of a row, which may be another "
                f"question in each of them; name a column that identifies a question (--key), or the languages "
                f"to join (--languages)"
            )


def _names(family: Family, files: Sequence[tuple[SamplesFile, tuple[str, str]]]) -> dict[str, str]:
    """The tasks' code of a language -> ours; theirs where that would be another's, too. In the order of the tasks."""
    in_order = sorted(files, key=lambda found: found[0].task)
    ours = {code: _language(family, code) for _, (code, _) in in_order}
    return {code: code if list(ours.values()).count(x) > 1 else x for code, x in ours.items()}


def _wanted(language: str, names: Mapping[str, str]) -> str:
    """What ``--languages`` means: one of ours, or a task's own way to write it."""
    if language in names.values():
        return language
    return names.get(language) or language_called(language) or normalise_code(language)


def _language(family: Family, code: str) -> str:
    found = family.languages.get(code.lower()) or language_called(code) or normalise_code(code)
    return found.replace("_", "-") if found == code else found
