"""Results of our tasks below folders, as entries of a leaderboard; what cannot be used is listed, with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.disk.lock import run_of
from calm_ext.errors import CalmError, DataError
from calm_ext.files.expected import beside
from calm_ext.metrics.answered import parts_of
from calm_ext.metrics.names import family_of
from calm_ext.report.board.entry import LONGEST, VERSIONS, Entry, facts_of, plain
from calm_ext.report.board.logs import Foreign
from calm_ext.report.board.names import Places
from calm_ext.report.outdated import outdated_stages
from calm_ext.report.words import is_number
from calm_ext.results.aggregates import Aggregates, read_aggregates
from calm_ext.results.clusters import ClusterError, ClusterKey
from calm_ext.results.columns import Columns, read_columns
from calm_ext.results.files import read_json
from calm_ext.results.folders import language_pattern, results_below, samples_beside
from calm_ext.results.log_options import LogOptions

#: of aggregates that differ from the means of their samples by more, one is of another evaluation
_TOLERANCE = 1e-6


class Reading(NamedTuple):
    """The entries, in words what is there and was left out, and how files are named."""

    entries: list[Entry]
    left_out: list[str]
    places: Places


def read_entries(
    dirs: Iterable[str | Path], *, tasks: Sequence[str] = (), logs: LogOptions | None = None,
    cluster: ClusterKey | None = None,
) -> Reading:  # fmt: skip
    """Read the results of our tasks, and logs of known families, from result files and folders, at any depth.

    Args:
        tasks: only these tasks and families; all without.
        logs: how logs of other people's tasks are read.
        cluster: which questions belong together; results whose questions have no cluster by it are left out.

    Raises:
        CalmError: a path does not exist, or there is no usable result; the message has all that was left out.
    """
    given = [Path(d) for d in dirs]
    places = Places(given)
    left_out: list[str] = []
    found: list[Entry] = []
    foreign: Counter[str] = Counter()
    others: Counter[str] = Counter()
    joined = Foreign(logs or LogOptions(), tasks, cluster)
    files = list(dict.fromkeys(_files(given, left_out)))
    for path in files:
        try:
            results = read_aggregates(path)
        except DataError as error:
            left_out.append(plain(places.shorten(str(error))))
            continue
        late = _out_of_date(path)
        if late:
            left_out.append(late)
            continue
        for task in results.tasks:
            if not results.signature(task):
                if not results.is_group(task) and not joined.takes(results, task):
                    foreign.update([plain(task)])
            elif tasks and task not in tasks:
                others[plain(task)] += 1
            else:
                try:
                    entry = _entry(results, task, cluster)
                except ClusterError as error:
                    left_out.append(plain(places.shorten(str(error)), 600))
                    continue
                if entry.values:
                    found.append(entry)
                else:
                    left_out.append(f"{plain(places.shorten(str(path)))}: has no number for {entry.task}")
    found += joined.entries(left_out, places)
    if foreign:
        pattern = language_pattern(list(foreign))
        joins = f"; --language-from {pattern!r} joins them" if pattern else ""
        left_out.append(f"{foreign.total()} results of tasks that are not calm-ext's: {_listed(foreign)}{joins}")
    if not found:
        where = ", ".join(plain(d) for d in given) or "no folder"
        what = f"of {', '.join(map(plain, tasks))}" if tasks else "of calm tasks"
        more = (
            f"; there are {_listed(others)}" if others else f"; {len(files)} results files were read" if files else ""
        )
        none = f"no results {what} found in {where}{more}; lm_eval --output_path DIR --log_samples writes them"
        why = (
            f" (left out: {left_out[0]}{f', and {len(left_out) - 1} more' if left_out[1:] else ''})" if left_out else ""
        )
        raise CalmError(none + why)
    return Reading(found, [places.shorten(line) for line in left_out], places)


def _out_of_date(results: Path) -> str | None:
    """Why results are left out that a run made of another recipe than it has now; None where they are not."""
    run = run_of(results)
    if run is None:
        return None
    reasons = outdated_stages(run, read_json(run / "manifest.json")).get(results.parent.name)
    late = (
        f"{results.parent}: is out of date ({'; '.join(reasons)}); `calm-ext align` brings it up to date"
        if reasons
        else ""
    )
    return plain(late, 600) if late else None


def _listed(counts: Mapping[str, int]) -> str:
    names = sorted(counts)
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _files(given: Sequence[Path], left_out: list[str]) -> Iterator[Path]:
    """Results files, each by its real path; folders that cannot be listed are left out with the reason."""

    def refused(error: OSError) -> None:
        left_out.append(f"{plain(error.filename)}: cannot be listed ({error.strerror})")

    seen: set[str] = set()
    for path in given:
        if not path.exists():
            raise CalmError(f"{plain(path)}: no such file or directory{plain(beside(path))}")
        if path.is_file():
            yield path.resolve()
        else:
            yield from results_below(path, seen=seen, refused=refused)


def _entry(results: Aggregates, task: str, cluster: ClusterKey | None) -> Entry:
    path = results.path
    signature = plain(results.signature(task), 10 * LONGEST)
    parts = parts_of(signature)
    values = {plain(m): v for m, v in results.values(task).items() if is_number(v)}
    columns, note = _columns(path, task, passages="retrieval" in parts, cluster=cluster)
    columns = columns and with_transfers(columns, results.metadata(task).get("pivots"))
    n = results.n_questions(task)
    if n is None and columns:
        n = len(columns.ids)
    if columns and n != len(columns.ids):
        note, columns = f"the samples have {len(columns.ids)} of {n} questions, so they are not used", None
    if columns:
        from calm_ext.metrics.tables import Table, means_of

        means = means_of(Table(list(columns.names), columns.values))
        wrong = [m for m in means if m in values and is_number(means[m]) and abs(means[m] - values[m]) > _TOLERANCE]
        if wrong:
            columns, note = None, f"the samples are of other results (another {plain(wrong[0])}), so they are not used"
        else:
            values = {**{m: v for m, v in means.items() if is_number(v)}, **values}
    return Entry(
        model=plain(results.model_name(path.parent.name)) or "a model without a name",
        arguments={plain(k): plain(v) for k, v in results.arguments.items()},
        facts=facts_of(results, task, parts, n),
        n_questions=n,
        languages=tuple(parts["langs"].split(".")) if parts.get("langs") else (),
        signature=signature,
        versions={x: parts[x] for x in VERSIONS if x in parts},
        values=values,
        stderr=results.standard_errors(task),
        columns=columns,
        path=path,
        date=results.date,
        note=note,
        taught=_taught(results, task),
    )


def _taught(results: Aggregates, task: str) -> str:
    """Why a task's questions are not held out: they are a data set's for training, or an alignment asked them."""
    metadata = results.metadata(task)
    if task.startswith("calm_asked_xl") or metadata.get("asked"):
        return "an alignment asked these questions"
    if metadata.get("split") == "train":
        return "these questions are for training (split train)"
    run = run_of(results.path)
    summary = run / "summary.json" if run else None
    try:
        own = read_json(summary).get(task) if summary and summary.is_file() else None
    except DataError:
        return ""
    asked = own.get("asked") if isinstance(own, dict) else None
    return f"an alignment asked {asked} of these questions" if is_number(asked) and asked > 0 else ""


def _columns(path: Path, task: str, *, passages: bool, cluster: ClusterKey | None) -> tuple[Columns | None, str]:
    """The samples written with a results file; without usable ones None, and why."""
    samples = samples_beside(path, task)
    if samples is None:
        return None, "no samples, which lm_eval writes with --log_samples"
    try:
        return read_columns(samples, passages=passages, cluster=cluster), ""
    except ClusterError:
        raise
    except DataError as error:
        return None, f"broken samples, {plain(str(error).replace(str(samples), samples.name))}"


def with_transfers(columns: Columns, pivots: Any) -> Columns:
    """The columns with ``transfer_<language>``: the accuracy of the language where the pivot is right.

    Args:
        pivots: of the questions, as the results have them; with several it is not known which a question has.
    """
    import numpy as np

    if "transfer" not in columns.names or not isinstance(pivots, list) or len(pivots) != 1:
        return columns
    right = ~np.isnan(columns.values[:, columns.names.index("transfer")])
    languages = {family_of(m)[1]: i for i, m in enumerate(columns.names) if family_of(m)[0] == "acc"}
    others = {x: np.where(right, columns.values[:, i], np.nan) for x, i in languages.items() if x != pivots[0]}
    names = (*columns.names, *(f"transfer_{x}" for x in others))
    return columns._replace(names=names, values=np.column_stack([columns.values, *others.values()]))
