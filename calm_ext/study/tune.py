"""Settings chosen without gold labels: by how a training that has them does on questions held out of it.

One key is varied at a time, the others at the best values so far (coordinate search). Each value is a training on the
same questions, less a share that is held out; it is judged by the held-out questions' score, what the languages answer
against what the untrained model elected in the other ones (:func:`calm_ext.training.monitor.heldout_score`). A value
replaces the recipe's own only where it is clearly better, question by question
(:func:`calm_ext.training.monitor.clearly_positive`), so that chance alone moves nothing.

Only questions that the recipe asks are used, and no gold label: what is measured on other questions afterwards is not
touched by the choice.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.errors import CalmError, RunError
from calm_ext.files.decode import read_table
from calm_ext.files.writing import atomic_write
from calm_ext.metrics.stats import interval, resampled_means
from calm_ext.pipeline.recipe import changed_recipe, save_recipe
from calm_ext.pipeline.schema import Recipe
from calm_ext.results.files import read_log
from calm_ext.study.cell import is_finished
from calm_ext.study.grid import Cell, make_grid
from calm_ext.study.options import StudyOptions, label
from calm_ext.study.plan import make_plan
from calm_ext.study.read import StudyFile
from calm_ext.study.run import Watcher
from calm_ext.study.sharing import locked
from calm_ext.study.workers import run_cells
from calm_ext.training.monitor import clearly_positive, heldout_score

#: The stages that a trial has: no evaluation, whose gold labels nothing here may see.
STAGES = ("questions", "retrieve", "sample", "vote", "pairs", "train")

#: Keys that may be tried: with others the held-out answers or the votes that judge them would be other ones.
TUNABLE = ("training.", "pairs.", "vote.keep", "vote.keep_share")
NOT_TUNABLE = ("training.heldout_share", "training.heldout_questions", "training.select", "training.patience")

Tries = Mapping[str, Sequence[Any]]


class Trial(NamedTuple):
    """One value of a key.

    Attributes:
        scores: question id -> score of the checkpoint that was kept; empty where the training failed.
        before: the same of the untrained model.
        step: of that checkpoint, 0 where the untrained model was kept.
        warnings: how many the watch gave.
        error: why it failed.
    """

    value: Any
    cell: str
    scores: dict[str, float]
    before: dict[str, float]
    step: int | None
    warnings: int
    error: str = ""


class Round(NamedTuple):
    """The trials of one key.

    Attributes:
        own: the recipe's value; chosen: the one that is taken.
    """

    key: str
    own: Any
    chosen: Any
    trials: list[Trial]

    def rows(self) -> list[dict[str, Any]]:
        """Of each trial its mean score, and its difference to the recipe's own value, paired by question."""
        shared = _shared(self.trials)
        own = next(t for t in self.trials if t.value == self.own)
        rows = []
        for t in self.trials:
            row: dict[str, Any] = {"value": t.value, "cell": t.cell, "error": t.error or None}
            if not t.error:
                row |= {
                    "score": _mean(t.scores, shared), "untrained": _mean(t.before, shared), "step": t.step,
                    "warnings": t.warnings, "n_questions": len(shared),
                }  # fmt: skip
            if not t.error and t is not own:
                low, high = interval(resampled_means(_column(_differences(t, own, shared)))[:, 0])
                row |= {"difference": row["score"] - _mean(own.scores, shared), "low": low, "high": high}
                row["clearly_better"] = clearly_positive(_differences(t, own, shared))
            rows.append(row)
        return rows


class Tuned(NamedTuple):
    """What a tuning found.

    Attributes:
        changes: recipe key -> value, of the keys whose value is not the recipe's own.
        recipe: with these changes.
    """

    rounds: list[Round]
    changes: dict[str, Any]
    recipe: Recipe

    def as_json(self) -> dict[str, Any]:
        """As ``tune.json`` has it."""
        return {
            "recipe": self.recipe.name,
            "changes": self.changes,
            "rounds": [{"key": r.key, "own": r.own, "chosen": r.chosen, "trials": r.rows()} for r in self.rounds],
        }


