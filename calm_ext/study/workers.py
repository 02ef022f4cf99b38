"""Cells in processes of their own: how many run at once, what they say, and how they end.

A process is forked from one that has loaded the frameworks already, where the system can do that and has no GPU. It
leads a group of its own, so that it ends together with the training process that it started: when it is stopped, and
when the study's own process is gone.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.errors import CalmError
from calm_ext.models.device import has_gpu, visible_gpus
from calm_ext.models.processes import forked
from calm_ext.pipeline.reporter import Reporter
from calm_ext.report.watch import check_words
from calm_ext.study.grid import Cell

#: Seconds that a process has after its last word; a framework's thread may not end.
_TO_END = 20


class Event(NamedTuple):
    """What a cell says: a message of a stage, how far it is, or its end.

    Attributes:
        kind: ``starts``, ``stage``, ``warning``, ``progress``, ``done`` or ``failed``.
        text: the message, or why it failed.
        stage: the stage, or the label of the progress.
        share: how far it is, from 0 to 1.
    """

    cell: str
    kind: str
    text: str = ""
    stage: str = ""
    share: float = 0.0


class _Job(NamedTuple):
    process: Any
    line: Connection
    cell: Cell
    slot: int


def run_cells(cells: Sequence[Cell], study: Path, *, jobs: int, report: Callable[[Event], None]) -> dict[str, str]:
    """Run cells, ``jobs`` at a time, in their order; returns those that failed, each with its error in one line.

    Args:
        report: called with each event, in this process.
    """
    may_fork = forked.can_fork() and not has_gpu()
    context = forked.context() if may_fork else multiprocessing.get_context("spawn")
    failed: dict[str, str] = {}
    waiting, running = list(cells), list[_Job]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                slot = min(set(range(jobs)) - {j.slot for j in running})
                running.append(_start(context, waiting.pop(0), study, slot, jobs))
                report(Event(running[-1].cell.name, "starts"))
            lines = wait([j.line for j in running])
            for job in [j for j in running if j.line in lines]:
                event = _next(job)
                report(event)
                if event.kind in ("done", "failed"):
                    running.remove(job)
                    job.process.join(_TO_END)
                    _stop(job)
                    job.line.close()
                if event.kind == "failed":
                    failed[job.cell.name] = event.text
    finally:
        for job in running:
            _stop(job)
    return failed


def _start(context: Any, cell: Cell, study: Path, slot: int, jobs: int) -> _Job:
    ours, theirs = context.Pipe()
    log = study / "logs" / f"{cell.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # In Python's mode: JSON, which is for files, leaves out the password of a server.
    fields = cell._replace(recipe=cell.recipe.model_dump(), sampled=None)._asdict()  # type: ignore[arg-type]
    fields["sampled"] = cell.sampled.model_dump() if cell.sampled else None
    process = context.Process(target=_work, args=(theirs, fields, str(study), str(log), _surroundings(slot, jobs)))
    process.start()
    theirs.close()
    return _Job(process, ours, cell, slot)


def _next(job: _Job) -> Event:
    try:
        return Event(job.cell.name, *job.line.recv())
    except EOFError:
        job.process.join()
        return Event(job.cell.name, "failed", f"its process ended without a word (exit code {job.process.exitcode})")


def _stop(job: _Job) -> None:
    """End a process, and what it started, where they have not ended."""
    with contextlib.suppress(ProcessLookupError):
        try:
            os.killpg(job.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # it does not lead its group yet
            os.kill(job.process.pid, signal.SIGKILL)
    job.process.join()


def _surroundings(slot: int, jobs: int) -> dict[str, str]:
    """Environment variables of a process: its share of the cores, and of several devices one of its own."""
    if jobs == 1:
        return {}
    found = {}
    if "OMP_NUM_THREADS" not in os.environ:
        found["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // jobs))
    variable, devices = visible_gpus()
    if len(devices) > 1:
        found[variable] = devices[slot % len(devices)]
    return found


# --- in the cell's process --------------------------------------------------------------------------------------------


class _Line(Reporter):
    """A reporter that sends what a run says to the study's process."""

    def __init__(self, line: Connection) -> None:
        self.line = line
        self.untrained: Mapping[str, Any] | None = None
        self.advance: Callable[[int], None] | None = None

    def stage(self, name: str, message: str) -> None:
        """A message of a stage."""
        print(f"{name:>9} {message}", flush=True)
        self.line.send(("stage", message, name))

    def warn(self, name: str, message: str) -> None:
        """A warning of a stage."""
        print(f"{name:>9} warning: {message}", flush=True)
        self.line.send(("warning", message, name))

    def trained(self, row: Mapping[str, Any]) -> None:
        """Steps are progress; checks and warnings are messages."""
        if row["kind"] == "warning":
            self.warn("train", str(row.get("message")))
        elif row["kind"] == "check":
            self.untrained = row if row["step"] == 0 or self.untrained is None else self.untrained
            self.stage("train", check_words(row, self.untrained))
        elif row["kind"] == "step":
            self.advance = self.advance or self.progress("train", row["of"])
            self.advance(row["step"])

    def progress(self, label: str, total: int) -> Callable[[int], None]:
        """Sends how far it is, a hundred times at most."""
        sent = -1

        def advance(done: int) -> None:
            nonlocal sent
            share = int(100 * done / total) if total else 100
            if share > sent:
                sent = share
                self.line.send(("progress", "", label, share / 100))

        return advance


def _work(line: Connection, fields: Mapping[str, Any], study: str, log: str, environment: Mapping[str, str]) -> None:
    """Run a cell; what it prints goes to its log."""
    os.setpgid(0, 0)
    os.environ.update(environment)
    with open(log, "a", encoding="utf-8") as handle:
        os.dup2(handle.fileno(), 1)
        os.dup2(handle.fileno(), 2)
    threading.Thread(target=_end_with_study, args=(line,), daemon=True).start()
    with _told(line, log):
        from calm_ext.pipeline.recipe import parse_recipe
        from calm_ext.study.cell import CellPipeline

        if threads := environment.get("OMP_NUM_THREADS"):
            import torch

            torch.set_num_threads(int(threads))
        recipe = parse_recipe(fields["recipe"])
        sampled = parse_recipe(fields["sampled"]) if fields["sampled"] else None
        cell = Cell(**{**fields, "recipe": recipe, "sampled": sampled})
        CellPipeline(cell, Path(study), reporter=_Line(line)).run()
    sys.stdout.flush()


@contextlib.contextmanager
def _told(line: Connection, log: str) -> Iterator[None]:
    """Tell the study's process how it ended."""
    try:
        yield
    except CalmError as error:
        print(f"error: {error}", flush=True)
        line.send(("failed", str(error).splitlines()[0]))
    except Exception as error:  # one cell that fails does not stop the others
        traceback.print_exc()
        said = next(iter(str(error).strip().splitlines()), "")
        line.send(("failed", f"{type(error).__name__}: {said} (all of it: {log})"))
    else:
        line.send(("done", ""))


def _end_with_study(line: Connection) -> None:
    """End this process and the one it started when the study's process is gone, which sends nothing while it lives."""
    with contextlib.suppress(OSError):
        try:
            line.recv()
        except EOFError:
            os.killpg(0, signal.SIGKILL)
