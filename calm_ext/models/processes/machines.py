"""Several machines that share a run's models: the first one leads, the others start their processes when it does.

They have one folder in common. The first machine writes there what is to be started, and several times a minute that it
is still alive; the others (:mod:`calm_ext.models.processes.following`) only read. Loads no framework.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.errors import CalmError
from calm_ext.files.holder import Holder
from calm_ext.files.writing import atomic_write
from calm_ext.models.processes.options import LaunchOptions

#: The file in the run's folder that the first machine writes.
NOTE = ".machines.json"
#: Seconds between two signs of life.
BEAT = 5.0
#: What a machine starts for the first one, which variables it sets for it, and which flags of ``accelerate launch`` it
#: takes, with the number of their values. Who can write in the run's folder could ask for more, and does not get it.
MODULES = {"calm_ext.models.processes.worker", "calm_ext.training.worker"}
VARIABLES = {"CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "TORCH_COMPILE_DISABLE", "TQDM_DISABLE"}
FLAGS = {
    **dict.fromkeys(("--multi_gpu", "--same_network"), 0),
    **dict.fromkeys(("--num_machines", "--num_processes", "--rdzv_backend"), 1),
    **dict.fromkeys(("--main_process_ip", "--main_process_port"), 1),
}
#: Slurm's variables that tell one step of one job from all others.
_STEP = ("SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_RESTART_COUNT")


class Start(NamedTuple):
    """Processes that all machines are to start.

    Attributes:
        number: counts them in a run, from 1.
        module: what the processes run.
        arguments: of the module.
        flags: of ``accelerate launch``, the same on all machines.
        environment: variables to set, the same on all machines.
    """

    number: int
    module: str
    arguments: list[str]
    flags: list[str]
    environment: dict[str, str]


class State(NamedTuple):
    """What the first machine says.

    Attributes:
        step: Slurm's step in which it runs; empty without.
        leader: its process.
        beat: grows while it is alive.
        start: the processes that are to run now; None where there are none.
        ended: None while it goes on, empty where it came to its end, else why it did not, in a line.
    """

    step: str
    leader: Holder
    beat: int = 0
    start: Start | None = None
    ended: str | None = None

    @property
    def wanted(self) -> tuple[Holder, int] | None:
        """What tells the processes that are to run now from all others, also from those of a run that died."""
        return None if self.start is None or self.ended is not None else (self.leader, self.start.number)


def step_here() -> str:
    """Slurm's step that this process is of; empty where there is none."""
    found = [os.environ.get(name, "") for name in _STEP]
    return ".".join(found) if all(found[:2]) else ""


def read_state(folder: Path) -> State | None:
    """What the first machine says in a run's folder; None where it says nothing that can be read."""
    try:
        found = State(**json.loads((folder / NOTE).read_text(encoding="utf-8")))
        start = None if found.start is None else Start(*found.start)
        return found._replace(leader=Holder(*found.leader), start=start)
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def rank_of_machine(launch: LaunchOptions, given: int | None, environment: Mapping[str, str] = os.environ) -> int:
    """The number of this machine among those of an accelerate config, from 0.

    It is the one that is given, else that of ``srun`` where it started one task for each machine, else
    ``machine_rank`` of the config: a file that all machines share says the same on each.

    Args:
        given: by the person; None where nothing is.

    Raises:
        CalmError: there is no such machine, or ``srun`` has not started one task for each.
    """
    tasks = environment.get("SLURM_STEP_NUM_TASKS", "1")
    if given is None and launch.machines > 1 and tasks.isdecimal() and int(tasks) > 1:
        if int(tasks) != launch.machines:
            raise CalmError(
                f"srun has started {tasks} tasks, and launch.accelerate_config {launch.accelerate_config} has "
                f"num_machines {launch.machines}: start one task for each machine (srun --ntasks-per-node=1)"
            )
        given = int(environment.get("SLURM_PROCID", "0"))
    if given is None:
        given, source = launch.machine_rank if launch.machines > 1 else 0, f"machine_rank of {launch.accelerate_config}"
    else:
        source = "--machine-rank"
    if not 0 <= given < launch.machines:
        raise CalmError(
            f"{source}: there is no machine {given}, they are numbered from 0 to {launch.machines - 1}"
            if launch.machines > 1
            else f"{source} {given}: launch.accelerate_config names no file with num_machines of 2 or more"
        )
    return given


