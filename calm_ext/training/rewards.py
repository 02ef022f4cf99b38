"""What sampled answers are worth in training: agreement with a vote, or all languages right at once.

- ``vote``: 1 where a completion gives the option that the *other* languages elected, 0 where it gives another one, and
  a stated value, 0 by default, where no answer can be read. No label is used, and no language rewards itself.
- ``gold``: the n-th completions of a question in all its languages are rewarded together, by the number of languages
  that are right, and a bonus where all are (consistency reward, arXiv 2606.06586).

A trainer scales rewards within the completions of one prompt. With ``gold`` all languages of a question have the same
rewards, in the same order, so that this is the z-score within the question.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from calm_ext.answers.read import read_answer
from calm_ext.answers.thoughts import Marks
from calm_ext.errors import CalmError, RunError
from calm_ext.prompts import Style
from calm_ext.records import Exercise


class Answered(NamedTuple):
    """A completion of an exercise, and the option that it gives; None where none can be read."""

    exercise: Exercise
    answer: int | None


def read_completion(exercise: Exercise, text: str, *, style: Style, thoughts: Marks = ()) -> Answered:
    """A completion, read as responses are."""
    answer = read_answer(
        text, exercise.options, exercise.language, style=style, thoughts=thoughts, names=exercise.names
    )
    return Answered(exercise, answer)


def vote_rewards(answered: Sequence[Answered], *, unread: float = 0.0) -> list[float]:
    """One reward a completion: 1 for the vote of the other languages, 0 for another option, ``unread`` for none."""
    return [unread if a is None else float(a == exercise.target) for exercise, a in answered]


def gold_rewards(answered: Sequence[Answered], *, n_languages: int, bonus: float = 1.0) -> list[float]:
    """One reward a completion: how many languages are right, and ``bonus`` more where all are.

    The first completions of a question in its languages belong together, the second ones, and so on.

    Args:
        n_languages: in how many each question is asked.

    Raises:
        CalmError: a question lacks completions in a language, or has no gold answer.
    """
    seen: Counter[tuple[str, str]] = Counter()
    places: list[tuple[str, int]] = []
    right: dict[tuple[str, int], list[bool]] = {}
    for exercise, answer in answered:
        if exercise.gold is None:
            raise CalmError(f"question {exercise.id} has no gold answer to reward by")
        number = seen[exercise.id, exercise.language]
        seen[exercise.id, exercise.language] += 1
        places.append((exercise.id, number))
        right.setdefault((exercise.id, number), []).append(answer == exercise.gold)
    for (question, _), found in right.items():
        if len(found) != n_languages:
            raise CalmError(
                f"question {question} was answered in {len(found)} of {n_languages} languages in a batch, and the "
                f"reward gold needs all of them"
            )
    return [sum(right[place]) + bonus * all(right[place]) for place in places]


def whole_questions(rows: Sequence[Any]) -> tuple[list[Any], int]:
    """The rows of questions that are there in all languages, a question's side by side; and how many others there are.

    Args:
        rows: each with an ``exercise``.

    Raises:
        RunError: there is none.
    """
    languages = list(dict.fromkeys(row.exercise.language for row in rows))
    by_question: dict[str, list[Any]] = {}
    for row in rows:
        by_question.setdefault(row.exercise.id, []).append(row)
    whole = [own for own in by_question.values() if len(own) == len(languages)]
    if not whole:
        raise RunError(
            f"no question is there in all languages ({', '.join(languages)}), and training.reward gold needs them all; "
            f"take training.reward: vote, or fewer data.languages"
        )
    return [row for own in whole for row in own], len(by_question) - len(whole)


class QuestionSampler:
    """The order in which prompts are answered: shuffled anew in each epoch, the rows of a question side by side.

    The last batch of an epoch is filled up with the epoch's first rows, so that none is left out.

    Args:
        n: number of rows.
        together: so many rows, from a multiple of it on, stay together: those of a question.
        batch: rows in a batch of generation, a multiple of ``together``.
        generations: how often a row is repeated in it.
        repeats: how often the batch is given.
    """

    def __init__(self, n: int, *, together: int, batch: int, generations: int, repeats: int, seed: int) -> None:
        self.n = n
        self.together = together
        self.batch = batch
        self.generations = generations
        self.repeats = repeats
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """The order is the seed's and the epoch's: a run that goes on takes it up where it was."""
        self.epoch = epoch

    @property
    def n_batches(self) -> int:
        """Batches of generation in an epoch."""
        return -(-self.n // self.batch)

    def __len__(self) -> int:
        return self.n_batches * self.batch * self.generations * self.repeats

    def __iter__(self) -> Iterator[int]:
        starts = list(range(0, self.n, self.together))
        random.Random(f"{self.seed} {self.epoch}").shuffle(starts)
        order = [start + i for start in starts for i in range(self.together)]
        for first in range(0, self.n_batches * self.batch, self.batch):
            rows = [order[i % self.n] for i in range(first, first + self.batch)]
            for _ in range(self.repeats):
                for row in rows:
                    yield from [row] * self.generations
