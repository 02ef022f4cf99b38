"""The logs of other people's lm-eval tasks, one language each, that together are one evaluation of a benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field, ValidationError

from calm_ext.data.families import Family, TargetForm, bundled_families
from calm_ext.errors import CalmError, DataError
from calm_ext.languages.codes import LanguageCode, normalise_code
from calm_ext.options import Section
from calm_ext.results.aggregates import Aggregates, read_aggregates
from calm_ext.results.folders import SamplesFile, results_beside, samples_of


class LogOptions(Section):
    """How logs of tasks of one language each are read; tasks of calm-ext need none of it."""

    family: str | None = Field(None, json_schema_extra={"metavar": "NAME"})
    """Whose logs to read where there are several: a benchmark's name, as belebele, or one of a file of yours."""
    language_from: str | None = Field(None, json_schema_extra={"metavar": "task:PATTERN"})
    """For tasks that no family knows: where the language stands in their names, as 'task:mytask_(.+)'."""
    key: list[str] = Field(default_factory=list, json_schema_extra={"metavar": "FIELD"})
    """What identifies a question in every language: doc_id, or columns, as doc.id."""
    target: str | None = Field(None, json_schema_extra={"metavar": "FIELD"})
    """Where the right answer stands: target, a column, as doc.label, or the number of the option always right."""
    form: TargetForm | None = None
    """How the target is written; auto finds out whether it is a number, a letter or a text."""
    filter: str | None = Field(None, json_schema_extra={"metavar": "NAME"})
    """Whose responses to take where a task has several filters; default: the first."""
    answer_from: str | None = Field(None, json_schema_extra={"metavar": "WHAT"})
    """scored: as lm-eval scored them. read: the reader of calm-ext. response: the text, for tasks without options.
    acc_norm, acc_bytes: the score by which options are ranked. Any other metric of 0 and 1, as bleu_acc, for itself."""
    languages: list[LanguageCode] = Field(default_factory=list, json_schema_extra={"metavar": "CODE"})
    """Only these, to leave one out that lacks questions."""
    at_least: float = Field(0.5, gt=0, le=1)
    """The share of questions that must be joined over all languages."""

    @property
    def by_hand(self) -> bool:
        """Whether a family is named or described."""
        return bool(self.family or self.language_from)


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
        return group(families, found, source=source)[0]
    if task:
        return None
    all_logs = group(bundled_families(), found, source=source, strict=False)
    if not all_logs:
        return None
    if len(all_logs) > 1 or ours:
        names = ", ".join(logs.family.name for logs in all_logs)
        also = " and of tasks of calm-ext (--task)" if ours else ""
        raise DataError(f"{source}: has logs of {names}{also}; choose one with --family")
    chosen = all_logs[0]
    return chosen._replace(family=_adjusted(chosen.family, options))


def group(families: Iterable[Family], files: Iterable[SamplesFile], *, source: str, strict: bool = True) -> list[Logs]:
    """The files by family, of each task the newest.

    Args:
        strict: whether a family without files is an error.

    Raises:
        DataError: see :func:`find_logs`.
    """
    found, given = [], list(files)
    for family in families:
        mine = [(file, parts) for file in given if (parts := family.parts_of(file.task)) is not None]
        if mine:
            found.append(_one_evaluation(family, mine, source))
        elif strict:
            names = sorted({f.task for f in given})
            shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            raise DataError(f"{source}: no task is called {family.task}; there are {shown or 'no samples'}")
    return found


def _one_evaluation(family: Family, files: Sequence[tuple[SamplesFile, tuple[str, str]]], source: str) -> Logs:
    cache: dict[Path, Aggregates | None] = {}
    logs = [Log(file, code, part, _results(file, cache)) for file, (code, part) in files]
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
    codes = {log.code: _language(family, log.code) for log in newest.values()}
    named = list(codes.values())
    codes = {code: code if named.count(ours) > 1 else ours for code, ours in codes.items()}
    languages: dict[str, list[Log]] = {}
    for log in sorted(newest.values(), key=lambda log: log.file.task):
        languages.setdefault(codes[log.code], []).append(log)
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
            "system": results.system_instruction or None, "lm_eval": results.raw.get("lm_eval_version"),
        }  # fmt: skip
        for name, value in found.items():
            if value is None:
                continue
            text = ("yes" if value else "no") if isinstance(value, bool) else f"{value}"
            if facts.setdefault(name, text) != text:
                raise DataError(
                    f"{log.file.path} and the samples of {first[name]} are not of one evaluation: they differ in "
                    f"{name} ({text} against {facts[name]})"
                )
            first.setdefault(name, task)
        originals.setdefault((log.part, results.n_original(task)), task)
        limits.setdefault("none" if results.limit is None else f"{results.limit:g}", []).append(task)
    if "doc_id" in family.key_fields:
        _check_rows(originals)
    notes = []
    if len(limits) > 1:
        said = "; ".join(f"{limit}: {', '.join(sorted(tasks)[:3])}" for limit, tasks in limits.items())
        notes.append(f"the languages were run with different limits ({said}), and only what all have is compared")
    without = sum(log.results is None for log in logs)
    if without:
        notes.append(
            f"{without} of {len(logs)} samples have no results file beside them, so their settings are not known"
        )
    model = next((log.results.model_name("") for log in logs if log.results), "")
    return facts, model, notes


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
                f"question in each of them; name a column that identifies a question (--key)"
            )


def _language(family: Family, code: str) -> str:
    found = family.languages.get(code.lower()) or normalise_code(code)
    return found.replace("_", "-") if found == code else found


# --- the family


def chosen_families(options: LogOptions) -> list[Family]:
    """The family that the options name or describe; empty where they do neither.

    Raises:
        CalmError: there is no such family, or the language cannot be found as described.
    """
    if options.language_from:
        return [_described(options)]
    return [_adjusted(_family(options.family), options)] if options.family else []


def _family(name: str) -> Family:
    """A bundled family, or the one of a benchmark's YAML.

    Raises:
        CalmError: there is none.
    """
    import difflib

    if Path(name).suffix in (".yaml", ".yml"):
        from calm_ext.data.benchmark import read_benchmark

        own = read_benchmark(name).lm_eval
        if len(own) != 1:
            raise CalmError(f"{name}: has {len(own)} families under lm_eval, and one is needed")
        return own[0]
    known = {f.name: f for f in bundled_families()}
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(known))}"
        raise CalmError(f"--family {name}: no such family; {hint}")
    return known[name]


def _described(options: LogOptions) -> Family:
    """The family that the options describe.

    Raises:
        CalmError: the language cannot be found by them.
    """
    where, _, pattern = (options.language_from or "").partition(":")
    if where != "task" or not pattern:
        raise CalmError(f"--language-from {options.language_from}: write task:PATTERN, as 'task:mytask_(.+)'")
    base = _family(options.family) if options.family else Family(name="logs", task="(.+)")
    try:
        return _adjusted(base.replace(task=pattern), options)
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise CalmError(f"--language-from {options.language_from}: the pattern {message}") from None


def _adjusted(family: Family, options: LogOptions) -> Family:
    changes: dict[str, Any] = {}
    if options.key:
        changes["key"] = list(options.key)
    if options.target is not None:
        changes["target"] = int(options.target) if options.target.isdecimal() else options.target
    if options.form:
        changes["form"] = options.form
    if options.answer_from:
        changes["answer_from"] = options.answer_from
    return family.replace(**changes) if changes else family
