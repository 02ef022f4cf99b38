"""Start the training process, or several by ``accelerate launch``. Loads no framework: the pipeline never loads TRL."""

from __future__ import annotations

import codecs
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from calm_ext.disk.digests import content_of, digest
from calm_ext.disk.models import model_content
from calm_ext.errors import RunError
from calm_ext.files.places import make_folder
from calm_ext.files.writing import atomic_write
from calm_ext.models.batches import says_out_of_memory
from calm_ext.models.device import has_gpu
from calm_ext.models.meter import Reading
from calm_ext.models.processes import forked
from calm_ext.models.processes.forked import Forked, can_fork
from calm_ext.models.processes.machines import Lead, flags_of_machine
from calm_ext.models.processes.start import command, environment, errors_in, reason_in, was_killed
from calm_ext.training.checkpoints import clear, discard, finished_adapter, newest_whole
from calm_ext.training.job import TrainingJob
from calm_ext.training.messages import LISTENED, Splitter
from calm_ext.training.tracking import open_run

#: The worker's line when the model is loaded: a smaller batch does not help where memory ends before that.
START_LINE = "training in "
_WORKER = "calm_ext.training.worker"
_SPENT = "spent.jsonl"
#: Which job the files of an output belong to.
_IDENTITY = ".job"


class _OutOfMemory(RunError):
    """The training process ran out of memory."""


def launch(
    job: TrainingJob,
    *,
    say: Callable[[str], None] | None = None,
    trained: Callable[[dict[str, Any]], None] | None = None,
    lead: Lead | None = None,
) -> Reading:
    """Run a training job in a process of its own; what libraries print there goes to stderr and to ``worker.log``.

    It goes on where the same job stopped, at the newest checkpoint that is whole; of a job that came to its end nothing
    is done again. What another job left in the output is removed.

    Where memory does not suffice, training goes on from its last checkpoint with a smaller batch, and with as many more
    batches to a step: the examples of each step stay the same. (DPO's loss, a mean over pairs, does too; the anchor's,
    a mean over tokens, weighs the tokens of each batch by themselves.)

    Args:
        say: called with each message to the person; default: it is printed to stderr.
        trained: called with each step, check and warning, as :mod:`calm_ext.training.messages` describes them; default:
            warnings are printed to stderr.
        lead: of the other machines of the job's accelerate config, where they wait for this one.

    Returns:
        The time and tokens of the model, in all that was tried.

    Raises:
        RunError: it failed; the message has its last line and the path of the log.
        CalmError: the method is unknown, or a tracker is not installed or cannot be used.
    """
    say = say or _print
    trained = trained or (lambda row: _print(row["message"]) if row["kind"] == "warning" else None)
    _claim(job)
    if finished_adapter(job.output, [job.output / "adapter"]):
        clear(job.output)
        say("this training has come to its end before: its adapter is there")
        return sum(_spent(job), Reading())
    (job.output / _SPENT).unlink(missing_ok=True)
    while True:
        try:
            _run(job.replace(resume_from=newest_whole(job.output, say=say)), say, trained, lead)
            return sum(_spent(job), Reading())
        except _OutOfMemory as error:
            smaller = _smaller(job)
            if smaller is None:
                raise RunError(
                    f"{error}; memory does not suffice for one example: lower training.max_length, or take a smaller "
                    f"model, training.quantize or training.gradient_checkpointing"
                ) from None
            job = smaller
            say(
                f"out of memory: training goes on with batches of {job.options.batch_size} examples, "
                f"{job.options.gradient_accumulation} to a step; training.batch_size avoids this"
            )


def _claim(job: TrainingJob) -> None:
    """Remove from the output what another job left there: other options, data or another model."""
    data = (job.pairs, job.groups, job.questions, job.heldout, job.heldout_pairs, job.heldout_passages)
    told = job.model_dump(
        mode="json",
        exclude={
            **dict.fromkeys(("pairs", "groups", "questions", "heldout", "heldout_pairs", "heldout_passages"), True),
            **dict.fromkeys(
                ("output", "resume_from", "run_name", "tracking", "advice", "device", "trust_remote_code"), True
            ),
            "options": {"report_to"},
        },
    )
    identity = digest(told, [content_of(x) if x else None for x in data], model_content(job.model))
    marker = make_folder(job.output) / _IDENTITY
    if not marker.is_file() or marker.read_text(encoding="utf-8", errors="replace") != identity:
        discard(job.output)
        atomic_write(marker, identity)


def add_spent(job: TrainingJob, spent: Reading) -> None:
    """Note what a training process has taken, whether or not it came to its end."""
    with (job.output / _SPENT).open("a", encoding="utf-8") as handle:
        handle.write(json.dumps(spent) + "\n")


