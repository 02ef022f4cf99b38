"""Evaluate a model on tasks through lm-eval, which writes its own results and samples files."""

from __future__ import annotations

import itertools
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calm_ext.errors import CalmError
from calm_ext.files.decode import short
from calm_ext.files.expected import did_you_mean
from calm_ext.models.template import no_template

if TYPE_CHECKING:
    from lm_eval.api.model import LM

    from calm_ext.harness.task import CrossLingualTask
    from calm_ext.results.clusters import ClusterKey

logger = logging.getLogger(__name__)

#: For lm-eval's standard errors of what is no mean, in tasks that are not ours; those of means need none.
_RESAMPLES = 1000

# What lm-eval names its tasks by.
_NAME = re.compile(r"\w[\w.+()-]*")
# The lines of its YAMLs that have such names: those of a key, and the entries of lists.
_NAMING = re.compile(r"""(?m)^[ \t-]*(?:["']?(?:task|group|tag)["']?[ \t]*:.*|-[ \t]*["']?\w[\w.+()-]*["']?[ \t]*)$""")


def own_tasks_dir() -> Path:
    """Where our YAMLs are: beside the package in a checkout, in lm-eval's own tasks once installed."""
    checkout = Path(__file__).resolve().parents[2] / "lm_eval_tasks"
    if checkout.is_dir():
        return checkout
    found = find_spec("lm_eval")  # finds it without loading it
    assert found is not None and found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "tasks" / "calm"


def _own_tasks() -> set[str]:
    """Names of our tasks: a YAML is named as its task."""
    return {p.stem for p in own_tasks_dir().rglob("*.yaml")}


def task_manager(names: Sequence[str], *, metadata: dict[str, Any] | None = None) -> Any:
    """lm-eval's task manager for the tasks named.

    Where all are ours only our folder is indexed: lm-eval's own thousands of YAMLs take it ten seconds. All that begins
    with ``calm_`` is ours, or is not there.
    """
    from lm_eval.tasks import TaskManager

    quiet_lm_eval()  # it has much to say where our tasks are in a checkout and installed, too
    own = _own_tasks()
    ours = all(x in own or x.startswith("calm_") for x in names)
    return TaskManager(metadata=metadata or {}, include_path=str(own_tasks_dir()), include_defaults=not ours)


def unknown_tasks(names: Sequence[str]) -> list[str]:
    """Those names that lm-eval has no task for; its index is made only where all may be tasks of its own."""
    ours = _own_tasks()
    names = [x for x in names if x not in ours]
    missing = [x for x in names if x.startswith("calm_") or not _NAME.fullmatch(x)]
    missing += _unmentioned([x for x in names if x not in missing])
    if missing or not names:
        return [x for x in names if x in missing]
    known = set(task_manager(names).all_tasks)
    return [x for x in names if x not in known]


def _unmentioned(names: Sequence[str]) -> set[str]:
    """Those names that no YAML of lm-eval names a task, group or tag by; takes a second, its own index ten."""
    missing, found = set(names), find_spec("lm_eval")  # finds it without loading it
    assert found is not None and found.submodule_search_locations
    for folder, _, files in os.walk(Path(found.submodule_search_locations[0]) / "tasks"):
        for file in files if missing else ():
            if "yaml" in file or "." not in file:  # what others include has any name
                for line in _NAMING.findall(Path(folder, file).read_text(encoding="utf-8", errors="replace")):
                    missing.difference_update(_NAME.findall(line))
    return missing


def require_tasks(names: Sequence[str]) -> None:
    """Refuse names that lm-eval has no task for; call it before a model loads.

    Raises:
        CalmError: names them.
    """
    missing = unknown_tasks(names)
    if missing:
        raise CalmError(f"--tasks: {no_task(missing)}")


def no_task(missing: Sequence[str]) -> str:
    """What is said of names that lm-eval has no task for, with the nearest of ours."""
    meant = next(filter(None, (did_you_mean(x, sorted(_own_tasks())) for x in missing)), "")
    return f"lm-eval has no task {named(missing)}{meant}; `lm_eval ls tasks` lists them"


def named(names: Sequence[str]) -> str:
    """Names of tasks in a message, those that are none in quotes."""
    return ", ".join(x if _NAME.fullmatch(x) else repr(short(x)) for x in names)


