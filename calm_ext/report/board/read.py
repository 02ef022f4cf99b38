"""Results of our tasks below folders, as entries of a leaderboard; what cannot be used is told, never dropped unsaid.

What must be equal for two entries to be ranked together are an entry's ``facts``. They are made of the results file:
the task and its version, how many of its questions were asked, few-shot count (and the seed that chose the examples),
whether a chat template was applied (its text is the model's own), system instruction, generation settings, and every
part of the signature (languages, options, style, wording of the prompts, parser, passages) but the versions of calm-ext
and lm-eval. These two are only noted: whatever in calm-ext changes a score has a name of its own in the signature
(``prompts-2``, ``answers-2``, ``passages-1``), so a new release would split a board in two for nothing.
``calm-ext compare`` is stricter, and asks for ``--mixed-versions``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.errors import CalmError, DataError
from calm_ext.metrics.answered import parts_of
from calm_ext.report.words import is_number
from calm_ext.results.columns import Columns, read_columns
from calm_ext.results.evaluation import effective_n, metadata_of, plain_values
from calm_ext.results.files import load_results

VERSIONS = ("calm-ext", "lm_eval")
#: parts of a signature, and what they are called in words
_PARTS = {"langs": "languages", "score": "answers read by", "retrieval": "passages"}
_LONGEST = 200
#: of aggregates that differ from the means of their samples by more, one is of another evaluation
_TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One model on one task of ours.

    Attributes:
        arguments: what the model was loaded with.
        facts: name -> value in words, equal for all entries that are ranked together.
        n_questions: how many were asked; None where the results do not tell.
        versions: of calm-ext and lm-eval.
        values, stderr: metric -> value and lm-eval's own standard error, ``acc``, ``acc_en``, ``consistency``, …
        columns: the values of each question; None without usable samples.
        path: the results file.
        note: why there are no samples, in words; else empty.
    """

    model: str
    arguments: Mapping[str, str]
    facts: Mapping[str, str]
    n_questions: int | None
    languages: tuple[str, ...]
    signature: str
    versions: Mapping[str, str]
    values: Mapping[str, float]
    stderr: Mapping[str, float]
    columns: Columns | None = field(repr=False)
    path: Path
    date: float = 0.0
    note: str = ""

    @property
    def task(self) -> str:
        """Name of the task."""
        return self.facts["task"]


class Reading(NamedTuple):
    """The entries, and in words what is there and was left out."""

    entries: list[Entry]
    left_out: list[str]


def read_entries(dirs: Iterable[str | Path], *, tasks: Sequence[str] = ()) -> Reading:
    """Read the results of our tasks from result files and folders, at any depth.

    Args:
        tasks: only these; all without.

    Raises:
        CalmError: a path does not exist, or there is no usable result; the message has all that was left out.
    """
    given = [Path(d) for d in dirs]
    left_out: list[str] = []
    found: list[Entry] = []
    foreign: Counter[str] = Counter()
    others: Counter[str] = Counter()
    files = list(dict.fromkeys(_files(given, left_out)))
    for path in files:
        try:
            results = load_results(path)
        except DataError as error:
            left_out.append(plain(str(error)))
            continue
        except (ValueError, RecursionError):  # numbers of thousands of digits, brackets of thousands of levels
            left_out.append(f"{plain(path)}: is not JSON that can be read")
            continue
        for task in results["results"]:
            if not isinstance(metadata_of(results, task).get("signature"), str):
                foreign.update([] if task in _dict(results.get("groups")) else [plain(task)])
            elif tasks and task not in tasks:
                others[plain(task)] += 1
            else:
                entry = _entry(path, results, task)
                if entry.values:
                    found.append(entry)
                else:
                    left_out.append(f"{plain(path)}: has no number for {entry.task}")
    if foreign:
        left_out.append(f"{foreign.total()} results of tasks that are not calm-ext's: {_listed(foreign)}")
    if not found:
        where = ", ".join(plain(d) for d in given) or "no folder"
        what = f"of {', '.join(map(plain, tasks))}" if tasks else "of calm tasks"
        more = (
            f"; there are {_listed(others)}" if others else f"; {len(files)} results files were read" if files else ""
        )
        told = f"no results {what} found in {where}{more}; lm_eval --output_path DIR --log_samples writes them"
        raise CalmError("\n".join([told, *left_out]))
    return Reading(found, left_out)


