"""How long a task will take: a few of its questions are asked, and the clock is read."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from calm_ext.errors import CalmError
from calm_ext.harness.evaluate import task_manager

if TYPE_CHECKING:
    from lm_eval.api.model import LM

    from calm_ext.harness.task import CrossLingualTask


def load_task(name: str, *, metadata: Mapping[str, Any]) -> CrossLingualTask:
    """A task across languages, as lm-eval loads it.

    Raises:
        CalmError: it is another kind of task, or a group, or has one language only, or its questions cannot be loaded.
    """
    from calm_ext.harness.task import CrossLingualTask

    manager = task_manager([name], metadata=dict(metadata))
    found = manager.load([name])["tasks"].get(name) if name in manager.all_subtasks else None
    if not isinstance(found, CrossLingualTask):
        raise CalmError(f"{name}: is no task across languages; those of lm_eval_tasks/README.md have names in _xl…")
    if len(found.languages) < 2:
        raise CalmError(f"{name}: asks in {', '.join(found.languages)} only; agreement needs two languages or more")
    return found


def seconds_per_question(
    lm: LM, task: CrossLingualTask, *, chat_template: bool, enough: float = 3.0, most: int = 8
) -> float:
    """Seconds that a question takes in all its languages.

    The first question is asked alone, which warms the model up; then as many as about ``enough`` seconds allow, and
    these give the number. Where the first one takes as long itself, its time is the number.

    Args:
        most: questions that are asked at most, the first included.
    """
    task.build_all_requests(
        limit=most,
        rank=0,
        world_size=1,
        apply_chat_template=chat_template,
        fewshot_as_multiturn=chat_template,
        chat_template=lm.apply_chat_template if chat_template else None,
    )
    questions: dict[Any, list[Any]] = {}
    for instance in task.instances:
        questions.setdefault(instance.doc_id, []).append(instance)
    first, *others = questions.values()
    ask = functools.partial(getattr(lm, task.OUTPUT_TYPE), disable_tqdm=True)
    alone = _seconds(ask, first)
    taken = others[: max(1, int(enough / alone))]
    if alone >= enough or not taken:
        return alone
    return _seconds(ask, [instance for own in taken for instance in own]) / len(taken)


def _seconds(ask: Any, instances: list[Any]) -> float:
    started = time.perf_counter()
    ask(instances)
    return max(time.perf_counter() - started, 1e-6)