def unknown_in(start: Start) -> list[str]:
    """What a machine does not start, set or take for the first one, in words; of calm-ext's own starts nothing."""
    found = [*({start.module} - MODULES), *(start.environment.keys() - VARIABLES)]
    left = list(start.flags)
    while left:
        flag = left.pop(0)
        values = [left.pop(0) for _ in range(min(FLAGS.get(flag, 0), len(left)))]
        if flag not in FLAGS or len(values) < FLAGS[flag]:
            found.append(flag)
        found += [x for x in values if x.startswith("-")]  # which would be read as a flag
    return found


def flags_of_machine(start: Start, rank: int) -> list[str]:
    """The flags of ``accelerate launch`` for one of the machines."""
    return [*start.flags, "--machine_rank", str(rank)]


class Lead:
    """The first machine's side: it says what is to be started. Made by :func:`leading`.

    Args:
        folder: of the run, which all machines have in common.
        launch: its config has several machines.
    """

    def __init__(self, folder: Path, launch: LaunchOptions) -> None:
        self.folder, self.launch = folder, launch
        self._state = State(step_here(), Holder.here("align"))
        self._number = 0
        self._writing = threading.RLock()  # a model that is collected stops its processes, in whatever thread
        self._over = threading.Event()
        self._write()
        threading.Thread(target=self._beat, daemon=True).start()

    def start(
        self,
        module: str,
        *arguments: str,
        flags: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Start:
        """Have the other machines start their processes; those that they started before end.

        Args:
            flags: of ``accelerate launch``, besides those that say which machines there are.

        Returns:
            What this machine must start, too, with its own flags (:func:`flags_of_machine`).
        """
        self._number += 1
        ip, port = self.launch.address
        start = Start(
            self._number,
            module,
            list(arguments),
            [
                *flags,
                *("--num_machines", str(self.launch.machines), "--num_processes", str(self.launch.processes)),
                # by number of machine and process, so that the first process is on the first machine
                *("--rdzv_backend", "static", "--same_network"),
                *("--main_process_ip", ip or socket.gethostname(), "--main_process_port", str(port or _free_port())),
            ],
            dict(environment or {}),
        )
        self._write(start=start)
        return start

    def stop(self, start: Start) -> None:
        """Have the other machines end these processes, if no others were started since."""
        with self._writing:
            if self._state.start is start:
                self._write(start=None)

    def end(self, reason: str) -> None:
        """Let the other machines go.

        Args:
            reason: why the run failed, in a line; empty where it did not.
        """
        self._over.set()
        self._write(start=None, ended=reason)

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            with contextlib.suppress(OSError, CalmError):  # a full disk: the next beat may come through
                self._write()

    def _write(self, **changes: Any) -> None:
        with self._writing:
            self._state = self._state._replace(beat=self._state.beat + 1, **changes)
            atomic_write(self.folder / NOTE, json.dumps(self._state._asdict()) + "\n")


@contextlib.contextmanager
def leading(folder: Path, launch: LaunchOptions) -> Iterator[Lead | None]:
    """Lead the other machines of a config while the run goes on; None where there are none.

    Args:
        folder: of the run; this process has its lock.
    """
    if launch.machines < 2:
        yield None
        return
    lead, reason = Lead(folder, launch), "it was ended"
    try:
        yield lead
        reason = ""
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise
    finally:
        lead.end(reason)


def _free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])