def plain(value: Any, longest: int = _LONGEST) -> str:
    """Text of a file that is safe to print: no control characters, no halves of characters, not endless.

    >>> plain("a\\x1b[31mb\\nc")
    'a�[31mb c'
    """
    text = " ".join(str(value)[: 100 * longest].split())
    text = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return text if len(text) <= longest else f"{text[: longest // 2]} … {text[-longest // 2 :]}"


def _listed(counts: Mapping[str, int]) -> str:
    names = sorted(counts)
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _files(given: Sequence[Path], left_out: list[str]) -> Iterator[Path]:
    """Results files, each by its real path; folders that cannot be listed are told."""

    def refused(error: OSError) -> None:
        left_out.append(f"{plain(error.filename)}: cannot be listed ({error.strerror})")

    seen: set[str] = set()
    for path in given:
        if not path.exists():
            raise CalmError(f"{plain(path)}: no such file or directory")
        if path.is_file():
            yield path.resolve()
            continue
        for folder, folders, names in os.walk(path, onerror=refused, followlinks=True):
            real = os.path.realpath(folder)
            folders[:] = [] if real in seen else sorted(folders)
            if real not in seen:
                seen.add(real)
                yield from (
                    Path(real, n) for n in sorted(names) if n.startswith("results") and n.endswith(".json")
                )  # fmt: skip


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _entry(path: Path, results: Mapping[str, Any], task: str) -> Entry:
    metadata, config = metadata_of(results, task), _dict(results.get("config"))
    signature = plain(metadata["signature"], 10 * _LONGEST)
    parts = parts_of(signature)
    values = {plain(m): v for m, v in plain_values(results["results"][task]).items() if is_number(v)}
    columns, note = _columns(path, task, values, passages="retrieval" in parts)
    n = _count(results, task)
    if n is None and columns:
        n = len(columns.ids)
    if columns and n != len(columns.ids):
        note, columns = f"the samples have {len(columns.ids)} of {n} questions, so they are not used", None
    if columns:
        from calm_ext.metrics.measure import Table, means_of

        means = means_of(Table(list(columns.names), columns.values))
        wrong = [m for m in means if m in values and is_number(means[m]) and abs(means[m] - values[m]) > _TOLERANCE]
        if wrong:
            columns, note = None, f"the samples are of other results (another {plain(wrong[0])}), so they are not used"
        else:
            values = {**{m: v for m, v in means.items() if is_number(v)}, **values}
    arguments = _arguments(config.get("model_args"))
    date = results.get("date")
    return Entry(
        model=_model(results, arguments, path.parent.name),
        arguments=arguments,
        facts=_facts(results, task, parts, n),
        n_questions=n,
        languages=tuple(parts["langs"].split(".")) if parts.get("langs") else (),
        signature=signature,
        versions={x: parts[x] for x in VERSIONS if x in parts},
        values=values,
        stderr=_stderr(results["results"][task]),
        columns=columns,
        path=path,
        date=float(date) if is_number(date) else 0.0,
        note=note,
    )


def _columns(path: Path, task: str, values: Mapping[str, float], *, passages: bool) -> tuple[Columns | None, str]:
    """The samples written with a results file; without usable ones None, and why."""
    name = f"samples_{task}{path.stem.removeprefix('results')}.jsonl"
    samples = path.with_name(name) if "/" not in name and "\0" not in name else path / name
    if not samples.is_file():
        return None, "no samples, which lm_eval writes with --log_samples"
    try:
        return read_columns(samples, passages=passages), ""
    except DataError as error:
        return None, f"broken samples, {plain(str(error).replace(str(samples), samples.name))}"