def _spent(job: TrainingJob) -> list[Reading]:
    path = job.output / _SPENT
    try:
        return [Reading(*json.loads(x)) for x in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    except (ValueError, TypeError):
        return []  # cut off by a kill: what was spent is not known


def _smaller(job: TrainingJob) -> TrainingJob | None:
    """The job with batches of half the examples, or of a third, …, and steps of the same; None where a batch is one."""
    size = job.options.batch_size
    factor = next((f for f in range(2, size + 1) if size % f == 0), None)
    if factor is None:
        return None
    steps = job.options.gradient_accumulation * factor
    return job.replace(options=job.options.replace(batch_size=size // factor, gradient_accumulation=steps))


def _print(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _run(
    job: TrainingJob,
    say: Callable[[str], None],
    trained: Callable[[dict[str, Any]], None],
    lead: Lead | None = None,
) -> None:
    make_folder(job.output)
    job_file = job.output / "job.json"
    atomic_write(job_file, job.model_dump_json(indent=2) + "\n")
    log_file = job.output / "worker.log"
    around = environment()
    if job.options.report_to:
        tracked = open_run(job.options.report_to, job.tracking_folder, name=job.run_name or job.output.resolve().name)
        around.update(tracked.environment(job.tracking_folder))
    around[LISTENED] = "1"
    on_cpu = job.device == "cpu"
    if on_cpu:
        around["CUDA_VISIBLE_DEVICES"] = ""
    elif has_gpu() and not job.accelerate_config:
        # One process has one GPU: of several, transformers would make torch's DataParallel, which TRL refuses.
        around["CUDA_VISIBLE_DEVICES"] = _gpu(job.device, around.get("CUDA_VISIBLE_DEVICES"))
    if on_cpu or not has_gpu():
        # TRL compiles its log-probability kernel: a minute of C++ on a CPU that the kernel does not win back there.
        around.setdefault("TORCH_COMPILE_DISABLE", "1")
    start = None
    if lead is not None:
        alike = {"CUDA_VISIBLE_DEVICES": ""} if on_cpu else {}
        alike |= {"TORCH_COMPILE_DISABLE": around["TORCH_COMPILE_DISABLE"]} if "TORCH_COMPILE_DISABLE" in around else {}
        start = lead.start(_WORKER, str(job_file), environment=alike)
    with log_file.open("wb") as log:
        flags = flags_of_machine(start, 0) if start else []
        on_cpu = on_cpu or not has_gpu()
        process = _started(job_file, around, accelerate_config=job.accelerate_config, flags=flags, on_cpu=on_cpu)
        assert process.stdout is not None
        try:
            splitter, decoder = Splitter(), codecs.getincrementaldecoder("utf-8")("replace")
            while chunk := process.stdout.read1(4096):  # type: ignore[attr-defined]
                text, messages = splitter.feed(chunk)
                _keep(log, text, decoder)
                for message in messages:
                    if "message" in message:
                        log.write(f"{message['message']}\n".encode())
                        log.flush()
                    if message["kind"] == "note":
                        say(str(message.get("message")))
                    else:
                        trained(message)
            _keep(log, splitter.rest(), decoder)
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
        finally:
            if lead is not None and start is not None:
                lead.stop(start)
    if code:
        said = log_file.read_text(encoding="utf-8", errors="replace")
        killed = was_killed(code, said)
        reason = "it was killed, as where a machine runs out of memory" if killed else reason_in(said)
        ended_so = killed or any(map(says_out_of_memory, errors_in(said)))  # of several processes, one is enough
        kind = _OutOfMemory if ended_so and START_LINE in said else RunError
        raise kind(f"training failed with exit code {code}: {reason} (all of it: {log_file})")


def _started(
    job_file: Path, around: dict[str, str], *, accelerate_config: str | None, flags: Sequence[str], on_cpu: bool
) -> subprocess.Popen[bytes] | Forked:
    """The process of a job, or the launcher of several.

    Training runs on accelerate in either case; with a single process its launcher would only load torch once more, and
    leave the worker behind when it is ended.
    """
    if accelerate_config is None and on_cpu and can_fork():
        return Forked(_WORKER, [str(job_file)], around)
    return subprocess.Popen(
        command(_WORKER, str(job_file), accelerate_config=accelerate_config, flags=flags),
        env=around, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def get_ready(model: str, *, accelerate_config: str | None, device: str | None) -> None:
    """Load what training will need, in the background, where the training process is one that is forked."""
    if accelerate_config is None and (device == "cpu" or not has_gpu()):
        forked.get_ready(model)


def _keep(log: IO[bytes], text: bytes, decoder: codecs.IncrementalDecoder) -> None:
    """Write what libraries printed to the log, and on to stderr."""
    if text:
        log.write(text)
        log.flush()
        sys.stderr.write(decoder.decode(text))
        sys.stderr.flush()


def _gpu(device: str | None, visible: str | None) -> str:
    """The GPU of a device's number among those that this process may see.

    >>> _gpu(None, None), _gpu("cuda:1", None), _gpu("cuda:1", "4,6"), _gpu("cuda", "4,6"), _gpu(None, "")
    ('0', '1', '6', '4', '')
    """
    if visible == "":  # all are hidden, and stay so
        return ""
    number = int((device or "").partition(":")[2] or 0)
    seen = visible.split(",") if visible else []
    return seen[number] if number < len(seen) else str(number)
