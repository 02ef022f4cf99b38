"""Questions put in parts, so that each is measured by a model that did not train on it, nor on one that gives it away.

Two questions stay in one part where their text is the same or nearly the same in any language
(:func:`calm_ext.data.check.alike`), or where the source says that they belong together, as all facts of one subject of
KLAR do (``together`` of a benchmark).
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.data.check import alike
from calm_ext.errors import CalmError
from calm_ext.files.decode import read_table
from calm_ext.files.writing import atomic_write
from calm_ext.jsonl import to_line, write_jsonl
from calm_ext.records import ParallelQuestion

#: The file of the groups, beside those of the parts.
GROUPS = "groups.json"


class Folds(NamedTuple):
    """Questions in parts.

    Attributes:
        questions: all of them, in order.
        parts: the ids of each part.
        groups: the ids of the questions that were put whole in one part, a list a group.
    """

    questions: list[ParallelQuestion]
    parts: list[frozenset[str]]
    groups: list[list[str]]

    def folder(self, study: Path) -> Path:
        """Where the files of :meth:`write` are: named by their content."""
        parts = [sorted(p) for p in self.parts]
        content = "".join(map(to_line, self.questions)) + repr(parts)
        return study / "folds" / hashlib.sha256(content.encode()).hexdigest()[:12]

    def write(self, study: Path) -> Path:
        """Write ``questions.jsonl``, of each part ``heldout-<k>.jsonl`` and the rest, ``asked-<k>.jsonl``, and
        ``groups.json`` with the groups of more than one question.

        Files that are there are left alone. Returns the folder.
        """
        folder = self.folder(study)
        wanted = {"questions": self.questions}
        for k, part in enumerate(self.parts):
            wanted[f"asked-{k}"] = [q for q in self.questions if q.id not in part]
            wanted[f"heldout-{k}"] = [q for q in self.questions if q.id in part]
        for name, questions in wanted.items():
            if not (folder / f"{name}.jsonl").is_file():
                write_jsonl(folder / f"{name}.jsonl", questions)
        if not (folder / GROUPS).is_file():
            groups = [g for g in self.groups if len(g) > 1]
            atomic_write(folder / GROUPS, json.dumps({"groups": groups}, ensure_ascii=False) + "\n")
        return folder


def groups_of(metadata: Mapping[str, Any], study: Path) -> dict[str, str]:
    """question id -> the name of those that the folds keep together; nothing of a question that stands for itself.

    Args:
        metadata: ``evaluation.metadata`` of a cell's recipe, whose ``path`` is a file that :meth:`Folds.write` wrote.
        study: the study's folder, which may have been moved since.

    Raises:
        DataError: ``groups.json`` cannot be read.
    """
    measured = metadata.get("path")
    path = study / "folds" / Path(str(measured)).parent.name / GROUPS
    if measured is None or not path.is_file():
        return {}
    return {identity: f"{path.parent.name}/{g[0]}" for g in read_table(path)["groups"] for identity in g}


def make_folds(questions: Sequence[ParallelQuestion], k: int, *, together: Mapping[str, str] | None = None) -> Folds:
    """Put questions in k parts of nearly equal size; the same questions are always put alike.

    The largest groups are placed first, each in the part that is smallest then; groups of one size come in an order by
    a hash of their ids, so that what the data's order follows is spread over the parts.

    Args:
        together: question id -> what it has in common with others that must not be parted from it.

    Raises:
        CalmError: the questions do not make k parts: there are fewer groups, or one is larger than a part should be.
    """
    groups = grouped(questions, together or {})
    largest = max(map(len, groups))
    if len(groups) < k or largest > -(-len(questions) // k):
        raise CalmError(
            f"folds: {len(questions)} questions are {len(groups)} groups that belong together, the largest of "
            f"{largest}, which do not make {k} equal parts; take fewer folds or more questions"
        )
    parts: list[list[str]] = [[] for _ in range(k)]
    for group in sorted(groups, key=lambda g: (-len(g), _place(g[0]))):
        min(parts, key=len).extend(group)
    return Folds(list(questions), [frozenset(p) for p in parts], groups)


def grouped(questions: Sequence[ParallelQuestion], together: Mapping[str, str]) -> list[list[str]]:
    """The ids of the questions that must not be parted, a list a group."""
    ids = [q.id for q in questions]
    root = {i: i for i in ids}

    def find(i: str) -> str:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for one, other in _pairs(questions, together):
        root[find(other)] = find(one)
    groups = defaultdict(list)
    for i in ids:
        groups[find(i)].append(i)
    return list(groups.values())


def _pairs(questions: Sequence[ParallelQuestion], together: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    by_group = defaultdict(list)
    for question in questions:
        if question.id in together:
            by_group[together[question.id]].append(question.id)
    for members in by_group.values():
        yield from pairwise(members)
    for language in dict.fromkeys(x for q in questions for x in q.versions):
        for found in alike([q for q in questions if language in q.versions], language):
            yield from found


def _place(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()