def usual_tries(recipe: Recipe) -> dict[str, list[Any]]:
    """What is tried where no key is named, in order: learning rate, NLL weight, share of votes kept, epochs."""
    t = recipe.training
    own: float = getattr(t, "nll_weight", 0.5)
    tries: dict[str, list[Any]] = {"training.learning_rate": [t.learning_rate * x for x in (0.5, 1.0, 2.0)]}
    if "nll_weight" in type(t).model_fields:
        tries["training.nll_weight"] = sorted({0.1, 1.0, own})
    tries["vote.keep_share"] = sorted({0.5, 0.7, 1.0, recipe.vote.keep_share})
    tries["training.epochs"] = [t.epochs, 2 * t.epochs]
    return tries


def check_tries(recipe: Recipe, tries: Tries) -> dict[str, list[Any]]:
    """The values to be tried of each key, the recipe's own among them.

    Raises:
        CalmError: a key cannot be tried, or a recipe cannot have one of its values.
    """
    found = {}
    plain = recipe.model_dump(mode="json")
    for key, values in tries.items():
        if key in NOT_TUNABLE or not any(key == x or (x.endswith(".") and key.startswith(x)) for x in TUNABLE):
            raise CalmError(
                f"--try {key}: cannot be chosen by held-out questions, as it changes which they are or what judges "
                f"them; compare its values with `calm-ext study`"
            )
        own = value_of(recipe, key)
        for value in values:
            _recipe(plain, {key: value}, "--try")
        found[key] = [*([] if any(_same(own, v) for v in values) else [own]), *values]
    return found


def value_of(recipe: Recipe, key: str) -> Any:
    """The value of a dotted key.

    Raises:
        CalmError: there is no such key.
    """
    place: Any = recipe.model_dump(mode="json")
    for part in key.split("."):
        if not isinstance(place, dict) or part not in place:
            raise CalmError(f"--try {key}: the recipe has no such key; `calm-ext recipes show` prints those it has")
        place = place[part]
    return place


def tune(
    values: Mapping[str, Any],
    tries: Tries,
    folder: Path,
    *,
    where: str = "recipe",
    heldout_share: float = 0.25,
    heldout_questions: int = 100,
    jobs: int = 1,
    watcher: Watcher,
) -> Tuned:
    """Try the values of one key after the other; finished trials are taken as they are.

    Args:
        values: of the recipe, checked.
        tries: key -> values, with the recipe's own, in the order in which the keys are tried.
        folder: where ``cells/``, ``tune.json`` and the tuned ``recipe.yaml`` are written.
        heldout_share: share of the questions that no trial trains on; heldout_questions: at most so many are asked.

    Raises:
        CalmError: a value is not allowed, or the training with the recipe's own values failed.
    """
    watched = {
        "training.heldout_share": heldout_share,
        "training.heldout_questions": heldout_questions,
        "training.checks_per_epoch": 2,
    }
    changes: dict[str, Any] = {}
    rounds = []
    with locked(folder):
        for key, tried in tries.items():
            study = _study(values, key, tried, {**watched, **changes}, where)
            done = _round(key, tried[_own_place(values, key, tried)], _trials(study, folder, jobs, watcher))
            rounds.append(done)
            if not _same(done.chosen, done.own):
                changes[key] = done.chosen
        recipe = _recipe(values, changes, where)
        found = Tuned(rounds, changes, recipe)
        save_recipe(recipe, folder / "recipe.yaml")
        atomic_write(folder / "tune.json", json.dumps(found.as_json(), indent=2, ensure_ascii=False) + "\n")
    return found


def _own_place(values: Mapping[str, Any], key: str, tried: Sequence[Any]) -> int:
    own = value_of(_recipe(values, {}, "recipe"), key)
    return next(i for i, v in enumerate(tried) if _same(v, own))


