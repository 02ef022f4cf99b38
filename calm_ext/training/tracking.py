"""One run of an experiment tracker for a whole alignment: training's curves and the stages' results together.

Training logs through transformers' own callbacks, in the training process; the stages' results are logged when the
report is written, through accelerate's trackers, in the process of the pipeline. Both name the same run in the way that
each tracker documents: a log directory for tensorboard, ``WANDB_RUN_ID`` with ``WANDB_RESUME=allow``,
``MLFLOW_RUN_ID``, and a name that is taken up again for trackio. The run's id is kept in ``tracking/run.json`` of the
run directory; training that starts anew begins a new run.
"""

from __future__ import annotations

import importlib.util
import math
import os
import re
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from calm_ext.errors import CalmError, RunError
from calm_ext.files.writing import atomic_write

#: Project or experiment where the trackers' own variables name none.
PROJECT = "calm-ext"


def tracker_problems(trackers: Iterable[str]) -> list[str]:
    """The trackers of ``training.report_to`` that are not installed, a line each; none is imported."""
    found = []
    for name in dict.fromkeys(trackers):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:  # a folder ./wandb of offline runs looks like a package without code
            found.append(f"training.report_to: {name} is not installed; pip install {name}")
    return found


class TrackedRun(BaseModel):
    """The run of all trackers that a training belongs to.

    Attributes:
        name: shown by the trackers: the run directory's name and the start of the id, so that no two are the same.
        id: of the run, for trackers that take one.
        mlflow_id: the id that MLflow's server gave the run, or None.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    id: str
    mlflow_id: str | None = None

    @property
    def project(self) -> str:
        """Project of trackio, which takes it as an argument."""
        return os.environ.get("TRACKIO_PROJECT") or PROJECT

    def environment(self, folder: Path) -> dict[str, str]:
        """The variables by which transformers' callbacks and the trackers find the run; set ones keep their values.

        Args:
            folder: where local logs are written.
        """
        folder = folder.resolve()
        wanted = {
            "WANDB_PROJECT": PROJECT,
            "WANDB_NAME": self.name,
            "WANDB_RUN_ID": self.id,
            "WANDB_RESUME": "allow",
            "WANDB_DIR": str(folder),
            "MLFLOW_EXPERIMENT_NAME": PROJECT,
        }
        if self.mlflow_id:
            wanted["MLFLOW_RUN_ID"] = self.mlflow_id
        # Tensorboard's is always ours: curves and stages are one run only where they are in one directory.
        return {k: os.environ.get(k) or v for k, v in wanted.items()} | {"TENSORBOARD_LOGGING_DIR": str(folder)}


def open_run(trackers: Sequence[str], folder: Path, *, name: str) -> TrackedRun:
    """The run kept in a folder, or a new one.

    Args:
        trackers: of ``training.report_to``.
        folder: ``tracking/`` of the run directory.
        name: of the run directory.

    Raises:
        CalmError: a tracker is not installed, the folder's run.json cannot be read, or MLflow's server not be reached.
    """
    problems = tracker_problems(trackers)
    if problems:
        raise CalmError("\n".join(problems))
    file, kept = folder / "run.json", None
    if file.is_file():
        try:
            kept = run = TrackedRun.model_validate_json(file.read_text(encoding="utf-8"))
        except (ValidationError, OSError, UnicodeDecodeError):
            raise RunError(f"{file}: cannot be read; remove {folder} to begin a new tracker run") from None
    else:
        identity = uuid.uuid4().hex
        run = TrackedRun(name=f"{name}-{identity[:6]}", id=identity)
    if "mlflow" in trackers and run.mlflow_id is None and not os.environ.get("MLFLOW_RUN_ID"):
        run = run.model_copy(update={"mlflow_id": _new_mlflow_run(run, folder)})
    if run != kept:
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(file, run.model_dump_json(indent=2) + "\n")
    return run


def log_stages(trackers: Sequence[str], folder: Path, *, name: str, summary: Mapping[str, Any]) -> list[str]:
    """Log a summary's results under the run that training was logged under.

    Args:
        trackers: of ``training.report_to``.
        folder: ``tracking/`` of the run directory.
        name: of the run directory.
        summary: what ``summary.json`` holds.

    Returns:
        What went wrong, a line for each tracker: a finished run is not lost because a server cannot be reached.
    """
    if not trackers:
        return []
    values = stage_metrics(summary)
    problems = []
    try:
        run = open_run(trackers, folder, name=name)
    except CalmError as error:
        return str(error).splitlines()
    for tracker in trackers:
        try:
            # Some clients print to stdout, which is for results.
            with _environment(run.environment(folder)), redirect_stdout(sys.stderr):
                opened = _open(tracker, run, folder)
                opened.start()
                opened.log(values)
                opened.finish()
        except Exception as error:  # whatever a tracker's client raises
            reason = next((x.strip() for x in str(error).splitlines() if x.strip()), type(error).__name__)
            problems.append(f"{tracker}: the stages' results were not logged: {reason}")
    return problems


def stage_metrics(summary: Mapping[str, Any]) -> dict[str, float]:
    """A summary as flat metrics, undefined ones left out.

    >>> stage_metrics({"t": {"before": {"acc": 0.5}, "after": {"acc": None}, "ci95": {}}, "pairs": {"n_pairs": 3}})
    {'before/t/acc': 0.5, 'pairs/n_pairs': 3.0}
    """
    found: dict[str, Any] = {}
    for task, value in summary.items():
        if isinstance(value, Mapping) and "ci95" in value:
            for when in ("before", "after"):
                found |= {f"{when}/{task}/{metric}": x for metric, x in value[when].items()}
    vote, pairs = (summary.get(key) or {} for key in ("vote", "pairs"))
    for key in ("n_questions", "n_decided", "n_ties", "mean_margin", "estimated_accuracy", "accuracy"):
        found[f"vote/{key}"] = vote.get(key)
    for key in ("n_pairs", "n_heldout_questions", "precision"):
        found[f"pairs/{key}"] = pairs.get(key)
    found |= {f"pairs/n_pairs_{code}": n for code, n in (pairs.get("by_language") or {}).items()}
    quality = (summary.get("retrieval") or {}).get("quality") or {}
    overall = quality.get("overall") or {}
    found |= {f"retrieval/recall_at_{k}": x for k, x in (overall.get("recall") or {}).items()}
    found["retrieval/mrr"] = overall.get("mrr")
    found["training/chosen_step"] = (summary.get("training") or {}).get("chosen_step")
    return {
        re.sub(r"[^\w\-. /]", "_", key, flags=re.ASCII): float(x)
        for key, x in found.items()
        if isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x)
    }


def _open(tracker: str, run: TrackedRun, folder: Path) -> Any:
    """accelerate's tracker for a run, not yet started; to be used under the run's environment."""
    from accelerate import PartialState
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS

    PartialState()  # accelerate's trackers ask it whether this is the main process
    kind = LOGGER_TYPE_TO_CLASS[tracker]
    if tracker == "tensorboard":
        return kind(folder.name, folder.parent)
    if tracker == "wandb":
        return kind(os.environ["WANDB_PROJECT"])
    if tracker == "trackio":
        return kind(run.project, name=run.name, resume="allow")
    return kind(os.environ["MLFLOW_EXPERIMENT_NAME"], run_name=run.name)


def _new_mlflow_run(run: TrackedRun, folder: Path) -> str:
    """Begin a run on MLflow's server, which alone gives ids, and leave it for training to take up."""
    try:
        with _environment(run.environment(folder)), redirect_stdout(sys.stderr):
            opened = _open("mlflow", run, folder)
            opened.start()
            identity: str = opened.tracker.info.run_id
            opened.finish()
    except Exception as error:  # whatever MLflow's client raises
        reason = next((x.strip() for x in str(error).splitlines() if x.strip()), type(error).__name__)
        raise RunError(f"mlflow: no run can be begun: {reason}; see MLFLOW_TRACKING_URI") from None
    return identity


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables that are set for a while."""
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
