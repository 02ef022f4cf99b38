"""Start the training process with ``accelerate launch``. Only the standard library: the pipeline never loads TRL."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import calm_ext
from calm_ext.errors import RunError
from calm_ext.jsonl import atomic_write
from calm_ext.training.job import TrainingJob
from calm_ext.training.tracking import open_run


def command(job_file: Path, *, accelerate_config: str | None) -> list[str]:
    """The ``accelerate launch`` command of a job: one process, or what the accelerate config says."""
    base = [sys.executable, "-m", "accelerate.commands.launch"]
    if accelerate_config:
        base += ["--config_file", accelerate_config]
    else:
        base += ["--num_processes", "1", "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
        # accelerate would give a single process on a CPU one thread.
        base += ["--num_cpu_threads_per_process", os.environ.get("OMP_NUM_THREADS") or str(os.cpu_count() or 1)]
    return [*base, "-m", "calm_ext.training.worker", str(job_file)]


def launch(job: TrainingJob) -> None:
    """Run a training job in a process of its own; its chatter goes to stderr and to ``worker.log``.

    Raises:
        RunError: it failed; the message has its last line and the path of the log.
        CalmError: a tracker is not installed or cannot be used.
    """
    job.output.mkdir(parents=True, exist_ok=True)
    job_file = job.output / "job.json"
    atomic_write(job_file, job.model_dump_json(indent=2) + "\n")
    log_file = job.output / "worker.log"
    environment = dict(os.environ)
    if job.options.report_to:
        tracked = open_run(job.options.report_to, job.tracking_folder, name=job.run_name or job.output.resolve().name)
        environment.update(tracked.environment(job.tracking_folder))
    package = str(Path(calm_ext.__file__).parent.parent)
    environment["PYTHONPATH"] = os.pathsep.join(x for x in (package, environment.get("PYTHONPATH")) if x)
    environment.setdefault("TOKENIZERS_PARALLELISM", "false")
    environment.setdefault("PYTHONWARNINGS", "ignore::FutureWarning")
    if not _has_gpu():
        # TRL compiles its log-probability kernel: a minute of C++ on a CPU that the kernel does not win back there.
        environment.setdefault("TORCH_COMPILE_DISABLE", "1")
    arguments = command(job_file, accelerate_config=job.options.accelerate_config)
    with log_file.open("wb") as log:
        process = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert process.stdout is not None
        try:
            told = ""
            while chunk := process.stdout.read1(4096):  # type: ignore[attr-defined]
                log.write(chunk)
                log.flush()
                told = _pass_on(told, chunk.decode(errors="replace"))
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if code:
        text = log_file.read_text(encoding="utf-8", errors="replace")
        raise RunError(f"training failed with exit code {code}: {_reason(text)} (all of it: {log_file})")


def _pass_on(told: str, text: str) -> str:
    """Show what a worker says, up to a traceback, which is for the log; returns what was seen so far, in short."""
    seen = told[-100:] + text
    if "Traceback (most recent call last)" in seen or told == "traceback":
        shown = text.split("Traceback (most recent call last)")[0] if told != "traceback" else ""
        sys.stderr.write(shown)
        return "traceback"
    sys.stderr.write(text)
    sys.stderr.flush()
    return seen


def _has_gpu() -> bool:
    return shutil.which("nvidia-smi") is not None or shutil.which("rocm-smi") is not None


def _reason(text: str) -> str:
    """The line of a log that names the error: the last one of a Python exception, not accelerate's own report of it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    ours = [x.removeprefix("error: ") for x in lines if x.startswith("error: ")]
    named = [x for x in lines if x.split(":")[0].endswith(("Error", "Exception", "Interrupt"))]
    own = [x for x in named if "CalledProcessError" not in x and "ChildFailedError" not in x]
    return (ours or own or named or lines or ["no output"])[-1]
