"""Read a run directory, whole or half-way.

``RunData.missing`` lists what is missing; a broken file is a :class:`~calm_ext.errors.DataError`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import yaml

from calm_ext.disk.shards import shards_of
from calm_ext.errors import DataError, RunError
from calm_ext.jsonl import numbered_lines, read_jsonl
from calm_ext.models.endings import Endings
from calm_ext.records import Ballot, Pair, ParallelQuestion, Record
from calm_ext.report.outdated import outdated_stages, recipe_as_made
from calm_ext.results.evaluation import Evaluation, TaskResult, read_evaluation
from calm_ext.results.files import read_json, read_log, read_recipe
from calm_ext.results.folders import newest_results
from calm_ext.results.training import check_stages, check_summary

WHEN = ("before", "after")

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class RunData:
    """What a run directory holds; parts that are not there are None or empty, and named in ``missing``.

    Attributes:
        path: the run directory.
        name: of the recipe.
        recipe_text, recipe: recipe.yaml as it is, and read.
        stages: stage -> the manifest's entry (seconds, peak_memory_mib, finished, versions).
        questions: the questions asked in the alignment.
        ballots: of all of them.
        pairs, heldout_pairs: for training, and of the questions kept out of it.
        heldout: ids of the questions kept out of training.
        log: the lines of training/log.jsonl.
        training: training/summary.json.
        pairing: pairs.json, what became of the responses that pairs were built of; empty in older runs.
        voting: vote.json, empty in runs from before there was one.
        retrieval: retrieval.json, empty where the questions were asked without passages.
        evaluations: ``before`` and ``after``, as far as there are.
        sampled_characters: length of all sampled responses; 0 where that is not known.
        endings: how they ended (:meth:`~calm_ext.models.endings.Endings.summary`); empty where that is not known.
        missing: the missing parts, in words.
        outdated: stage -> why its results are not those of recipe.yaml; ``recipe`` has the values they were made with.
    """

    path: Path
    name: str
    recipe_text: str
    recipe: dict[str, Any]
    stages: dict[str, dict[str, Any]]
    questions: list[ParallelQuestion]
    ballots: list[Ballot]
    pairs: list[Pair] | None
    heldout: frozenset[str]
    heldout_pairs: list[Pair]
    log: list[dict[str, Any]]
    training: dict[str, Any]
    pairing: dict[str, Any]
    voting: dict[str, Any]
    retrieval: dict[str, Any]
    evaluations: dict[str, Evaluation]
    sampled_characters: int
    endings: dict[str, Any]
    missing: tuple[str, ...]
    outdated: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def gold(self) -> dict[str, int | None]:
        """question id -> right answer, of the questions asked in the alignment; for reporting only."""
        return {q.id: q.answer for q in self.questions}

    @property
    def tasks(self) -> list[str]:
        """Names of the evaluated tasks, in the recipe's order."""
        names = list(dict.fromkeys(t for e in self.evaluations.values() for t in e.tasks))
        order = list((self.recipe.get("evaluation") or {}).get("tasks") or [])
        return sorted(names, key=lambda t: order.index(t) if t in order else len(order))

    def result(self, task: str, when: str) -> TaskResult | None:
        """A task as it was found ``before`` or ``after``; None where it was not evaluated."""
        evaluation = self.evaluations.get(when)
        return evaluation.tasks.get(task) if evaluation else None


def read_run(run_dir: str | os.PathLike[str]) -> RunData:
    """Read a run directory.

    Raises:
        RunError: there is no such directory, or nothing of a run in it.
        DataError: a file is there and cannot be read.
    """
    path = Path(run_dir)
    if not path.is_dir():
        raise RunError(f"{path}: no such run directory")
    missing: list[str] = []

    def records(name: str, kind: type[R], what: str, *, silent: bool = False) -> list[R]:
        if (path / name).is_file():
            return list(read_jsonl(path / name, kind, allow_empty=True))
        if not silent:
            missing.append(f"{what} ({name})")
        return []

    manifest = read_json(path / "manifest.json")
    stages = check_stages(manifest.get("stages") or {}, path / "manifest.json")
    recipe_text, recipe = read_recipe(path / "recipe.yaml")
    outdated = outdated_stages(path, manifest)
    if outdated and recipe:
        recipe = recipe_as_made(recipe, stages, outdated)
        recipe_text = "# with the values that the results were made with\n" + yaml.safe_dump(recipe, sort_keys=False)
    if not recipe_text:
        missing.append("the recipe (recipe.yaml)")
    questions = records("questions.jsonl", ParallelQuestion, "the questions, and with them gold labels")
    evaluations: dict[str, Evaluation] = {}
    for when in WHEN:
        if newest_results(path / "eval" / when):
            evaluations[when] = read_evaluation(path / "eval" / when)
            missing += [f"{when}: {problem}" for problem in evaluations[when].problems]
        else:
            missing.append(f"the evaluation {when} alignment (eval/{when})")
    ballots = records("ballots.jsonl", Ballot, "the vote")
    found_pairs = records("pairs.jsonl", Pair, "the preference pairs")
    pairs = found_pairs if (path / "pairs.jsonl").is_file() else None
    held = records("heldout/questions.jsonl", ParallelQuestion, "", silent=True)
    held_pairs = records("heldout/pairs.jsonl", Pair, "", silent=True)
    log = read_log(path / "training/log.jsonl")
    training = check_summary(read_json(path / "training/summary.json"), path / "training/summary.json")
    if not training:
        missing.append("the end of training (training/summary.json)" if log else "training (training/log.jsonl)")
    if not (manifest or recipe_text or questions or evaluations or ballots or pairs or log):
        raise RunError(f"{path}: holds nothing of a run; `calm-ext align RECIPE` makes one")
    characters, endings = _sampled(path / "generations.jsonl") if "sample" in stages else (0, {})
    name = str(manifest.get("name") or recipe.get("name") or path.resolve().name)
    return RunData(
        path=path, name=name, recipe_text=recipe_text, recipe=recipe, stages=stages, questions=questions,
        ballots=ballots, pairs=pairs, heldout=frozenset(q.id for q in held), heldout_pairs=held_pairs, log=log,
        training=training, voting=read_json(path / "vote.json"),
        pairing=read_json(path / "pairs.json"), retrieval=read_json(path / "retrieval.json"),
        evaluations=evaluations, sampled_characters=characters, endings=endings, missing=tuple(missing),
        outdated=outdated,
    )  # fmt: skip


def _sampled(path: Path) -> tuple[int, dict[str, Any]]:
    """Length of the responses in a generations file or its shards, and how they ended; 0 and none where unreadable."""
    endings, length = Endings(), 0
    try:
        for _, row in chain.from_iterable(map(numbered_lines, shards_of(path))):
            responses = row.get("responses") or []
            endings.add(str(row.get("language")), responses, row.get("finish"))
            length += sum(len(text) for text in responses if isinstance(text, str))
    except (DataError, TypeError):
        return 0, {}
    return length, endings.summary()