def _recipe(values: Mapping[str, Any], changes: Mapping[str, Any], where: str) -> Recipe:
    name = f"{values['name']}-tuned"
    overrides = [f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in {**changes, "name": name}.items()]
    # The values are those of a recipe that was read with the command line's word on it.
    return changed_recipe(copy.deepcopy(dict(values)), overrides, where=where, trust_remote_code=None)


def _study(
    values: Mapping[str, Any], key: str, tried: Sequence[Any], changes: Mapping[str, Any], where: str
) -> StudyFile:
    """The values of one key as a study, with what is set for all of them."""
    levels = {label(v): {**changes, key: v} for v in tried}
    options = StudyOptions.model_validate({"name": "tune", "recipe": dict(values), "vary": {key: levels}})
    return StudyFile(where, "", options, dict(values), None)


def _trials(study: StudyFile, folder: Path, jobs: int, watcher: Watcher) -> Iterator[Trial]:
    ((key, levels),) = study.options.vary.items()
    assert isinstance(levels, dict)
    grid = make_grid(study, folder)
    cells = [c._replace(stages=STAGES) for c in grid.cells]
    left = [c for c in cells if not is_finished(c, folder)]
    failed = {}
    if left:
        watcher.begins(make_plan(cells, folder), left, jobs)
        failed = run_cells(left, folder, jobs=jobs, report=watcher.hears)
    votes: dict[str, dict[str, int]] = {}
    for cell in cells:
        value = levels[cell.vary[key]][key]
        if cell.name in failed:
            yield Trial(value, cell.name, {}, {}, None, 0, failed[cell.name])
            continue
        # The votes of the other languages do not depend on what is tried; questions that one leaves out may differ.
        votes |= read_table(folder / "cells" / cell.name / "heldout/votes.json")
        yield _trial(value, cell, folder / "cells" / cell.name / "training", votes)


def _trial(value: Any, cell: Cell, training: Path, votes: Mapping[str, Mapping[str, int]]) -> Trial:
    """What the log of a training says of the checkpoint that it kept."""
    rows = read_log(training / "log.jsonl")
    answers = {row["step"]: row["answers"] for row in rows if row["kind"] == "answers"}
    if not answers:
        raise RunError(
            f"{training}: no held-out question was decided, so nothing can be judged; ask more questions or hold out "
            f"a larger share"
        )
    step = read_table(training / "summary.json")["chosen_step"]
    step = max(answers) if step is None else step
    scores, before = (
        {q: heldout_score(own, votes[q]) for q, own in answers[s].items() if votes.get(q)} for s in (step, 0)
    )
    return Trial(value, cell.name, scores, before, step, sum(row["kind"] == "warning" for row in rows))


def _round(key: str, own: Any, trials: Iterator[Trial]) -> Round:
    """Choose a value: the best of those that are clearly better than the recipe's own, or else that one."""
    found = list(trials)
    base = next(t for t in found if _same(t.value, own))
    if base.error:
        raise RunError(f"{key}: the training with the recipe's own value, {label(own)}, failed: {base.error}")
    shared = _shared(found)
    if not shared:
        raise RunError(f"{key}: no held-out question was asked in all trials; hold out a larger share")
    better = [t for t in found if not t.error and t is not base and clearly_positive(_differences(t, base, shared))]
    best = max(better, key=lambda t: _mean(t.scores, shared), default=base)
    return Round(key, base.value, best.value, found)


def _shared(trials: Sequence[Trial]) -> list[str]:
    """The questions that all trials have, in order."""
    there = [t.scores for t in trials if not t.error]
    return [q for q in there[0] if all(q in scores for scores in there)]


def _differences(one: Trial, other: Trial, shared: Sequence[str]) -> list[float]:
    return [one.scores[q] - other.scores[q] for q in shared]


def _mean(scores: Mapping[str, float], questions: Sequence[str]) -> float:
    return sum(scores[q] for q in questions) / len(questions)


def _column(values: Sequence[float]) -> Any:
    import numpy as np

    return np.array(values, dtype=float)[:, None]


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same, as a recipe reads them: 1 and 1.0 are, true and 1 are not."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other