def _count(results: Mapping[str, Any], task: str) -> int | None:
    try:
        n = effective_n(results, task)
    except (ValueError, OverflowError):  # NaN, infinity
        n = None
    length = results["results"][task].get("sample_len")
    return n if n is not None else length if isinstance(length, int) else None


def _stderr(values: Mapping[str, Any]) -> dict[str, float]:
    """metric -> lm-eval's own standard error; it writes "N/A" where it was not asked for them."""
    found = {}
    for key, value in values.items():
        metric, _, _ = key.partition(",")
        if metric.endswith("_stderr") and is_number(value):
            found[metric.removesuffix("_stderr")] = float(value)
    return found


def _arguments(given: Any) -> dict[str, str]:
    """Model arguments; lm-eval before 0.4.9 wrote them as ``pretrained=…,dtype=…``."""
    if isinstance(given, str):
        given = dict(part.partition("=")[::2] for part in given.split(",") if part)
    return {plain(k): plain(v) for k, v in _dict(given).items() if v is not None}


def _model(results: Mapping[str, Any], arguments: Mapping[str, str], folder: str) -> str:
    """What the results call the model; base and adapter where it has one, whose name lm-eval gives alone."""
    name = results.get("model_name")
    base = next((arguments[k] for k in ("pretrained", "model", "path", "engine") if arguments.get(k)), "")
    adapter = arguments.get("peft") or arguments.get("delta")
    if adapter and base:
        return plain(f"{base} + {adapter}")
    return plain(name if isinstance(name, str) and name.strip() else base or folder) or "a model without a name"


def _facts(results: Mapping[str, Any], task: str, parts: Mapping[str, str], n: int | None) -> dict[str, str]:
    settings, config = _dict(results["configs"].get(task)), _dict(results.get("config"))
    version = _dict(results.get("versions")).get(task, _dict(settings.get("metadata")).get("version"))
    shots = _dict(results.get("n-shot")).get(task) or settings.get("num_fewshot") or 0
    chat = bool(results.get("chat_template"))
    facts = {"task": plain(task)}
    facts["task version"] = f"{version:g}" if is_number(version) else plain(version or "not told")
    facts["questions"] = _questions(results, task, n)
    facts["few-shot"] = f"{plain(shots)}-shot"
    if shots and is_number(config.get("fewshot_seed")):
        facts["few-shot seed"] = plain(config["fewshot_seed"])
    facts["chat template"] = "applied" if chat else "none"
    if chat and shots:
        facts["few-shot as turns"] = "yes" if results.get("fewshot_as_multiturn") else "no"
    facts["system instruction"] = plain(results.get("system_instruction") or "none")
    if settings.get("output_type") != "loglikelihood":
        facts["generation"] = _generation(settings.get("generation_kwargs") or config.get("gen_kwargs"))
    facts |= {_PARTS.get(k, k): v for k, v in parts.items() if k not in (*VERSIONS, "task")}
    facts.setdefault("passages", "none")
    return facts


def _questions(results: Mapping[str, Any], task: str, n: int | None) -> str:
    if n is None:
        return "a number that is not told"
    of = _dict(_dict(results.get("n-samples")).get(task)).get("original")
    limit = _dict(results.get("config")).get("limit")
    if isinstance(of, int):
        return f"all {n}" if of == n else f"{n} of {of}"
    return f"{n} (limit {plain(limit)})" if limit else f"{n}"


def _generation(given: Any) -> str:
    if isinstance(given, dict) and given:
        return ", ".join(f"{plain(k)} {plain(repr(v))}" for k, v in sorted(given.items(), key=lambda kv: str(kv[0])))
    return plain(given or "as the task has it")
