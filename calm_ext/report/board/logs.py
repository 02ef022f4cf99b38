"""Entries of a leaderboard from logs of other people's tasks of one language each, joined over the languages.

Of one model's results in one folder the newest samples of each task count. What must be equal for two entries to be
ranked together is the same as for tasks of calm-ext, and the number of questions that could be joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from calm_ext.data.families import Family, bundled_families
from calm_ext.errors import DataError
from calm_ext.metrics.answered import AnswerSet, parts_of
from calm_ext.metrics.tables import means_of, table
from calm_ext.report.board.entry import VERSIONS, Entry, facts_of, plain
from calm_ext.report.board.names import Places
from calm_ext.report.words import is_number
from calm_ext.results.aggregates import Aggregates
from calm_ext.results.clusters import ClusterKey
from calm_ext.results.columns import Columns, digest
from calm_ext.results.folders import samples_of
from calm_ext.results.joining import join_logs
from calm_ext.results.log_options import LogOptions, chosen_families
from calm_ext.results.logs import Logs, group

_KNOWN = ("version", "shots", "chat", "system")


class Foreign:
    """Collects results files with tasks of the families, and makes the entries of them."""

    def __init__(self, options: LogOptions, tasks: Sequence[str], cluster: ClusterKey | None = None) -> None:
        """``tasks``: only families of these names; all without. ``cluster``: which questions belong together."""
        self._options, self._cluster = options, cluster
        self._families = [f for f in (chosen_families(options) or bundled_families()) if not tasks or f.name in tasks]
        self._results: dict[tuple[Path, str], list[Aggregates]] = {}
        self._names: dict[Path, set[str]] = {}

    def takes(self, results: Aggregates, task: str) -> bool:
        """Whether a task of a results file is of one of the families; its samples are then read."""
        family = self._family(task)
        if family is None:
            return False
        own = self._results.setdefault((results.path.parent, results.model_name("")), [])
        if results not in own:
            own.append(results)
        self._names.setdefault(results.path, set()).add(family.name)
        return True

    def _family(self, task: str) -> Family | None:
        return next((f for f in self._families if f.parts_of(task) is not None), None)

    def entries(self, left_out: list[str], places: Places) -> Iterable[Entry]:
        """One entry for each folder, model and family; what cannot be used goes to ``left_out`` with the reason."""
        for (folder, _), results in self._results.items():
            files = [file for r in results for file in samples_of(r.path)]
            names = dict.fromkeys(name for r in results for name in sorted(self._names[r.path]))
            for family in self._families:
                if family.name not in names:
                    continue
                try:
                    found = group(
                        [family], files, source=plain(folder), languages=self._options.languages, strict=False
                    )
                    if not found:
                        raise DataError(f"{plain(folder)}: no samples of {family.name}, which --log_samples writes")
                    newest = max(results, key=lambda r: (r.date, str(r.path)))
                    answers = join_logs(found[0], self._options, brief=True, cluster=self._cluster)
                except DataError as error:
                    left_out.append(plain(places.shorten(str(error)), 600))
                    continue
                where = plain(places.shorten(str(folder)))
                left_out += [f"{where}: {family.name}: {plain(places.shorten(note))}" for note in answers.notes]
                yield _entry(found[0], answers, newest)


def _entry(logs: Logs, answers: AnswerSet, results: Aggregates) -> Entry:
    parts = parts_of(answers.signature)
    first = next(log for own in logs.languages.values() for log in own)
    task, own = first.file.task, first.results or results
    found = table(list(answers.questions.values()), answers.languages)
    ids = list(answers.questions)
    clusters = [answers.clusters[i] for i in ids] if answers.clusters else None
    together = clusters or [""] * len(ids)
    asked = digest(f"{q.id}\0{q.content}\0{own}" for q, own in zip(answers.questions.values(), together, strict=True))
    facts = facts_of(own, task, {k: v for k, v in parts.items() if k not in _KNOWN}, len(ids))
    facts |= {"task": logs.family.name, "questions": f"{len(ids)} joined"}
    return Entry(
        model=plain(results.model_name(results.path.parent.name)) or "a model without a name",
        arguments={plain(k): plain(v) for k, v in results.arguments.items()},
        facts=facts,
        n_questions=len(ids),
        languages=tuple(answers.languages),
        signature=plain(answers.signature, 2000),
        versions={x: parts[x] for x in VERSIONS if x in parts},
        values={m: v for m, v in means_of(found).items() if is_number(v)},
        stderr={},
        columns=Columns(tuple(found.names), ids, found.values, asked, asked, clusters),
        path=results.path,
        date=results.date,
        logs=logs,
    )
