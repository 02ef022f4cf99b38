"""The training process beside training: it watches the held-out questions, and keeps a log."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from calm_ext.disk.seal import seal
from calm_ext.training.checkpoints import seal_checkpoint
from calm_ext.training.job import TrainingJob
from calm_ext.training.messages import tell
from calm_ext.training.monitor import Check, Monitor, append_log, monitor_of

#: The values of a check that are told, and that experiment trackers get.
HELDOUT = ("agreement", "consistency", "kept", "answered", "chosen_nll")


class Watch(TrainerCallback):
    """Checks the held-out questions every few steps, keeps each adapter, and stops a run that gets clearly worse."""

    def __init__(self, monitor: Monitor, output: Path) -> None:
        self.monitor = monitor
        self.output = output
        self.every = 1
        self.main = True
        self.trainer: Any = None

    def attach(self, trainer: Any) -> None:
        """Watch this trainer's model, as often as the trainer saves a checkpoint."""
        self.trainer = trainer
        self.every = int(trainer.args.save_steps)
        self.main = trainer.is_world_process_zero()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The untrained model is the first check, and the first candidate."""
        if state.global_step == 0:
            self._check(0)
        else:
            self._restore(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        """Check every few steps, and at the last one if the one before it is not close."""
        last = state.global_step >= state.max_steps and 2 * (state.global_step % self.every) >= self.every
        if state.global_step % self.every and not last:
            return control
        self._check(state.global_step)
        if self.monitor.should_stop() and state.global_step < state.max_steps:
            self._say(f"step {state.global_step}: stopping, clearly worse than at step {self.monitor.best.step}")
            control.should_training_stop = True
        return control

    def _check(self, step: int) -> None:
        model = self.trainer.accelerator.unwrap_model(self.trainer.model)
        check = self.monitor.check(model, step)
        if self.main:
            append_log(self.output / "log.jsonl", "answers", {"step": step, "answers": self.monitor.last})
            append_log(self.output / "log.jsonl", "check", {**check._asdict(), "score": check.score})
            tell("check", step=step, **{key: getattr(check, key) for key in HELDOUT})
            warning = self.monitor.warning()
            if warning:
                append_log(self.output / "log.jsonl", "warning", {"step": step, "message": warning})
                tell("warning", message=warning)
        self._track(check)
        folder = self.output / f"checks/step-{step}"
        self.trainer.save_model(str(folder))
        if self.main:
            seal(folder)

    def _track(self, check: Check) -> None:
        """Log to the experiment trackers, but not by the trainer's own log, which empties TRL's running means."""
        trainer = self.trainer
        if trainer.args.report_to:
            found = {key: getattr(check, key) for key in HELDOUT}
            values = {key: value for key, value in found.items() if value is not None and math.isfinite(value)}
            logs = {f"eval_heldout_{key}": value for key, value in values.items()}
            due = trainer.control.should_log  # on_log takes it for done; the loss of this step is still to be logged
            trainer.callback_handler.on_log(trainer.args, trainer.state, trainer.control, logs)
            trainer.control.should_log = due

    def _restore(self, step: int) -> None:
        """Read the checks that an interrupted run had made up to its last checkpoint.

        The log of an earlier version has no answers: what is kept of them is not known then, and not reported.
        """
        for line in (self.output / "log.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["kind"] == "check" and row["step"] <= step:
                self.monitor.checks.append(Check(**{k: row[k] for k in Check._fields if k in row}))
            elif row["kind"] == "answers" and row["step"] == 0:
                self.monitor.before = row["answers"]
        if not self.monitor.before:
            self._say("the log is of an earlier version: how many agreeing answers are kept is not known")

    def _say(self, message: str) -> None:
        if self.main:
            tell("note", message=message)


class Sealing(TrainerCallback):
    """Completes each checkpoint with a seal, when every process has written its part of it."""

    def __init__(self, output: Path) -> None:
        self.output = output

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Only what is sealed is gone on from."""
        from accelerate import PartialState

        PartialState().wait_for_everyone()
        if state.is_world_process_zero:
            seal_checkpoint(self.output, Path(args.output_dir) / f"checkpoint-{state.global_step}")


class Steps(TrainerCallback):
    """Tells how many steps are done, and of how many."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Those of before, where training goes on."""
        self.on_step_end(args, state, control)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """One more."""
        if state.is_world_process_zero:
            tell("step", step=state.global_step, of=state.max_steps)


class Log(TrainerCallback):
    """Writes what the trainer logs to ``log.jsonl``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """One line a logging step; checks, which go to trackers only, have lines of their own."""
        if state.is_world_process_zero and logs and not all(key.startswith("eval_") for key in logs):
            append_log(self.path, "train", {"step": state.global_step, **logs})


def watch(job: TrainingJob, tokenizer: Any) -> Watch | None:
    """The watch over the held-out questions that the vote decided; None where there are none."""
    monitor = monitor_of(job, tokenizer)
    if monitor is None:
        tell("note", message="no held-out question was decided: training is not watched, the last checkpoint is kept")
        return None
    return Watch(monitor, job.output)
