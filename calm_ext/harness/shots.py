"""Drawing few-shot questions."""

from __future__ import annotations

import random
from collections.abc import Sequence

from calm_ext.errors import CalmError
from calm_ext.harness.dataset import Doc


def draw(pool: Sequence[Doc], doc: Doc, n: int, *, seed: int | None, task: str | None) -> list[Doc]:
    """``n`` questions of a pool, never the question itself.

    They are drawn anew for each question, by the seed and the question's id. So a question has the same ones whatever
    the limit, and however many processes share the questions.

    Args:
        pool: questions with answers.
        seed: without one, draws differ from run to run.

    Raises:
        CalmError: there are fewer.
    """
    others = [
        shot
        for shot in pool
        if shot["id"] != doc["id"] and shot["questions"] != doc["questions"] and shot["languages"] == doc["languages"]
    ]
    if len(others) < n:
        raise CalmError(
            f"{task}: {n} few-shot questions were asked for, there are {len(others)} besides question {doc['id']}; "
            f"lower num_fewshot"
        )
    seeded = random.Random() if seed is None else random.Random(f"{seed}|{doc['id']}")
    return seeded.sample(others, n)