def evaluate(
    lm: LM,
    tasks: Sequence[str],
    output: str | Path,
    *,
    model_name: str,
    metadata: dict[str, Any] | None = None,
    limit: int | None = None,
    num_fewshot: int | None = None,
    chat_template: bool = False,
    seed: int = 0,
    identity: str | None = None,
    say: Callable[[str], None] | None = None,
    cluster: ClusterKey | None = None,
) -> dict[str, Any]:
    """Run tasks and write ``results.json`` and ``samples_<task>.jsonl`` into ``output``; returns lm-eval's results.

    Under ``accelerate launch`` the questions are shared by the processes; the first one writes, the others return {}.
    Tasks with retrieval whose metadata says ``judge: true`` have their passages judged by this model first.

    Args:
        limit: questions per task, None for all.
        num_fewshot: answered questions before each question; None for what a task's YAML says, which is none in ours.
        model_name: what the results call the model.
        identity: of the model, its adapter and number format. With it answers are kept beside ``output`` until the
            evaluation has come to its end, and one that was interrupted goes on with them.
        say: called with how many answers were there already.
        cluster: a key that has to give every question of our tasks its cluster, which is seen before any is asked.

    Raises:
        CalmError: there is no chat template, though asked for; a task is not known to lm-eval, or has fewer few-shot
            questions than asked for; passages are to be judged in a few-shot evaluation.
    """
    import lm_eval
    from lm_eval.loggers import EvaluationTracker

    from calm_ext.harness.chatter import without_git_error
    from calm_ext.harness.task import CrossLingualTask

    tokenizer = getattr(lm, "tokenizer", None)
    if chat_template and tokenizer is not None and not getattr(tokenizer, "chat_template", None):
        raise CalmError(no_template(model_name, where="sampling.chat_template", off="set it to false"))
    given = dict(metadata or {})
    judging = bool(given.pop("judge", False))
    manager = task_manager(tasks, metadata=given)
    known = set(manager.all_tasks)
    missing = [x for x in tasks if x not in known]
    if missing:
        raise CalmError(no_task(missing))
    target = Path(output)
    partial = target.with_name(target.name + ".partial")
    if lm.rank == 0:
        shutil.rmtree(partial, ignore_errors=True)
    tracker = EvaluationTracker(output_path=str(partial))
    chosen: list[Any] = list(tasks)
    if judging or cluster is not None:
        loaded = manager.load(chosen)
        ours = [task for task in loaded["tasks"].values() if isinstance(task, CrossLingualTask)]
        if cluster is not None:
            _check_clusters(ours, cluster, limit)
        if judging:
            _judge_passages(ours, lm, given, chat_template, limit, num_fewshot)
        found = [loaded["groups"].get(name) or loaded["tasks"].get(name) for name in tasks]
        chosen = list(loaded["tasks"].values()) if None in found else found
    with without_git_error(), _kept(lm, target, identity, say) as asked:
        results = lm_eval.simple_evaluate(
            model=asked,
            tasks=chosen,
            task_manager=manager,
            num_fewshot=num_fewshot,
            limit=limit,
            apply_chat_template=chat_template,
            fewshot_as_multiturn=chat_template,
            log_samples=True,
            evaluation_tracker=tracker,
            bootstrap_iters=_RESAMPLES,
            random_seed=seed,
            numpy_random_seed=seed,
            torch_random_seed=seed,
            fewshot_random_seed=seed,
        )
    if results is None:  # another process of `accelerate launch` has them, and writes
        lm.barrier()
        return {}
    for task, shots in results["n-shot"].items():
        if num_fewshot is not None and shots != num_fewshot:
            logger.warning("%s: was asked with %s few-shot questions; its YAML fixes the number", task, shots)
    source = getattr(lm, "backend_name", "hf")
    results["config"]["model"] = source
    template_args = getattr(lm, "chat_template_args", None)
    given_to_template = {"chat_template_args": template_args} if chat_template and template_args else {}
    results["config"]["model_args"] = {"pretrained": model_name, **given_to_template}
    # Of a model object lm-eval does not know the name, and makes up a random one.
    tracker.general_config_tracker.model_name = model_name
    tracker.general_config_tracker.model_name_sanitized = "results"
    tracker.general_config_tracker.model_source = source
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for task in results["configs"]:
        tracker.save_results_samples(task_name=task, samples=samples[task])
    _flatten(partial, tracker.date_id)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    if lm.world_size > 1:
        lm.barrier()
    return dict(results)


@contextmanager
def _kept(lm: LM, target: Path, identity: str | None, say: Callable[[str], None] | None) -> Iterator[LM]:
    """The model, which keeps its answers while it is asked; one that runs in several processes does not."""
    from calm_ext.files.journal import Journal
    from calm_ext.harness.kept import ResumingLM

    if identity is None or lm.world_size > 1:
        yield lm
        return
    answers = Journal(target.with_name(f".{target.name}.answers"), only=identity)
    if answers.n and say:
        say(f"continued: {answers.n} answers were there already")
    asked = ResumingLM(lm, answers)
    finished = False
    try:
        yield asked
        finished = True
    finally:
        asked.close(finished=finished)


def _check_clusters(tasks: Sequence[CrossLingualTask], cluster: ClusterKey, limit: int | None) -> None:
    """Refuse a key that gives a question no cluster, of the first questions with a limit."""
    for task in tasks:
        for doc in itertools.islice(task.task_docs, limit):
            cluster.of_doc(str(doc["id"]), doc, str(task.config.task))


def _judge_passages(
    tasks: Sequence[CrossLingualTask],
    lm: LM,
    metadata: dict[str, Any],
    chat_template: bool,
    limit: int | None,
    num_fewshot: int | None,
) -> None:
    """Judge the passages of the tasks with retrieval, of the first questions with a limit."""
    from calm_ext.retrieval.judge import judge

    for task in tasks:
        if task.grounding is not None:
            if num_fewshot:
                raise CalmError(
                    f"{task.config.task}: passages of few-shot questions are not judged; leave out num_fewshot or judge"
                )
            judged = judge(
                lm,
                task.dataset.questions[:limit],
                task.grounding,
                threshold=float(metadata.get("threshold", 0.5)),
                chat_template=chat_template,
            )
            logger.warning("%s: %s", task.config.task, judged.notes[-1])
            task.with_passages(judged)


def _flatten(folder: Path, time: str) -> None:
    """lm-eval files results under the model's name and the time; a run has one of each, under plain names.

    Only that time is cut off: names of tasks end with a year, too.
    """
    for path in sorted(folder.rglob("*.json*")):
        path.rename(folder / f"{path.stem.removesuffix(f'_{time}')}{path.suffix}")
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)


def quiet_lm_eval() -> None:
    """Keep lm-eval's progress chatter to warnings."""
    for name in ("lm_eval", "lm-eval"):
        logging.getLogger(name).setLevel(logging.ERROR)
